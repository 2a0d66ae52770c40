"""Define the command `digitsort review`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stages, stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import all_failed, warn_of
from digitsort.cli.tables import LabelsByHand, rows_of, say_findings, warn_unmatched, without_matched
from digitsort.errors import ExitCode, UsageError
from digitsort.evaluation.truth import read_truth
from digitsort.files.names import printable
from digitsort.files.regular import NotRegularError, head_of
from digitsort.labels.cells import Findings
from digitsort.labels.labels_csv import read_labels, table_of
from digitsort.labels.row import GoneRows
from digitsort.outcomes import OF_A_RUN, Status
from digitsort.plural import plural
from digitsort.review.choose import DEFAULT_LIMIT, Choice, Chooser, read_source
from digitsort.review.page import write_review
from digitsort.review.references import compare_accepted
from digitsort.sources.members import member_exists


@reports_errors
def review(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="labels.csv, or a folder that `sort` made.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")
    ] = Path("review.html"),
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    corrections: options.Corrections = None,
    new_class: options.NewClasses = None,
    exclude: options.Exclude = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="CSV with columns path and label, to compare the labels with.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="STATUS",
            help="Show only rows that are ok, uncertain, rejected or error; repeatable.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="Show at most N rows; default: 5000."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every row.")] = False,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Folder where the relative paths start; default: the folder of LABELS.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            metavar="N",
            help="Number of processes that make thumbnails; default: one per CPU.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Write an HTML page for correcting doubtful labels, offline, with the keyboard."""
    labels = table_of(labels)
    chooser = _chooser(only, limit, everything)
    options.refuse_output(output, force=force, inputs=(labels, truth, *(corrections or ())))
    findings = Findings()
    truths = {} if truth is None else read_truth(truth, findings)
    left = dict(truths)
    patterns = options.patterns(exclude)
    by_hand, gone = LabelsByHand(corrections or (), root, new_class or (), patterns), GoneRows()
    rows = without_matched(gone.left_out(rows_of(labels, by_hand, finds_moved=True)), left)
    source, tally = read_source(labels, rows, truths, chooser)
    for line in gone.say(labels):
        warn(line)
    if truth is not None:
        say_findings(truth, findings)
        warn_unmatched(truth, list(left), len(truths), "row of the table")
    with stages(quiet=quiet) as progress:
        references, unlike = compare_accepted(chooser, workers, progress)
    choice = chooser.choose(unlike)
    _check_pictures(labels, root, choice, quiet=quiet)
    with stages(quiet=quiet) as progress:
        write_review(
            output, source, tally, choice, references, force=force, workers=workers, progress=progress
        )
    if not quiet:
        _print_end(choice, chooser, tally.by_status.total(), output)
    if show:
        _open(output)
    return ExitCode.DONE


def _chooser(only: list[str] | None, limit: int | None, everything: bool) -> Chooser:
    unknown = [name for name in only or () if name not in OF_A_RUN]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is not a status. Choose one of {', '.join(OF_A_RUN)}.")
    if only:
        found = Chooser(statuses=[Status(name) for name in only], sample=0, pool_size=0)
    elif everything:
        found = Chooser(statuses=OF_A_RUN, sample=0)
    else:
        found = Chooser()
    found.limit = limit if limit or everything else DEFAULT_LIMIT
    return found


def _check_pictures(labels: Path, root: Path | None, choice: Choice, *, quiet: bool) -> None:
    """Warn of files that can't be opened; raise DigitsortError if none of them can.

    The page also says so on each card.
    """
    failures = [
        (card.row.path, why) for card in choice.cards if (why := _why_unreadable(card.row.path))
    ]
    if failures and len(failures) == len(choice.cards):
        everything = [(row.path, _why_unreadable(row.path)) for row in read_labels(labels, root)]
        if all(why for _, why in everything):
            failures = everything  # the page would have shown only some of them
        raise all_failed(labels, failures, may_be_elsewhere=root is None)
    if not quiet:
        warn_of(failures, len(choice.cards), may_be_elsewhere=root is None)


def _why_unreadable(path: str) -> str:
    """Return why a file can't be opened, as the system says it; empty if it can be."""
    try:
        head_of(path, 1)
    except NotRegularError:
        return "not a regular file"
    except NotADirectoryError as error:
        return "" if member_exists(path) else error.strerror or str(error)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _print_end(choice: Choice, chooser: Chooser, total: int, output: Path) -> None:
    console = stderr_console()
    missing = choice.doubtful - choice.shown
    to_check = len(choice.cards) - len(choice.unlike) - choice.sampled - choice.reviewed
    of_accepted = f"{len(choice.unlike)} accepted but unlike the others, {choice.sampled} at random"
    console.print(
        f"The page shows {len(choice.cards)} of {plural(total, 'row')}: {to_check} to check, "
        f"{of_accepted}, {choice.reviewed} already labelled."
    )
    if len(chooser.pool) < chooser.accepted and chooser.pool:
        console.print(
            f"  {plural(len(chooser.pool), 'accepted row')} of {chooser.accepted}, drawn at random, "
            "were compared with each other."
        )
    if missing:
        console.print(
            f"  {plural(missing, 'doubtful row')} left out, the most certain. Show more with --limit N "
            "or --all."
        )
    console.print(
        f"\nWritten to {printable(str(output))}. Open it in a browser; "
        "its Save button writes your corrections.",
        markup=False,
    )


def _open(output: Path) -> None:
    if not webbrowser.open(output.absolute().as_uri()):
        warn(f"Could not start a browser. Open {output} yourself.")
