"""Print the summary of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digitsort.cli.console import stderr_console, table, warn
from digitsort.files.names import printable
from digitsort.files.natural import natural_key
from digitsort.plural import plural
from digitsort.records import Status

if TYPE_CHECKING:
    from digitsort.files.discover import Walk
    from digitsort.labels import Format
    from digitsort.summary import Summary


def print_summary(
    summary: Summary, walk: Walk, output: str | None, *, form: Format, quiet: bool
) -> None:
    """Print counts by label and status, rows without a label, and the next command."""
    console = stderr_console(quiet=quiet)
    if summary.by_label:
        console.print(_table(summary))
    total = " + ".join(f"{summary.by_status[status]} {status}" for status in Status)
    console.print(f"{plural(summary.files, 'file')} = {total}")
    print_left_aside(console, summary, walk)
    if output is not None:
        name = printable(output)
        can_sort = form == "csv" and summary.by_status[Status.ERROR] < summary.files
        console.print(f"\nWritten to {name}.", end=" Next: " if can_sort else "\n", markup=False)
        if can_sort:
            console.print(f"digitsort sort {_quoted(name)} sorted", markup=False, style="bold")


def print_left_aside(console: Console, summary: Summary, walk: Walk) -> None:
    """Print why files have no row or no label, with counts and examples."""
    for (status, reason), count in summary.reasons.most_common():
        console.print(f"  {status}: {count} {reason}", markup=False)
    for outcome in summary.errors:
        console.print(f"    {printable(outcome.path)}: {outcome.reason}", markup=False)
    for note, count in summary.notes.most_common():
        console.print(f"  {plural(count, 'file')}: read only the {note}", markup=False)
    if walk.passed_over:
        console.print(f"  {walk.passed_over} other files passed over (no pictures by extension)")
    warn_unlisted(walk)


def warn_unlisted(walk: Walk) -> None:
    """Warn of each folder that could not be listed."""
    for folder, reason in walk.unreadable:
        warn(f"{folder} can't be listed: {reason}. Its files are missing from the result.")


def _table(summary: Summary) -> Table:
    shown = table()
    shown.add_column("label")
    for status in (Status.OK, Status.UNCERTAIN):
        shown.add_column(status.value, justify="right")
    for label in sorted({label for label, _ in summary.by_label}, key=natural_key):
        counts = (summary.by_label[label, s] for s in (Status.OK, Status.UNCERTAIN))
        shown.add_row(Text(label), *(str(count) if count else "·" for count in counts))
    return shown


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
