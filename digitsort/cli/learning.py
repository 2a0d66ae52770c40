"""Print what a model learned from a person's labels, and refuse to replace a better model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from digitsort.errors import OutputError
from digitsort.files.names import printable

if TYPE_CHECKING:
    from digitsort.model.reading import Model
    from digitsort.training.compare import Change
    from digitsort.training.dataset import Dataset
    from digitsort.training.fit import Trained
    from digitsort.training.taught import Taught


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
    from digitsort.training.compare import compare

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
