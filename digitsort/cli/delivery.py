"""Show a plan, or what became of it."""

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
        f"{len(plan.same)} there already, {len(plan.left)} left where they are. Nothing was done.",
        soft_wrap=True,
    )


def print_delivery(plan: Plan, delivery: Delivery, *, quiet: bool) -> None:
    """Print counts by folder, and every file that was not delivered."""
    console = stderr_console(quiet=quiet)
    if delivery.done:
        console.print(_table(delivery.done))
    left = (*plan.left, *delivery.failed)
    end = f", {len(left)} left where they are:" if left else "."
    _, verb = VERBS[plan.mode]
    console.print(f"{len(delivery.done)} {verb}, {len(delivery.same)} there already{end}")
    for path, reason in left:
        console.print(f"  {printable(path)}: {reason}", markup=False)
    if not (delivery.done or delivery.same):
        return
    dest = printable(plan.dest)
    console.print(f"\nSorted into {dest}; labels.csv there says what is what.", markup=False)


def print_recovered(recovered: Recovered | None, *, quiet: bool) -> None:
    """Say what was found of a run that was killed."""
    if recovered is not None:
        stderr_console(quiet=quiet).print(
            f"An interrupted run was found: it had sorted {recovered.delivered} files; "
            f"{recovered.open} more that it had begun are where they were."
        )


def warn_of_open_run(dest: Path) -> None:
    """Say that a run that was killed will be finished before what a dry run shows."""
    last = next(read_runs(str(dest), entries=False), None)
    if last is not None and (last.undo_begun or not last.end):
        warn(f"a run in {dest} was interrupted, or is going on: what it began will be finished first.")


def warn_of_foreign_runs(dest: Path) -> None:
    """Say that DEST holds journals of another user or machine, which are left alone."""
    ours = {run.path for run in read_runs(str(dest), entries=False)}
    foreign = [path for path in journals(str(dest)) if path not in ours and has_head(path)]
    if foreign:
        warn(
            f"{printable(foreign[0])} was not written by you for this folder: it is left alone. See "
            "`digitsort undo --help` for --adopt."
        )


def print_undone(undone: Undone, *, quiet: bool) -> None:
    """Print how many files are back, and every one that was left."""
    console = stderr_console(quiet=quiet)
    runs = "1 run" if undone.runs == 1 else f"{undone.runs} runs"
    end = f", {len(undone.left)} left where they are:" if undone.left else "."
    console.print(f"{runs} taken back: {undone.restored} files{end}")
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
            continue  # the run will say what is wrong with it
    return f"{total:,} bytes"
