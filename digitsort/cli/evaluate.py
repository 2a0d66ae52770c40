"""Define the command `digitsort evaluate`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from digitsort.classification.classify import Summary, classify_files
from digitsort.classification.settings import Settings
from digitsort.cli import options
from digitsort.cli.console import counted, open_model, stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.report import print_json, print_measured
from digitsort.cli.summary import all_failed, warn_of, warn_unlisted
from digitsort.cli.tables import LabelsByHand, rows_of, say_findings, warn_unmatched, without_matched
from digitsort.errors import ExitCode, NothingToDoError, UsageError
from digitsort.evaluation.certification import certified_copy, certify_on
from digitsort.evaluation.estimate import Strata
from digitsort.evaluation.judge import Reviewed, acceptable, guesses, judge, least_accepted, reviewed
from digitsort.evaluation.truth import find_truth, read_truth
from digitsort.files.atomic import refuse_existing
from digitsort.files.names import printable
from digitsort.images.discover import Walk, check_sources
from digitsort.images.limits import Limits
from digitsort.labels.cells import OF_NUMBERS, Findings
from digitsort.labels.labels_csv import TABLE_SUFFIXES, is_labels, table_of
from digitsort.labels.row import GoneRows, before_gone
from digitsort.model.reading import Model
from digitsort.outcomes import Outcome, Status
from digitsort.review.report import Measured, write_report


@reports_errors
def evaluate(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Folder with subfolders named by digit, a truth.csv or its folder, or a reviewed "
            "labels.csv or sorted folder.",
        ),
    ],
    corrections: options.Corrections = None,
    new_class: options.NewClasses = None,
    exclude: options.Exclude = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="CSV with columns path and label; default: SOURCE/truth.csv.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Also write an HTML page with plots."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON object.")
    ] = False,
    certify: Annotated[
        Path | None,
        typer.Option(
            "--certify",
            metavar="FILE",
            help="Certify the threshold on these scans and write a copy of the model with it.",
        ),
    ] = None,
    max_error: Annotated[
        float,
        typer.Option(
            "--max-error",
            metavar="E",
            help="With --certify: largest share of wrong labels among the accepted (0-1).",
        ),
    ] = 0.005,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="DIR", help="Folder where the relative paths of a labels.csv start."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing report.")] = False,
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    only_labels: options.OnlyLabels = None,
    workers: options.Workers = None,
    follow_links: options.FollowLinks = False,
    any_name: options.AnyName = False,
    archives: options.Archives = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Measure how well digitsort reads images whose labels are known."""
    patterns = options.patterns(exclude)
    settings = Settings(min_confidence, limits=options.limits(max_pixels, max_side, max_bytes))
    source = table_of(source)
    if report is not None:
        inputs = (source, truth, model, *(corrections or ()))
        options.refuse_output(report, force=force, inputs=inputs)
    is_table = is_labels(source)
    if source.suffix.lower() in TABLE_SUFFIXES and truth is None and not is_table:
        source, truth = source.parent, source
    if certify is not None:
        _check_certify(certify, max_error)
    if certify is not None and is_table and model is None:
        raise UsageError("--certify needs a model: add --model, or use a folder as SOURCE.")
    if not is_table and (corrections or root is not None):
        raise UsageError("--corrections and --root need a labels.csv as SOURCE.")
    found = None if is_table and model is None else open_model(model)
    settings = _with_labels(settings, only_labels, found, certify)
    if is_table:
        by_hand = LabelsByHand(corrections or (), root, new_class or (), patterns)
        known = _reviewed(source, by_hand, truth, settings, found, workers, quiet)
        failed = any(outcome.status is Status.ERROR for outcome in known.outcomes)
        code = ExitCode.SOME_FAILED if failed and found is not None else ExitCode.DONE
    else:
        walk = Walk(
            check_sources([source]),
            follow_links,
            any_name=any_name,
            patterns=patterns,
            archives=archives,
        )
        known, code = _classified(walk, truth, settings, _some(found), workers, quiet)
    measured = _measured(str(source), known, found, model, min_confidence)
    if as_json:
        print_json(measured)
    else:
        is_as_decided = is_table and model is None and min_confidence is None
        print_measured(measured, bands=is_table, lacks_estimate=is_as_decided)
    if report is not None:
        _write_report(report, measured, force, quiet=quiet or as_json)
    if certify is not None:
        truths = [known.truths[outcome.path] for outcome in known.outcomes]
        _certify(known.outcomes, truths, _some(found), max_error, settings.limits, source, certify)
    return code


def _with_labels(
    settings: Settings, only_labels: str | None, model: Model | None, certify: Path | None
) -> Settings:
    if only_labels is None:
        return settings
    if model is None or certify is not None:
        raise UsageError("--only-labels goes with a folder or --model, and not with --certify.")
    return replace(settings, only_labels=options.labels(only_labels, model.class_names))


def _some(model: Model | None) -> Model:
    assert model is not None
    return model


def _classified(
    walk: Walk,
    truth: Path | None,
    settings: Settings,
    model: Model,
    workers: int | None,
    quiet: bool,
) -> tuple[Reviewed, ExitCode]:
    """Classify the images of a folder whose labels are known."""
    findings = Findings()
    found = find_truth(walk, model.class_names, truth, findings)
    warn_unlisted(walk)
    if found.table is not None:
        say_findings(found.table, findings)
        warn_unmatched(found.table, found.unmatched, found.rows)
    known = {path: label for path, label in found.labels.items() if label}
    summary = Summary()
    outcomes = _classify(known, settings, model, summary, workers, quiet)
    _check_read(found.table or Path(walk.sources[0]), outcomes, may_be_elsewhere=False)
    return Reviewed(outcomes, known, len(found.labels) - len(known)), summary.exit_code(walk)


def _reviewed(
    source: Path,
    by_hand: LabelsByHand,
    truth: Path | None,
    settings: Settings,
    model: Model | None,
    workers: int | None,
    quiet: bool,
) -> Reviewed:
    """Take what a labels.csv says of the reviewed rows, or what a model says of their files."""
    findings = Findings()
    truths = {} if truth is None else read_truth(truth, findings)
    left = dict(truths)
    classes = () if model is None else model.class_names
    gone = GoneRows()
    all_rows = rows_of(source, by_hand, classes, finds_moved=True)
    # What the table says of a file that is gone is still true; a model can't read the file again.
    rows = map(before_gone, all_rows) if model is None else gone.left_out(all_rows)
    strata = Strata(truths)
    rows = strata.counted(without_matched(rows, left))
    try:
        known = reviewed(rows, truths, settings.min_confidence)
    except NothingToDoError:
        _warn_of_truth(truth, findings, left, len(truths))
        raise
    for line in gone.say(source):
        warn(line)
    _warn_of_truth(truth, findings, left, len(truths))
    if model is None:
        # Another threshold would accept other rows than those that were checked at random.
        is_as_decided = settings.min_confidence is None
        estimate = strata.estimate() if is_as_decided else None
        models = ", ".join(sorted(filter(None, strata.models)))
        return replace(known, estimate=estimate, models=printable(models))
    outcomes = _classify(known.truths, settings, model, Summary(), workers, quiet)
    _check_read(source, outcomes, may_be_elsewhere=by_hand.root is None)
    return replace(known, outcomes=outcomes)


def _warn_of_truth(truth: Path | None, findings: Findings, left: Collection[str], total: int) -> None:
    if truth is not None:
        say_findings(truth, findings)
        warn_unmatched(truth, list(left), total, "row of the table")


def _check_read(table: Path, outcomes: Sequence[Outcome], *, may_be_elsewhere: bool) -> None:
    """Warn of files that could not be read; raise DigitsortError if none could."""
    failures = [(o.path, o.reason) for o in outcomes if o.status is Status.ERROR]
    if failures and len(failures) == len(outcomes):
        raise all_failed(table, failures, may_be_elsewhere=may_be_elsewhere)
    warn_of(failures, len(outcomes), may_be_elsewhere=may_be_elsewhere)


def _classify(
    paths: Collection[str],
    settings: Settings,
    model: Model,
    summary: Summary,
    workers: int | None,
    quiet: bool,
) -> list[Outcome]:
    outcomes = classify_files(summary.found(paths), model, settings, workers=workers)
    with counted(summary.counted(outcomes), len(paths), quiet=quiet) as rows:
        found = list(rows)
    summary.close()
    return found


def _measured(
    name: str, known: Reviewed, model: Model | None, path: Path | None, min_confidence: float | None
) -> Measured:
    threshold = min_confidence
    if threshold is None:
        threshold = least_accepted(known.outcomes) if model is None else model.card.min_confidence
    return Measured(
        name,
        "" if model is None else model.card.short,
        judge(known.outcomes, known.truths, are_numbers=OF_NUMBERS in known.models),
        guesses(known.outcomes, known.truths),
        guesses(acceptable(known.outcomes), known.truths),
        threshold,
        known.unknown,
        known.estimate,
        known.models if model is None else _name_of(path),
        None if model is None else model.card,
        known.unclear,
    )


def _name_of(model: Path | None) -> str:
    return "the built-in model" if model is None else printable(model.name)


def _write_report(target: Path, measured: Measured, force: bool, *, quiet: bool) -> None:
    write_report(target, measured, force=force)
    stderr_console(quiet=quiet).print(f"Report written to {printable(str(target))}.", markup=False)


def _check_certify(target: Path, max_error: float) -> None:

    refuse_existing(target, force=False, offers_force=False)
    if not 0 < max_error < 1:
        raise UsageError(f"--max-error must be between 0 and 1, got {max_error}. Try 0.01.")


def _certify(
    outcomes: list[Outcome],
    truths: list[str],
    model: Model,
    max_error: float,
    limits: Limits,
    source: Path,
    target: Path,
) -> None:
    from digitsort.model.estimator import save

    certified = certify_on(outcomes, truths, max_error, limits)
    certificate = certified.certificate
    save(certified_copy(model, certificate, max_error, source.resolve().name), target, force=False)
    typer.echo(
        f"Certified: at or above confidence {certificate.threshold:.4f}, at most "
        f"{certificate.bound:.2%} of the labels are wrong, with 95 % confidence, for scans like these "
        f"({certificate.errors} of {certificate.accepted} were wrong). Written to {target}."
    )
    for note in certified.notes:
        typer.echo(note)
