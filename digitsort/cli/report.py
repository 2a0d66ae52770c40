"""Print how well images were read, and what a model learned from a person's labels."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from digitsort.cli.console import table
from digitsort.errors import OutputError
from digitsort.files.names import printable, to_cell
from digitsort.plural import plural

if TYPE_CHECKING:
    from digitsort.evaluation.judge import Judged, Mistake
    from digitsort.evaluation.metrics import Band, Evaluation
    from digitsort.model.reading import Model
    from digitsort.review.report import Measured
    from digitsort.training.dataset import Dataset
    from digitsort.training.fit import Trained
    from digitsort.training.labelled import Taught
    from digitsort.training.learn import Change


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


WORST = 10


def print_measured(measured: Measured, *, bands: bool) -> None:
    """Print tables on stdout; with `bands` also the share of right labels by confidence."""
    print_evaluation(measured.judged.evaluation, measured.name)
    if bands:
        _print_bands(measured)
    _print_rest(measured.judged, measured.unknown)


def print_json(measured: Measured) -> None:
    """Print all measurements as one JSON object on stdout."""
    judged = measured.judged
    evaluation = judged.evaluation
    found = {
        "source": printable(measured.name),
        "model": measured.model,
        "images": evaluation.count,
        "unknown": measured.unknown,
        "accuracy": evaluation.accuracy,
        "threshold": measured.threshold,
        "accepted": judged.accepted,
        "accepted_wrong": judged.accepted_wrong,
        "coverage": judged.coverage,
        "accepted_error": judged.accepted_error,
        "classes": [_numbers(asdict(report)) for report in evaluation.classes],
        "confusion": evaluation.confusion.tolist(),
        "bands": [_band(band) for band in measured.guesses.bands()],
        "mistakes": [_mistake(mistake) for mistake in judged.mistakes],
    }
    typer.echo(json.dumps(found, indent=2))  # ASCII: whatever the encoding of stdout is


def _band(band: Band) -> dict[str, Any]:
    return _numbers({**asdict(band), "accuracy": band.accuracy})


def _mistake(mistake: Mistake) -> dict[str, Any]:
    """Return a mistake with its path as in a labels.csv in the working folder."""
    return {**asdict(mistake), "path": to_cell(mistake.path, os.getcwd())}


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with None for nan, which JSON does not have."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}


def _print_bands(measured: Measured) -> None:
    shown = table()
    for name in ("confidence", "labels", "right", "share"):
        shown.add_column(name, justify="left" if name == "confidence" else "right")
    for band in measured.guesses.bands():
        if band.count:
            limits = f"{band.low:g} - {band.high:g}"
            shown.add_row(limits, str(band.count), str(band.right), f"{band.accuracy:.1%}")
    console = Console(highlight=False)
    console.print("Share of right labels by confidence, to help choose --min-confidence")
    console.print(shown)


def _print_rest(judged: Judged, unknown: int) -> None:
    typer.echo(
        f"Accepted as ok: {judged.accepted} of {judged.evaluation.count} "
        f"({judged.coverage:.1%}), {judged.accepted_wrong} of them wrong "
        f"({judged.accepted_error:.2%})."
    )
    if unknown:
        typer.echo(f"Left out {plural(unknown, 'image')} without a known label.")
    if judged.mistakes:
        typer.echo("Worst mistakes (most confident first):")
    for mistake in judged.mistakes[:WORST]:
        sure = "" if mistake.confidence is None else f" at {mistake.confidence:.4f}"
        path = printable(to_cell(mistake.path, os.getcwd()))
        typer.echo(f"  {path}: {printable(f'{mistake.truth} read as {mistake.read}')}{sure}")


def print_notes(datasets: Sequence[Dataset], taught: Taught) -> None:
    """Print where a person's labels came from, and how they were used."""
    for dataset in datasets:
        if dataset.note:
            typer.echo(f"{printable(dataset.name)}: {dataset.note}.")
    if len(taught.learned):
        typer.echo(f"Learned from {len(taught.learned)} of them, kept {len(taught.kept)} for the test.")
    for name, count in taught.left.items():
        typer.echo(f"Left out {count} labelled {printable(name)}: too few for a separate class.")


def judge_learning(
    before: Model | None, trained: Trained, output: Path, *, force: bool, quiet: bool
) -> None:
    """Print accuracy before and after; raise OutputError rather than replace a better model."""
    from digitsort.training.learn import compare

    found = compare(before, trained)
    lines = (
        "after:" if before is None else f"before (model {before.card.short}) and after:",
        f"  on labels kept for the test      {_shares(found.on_kept)}",
        f"  on the original held-out images  {_shares(found.on_held_out)}",
    )
    if not quiet:
        typer.echo("Accuracy " + "\n".join(lines))
    if found.is_worse and output.exists() and not force:
        raise OutputError(
            f"{printable(str(output))} is better than the new model, so it was kept: "
            f"{lines[1].strip()}; {lines[2].strip()}. Check the corrections, or replace it with "
            "--force."
        )
    if found.is_worse and not quiet:
        typer.echo("The new model is worse. Check the corrections before you use it.")


def _shares(change: Change) -> str:
    if not change.count:
        return "none: needs 3 labels of a class to keep one for the test"
    seen = [n for n in (change.before, change.after) if n is not None]
    shares = " -> ".join(f"{n / change.count:.2%}" for n in seen)
    return f"{shares} ({' -> '.join(map(str, seen))} of {change.count})"
