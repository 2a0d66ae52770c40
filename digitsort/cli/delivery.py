"""Show the plan of a sort, and its result."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from digitsort.cli.console import stderr_console, table, warn
from digitsort.files.names import parent_of, printable
from digitsort.files.natural import natural_key
from digitsort.plural import plural
from digitsort.sorting.journal import has_head, journals, read_runs
from digitsort.sorting.plan import Mode

if TYPE_CHECKING:
    from digitsort.sorting.apply import Delivery
    from digitsort.sorting.plan import Operation, Plan
    from digitsort.sorting.recover import Recovered
    from digitsort.sorting.undo import Undone


VERBS = {
    Mode.COPY: ("copy", "copied"),
    Mode.MOVE: ("move", "moved"),
    Mode.HARD: ("link", "linked"),
    Mode.SYMBOLIC: ("link", "linked"),
}


def print_plan(plan: Plan) -> None:
    """Print every operation on stdout, and counts on stderr."""
    verb, _ = VERBS[plan.mode]
    lines = [f"{verb}  {printable(o.row.path)} -> {printable(o.target)}\n" for o in plan.operations]
    lines += [f"same  {printable(o.row.path)} = {printable(o.target)}\n" for o in plan.same]
    lines += [f"leave {printable(path)}: {reason}\n" for path, reason in plan.left]
    sys.stdout.writelines(lines)
    console = stderr_console()
    if plan.operations:
        console.print(_table(plan.operations))
    console.print(
        f"{len(plan.operations)} to {verb} ({_size(plan.operations)}), "
        f"{len(plan.same)} already there, {len(plan.left)} skipped. Nothing was done.",
        soft_wrap=True,
    )


def print_delivery(plan: Plan, delivery: Delivery, *, quiet: bool) -> None:
    """Print counts by folder, and every file that was skipped."""
    console = stderr_console(quiet=quiet)
    if delivery.done:
        console.print(_table(delivery.done))
    left = (*plan.left, *delivery.failed)
    end = f", {len(left)} skipped:" if left else "."
    _, verb = VERBS[plan.mode]
    console.print(f"{len(delivery.done)} {verb}, {len(delivery.same)} already there{end}")
    for path, reason in left:
        console.print(f"  {printable(path)}: {reason}", markup=False)
    if not (delivery.done or delivery.same):
        return
    dest = printable(plan.dest)
    console.print(
        f"\nSorted into {dest}. Its labels.csv lists where each file came from.", markup=False
    )


def print_recovered(recovered: Recovered | None, *, quiet: bool) -> None:
    """Print what an interrupted run had done."""
    if recovered is not None:
        stderr_console(quiet=quiet).print(
            f"Found an interrupted run. It had sorted {plural(recovered.delivered, 'file')}; "
            f"{plural(recovered.open, 'more file')} that it had begun did not change."
        )


def warn_of_open_run(dest: Path) -> None:
    """Warn that an interrupted run will be finished before the plan of this dry run."""
    last = next(read_runs(str(dest), entries=False), None)
    if last is not None and (last.undo_begun or not last.end):
        warn(f"a run in {dest} was interrupted, or is still running. It will be finished first.")


def warn_of_foreign_runs(dest: Path) -> None:
    """Warn that DEST has journals of another user or machine, which digitsort ignores."""
    ours = {run.path for run in read_runs(str(dest), entries=False)}
    foreign = [path for path in journals(str(dest)) if path not in ours and has_head(path)]
    if foreign:
        warn(
            f"{printable(foreign[0])} was not written by you for this folder, so digitsort ignores it. "
            "See --adopt in `digitsort undo --help`."
        )


def print_undone(undone: Undone, *, quiet: bool) -> None:
    """Print how many files were restored, and every file that was left."""
    console = stderr_console(quiet=quiet)
    end = f" {len(undone.left)} left as they are:" if undone.left else ""
    console.print(f"Undid {plural(undone.runs, 'sort')} ({plural(undone.restored, 'file')}).{end}")
    for path, reason in undone.left:
        console.print(f"  {printable(path)}: {reason}", markup=False)


def _table(operations: Iterable[Operation]) -> Table:
    folders = Counter(parent_of(operation.target) for operation in operations)
    counts: Counter[str] = Counter()
    for folder, count in folders.items():
        counts[os.path.basename(folder)] += count
    shown = table()
    shown.add_column("folder")
    shown.add_column("files", justify="right")
    for name in sorted(counts, key=natural_key):
        shown.add_row(Text(name), str(counts[name]))
    return shown


def _size(operations: Iterable[Operation]) -> str:
    total = 0
    for operation in operations:
        try:
            total += os.stat(operation.row.path).st_size
        except OSError:
            continue  # the run reports the error
    return f"{total:,} bytes"
