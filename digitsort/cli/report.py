"""Show an evaluation in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digitsort.cli.console import table
from digitsort.files.names import printable

if TYPE_CHECKING:
    from digitsort.training.evaluate import Evaluation


MOST_SHOWN = 60
"""Largest number of classes for a confusion matrix in a terminal: longer lines would wrap."""


def print_evaluation(evaluation: Evaluation, title: str) -> None:
    """Print accuracy, the report by class and the confusion matrix on stdout."""
    console = Console(highlight=False)
    right = round(evaluation.accuracy * evaluation.count)
    console.print(
        f"{printable(title)}: accuracy {evaluation.accuracy:.2%} ({right} of {evaluation.count} right)",
        markup=False,
    )
    console.print(_by_class(evaluation))
    if len(evaluation.classes) > MOST_SHOWN:
        console.print(f"Confusion matrix not shown: there are more than {MOST_SHOWN} classes")
        return
    console.print("Confusion matrix: rows are the truth, columns are what was read")
    console.print(_confusion(evaluation))


def _by_class(evaluation: Evaluation) -> Table:
    shown = table()
    for name in ("class", "images", "precision", "recall"):
        shown.add_column(name, justify="left" if name == "class" else "right")
    for report in evaluation.classes:
        shown.add_row(
            Text(printable(report.name)),
            str(report.count),
            _share(report.precision),
            _share(report.recall),
        )
    return shown


def _confusion(evaluation: Evaluation) -> Table:
    shown = table()
    shown.add_column("")
    for report in evaluation.classes:
        shown.add_column(Text(printable(report.name)), justify="right", no_wrap=True, min_width=3)
    for report, row in zip(evaluation.classes, evaluation.confusion, strict=True):
        if report.count:
            shown.add_row(
                Text(printable(report.name)), *(str(count) if count else "·" for count in row)
            )
    return shown


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"
