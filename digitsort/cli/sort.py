"""Define the command `digitsort sort`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from digitsort.classification.classify import Settings
from digitsort.classification.length import OF_NUMBERS
from digitsort.cli import options
from digitsort.cli.console import counted, delivered
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import (
    print_delivery,
    print_plan,
    print_recovered,
    warn_of_foreign_runs,
    warn_of_open_run,
)
from digitsort.cli.tables import LabelsByHand
from digitsort.cli.to_sort import (
    FolderOptions,
    ToSort,
    classified,
    is_of_archive,
    is_to_classify,
    labelled,
    with_folders,
)
from digitsort.errors import ExitCode, NothingToDoError, UsageError
from digitsort.files.names import printable
from digitsort.images.discover import check_sources
from digitsort.labels.row import Row
from digitsort.sorting.apply import carry_out
from digitsort.sorting.dest import Held, locked
from digitsort.sorting.plan import Conflict, Mode, Plan, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.rehearse import check_room, rehearse
from digitsort.workers.choose_engine import start_early
from digitsort.workers.tuning import garbage_waits


@reports_errors
def sort(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Folder of images, or a labels.csv.")
    ],
    dest: Annotated[
        Path,
        typer.Argument(
            metavar="DEST", help="Folder for the sorted files; gets 0-9, _uncertain and _rejected."
        ),
    ],
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files (default).")] = False,
    move: Annotated[
        bool, typer.Option("--move", help="Move the files; `digitsort undo` puts them back.")
    ] = False,
    link: Annotated[
        str | None,
        typer.Option(
            "--link", metavar="hard|sym", help="Create hard or symbolic links instead of copies."
        ),
    ] = None,
    keep_folders: Annotated[
        bool, typer.Option("--keep-folders", help="Recreate the subfolders of SOURCE below each digit.")
    ] = False,
    accept_uncertain: Annotated[
        bool,
        typer.Option(
            "--accept-uncertain", help="Put uncertain files into the folder of their best guess."
        ),
    ] = False,
    on_conflict: Annotated[
        str,
        typer.Option(
            "--on-conflict",
            metavar="rename|skip|error",
            help="If a different file has the same name: add a number, skip the file, or stop before "
            "sorting anything.",
        ),
    ] = "rename",
    corrections: options.Corrections = None,
    new_class: options.NewClasses = None,
    sidecars: Annotated[
        bool,
        typer.Option(
            "--sidecars",
            help="Deliver sidecar files with their images: 7.xmp or 7.png.xmp with 7.png; also .json, "
            ".txt, .xml, .yaml and .aae.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only print what would be done.")
    ] = False,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Folder where relative paths of a labels.csv start; only files below it are moved.",
        ),
    ] = None,
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    only_labels: options.OnlyLabels = None,
    workers: options.Workers = None,
    follow_links: options.FollowLinks = False,
    any_name: options.AnyName = False,
    archives: options.Archives = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    folder_per_number: Annotated[
        bool,
        typer.Option(
            "--folder-per-number", help="Sort rows of `classify --number`: one folder for each number."
        ),
    ] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Copy, move or link images into one folder per digit. No file is ever replaced or lost."""
    if is_to_classify(source):
        start_early([source], workers)

    chosen = SortOptions(
        _mode(copy, move, link),
        _conflict(on_conflict),
        accept_uncertain,
        sidecars=sidecars,
        tables=frozenset(map(os.path.abspath, (source, *(corrections or ())))),
    )
    _refuse_archives(source, chosen.mode, archives=archives)
    target = Path(os.path.realpath(dest))
    if os.path.lexists(target) and not os.path.isdir(target):
        raise UsageError(f"DEST {printable(str(dest))} is a file: name a folder.")
    of_a_folder = (model, min_confidence, only_labels, max_pixels, max_side, max_bytes)
    if not is_to_classify(source) and any(option is not None for option in of_a_folder):
        raise UsageError(
            "SOURCE is already labelled. Use --model, --min-confidence, --only-labels and limits only "
            "with a folder."
        )
    patterns = options.patterns(exclude)
    by_hand = LabelsByHand(corrections or (), root, new_class or (), patterns)
    folder_options = None
    if is_to_classify(source):
        settings = _settings(min_confidence, max_pixels, max_side, max_bytes)
        folder_options = FolderOptions(
            model, settings, only_labels, workers, follow_links, any_name, patterns, sidecars, archives
        )
    # Resolved now, so that a folder that a link replaces later moves nothing.
    move_from = _move_from(source, root)

    def read() -> ToSort:
        if folder_options is not None:
            return classified(source, target, folder_options, by_hand, quiet, dry_run=dry_run)
        to_sort = labelled(source, target, by_hand)
        if not folder_per_number and any(row.model.endswith(OF_NUMBERS) for row in to_sort.rows):
            raise UsageError(
                f"{printable(str(source))} has rows of `classify --number`. Each number would get a "
                "folder of its own. Add --folder-per-number to allow this, or use `digitsort table`."
            )
        return to_sort

    def plan(rows: list[Row]) -> Plan:
        with garbage_waits():
            options_of_plan = with_folders(chosen, rows, source, root, keep_folders)
            return plan_sort(rows, target, replace(options_of_plan, move_from=move_from))

    warn_of_foreign_runs(target)
    may_be_elsewhere = folder_options is None and root is None
    if dry_run:
        warn_of_open_run(target)
        return _rehearse(*_planned(read, plan), quiet, may_be_elsewhere)
    check_sources([source])
    with locked(target) as held:
        return _carry_out(read, plan, held, quiet, may_be_elsewhere)


def _planned(read: Callable[[], ToSort], plan: Callable[[list[Row]], Plan]) -> tuple[ToSort, Plan]:
    """Read the rows and plan their sort; without images, plan for sidecars that were left behind."""
    try:
        to_sort = read()
    except NothingToDoError:
        planned = plan([])
        if not planned.sidecars:
            raise
        return ToSort([]), planned
    return to_sort, plan(to_sort.rows)


def _rehearse(to_sort: ToSort, planned: Plan, quiet: bool, may_be_elsewhere: bool) -> ExitCode:
    """Print what a run would do, and return or raise what it would."""
    with counted(planned.operations, len(planned.operations), quiet=quiet) as operations:
        rehearsed = rehearse(planned, operations)
    print_plan(rehearsed, may_be_elsewhere=may_be_elsewhere)
    check_room(rehearsed)
    is_all = to_sort.is_complete and not rehearsed.left
    return ExitCode.DONE if is_all else ExitCode.SOME_FAILED


def _carry_out(
    read: Callable[[], ToSort],
    plan: Callable[[list[Row]], Plan],
    held: Held,
    quiet: bool,
    may_be_elsewhere: bool,
) -> ExitCode:
    recovered = recover(held)
    print_recovered(recovered, quiet=quiet)
    try:
        to_sort, planned = _planned(read, plan)
    except NothingToDoError:
        if recovered is None:
            raise
        return ExitCode.DONE  # the only work was to finish the interrupted run
    with delivered(planned.mode, quiet=quiet) as progress, garbage_waits():
        delivery = carry_out(planned, held, progress)
    print_delivery(planned, delivery, quiet=quiet, may_be_elsewhere=may_be_elsewhere)
    is_all = to_sort.is_complete and not (delivery.failed or planned.left)
    return ExitCode.DONE if is_all else ExitCode.SOME_FAILED


def _move_from(source: Path, root: Path | None) -> str:
    """Return the only folder that files may be moved from: SOURCE, --root, or the table's folder."""
    if root is None:
        root = source if is_to_classify(source) else source.absolute().parent
    return os.path.realpath(root)


def _refuse_archives(source: Path, mode: Mode, *, archives: bool) -> None:
    """Raise UsageError, before hours of reading, if SOURCE has pictures that can only be copied."""
    if mode is not Mode.COPY and (archives or is_of_archive(source)):
        what = "--archives" if archives else printable(str(source))
        raise UsageError(f"{what}: pictures in archives can only be copied. Use --copy.")


def _settings(
    min_confidence: float | None, max_pixels: int | None, max_side: int | None, max_bytes: int | None
) -> Settings:
    return Settings(min_confidence, limits=options.limits(max_pixels, max_side, max_bytes))


def _mode(copy: bool, move: bool, link: str | None) -> Mode:
    if copy + move + (link is not None) > 1:
        raise UsageError("Choose one of --copy, --move and --link.")
    if link is not None and link not in ("hard", "sym"):
        raise UsageError(f"--link must be hard or sym, got {link!r}.")
    if link is not None:
        return Mode.HARD if link == "hard" else Mode.SYMBOLIC
    return Mode.MOVE if move else Mode.COPY


def _conflict(text: str) -> Conflict:
    try:
        return Conflict(text)
    except ValueError as error:
        raise UsageError(f"--on-conflict must be rename, skip or error, got {text!r}.") from error
