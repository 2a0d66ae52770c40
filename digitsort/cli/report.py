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
    from digitsort.evaluation.estimate import Estimate
    from digitsort.evaluation.judge import Band, Evaluation, Mistake
    from digitsort.model.reading import Model
    from digitsort.review.report import Measured
    from digitsort.training.doubts import Doubt
    from digitsort.training.examples import Dataset
    from digitsort.training.finish import Trained
    from digitsort.training.fit import Change
    from digitsort.training.labelled import Taught


MOST_SHOWN = 60
"""Largest number of classes for a confusion matrix; of more, the confusions are listed."""

FEWEST_COLUMNS = 5
"""Smallest number of columns in a block of the matrix, on average; of less, confusions are listed."""

LEAST_CELL = 3
"""Smallest width of a cell of the matrix, in characters."""

MOST_LISTED = 40
"""Largest number of confusions to list."""


def print_evaluation(evaluation: Evaluation, title: str) -> None:
    """Print accuracy, the report by class and the confusion matrix on stdout."""
    console = Console(highlight=False)
    right = round(evaluation.accuracy * evaluation.count)
    console.print(
        f"{printable(title)}: accuracy {evaluation.accuracy:.2%} ({right} of {evaluation.count} right)",
        markup=False,
    )
    console.print(_by_class(evaluation))
    lines = _matrix(evaluation, console.width) or _confusions(evaluation)
    console.print("\n".join(lines), markup=False, soft_wrap=True)


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


def _matrix(evaluation: Evaluation, width: int) -> list[str]:
    """Return the confusion matrix in blocks of columns; nothing if there are too many, or too wide."""
    if len(evaluation.classes) > MOST_SHOWN:
        return []
    names = [printable(report.name) for report in evaluation.classes]
    cells = [[str(count) if count else "·" for count in row] for row in evaluation.confusion.tolist()]
    side = max(map(len, names))
    columns = zip(names, zip(*cells, strict=True), strict=True)
    wide = [max(LEAST_CELL, len(name), *map(len, column)) + 3 for name, column in columns]
    blocks = _blocks(wide, width - side - 2)
    if len(names) < FEWEST_COLUMNS * (len(blocks) - 1):
        return []
    lines = ["Confusion matrix: rows are the truth, columns are what was read"]
    for block in blocks:
        lines += ["", _line("", names[block], side, wide[block])]
        lines.append(" " + "─" * (side + sum(wide[block])))
        for name, row, report in zip(names, cells, evaluation.classes, strict=True):
            if report.count:
                lines.append(_line(name, row[block], side, wide[block]))
    return [*lines, ""]


def _blocks(wide: Sequence[int], room: int) -> list[slice]:
    """Divide columns of these widths into blocks that fit into the room, each of one at least."""
    starts, used = [0], 0
    for column, one in enumerate(wide):
        if used and used + one > room:
            starts.append(column)
            used = 0
        used += one
    return list(map(slice, starts, [*starts[1:], len(wide)]))


def _line(name: str, cells: Sequence[str], side: int, wide: Sequence[int]) -> str:
    return f" {name:{side}}" + "".join(map(str.rjust, cells, wide))


def _confusions(evaluation: Evaluation) -> list[str]:
    """Return the confusions as a list, the most frequent first."""
    names = [printable(report.name) for report in evaluation.classes]
    counts = evaluation.confusion.tolist()
    found = [
        (count, names[truth], names[read])
        for truth, row in enumerate(counts)
        for read, count in enumerate(row)
        if count and truth != read
    ]
    found.sort(key=lambda each: -each[0])
    more = len(found) - MOST_LISTED
    lines = [
        f"{plural(len(found), 'confusion')}, the most frequent first:" if found else "No confusions."
    ]
    lines += [f"  {count} of {truth} read as {read}" for count, truth, read in found[:MOST_LISTED]]
    return lines + [f"  and {more} more"] * (more > 0)


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"


WORST = 10


def print_measured(measured: Measured, *, bands: bool, lacks_estimate: bool = False) -> None:
    """Print tables on stdout.

    Parameters
    ----------
    bands : bool
        Also print the share of right labels by confidence.
    lacks_estimate : bool
        Say what is missing for an estimate, if there is none.
    """
    if measured.estimate:
        _print_estimate(measured.estimate, measured.name)
    elif lacks_estimate and measured.unknown:
        typer.echo(
            f"{printable(measured.name)}: no estimate for all rows, because no accepted row was "
            "checked at random. Label the group Random check of `digitsort review`.\n\n"
            "The labelled rows alone, which are not a fair sample:"
        )
    print_evaluation(measured.judged.evaluation, measured.name)
    if bands:
        _print_bands(measured)
    _print_rest(measured)


def _print_estimate(estimate: Estimate, name: str) -> None:
    """Print the estimate for all rows, and a heading for the figures of the labelled rows."""
    right, wrong = estimate.right, estimate.accepted_wrong
    lines = [
        f"{printable(name)}: about {right.share:.2%} of {plural(estimate.rows, 'row')} are right "
        f"(95 % interval {right.low:.2%} to {right.high:.2%}).",
        f"Of {plural(estimate.accepted, 'accepted row')} about {wrong.share:.2%} are wrong "
        f"({wrong.low:.2%} to {wrong.high:.2%}): {plural(estimate.checked, 'row')} checked at random, "
        f"{plural(estimate.found_wrong, 'mistake')} found in total.",
    ]
    if estimate.open:
        lines.append(
            f"Of {plural(estimate.open, 'row')} nothing is known: the interval allows for all of them "
            "to be right, or wrong."
        )
    if estimate.more:
        lines.append(
            f"About {plural(estimate.more, 'more label')} in the random check would halve the interval "
            "of the accepted rows: run `digitsort review` with --corrections again."
        )
    lines += ["", "The labelled rows alone, which are not a fair sample:"]
    typer.echo("\n".join(lines))


def print_json(measured: Measured) -> None:
    """Print all measurements as one JSON object on stdout."""
    judged = measured.judged
    evaluation = judged.evaluation
    found = {
        "source": printable(measured.name),
        "model": measured.model,
        "images": evaluation.count,
        "unknown": measured.unknown,
        "unclear": measured.unclear,
        "estimate": measured.estimate and asdict(measured.estimate),
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


def _print_rest(measured: Measured) -> None:
    judged = measured.judged
    typer.echo(
        f"Accepted as ok: {judged.accepted} of {judged.evaluation.count} "
        f"({judged.coverage:.1%}), {judged.accepted_wrong} of them wrong "
        f"({judged.accepted_error:.2%})."
    )
    if measured.unknown:
        typer.echo(f"Left out {plural(measured.unknown, 'image')} without a known label.")
    if measured.unclear:
        typer.echo(f"Left out {plural(measured.unclear, 'image')} that a person could not read.")
    if judged.mistakes:
        typer.echo("Worst mistakes (most confident first):")
    for mistake in judged.mistakes[:WORST]:
        sure = "" if mistake.confidence is None else f" at {mistake.confidence:.4f}"
        path = printable(to_cell(mistake.path, os.getcwd()))
        typer.echo(f"  {path}: {printable(f'{mistake.truth} read as {mistake.read}')}{sure}")


def print_notes(datasets: Sequence[Dataset]) -> None:
    """Print how the images of each data set were found."""
    for dataset in datasets:
        if dataset.note:
            typer.echo(f"{printable(dataset.name)}: {dataset.note}.")


def print_doubts(doubts: Sequence[Doubt]) -> None:
    """Print the images whose labels the model disagrees with most."""
    if doubts:
        typer.echo("The model disagrees most with these labels. Check them:")
    for doubt in doubts:
        said = f"{doubt.label}, read as {doubt.read} at {doubt.confidence:.4f}"
        typer.echo(f"  {printable(doubt.name)}: {printable(said)}")


def print_taught(taught: Taught) -> None:
    """Print how a person's labels were used."""
    if len(taught.learned):
        typer.echo(f"Learned from {len(taught.learned)} of them, kept {len(taught.kept)} for the test.")
    for name, count in taught.left.items():
        typer.echo(f"Left out {count} labelled {printable(name)}: too few for a separate class.")


def judge_learning(
    before: Model | None, trained: Trained, output: Path, *, force: bool, quiet: bool
) -> None:
    """Print accuracy before and after; raise OutputError rather than replace a better model."""
    from digitsort.training.fit import compare

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
