"""`digitsort sort`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.classify import Settings
    from digitsort.labels import Row


@reports_errors
def sort(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A folder of pictures, or a labels.csv.")
    ],
    dest: Annotated[
        Path, typer.Argument(metavar="DEST", help="Gets folders 0-9, _uncertain and _rejected.")
    ],
    accept_uncertain: Annotated[
        bool,
        typer.Option("--accept-uncertain", help="Best guesses go into their digit's folder."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print what would be done, and do nothing.")
    ] = False,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Where a labels.csv's relative paths start."),
    ] = None,
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    workers: options.Workers = None,
    follow_links: options.FollowLinks = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Copy pictures into a folder for each digit. Nothing is ever replaced or removed."""
    from digitsort.classify import Settings
    from digitsort.cli.console import stages
    from digitsort.cli.delivery import print_delivery, print_plan
    from digitsort.errors import UsageError
    from digitsort.files.names import printable
    from digitsort.sorting.apply import apply_plan
    from digitsort.sorting.plan import plan_sort

    target = Path(os.path.abspath(dest))
    if target.exists() and not target.is_dir():
        raise UsageError(f"DEST {printable(str(dest))} is a file: name a folder.")
    if source.is_dir():
        settings = Settings(min_confidence, limits=options.limits(max_pixels, max_side, max_bytes))
        rows = _classified(source, target, model, settings, workers, follow_links, quiet)
    elif any(o is not None for o in (model, min_confidence, max_pixels, max_side, max_bytes)):
        raise UsageError(
            "SOURCE is labelled already: --model, --min-confidence and limits are for a folder."
        )
    else:
        rows = _labelled(source, root)
    plan = plan_sort(rows, target, accept_uncertain=accept_uncertain)
    if dry_run:
        print_plan(plan)
        return ExitCode.DONE
    with stages(quiet=quiet) as progress:
        delivery = apply_plan(plan, progress)
    print_delivery(plan, delivery, quiet=quiet)
    return ExitCode.SOME_FAILED if delivery.failed or plan.left else ExitCode.DONE


def _labelled(path: Path, root: Path | None) -> list[Row]:
    from digitsort.files.discover import check_sources
    from digitsort.labels import read_labels, require_rows

    check_sources([path])
    rows = list(read_labels(path, root))
    require_rows(rows, path)
    return rows


def _classified(
    source: Path,
    dest: Path,
    model: Path | None,
    settings: Settings,
    workers: int | None,
    follow_links: bool,
    quiet: bool,
) -> list[Row]:
    """Classify a folder; DEST inside of it is no input."""
    from digitsort.classify import classify_files
    from digitsort.cli.console import counted, open_model, stderr_console
    from digitsort.cli.summary import print_left_aside
    from digitsort.errors import NothingToDoError, UsageError
    from digitsort.files.discover import Walk, check_sources
    from digitsort.files.names import printable
    from digitsort.labels import Layout, row_of
    from digitsort.summary import Summary

    if os.path.realpath(source) == os.path.realpath(dest):
        raise UsageError("DEST is SOURCE itself: name another folder; one inside SOURCE will do.")
    walk = Walk(check_sources([source]), follow_links, exclude=os.path.realpath(dest))
    found = open_model(model, quiet=quiet)
    layout = Layout(str(dest), found.card.short)
    summary = Summary()
    outcomes = classify_files(summary.found(walk.files()), found, settings, workers=workers)
    with counted(summary.counted(outcomes), walk, quiet=quiet) as counted_outcomes:
        rows = [row_of(outcome, layout) for outcome in counted_outcomes]
    summary.close()
    if not rows:
        raise NothingToDoError(
            f"No images found in {printable(str(source))}. Name a folder that holds some."
        )
    print_left_aside(stderr_console(quiet=quiet), summary, walk)
    return rows
