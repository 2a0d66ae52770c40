"""Define the command `digitsort model`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli.console import open_model
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode
from digitsort.files.names import printable
from digitsort.model.card import Card
from digitsort.model.reading import Model, verify_model


@reports_errors
def model(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Model file; default: the built-in model."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check the model again and list the checks."),
    ] = False,
) -> ExitCode:
    """Show the card of a model: data, date, versions, accuracy, thresholds, fingerprint."""
    found = open_model(file)
    if verify:
        verify_model(found)
    for name, value in [*_lines(found.card), *(_checked(found) if verify else [])]:
        typer.echo(f"{name:17}{printable(value)}")
    return ExitCode.DONE


def _checked(model: Model) -> list[tuple[str, str]]:
    """Return the checks that `digitsort.model.reading` makes, with their results."""
    k, (n, d) = len(model.class_names), model.machine.vectors.shape
    return [
        ("read as data", "nothing in the file was imported or called"),
        ("format", "opcodes, names, types, shapes and lengths are those of a model"),
        ("numbers", f"{k} classes, {n} support vectors of {d} whole numbers, all finite and in range"),
        (
            "consistent",
            "scikit-learn and digitsort use the same coefficients, classes and temperature",
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
        return f"none: too few images to certify an error of {card.max_error:.2%} among accepted labels"
    return (
        f"at most {card.certified_bound:.2%} of the accepted labels are wrong, with 95 % confidence, "
        f"for images like these ({card.certified_errors} of {card.certified_accepted} were wrong)"
    )


def _folds(card: Card) -> str:
    if card.folds == 1:
        return ""
    return f"; temperature and certification from {card.folds} folds, which the final fit includes"
