"""Define the command `digitsort train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.corrections import Corrections
    from digitsort.model.card import Card
    from digitsort.model.reading import Model


@reports_errors
def train(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="Training data: digits, synthetic[:N], default (both), mnist, a folder of subfolders "
            "named by class, a folder of IDX files, a labels.csv, or a folder sorted by `digitsort "
            "sort`. Repeatable.",
        ),
    ] = None,
    corrections: options.Corrections = None,
    trust_machine: Annotated[
        bool,
        typer.Option(
            "--trust-machine",
            help="Also learn from labels in a labels.csv or sorted folder that no person checked.",
        ),
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Model file to write.")
    ] = Path("model.pkl"),
    tune: Annotated[
        bool, typer.Option("--tune", help="Search C and gamma by cross-validation.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="Seed of the random split into training and test images."),
    ] = 0,
    held_out: Annotated[
        float | None,
        typer.Option(
            "--held-out",
            metavar="SHARE",
            help="Share of images kept for the test (0-1); default: 0.2, or the default model's share "
            "when it learns from corrections.",
        ),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            "--max-error",
            metavar="E",
            help="Certify that at most this share (0-1) of the accepted labels is wrong, with 95 % "
            "confidence; default: 0.005 if there are enough images.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Train a model and test it on images that it has not seen."""
    from digitsort.cli.console import stages
    from digitsort.cli.corrections import warn_unused
    from digitsort.cli.learning import judge_learning, print_notes
    from digitsort.cli.report import print_evaluation
    from digitsort.files.atomic import refuse_existing
    from digitsort.model.saving import save
    from digitsort.training.copies import describe_copies
    from digitsort.training.datasets import open_datasets
    from digitsort.training.fit import train as train_model
    from digitsort.training.options import TrainingOptions

    limits = options.limits(max_pixels, max_side, max_bytes)
    names = data or ["default"]
    is_model = _is_model(output)
    refuse_existing(output, force=force or is_model)
    known = _corrections(corrections, names)
    datasets = open_datasets(names, known, trust_machine=trust_machine, limits=limits)
    if known is not None:
        warn_unused(known)
    base = [dataset for dataset in datasets if not dataset.by_hand]
    learns = 0 < len(base) < len(datasets)
    is_default = learns and "default" in names and len(base) == 2
    replaces = learns and is_model
    refuse_existing(output, force=force or replaces)
    before = _before(output if replaces else None, quiet) if replaces or is_default else None
    share = _held_out(held_out, is_default)
    with stages(quiet=quiet) as progress:
        trained = train_model(datasets, TrainingOptions(seed, share, tune, max_error), progress)
    if not quiet:
        print_notes(datasets, trained.taught)
        for line in describe_copies(trained.copies, sum(d.count for d in datasets), trained.disputed):
            typer.echo(line)
        if not learns:
            print_evaluation(trained.evaluation, "Held-out images")
    if learns:
        judge_learning(before, trained, output, force=force, quiet=quiet)
    save(trained.data, output, force=force or replaces)
    if not quiet:
        _print_end(trained.card, output)
    return ExitCode.DONE


def _corrections(path: Path | None, names: list[str]) -> Corrections | None:
    """Read corrections; their paths start where those of their labels.csv start."""
    from digitsort.corrections import read_corrections

    if path is None:
        return None
    tables = [Path(name) for name in names if name.lower().endswith(".csv")]
    return read_corrections(path, tables[0].absolute().parent if tables else None)


def _before(replaced: Path | None, quiet: bool) -> Model:
    """Return the model to compare with: the one to be replaced, or the default model."""
    from digitsort.cli.console import open_model

    return open_model(replaced, quiet=quiet)


def _is_model(path: Path) -> bool:
    from digitsort.errors import ModelError
    from digitsort.model.reading import load_model

    try:
        load_model(path)
    except ModelError:
        return False
    return True


def _held_out(asked: float | None, is_default: bool) -> float:
    """Return the share to hold out; images that the default model held out stay held out."""
    from digitsort.training.default import DEFAULT_OPTIONS
    from digitsort.training.options import DEFAULTS

    if asked is not None:
        return asked
    return DEFAULT_OPTIONS.held_out if is_default else DEFAULTS.held_out


def _print_end(card: Card, output: Path) -> None:
    import shlex

    from digitsort.files.names import printable

    name = printable(str(output))
    typer.echo(
        f"Fitted {sum(card.counts.values())} images (C {card.C:g}, gamma {card.gamma:.3g}), "
        f"{card.support_vectors} support vectors.\n"
        f"Written to {name}, fingerprint {card.short}. "
        f"Next: digitsort classify SCANS --model {shlex.quote(name)}"
    )
