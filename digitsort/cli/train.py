"""Define the command `digitsort train`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import open_model, stages, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.report import (
    judge_learning,
    print_doubts,
    print_evaluation,
    print_notes,
    print_taught,
)
from digitsort.cli.tables import check_tables, warn_contradicted, warn_unused
from digitsort.errors import ExitCode, ModelError
from digitsort.evaluation.certification import describe_copies
from digitsort.files.atomic import replacing
from digitsort.files.names import printable
from digitsort.labels.cells import Findings
from digitsort.labels.corrections import Corrections, read_all_corrections
from digitsort.labels.labels_csv import TABLE_SUFFIXES
from digitsort.model.card import Card
from digitsort.model.reading import load_model


@reports_errors
def train(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="default (what the default model knows), digits, synthetic[:N], printed[:N], mnist, a "
            "folder of folders named by class, an archive of these, a folder of IDX files, a CSV "
            "(labels.csv, path and label, or label and pixels), an npz file, or a folder made by "
            "`digitsort sort`. Several add up. release makes the default model, alone.",
        ),
    ] = None,
    exclude: options.Exclude = None,
    corrections: options.Corrections = None,
    new_class: options.NewClasses = None,
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
        typer.Option(
            "--seed",
            metavar="N",
            min=0,
            help="Seed of the random split into training and test images.",
        ),
    ] = 0,
    held_out: Annotated[
        float | None,
        typer.Option(
            "--held-out",
            metavar="SHARE",
            help="Kept for the test, 0-1; by default 0.2. What the default model kept stays kept.",
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
    from digitsort.model.estimator import save
    from digitsort.training.choose_dataset import open_datasets
    from digitsort.training.finish import DEFAULTS, TrainingOptions
    from digitsort.training.fit import train as train_model

    limits = options.limits(max_pixels, max_side, max_bytes)
    patterns = options.patterns(exclude)
    names = data or ["default"]
    if names == ["release"]:
        return _train_release(output, force, quiet)
    is_model = _is_model(output)
    options.refuse_output(output, force=force or is_model, inputs=(*names, *(corrections or ())))
    tables: dict[str, Findings] = {}
    known = _corrections(corrections or (), names, tables)
    datasets = open_datasets(
        names,
        known,
        trust_machine=trust_machine,
        limits=limits,
        tables=tables,
        exclude=patterns,
    )
    check_tables(tables, _class_folders(names), new_class)
    if known is not None:
        warn_contradicted(known)
        warn_unused(known)
    base = [dataset for dataset in datasets if not dataset.by_hand]
    learns = 0 < len(base) < len(datasets)
    is_default = learns and [dataset.name for dataset in base] == ["default"]
    replaces = learns and is_model
    options.refuse_output(output, force=force or replaces)
    # The model to compare with: the one that would be replaced, else the default model.
    before = open_model(output if replaces else None) if replaces or is_default else None
    share = DEFAULTS.held_out if held_out is None else held_out
    if not quiet:
        print_notes(datasets)
    with stages(quiet=quiet) as progress:
        chosen = TrainingOptions(seed, share, tune, max_error)
        trained = train_model(datasets, chosen, progress, warn)
    if not quiet:
        print_taught(trained.taught)
        for line in describe_copies(trained.copies, sum(d.count for d in datasets)):
            typer.echo(line)
        if not learns:
            print_evaluation(trained.evaluation, "Held-out images")
        print_doubts(trained.doubts)
    if learns:
        judge_learning(before, trained, output, force=force, quiet=quiet)
    save(trained.data, output, force=force or replaces)
    if not quiet:
        _print_end(trained.card, output)
    return ExitCode.DONE


def _corrections(
    paths: Sequence[Path], names: list[str], tables: dict[str, Findings]
) -> Corrections | None:
    """Corrections; their paths start where those of the labels.csv do that they belong to."""
    if not paths:
        return None
    tables.update({str(path): Findings() for path in paths})
    labels = [Path(name) for name in names if name.lower().endswith(TABLE_SUFFIXES)]
    root = labels[0].absolute().parent if labels else None
    return read_all_corrections(paths, root, tables)


def _class_folders(names: list[str]) -> set[str]:
    """Return the names of the folders in the folders of training data: they may be classes."""
    folders = [Path(name) for name in names if Path(name).is_dir()]
    return {entry.name for folder in folders for entry in folder.iterdir() if entry.is_dir()}


def _is_model(path: Path) -> bool:
    try:
        load_model(path)
    except ModelError:
        return False
    return True


def _train_release(output: Path, force: bool, quiet: bool) -> ExitCode:
    """Make the shipped model; what it knows is written beside it, under the same name in .npz."""
    from digitsort.model.estimator import save
    from digitsort.training.release import train_release

    known = output.with_suffix(".npz")
    for path in (output, known):
        options.refuse_output(path, force=force)
    with stages(quiet=quiet) as progress:
        release = train_release(progress)
    save(release.trained.data, output, force=force)
    with replacing(known, force=force) as file:
        file.write(release.known)
    if not quiet:
        print_evaluation(release.trained.evaluation, "Held-out images")
        _print_end(release.trained.card, output)
    return ExitCode.DONE


def _print_end(card: Card, output: Path) -> None:
    name = printable(str(output))
    typer.echo(
        f"Fitted {sum(card.counts.values())} images (C {card.C:g}, gamma {card.gamma:.3g}), "
        f"{card.support_vectors} support vectors.\n"
        f"Written to {name}, fingerprint {card.short}. "
        f"Next: digitsort classify SCANS --model {shlex.quote(name)}"
    )
