"""Show an evaluation in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from digitsort.training.evaluate import Evaluation


def print_evaluation(evaluation: Evaluation, title: str) -> None:
    """Print accuracy, the report by class and the confusion matrix on stdout."""
    console = Console(highlight=False)
    right = round(evaluation.accuracy * evaluation.count)
    console.print(
        f"{title}: accuracy {evaluation.accuracy:.2%} ({right} of {evaluation.count} right)",
        markup=False,
    )
    console.print(_by_class(evaluation))
    console.print(_confusion(evaluation))


def _by_class(evaluation: Evaluation) -> Table:
    table = Table(title="By class")
    for name in ("class", "images", "precision", "recall"):
        table.add_column(name, justify="left" if name == "class" else "right")
    for report in evaluation.classes:
        table.add_row(
            report.name, str(report.count), _share(report.precision), _share(report.recall)
        )
    return table


def _confusion(evaluation: Evaluation) -> Table:
    names = [report.name for report in evaluation.classes]
    table = Table(title="Confusion: rows are the truth, columns what was read")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for name, row in zip(names, evaluation.confusion, strict=True):
        table.add_row(name, *(str(count) if count else "·" for count in row))
    return table


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"
