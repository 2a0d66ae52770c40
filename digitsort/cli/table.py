"""Define the command `digitsort table`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.tables import LabelsByHand, rows_of_all
from digitsort.errors import ExitCode, NothingToDoError
from digitsort.files.atomic import replacing
from digitsort.files.names import folder_of, printable
from digitsort.labels.table import line_of
from digitsort.pages.cells_csv import read_cells
from digitsort.pages.check_sums import Check, SumState, describe_sums
from digitsort.pages.table_csv import PageSums, PageTable, check_sums, page_table_of
from digitsort.pages.table_xlsx import SUFFIX, require_openpyxl, write_workbook
from digitsort.plural import plural


@reports_errors
def table(
    labels: Annotated[
        list[Path],
        typer.Argument(
            metavar="LABELS...",
            help="labels.csv of the cells' pictures; several if `cut` made several folders.",
        ),
    ],
    cells: Annotated[
        Path | None,
        typer.Option(
            "--cells",
            metavar="FILE",
            help="cells.csv from `digitsort cut`; default: cells.csv beside the first LABELS.",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="The table: .csv or .xlsx; - is stdout."),
    ] = "table.csv",
    corrections: options.Corrections = None,
    new_class: options.NewClasses = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Folder where relative paths of LABELS start."),
    ] = None,
    check_sum: Annotated[
        list[str] | None,
        typer.Option(
            "--check-sum",
            metavar="row|column[:BLOCK]",
            help="Check that the last cell of each row (column) is the sum of the others; repeatable.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing table.")] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Put the labels of cells back into the rows and columns of their pages.

    With --check-sum, the exit code is 6 if a sum is wrong.
    """
    checks = list(map(Check.of, check_sum or ()))
    places = cells or labels[0].parent / "cells.csv"
    options.refuse_other_format(output, [SUFFIX])
    if _is_workbook(output):
        require_openpyxl()
    if output != "-":
        options.refuse_output(Path(output), force=force, inputs=(*labels, places, *(corrections or ())))
    by_hand = LabelsByHand(corrections or (), root, new_class or ())
    made = page_table_of(rows_of_all(labels, by_hand), read_cells(places))
    if not made.rows:
        raise NothingToDoError(f"{printable(str(places))} has no rows: there is nothing to do.")
    sums = check_sums(made, checks)
    _write(made, sums, output, force=force)
    _say(made, sums, output, quiet=quiet)
    return ExitCode.VERIFICATION if sums.counts()[SumState.WRONG] else ExitCode.DONE


def _is_workbook(output: str) -> bool:
    return output.lower().endswith(SUFFIX)


def _write(made: PageTable, sums: PageSums, output: str, *, force: bool) -> None:
    root = folder_of(output)
    if output == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        sys.stdout.writelines(_text(made, sums, root))
        return
    with replacing(Path(output), force=force) as file:
        if _is_workbook(output):
            write_workbook(made, sums, file, root)
            return
        file.writelines(line.encode() for line in _text(made, sums, root))


def _text(made: PageTable, sums: PageSums, root: str) -> Iterable[str]:
    yield line_of(made.header(sums))
    yield from map(line_of, made.lines(root, sums))


def _say(made: PageTable, sums: PageSums, output: str, *, quiet: bool) -> None:
    if made.unlabelled:
        warn(
            f"{plural(made.unlabelled, 'cell')} with ink have no row in the labels; they are doubtful."
        )
    if made.unused:
        warn(f"{plural(made.unused, 'row')} of the labels belong to no cell; they are left out.")
    console = stderr_console(quiet=quiet)
    sure = made.cells - made.blank - made.doubtful
    console.print(
        f"{plural(made.cells, 'cell')} = {sure} sure + {made.doubtful} doubtful + {made.blank} blank"
    )
    if sums.directions:
        console.print(describe_sums(sums.counts()))
    if output != "-":
        console.print(f"Written to {printable(output)}.", markup=False)
