"""Print how well images were read, as tables or as JSON."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from digitsort.cli.console import table
from digitsort.cli.report import print_evaluation
from digitsort.files.names import printable, to_cell
from digitsort.plural import plural

if TYPE_CHECKING:
    from digitsort.bands import Band
    from digitsort.judge import Judged, Mistake
    from digitsort.review.report import Measured

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
