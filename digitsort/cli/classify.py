"""`digitsort classify`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode
from digitsort.outcomes import Outcome

if TYPE_CHECKING:
    from digitsort.classification.classify import Settings, Summary
    from digitsort.classification.second_pass import SecondPass
    from digitsort.images.discover import Walk
    from digitsort.labels.labels_csv import Format, Layout
    from digitsort.labels.partial import LabelsFile
    from digitsort.model.reading import Model


@reports_errors
def classify(
    sources: Annotated[
        list[Path] | None, typer.Argument(metavar="[SOURCE...]", help="Files and folders.")
    ] = None,
    files_from: Annotated[
        Path | None,
        typer.Option(
            "--files-from",
            metavar="FILE",
            help="Read more sources from a file, one a line; - is stdin.",
        ),
    ] = None,
    files_from0: Annotated[
        Path | None,
        typer.Option(
            "--files-from0", metavar="FILE", help="The same, separated by NUL, as find -print0 does."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The result; - is stdout.")
    ] = "labels.csv",
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    only_labels: options.OnlyLabels = None,
    form: Annotated[
        str,
        typer.Option("--format", metavar="csv|jsonl", help="One row or one JSON object a file."),
    ] = "csv",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add the probability of every class.")
    ] = False,
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt",
            help="Compare doubtful rows with accepted ones in a second pass, for folders of one or a "
            "few writers. The reason of a changed row says so.",
        ),
    ] = False,
    workers: options.Workers = None,
    dask: options.Dask = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the rows that an interrupted run left.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing result.")] = False,
    follow_links: options.FollowLinks = False,
    any_name: options.AnyName = False,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Label every picture in files and folders: one row a file, into labels.csv."""
    from digitsort.workers.early import start_early

    listed = [*_listed(files_from, b"\n"), *_listed(files_from0, b"\0")]
    named = _some([*(sources or ()), *listed])
    if dask is None:
        start_early(named, workers)

    from digitsort.classification.classify import Settings, Summary, classify_files
    from digitsort.cli.console import open_model
    from digitsort.files.names import folder_of
    from digitsort.images.discover import Walk, check_sources
    from digitsort.labels.labels_csv import Layout
    from digitsort.labels.partial import labels_file
    from digitsort.labels.resume import Run

    limits = options.limits(max_pixels, max_side, max_bytes)
    settings = Settings(min_confidence, probabilities, limits)
    check_sources(sources or ())  # a listed file that no longer exists becomes an error row
    walk = Walk([os.fspath(source) for source in named], follow_links, any_name=any_name)
    chosen = _format(form)
    _check_output(output, force=force, resume=resume, adapt=adapt)
    found = open_model(model)
    settings = replace(settings, only_labels=options.labels(only_labels, found.class_names))
    layout = Layout(folder_of(output), found.card.short, found.class_names if probabilities else ())
    summary = Summary()

    def outcomes_of(paths: Iterable[str]) -> Iterable[Outcome]:
        return classify_files(paths, found, settings, workers=workers, dask=dask)

    work = _Work(walk, summary, outcomes_of, quiet)
    if output == "-":
        _print_rows(work, layout, chosen)
    else:
        mark = found.card.fingerprint
        run = Run.of(walk.sources, follow_links, mark, settings, chosen, adapt=adapt)
        second_pass = _second_pass(found, settings, workers, dask) if adapt else None
        with labels_file(Path(output), layout, run, form=chosen, force=force, resume=resume) as file:
            _write_file(work, file, second_pass)
    summary.close()
    if walk.unreadable or not quiet:
        from digitsort.cli.summary import print_summary  # what it loads can wait, while workers can not

        print_summary(summary, walk, None if output == "-" else output, quiet=quiet)
    return summary.exit_code(walk)


@dataclass(frozen=True)
class _Work:
    """A walk, what becomes of its files, and the books."""

    walk: Walk
    summary: Summary
    outcomes_of: Callable[[Iterable[str]], Iterable[Outcome]]
    quiet: bool

    @contextmanager
    def counted(self, outcomes: Iterable[Outcome]) -> Iterator[Iterable[Outcome]]:
        from digitsort.cli.console import counted

        with counted(self.summary.counted(outcomes), self.walk, quiet=self.quiet) as rows:
            yield _at_least_one(rows, self.walk)


def _check_output(output: str, *, force: bool, resume: bool, adapt: bool) -> None:
    from digitsort.errors import UsageError
    from digitsort.files.atomic import refuse_existing

    if output != "-":
        refuse_existing(Path(output), force=force)
    elif resume:
        raise UsageError("What went to stdout can't be gone on with: name a file for --resume.")
    elif adapt:
        raise UsageError("--adapt needs an output file. Name one with -o.")


def _listed(file: Path | None, separator: bytes) -> list[str]:
    from digitsort.images.read_list import read_list

    return [] if file is None else read_list(file, separator)


def _some(sources: list[Path | str]) -> list[Path | str]:
    from digitsort.errors import UsageError

    if not sources:
        raise UsageError("Nothing to classify: name a file or folder, or --files-from FILE.")
    return sources


def _format(form: str) -> Format:
    from digitsort.errors import UsageError

    if form == "csv":
        return "csv"
    if form == "jsonl":
        return "jsonl"
    raise UsageError(f"{form!r} is no format: say --format csv or --format jsonl.")


def _print_rows(work: _Work, layout: Layout, form: Format) -> None:
    from digitsort.labels.labels_csv import LabelsWriter

    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    paths = work.summary.found(work.walk.files())
    with work.counted(work.outcomes_of(paths)) as rows:
        writer = LabelsWriter(sys.stdout, layout, form)
        for outcome in rows:
            writer.write(outcome)


def _second_pass(model: Model, settings: Settings, workers: int | None, dask: str | None) -> SecondPass:
    from digitsort.classification.second_pass import Eyes, SecondPass

    return SecondPass(Eyes(model, settings), workers, dask)


def _write_file(work: _Work, file: LabelsFile, second_pass: SecondPass | None) -> None:
    known, rest = file.take_up(work.summary.found(work.walk.files()))
    with work.counted(chain(known, work.outcomes_of(rest))) as rows:
        if second_pass is None:
            for outcome in rows:
                file.write(outcome)
        else:
            _write_and_adapt(rows, file, second_pass, work.summary)


def _write_and_adapt(
    rows: Iterable[Outcome], file: LabelsFile, second_pass: SecondPass, summary: Summary
) -> None:
    from digitsort.classification.neighbours import Sample

    sample = Sample()
    for outcome in sample.noted(rows):
        file.write(outcome)
    summary.adapted = 0
    second_pass.change(file, sample, summary.changed)


def _at_least_one(outcomes: Iterable[Outcome], walk: Walk) -> Iterable[Outcome]:
    """Raise an error, and so publish nothing, where there are no images."""
    from digitsort.images.discover import nothing_found

    empty = True
    for outcome in outcomes:
        empty = False
        yield outcome
    if empty:
        raise nothing_found(
            walk,
            "No images found. digitsort reads PNG, JPEG, TIFF, BMP, GIF, WebP, AVIF, JPEG 2000 and "
            "HEIC files, in a folder and its subfolders, by their extension.",
        )
