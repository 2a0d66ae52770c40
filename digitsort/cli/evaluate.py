"""`digitsort evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode

if TYPE_CHECKING:
    from digitsort.judge import Judged
    from digitsort.model.reading import Model
    from digitsort.records import Outcome

WORST = 10


@reports_errors
def evaluate(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="Folders named by digit, or a truth.csv or its folder."),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", metavar="FILE", help="CSV with path and label; by default SOURCE/truth.csv."
        ),
    ] = None,
    certify: Annotated[
        Path | None,
        typer.Option(
            "--certify",
            metavar="FILE",
            help="Certify the threshold on these scans, and write a copy of the model with it.",
        ),
    ] = None,
    max_error: Annotated[
        float,
        typer.Option(
            "--max-error",
            metavar="E",
            help="With --certify: share of wrong labels among the accepted (0-1).",
        ),
    ] = 0.005,
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    workers: options.Workers = None,
    follow_links: options.FollowLinks = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Measure how well digitsort reads pictures whose labels are known."""
    from digitsort.classify import Settings, classify_files
    from digitsort.cli.console import counted, open_model
    from digitsort.cli.report import print_evaluation
    from digitsort.files.discover import Walk, check_sources
    from digitsort.judge import judge
    from digitsort.summary import Summary
    from digitsort.truth import find_truth

    settings = Settings(min_confidence, limits=options.limits(max_pixels, max_side, max_bytes))
    if source.suffix.lower() == ".csv" and truth is None:
        source, truth = source.parent, source
    if certify is not None:
        _check_certify(certify, max_error)
    walk = Walk(check_sources([source]), follow_links)
    found = open_model(model, quiet=quiet)
    labels = find_truth(walk, found.class_names, truth)
    known = {path: label for path, label in labels.items() if label}
    summary = Summary()
    outcomes = classify_files(summary.found(known), found, settings, workers=workers)
    with counted(summary.counted(outcomes), len(known), quiet=quiet) as rows:
        found_outcomes = list(rows)
    judged = judge(found_outcomes, known)
    summary.close()
    print_evaluation(judged.evaluation, str(source))
    _print_rest(judged, len(labels) - len(known))
    if certify is not None:
        _certify(found_outcomes, list(known.values()), found, max_error, source, certify)
    return summary.exit_code(walk)


def _check_certify(target: Path, max_error: float) -> None:
    from digitsort.errors import UsageError
    from digitsort.files.atomic import refuse_existing

    refuse_existing(target, force=False)
    if not 0 < max_error < 1:
        raise UsageError(f"An error lies between 0 and 1, not at {max_error}: try --max-error 0.01.")


def _certify(
    outcomes: list[Outcome],
    truths: list[str],
    model: Model,
    max_error: float,
    source: Path,
    target: Path,
) -> None:
    from digitsort.certification import certified_copy, certify_on
    from digitsort.model.saving import save

    certificate = certify_on(outcomes, truths, max_error)
    save(certified_copy(model, certificate, max_error, source.resolve().name), target, force=False)
    typer.echo(
        f"Certified: from confidence {certificate.threshold:.4f} on at most {certificate.bound:.2%} of "
        f"the accepted labels are wrong, with 95 % confidence and for scans like these "
        f"({certificate.errors} of {certificate.accepted} were). Written to {target}."
    )


def _print_rest(judged: Judged, unknown: int) -> None:
    from digitsort.files.names import printable

    typer.echo(
        f"Accepted as ok: {judged.accepted} of {judged.evaluation.count} "
        f"({judged.coverage:.1%}), {judged.accepted_wrong} of them wrong "
        f"({judged.accepted_error:.2%})."
    )
    if unknown:
        typer.echo(f"{unknown} pictures have no known label and were left out.")
    if judged.mistakes:
        typer.echo("Worst mistakes (most confident first):")
    for mistake in judged.mistakes[:WORST]:
        sure = "" if mistake.confidence is None else f" at {mistake.confidence:.4f}"
        told = f"{mistake.path}: {mistake.truth} read as {mistake.read}"
        typer.echo(f"  {printable(told)}{sure}")
