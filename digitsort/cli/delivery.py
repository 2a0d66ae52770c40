"""Show a plan, or what became of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from digitsort.cli.console import stderr_console, table
from digitsort.files.names import printable
from digitsort.files.natural import natural_key

if TYPE_CHECKING:
    from digitsort.sorting.apply import Delivery
    from digitsort.sorting.plan import Operation, Plan


def print_plan(plan: Plan) -> None:
    """Print every operation on stdout, and counts on stderr."""
    for operation in plan.operations:
        typer.echo(f"copy  {printable(operation.row.path)} -> {printable(operation.target)}")
    for operation in plan.same:
        typer.echo(f"same  {printable(operation.row.path)} = {printable(operation.target)}")
    for path, reason in plan.left:
        typer.echo(f"leave {printable(path)}: {reason}")
    console = stderr_console()
    if plan.operations:
        console.print(_table(plan.operations))
    console.print(
        f"{len(plan.operations)} to copy ({_size(plan.operations)}), "
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
    console.print(f"{len(delivery.done)} copied, {len(delivery.same)} there already{end}")
    for path, reason in left:
        console.print(f"  {printable(path)}: {reason}", markup=False)
    if not (delivery.done or delivery.same):
        return
    dest = printable(plan.dest)
    console.print(f"\nSorted into {dest}; labels.csv there says what is what.", markup=False)


def _table(operations: Iterable[Operation]) -> Table:
    counts = Counter(os.path.basename(os.path.dirname(o.target)) for o in operations)
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
