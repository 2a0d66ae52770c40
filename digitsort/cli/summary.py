"""Print the summary of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digitsort.cli.console import stderr_console, table, warn
from digitsort.files.names import printable
from digitsort.files.natural import natural_key
from digitsort.files.skipped import describe_skipped
from digitsort.plural import plural
from digitsort.records import Status

if TYPE_CHECKING:
    from digitsort.files.discover import Walk
    from digitsort.summary import Summary


def print_summary(summary: Summary, walk: Walk, output: str | None, *, quiet: bool) -> None:
    """Print the table of digits and statuses, the skipped files, and what to do next."""
    console = stderr_console(quiet=quiet)
    if summary.by_label:
        console.print(_table(summary))
    total = " + ".join(f"{summary.by_status[status]} {status}" for status in Status)
    console.print(f"{plural(summary.files, 'file')} = {total}")
    if summary.adapted:
        console.print(f"  {plural(summary.adapted, 'row')} became ok in the second pass")
    print_left_aside(console, summary, walk)
    if output is not None:
        name = printable(output)
        can_sort = summary.by_status[Status.ERROR] < summary.files
        console.print(f"\nWritten to {name}.", end=" Next: " if can_sort else "\n", markup=False)
        if can_sort:
            console.print(f"digitsort sort {_quoted(name)} sorted", markup=False, style="bold")


def print_left_aside(console: Console, summary: Summary, walk: Walk) -> None:
    """Print which files were no rows, or rows without a label, and why."""
    for (status, reason), count in (+summary.reasons).most_common():
        console.print(f"  {status}: {count} {reason}", markup=False)
    for outcome in summary.errors:
        console.print(f"    {printable(outcome.path)}: {outcome.reason}", markup=False)
    for note, count in summary.notes.most_common():
        console.print(f"  {plural(count, 'file')}: {note} was read", markup=False)
        for path in summary.noted[note]:
            console.print(f"    {printable(path)}", markup=False)
    for number, line in enumerate(describe_skipped(walk.skipped, looked_inside=walk.any_name)):
        console.print(f"{'  ' if number == 0 else '    '}{line}", markup=False)
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
    for label in sorted({label for label, _ in +summary.by_label}, key=natural_key):
        counts = (summary.by_label[label, s] for s in (Status.OK, Status.UNCERTAIN))
        shown.add_row(Text(label), *(str(count) if count else "·" for count in counts))
    return shown


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
