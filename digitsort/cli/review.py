"""`digitsort review`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.review.choose import Choice, Chooser


@reports_errors
def review(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="A labels.csv that `digitsort classify` wrote.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The page.")] = Path(
        "review.html"
    ),
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    corrections: options.Corrections = None,
    new_class: options.NewClasses = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", metavar="FILE", help="CSV with path and label, to judge the labels by."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="STATUS", help="Show ok, uncertain, rejected or error alone; repeatable."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="Show so many at most; by default 5000."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every row, however many.")] = False,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Where the relative paths start."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes that make the small pictures."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Make a page on which a person corrects the doubtful labels, offline, with the keyboard."""
    from digitsort.cli.console import stages
    from digitsort.cli.tables import rows_of, say_findings, warn_unmatched, without_matched
    from digitsort.files.atomic import refuse_existing
    from digitsort.human_labels import Findings
    from digitsort.review.page import write_review
    from digitsort.review.source import read_source
    from digitsort.truth import read_truth

    chooser = _chooser(only, limit, everything)
    refuse_existing(output, force=force)
    findings = Findings()
    truths = {} if truth is None else read_truth(truth, findings)
    left = dict(truths)
    rows = without_matched(rows_of(labels, root, corrections, new_class), left)
    source, tally = read_source(labels, rows, truths, chooser)
    if truth is not None:
        say_findings(truth, findings)
        warn_unmatched(truth, list(left), len(truths), "row of the table")
    choice = chooser.choose()
    with stages(quiet=quiet) as progress:
        write_review(output, source, tally, choice, force=force, workers=workers, progress=progress)
    if not quiet:
        _print_end(choice, tally.by_status.total(), output)
    if show:
        _open(output)
    return ExitCode.DONE


def _chooser(only: list[str] | None, limit: int | None, everything: bool) -> Chooser:
    from digitsort.errors import UsageError
    from digitsort.records import Status
    from digitsort.review.choose import DEFAULT_LIMIT, Chooser

    unknown = [name for name in only or () if name not in list(Status)]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no status; they are {', '.join(Status)}.")
    if only:
        found = Chooser(statuses=[Status(name) for name in only], sample=0)
    elif everything:
        found = Chooser(statuses=list(Status), sample=0)
    else:
        found = Chooser()
    found.limit = limit if limit or everything else DEFAULT_LIMIT
    return found


def _print_end(choice: Choice, total: int, output: Path) -> None:
    from digitsort.cli.console import stderr_console
    from digitsort.files.names import printable

    console = stderr_console()
    missing = choice.doubtful - choice.shown
    console.print(
        f"{len(choice.cards)} of {total} rows on the page: {choice.shown} to look at, "
        f"{choice.sampled} accepted ones as a sample, {choice.reviewed} labelled before."
    )
    if missing:
        console.print(
            f"  {missing} more doubtful ones are left out, the most certain of them: --limit N or "
            "--all shows more."
        )
    console.print(
        f"\nWritten to {printable(str(output))}. Open it in a browser; "
        "its Save button makes a corrections.csv.",
        markup=False,
    )


def _open(output: Path) -> None:
    import webbrowser

    from digitsort.cli.console import warn

    if not webbrowser.open(output.absolute().as_uri()):
        warn(f"No browser could be started: open {output} yourself.")
