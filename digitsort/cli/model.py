"""`digitsort model`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.model.card import Card
    from digitsort.model.reading import Model


@reports_errors
def model(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A model file; by default the default model."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Say what was checked, and check it once more."),
    ] = False,
) -> ExitCode:
    """Show a model's card: data, date, versions, accuracy, thresholds, fingerprint."""
    from digitsort.cli.console import open_model
    from digitsort.files.names import printable
    from digitsort.model.reading import verify_model

    found = open_model(file)
    if verify:
        verify_model(found)
    for name, value in [*_lines(found.card), *(_checked(found) if verify else [])]:
        typer.echo(f"{name:17}{printable(value)}")
    return ExitCode.DONE


def _checked(model: Model) -> list[tuple[str, str]]:
    """What a model has passed that was read; `digitsort.model.reading` does it."""
    k, (n, d) = len(model.class_names), model.machine.vectors.shape
    return [
        ("read as data", "nothing in the file was imported or called"),
        ("form", "opcodes, names, types, shapes and lengths are those of a model"),
        ("numbers", f"{k} classes, {n} support vectors of {d} whole numbers, all finite and in range"),
        (
            "one face",
            "scikit-learn and digitsort are given the same coefficients, classes, temperature",
        ),
        ("verified", f"fingerprint and {len(model.known_vectors)} known answers agree"),
    ]


def _lines(card: Card) -> list[tuple[str, str]]:
    return [
        ("data", " + ".join(card.data)),
        ("classes", " ".join(card.classes)),
        ("fitted to", f"{sum(card.counts.values())} images"),
        ("by class", ", ".join(f"{name}: {count}" for name, count in card.counts.items())),
        ("support vectors", str(card.support_vectors)),
        ("C, gamma", f"{card.C:g}, {card.gamma:.4g}"),
        ("seed", str(card.seed)),
        ("held out", f"{card.held_out_accuracy:.2%} of {card.held_out_count} images right"),
        ("temperature", f"{card.temperature:.4f}"),
        (
            "ok from",
            f"confidence {card.min_confidence:.4f} and familiarity {card.ok_familiarity:.4f}",
        ),
        ("rejected below", f"familiarity {card.min_familiarity:.4f}"),
        ("bound", _bound(card)),
        ("splits", ", ".join(f"{name}: {count}" for name, count in card.splits.items()) + _folds(card)),
        ("recipe", card.recipe),
        ("created", card.created),
        ("versions", ", ".join(f"{name} {value}" for name, value in card.versions.items())),
        ("fingerprint", card.fingerprint),
    ]


def _bound(card: Card) -> str:
    if card.certified_bound == 1:
        return f"none: too few images to certify an error of {card.max_error:.2%} among the accepted"
    return (
        f"at most {card.certified_bound:.2%} of the accepted are wrong, with 95 % confidence and for "
        f"images like these ({card.certified_errors} of {card.certified_accepted} were)"
    )


def _folds(card: Card) -> str:
    if card.folds == 1:
        return ""
    return f"; temperature and certification from {card.folds} folds, fitted to as well in the end"
