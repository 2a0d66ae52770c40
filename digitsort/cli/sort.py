"""Define the command `digitsort sort`: get the rows, from a table or a folder, and deliver files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from digitsort.classification.classify import Summary, classify_files
from digitsort.classification.settings import Settings
from digitsort.cli import options
from digitsort.cli.console import counted, delivered, open_model, stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import (
    print_delivery,
    print_left_aside,
    print_plan,
    print_recovered,
    warn_of_foreign_runs,
    warn_of_open_run,
)
from digitsort.cli.tables import LabelsByHand, checked_corrections, rows_of, warn_unused
from digitsort.errors import ExitCode, NothingToDoError, UsageError
from digitsort.files.names import absolute, printable
from digitsort.files.sealed import state_folder
from digitsort.images.discover import Walk, check_sources, nothing_found, suffix_of
from digitsort.images.read import has_sha256
from digitsort.labels.cells import OF_NUMBERS
from digitsort.labels.labels_csv import Layout, require_rows, row_of
from digitsort.labels.partial import kept_rows
from digitsort.labels.resume import RunSettings
from digitsort.labels.row import GoneRows, Row
from digitsort.outcomes import Outcome
from digitsort.sorting.apply import carry_out
from digitsort.sorting.books import read_books
from digitsort.sorting.dest import Held, locked
from digitsort.sorting.plan import Conflict, Mode, Plan, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.rehearse import check_room, rehearse
from digitsort.sorting.sidecars import SideCars
from digitsort.sources.archives import is_archive
from digitsort.sources.members import is_archive_folder
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


@dataclass(frozen=True, slots=True)
class ToSort:
    """Rows to sort.

    Attributes
    ----------
    is_complete : bool
        False if a folder could not be listed, so that its files have no rows.
    """

    rows: list[Row]
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """Options for reading a folder.

    Attributes
    ----------
    model : Path or None
        By default the model that comes with digitsort.
    only_labels : str or None
        As it was typed.
    follow_links, any_name : bool
        As `Walk` has them.
    exclude : tuple of str
        Shell patterns, as `Walk.patterns`.
    sidecars : bool
        Whether sidecars are sorted too. They are then not counted as skipped.
    archives : bool
        As `Walk` has it.
    """

    model: Path | None
    settings: Settings
    only_labels: str | None
    workers: int | None
    follow_links: bool
    any_name: bool
    exclude: tuple[str, ...] = ()
    sidecars: bool = False
    archives: bool = False


def labelled(path: Path, dest: Path, by_hand: LabelsByHand) -> ToSort:
    """Read the rows of a labels.csv, with a person's corrections if there are any.

    Rows of files that are gone are left out, unless DEST has their content: a sort moved them there.
    """
    check_sources([path])
    gone = GoneRows(lambda: {row.sha256 for row in read_books(str(dest)).values() if row.sha256})
    with garbage_waits():
        rows = list(gone.left_out(rows_of(path, by_hand)))
    for line in gone.say(path):
        warn(line)
    require_rows(rows, path)
    return ToSort(rows)


def classified(
    source: Path,
    dest: Path,
    how: FolderOptions,
    by_hand: LabelsByHand,
    quiet: bool,
    *,
    dry_run: bool = False,
) -> ToSort:
    """Classify a folder, except for DEST inside it. A person's corrections take precedence.

    Except in a dry run, an interrupted run with the same settings is continued.
    """
    if os.path.realpath(source) == os.path.realpath(dest):
        raise UsageError(
            "DEST and SOURCE are the same folder. Choose another DEST; it may be inside SOURCE."
        )
    walk = Walk(
        check_sources([source]),
        how.follow_links,
        exclude=os.path.realpath(dest),
        any_name=how.any_name,
        patterns=how.exclude,
        archives=how.archives,
    )
    found = open_model(how.model)
    labels = options.labels(how.only_labels, found.class_names)
    known = checked_corrections(by_hand, found.class_names)  # errors in the table come first
    layout = Layout(str(dest), found.card.short)
    summary = Summary()
    paths = summary.found(walk.files())
    settings = replace(how.settings, only_labels=labels)
    mark = found.card.fingerprint
    run = RunSettings.of(
        walk.sources,
        how.follow_links,
        mark,
        settings,
        "csv",
        exclude=how.exclude,
        archives=how.archives,
    )
    with ExitStack() as stack:
        outcomes: Iterable[Outcome]
        if dry_run:
            outcomes = classify_files(paths, found, settings, workers=how.workers)
        else:
            file = stack.enter_context(kept_rows(_rows_path(source, dest), layout, run))
            before, rest = file.take_up(paths, partial(has_sha256, limits=settings.limits))
            new = classify_files(rest, found, settings, workers=how.workers)
            outcomes = file.written_from(chain(before, new))
        shown = stack.enter_context(counted(summary.counted(outcomes), walk, quiet=quiet))
        rows = [row_of(outcome, layout) for outcome in shown]
    summary.close()
    if not rows:
        raise nothing_found(
            walk, f"No images found in {printable(str(source))}. Choose a folder with images."
        )
    if how.sidecars:
        _count_out_sidecars(walk.skipped, rows)
    print_left_aside(stderr_console(quiet=quiet), summary, walk)
    if known is not None:
        rows = list(known.correct(rows))
        warn_unused(known)
    return ToSort(rows, is_complete=not walk.unreadable)


def _count_out_sidecars(skipped: Counter[str], rows: Iterable[Row]) -> None:
    """Take the sidecars of images out of the counts of skipped files."""
    sidecars = SideCars(looks=True)
    for row in rows:
        for path in sidecars.lying_by(absolute(row.path)):
            sidecars.give(path)
            skipped[suffix_of(path)] -= 1
    for suffix in [suffix for suffix, count in skipped.items() if count <= 0]:
        del skipped[suffix]


def _rows_path(source: Path, dest: Path) -> Path:
    """Return where to keep the rows of an interrupted sort: DEST may not exist yet, and go again."""
    both = "\0".join(map(os.path.realpath, (source, dest)))
    name = sha256(os.fsencode(both)).hexdigest()[:32]
    return state_folder() / "sorts" / f"{name}.csv"


def is_to_classify(source: str | Path) -> bool:
    """Return whether SOURCE is a folder or an archive, whose pictures have to be classified first."""
    return os.path.isdir(source) or is_of_archive(source)


def is_of_archive(source: str | Path) -> bool:
    """Return whether SOURCE is an archive, or a folder in one."""
    name = os.fspath(source)
    return (is_archive(name) and os.path.isfile(source)) or is_archive_folder(name)


def with_folders(
    chosen: SortOptions, rows: Sequence[Row], source: Path, root: Path | None, keep: bool
) -> SortOptions:
    """Return options that name the folder whose subfolders are kept: SOURCE, or the common parent."""
    if not keep or not rows:
        return chosen
    if is_to_classify(source):
        return replace(chosen, keep_folders_of=os.path.abspath(source))
    base = os.path.abspath(source.parent if root is None else root)
    folders = {os.path.dirname(os.path.abspath(row.path)) for row in rows}
    top = os.path.join(base, "")
    if not all(os.path.join(folder, "").startswith(top) for folder in folders):
        return replace(chosen, keep_folders_of=_common(folders))
    return replace(chosen, keep_folders_of=base)


def _common(folders: set[str]) -> str | None:
    try:
        return os.path.commonpath(folders)
    except ValueError:  # on several drives
        return None
