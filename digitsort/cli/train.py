"""`digitsort train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.model.card import Card


@reports_errors
def train(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="digits, synthetic[:N], default (both), mnist, a folder of folders named by class, or "
            "a folder of IDX files. Several add up.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The model file.")
    ] = Path("model.pkl"),
    tune: Annotated[
        bool, typer.Option("--tune", help="Search C and gamma by cross-validation.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the split.")] = 0,
    held_out: Annotated[
        float, typer.Option("--held-out", metavar="SHARE", help="Kept for the test, 0-1.")
    ] = 0.2,
    max_error: Annotated[
        float | None,
        typer.Option(
            "--max-error",
            metavar="E",
            help="Certify that at most this share (0-1) of the accepted labels is wrong, with 95 % "
            "confidence; by default 0.005 where there are enough images.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Train a model, and test it on images that it has not seen."""
    from digitsort.cli.console import stages
    from digitsort.cli.report import print_evaluation
    from digitsort.files.atomic import refuse_existing
    from digitsort.model.saving import save
    from digitsort.training.datasets import open_datasets
    from digitsort.training.fit import train as train_model
    from digitsort.training.options import TrainingOptions

    limits = options.limits(max_pixels, max_side, max_bytes)
    refuse_existing(output, force=force)
    with stages(quiet=quiet) as progress:
        datasets = open_datasets(data or ["default"], limits)
        trained = train_model(datasets, TrainingOptions(seed, held_out, tune, max_error), progress)
    save(trained.data, output, force=force)
    if not quiet:
        print_evaluation(trained.evaluation, "Held-out images")
        _print_end(trained.card, output)
    return ExitCode.DONE


def _print_end(card: Card, output: Path) -> None:
    import shlex

    from digitsort.files.names import printable

    name = printable(str(output))
    typer.echo(
        f"{sum(card.counts.values())} images fitted (C {card.C:g}, gamma {card.gamma:.3g}), "
        f"{card.support_vectors} support vectors.\n"
        f"Written to {name}, fingerprint {card.short}. "
        f"Next: digitsort classify SCANS --model {shlex.quote(name)}"
    )
