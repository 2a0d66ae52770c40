"""`digitsort model`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.model.card import Card


@reports_errors
def model(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A model file; by default the default model."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check the fingerprint and the known answers inside."),
    ] = False,
) -> ExitCode:
    """Show a model's card: data, date, versions, accuracy, thresholds, fingerprint."""
    from digitsort.cli.console import open_model
    from digitsort.model.reading import verify_model

    found = open_model(file)
    for name, value in _lines(found.card):
        typer.echo(f"{name:17}{value}")
    if verify:
        verify_model(found)
        typer.echo(f"verified         fingerprint and {len(found.known_vectors)} known answers agree")
    return ExitCode.DONE


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
