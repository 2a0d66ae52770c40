"""`digitsort classify`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from digitsort.classification.classify import Summary, classify_files, classify_new
from digitsort.classification.neighbours import Sample
from digitsort.classification.second_pass import Eyes, SecondPass
from digitsort.classification.settings import ANY_LENGTH, Length, Settings
from digitsort.cli import options
from digitsort.cli.console import counted, open_model, warn
from digitsort.cli.cut import require_opencv
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import print_summary
from digitsort.cli.tables import say_findings
from digitsort.errors import ExitCode, UsageError
from digitsort.files.names import folder_of
from digitsort.images.discover import Walk, check_sources, nothing_found
from digitsort.images.read import has_sha256
from digitsort.images.read_list import read_list
from digitsort.labels.cells import OF_NUMBERS, are_digits
from digitsort.labels.corrections import keep_human
from digitsort.labels.labels_csv import Format, LabelsWriter, Layout
from digitsort.labels.partial import Beginning, LabelsFile, labels_file
from digitsort.labels.resume import RunSettings
from digitsort.labels.update import Update, format_of
from digitsort.model.reading import Model
from digitsort.outcomes import Outcome
from digitsort.pages.cells_csv import read_cells
from digitsort.plural import plural
from digitsort.workers.choose_engine import start_early
from digitsort.workers.tuning import garbage_waits

if TYPE_CHECKING:
    from digitsort.pages.page_pass import PagePass


FORMATS: Mapping[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""Formats of results by their extension."""


@reports_errors
def classify(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE...]", help="Files, folders, archives, and addresses such as s3://bucket."
        ),
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
        str | None,
        typer.Option(
            "--format",
            metavar="csv|jsonl|parquet",
            help="CSV, JSON lines or Parquet; default: by the extension of the result, else CSV.",
        ),
    ] = None,
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
    cells: Annotated[
        Path | None,
        typer.Option(
            "--cells",
            metavar="FILE",
            help="cells.csv from `digitsort cut`: compare uncertain cells with the printed digits of "
            "their page in a second pass. The reason of a changed row says so.",
        ),
    ] = None,
    number: Annotated[
        bool,
        typer.Option("--number", help="Each picture shows a number of several digits, such as 1984."),
    ] = False,
    length: Annotated[
        str | None,
        typer.Option(
            "--length", metavar="N|N-M", help="How many digits a number has, such as 4 or 1-6."
        ),
    ] = None,
    workers: options.Workers = None,
    dask: options.Dask = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the rows that an interrupted run left.")
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Bring an existing result up to date: label new and changed files, mark those that "
            "are gone, and keep the labels in the column human.",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace an existing result; labels in its column human are kept in labels.human.csv.",
        ),
    ] = False,
    follow_links: options.FollowLinks = False,
    any_name: options.AnyName = False,
    archives: options.Archives = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Label every picture in files and folders: one row per file, into labels.csv."""
    listed = [*_listed(files_from, b"\n"), *_listed(files_from0, b"\0")]
    named = _some([*(sources or ()), *listed])
    if dask is None:
        start_early(named, workers)

    limits = options.limits(max_pixels, max_side, max_bytes)
    digits = _number_length(length, number=number)
    settings = Settings(min_confidence, probabilities, limits, number=digits)
    if number and (adapt or cells or probabilities):
        raise UsageError("--number can't be combined with --adapt, --cells or --probabilities.")
    # A listed file that no longer exists becomes an error row.
    named = [*check_sources(sources or ()), *listed]
    patterns = options.patterns(exclude)
    walk = Walk(
        named,
        follow_links,
        any_name=any_name,
        patterns=patterns,
        archives=archives,
    )
    second = "--adapt" if adapt else "--cells" if cells else ""
    tables = [file for file in (files_from, files_from0, cells, model) if file is not None]
    inputs: list[str | Path] = [*walk.sources, *tables]
    _check_output(output, inputs, force=force, resume=resume, second=second, update=update)
    if adapt and cells:
        raise UsageError("Choose one of --adapt and --cells.")
    updates = update and os.path.exists(output)
    chosen = _format(form, output, updates=updates)
    found = open_model(model)
    settings = replace(settings, only_labels=options.labels(only_labels, found.class_names))
    mark_of_rows = found.card.short + (OF_NUMBERS if number else "")
    layout = Layout(folder_of(output), mark_of_rows, found.class_names if probabilities else ())
    summary = Summary()
    work = _Work(walk, summary, found, settings, quiet, workers, dask)
    if output == "-":
        _print_rows(work, layout, chosen)
    else:
        mark = found.card.fingerprint
        run = RunSettings.of(
            walk.sources,
            follow_links,
            mark,
            settings,
            chosen,
            adapt=bool(second),
            exclude=patterns,
            archives=archives,
        )
        second_pass: SecondPass | PagePass | None = None
        if adapt:
            second_pass = SecondPass(Eyes(found, settings), workers, dask)
        elif cells:
            second_pass = _page_pass(cells, found, settings)
        if updates:
            work = replace(work, update=_begin_update(Path(output), layout, run, found, quiet=quiet))
        with labels_file(
            Path(output),
            layout,
            run,
            form=chosen,
            beginning=_beginning(force=force, resume=resume, update=update, exists=updates),
            join=work.update.joined if work.update else None,
            before_publishing=partial(_before_publishing, Path(output), work),
        ) as file:
            _write_file(work, file, second_pass)
    summary.close()
    if walk.unreadable or not quiet:
        update_said = work.update.say() if work.update else ()
        written = None if output == "-" else output
        print_summary(summary, walk, written, quiet=quiet, update=update_said, numbers=number)
    return summary.exit_code(walk)


@dataclass(frozen=True)
class _Work:
    """A walk, how its files are read, and the counts.

    Attributes
    ----------
    update : Update or None
        The table to bring up to date.
    """

    walk: Walk
    summary: Summary
    model: Model
    settings: Settings
    quiet: bool
    workers: int | None
    dask: str | None
    update: Update | None = None

    def paths(self) -> Iterator[str]:
        """Yield and count all files."""
        found = self.walk.files()
        if self.update is not None:
            found = self.update.paths(found, self.walk.sources, self.walk.patterns)
        return self.summary.found(found)

    def outcomes_of(self, paths: Iterable[str]) -> Iterable[Outcome]:
        """Read files; recognize only those whose content is new."""
        known = {} if self.update is None else self.update.known
        if not known:
            return classify_files(
                paths, self.model, self.settings, workers=self.workers, dask=self.dask
            )
        return classify_new(
            paths, self.model, self.settings, known, workers=self.workers, dask=self.dask
        )

    def take_up(self, file: LabelsFile) -> Iterator[Outcome]:
        """Yield the rows that an interrupted run left, then those of the other files.

        An update checks that the files of those rows did not change.
        """
        if self.update is None:
            known, rest = file.take_up(self.paths())
            return chain(known, self.outcomes_of(rest))

        is_still = partial(has_sha256, limits=self.settings.limits)
        known, rest = file.take_up(self.paths(), is_still)
        return self.update.noted(chain(known, self.outcomes_of(rest)))

    @contextmanager
    def counted(self, outcomes: Iterable[Outcome]) -> Iterator[Iterable[Outcome]]:
        with counted(self.summary.counted(outcomes), self.walk, quiet=self.quiet) as rows:
            yield _at_least_one(rows, self.walk)


def _number_length(length: str | None, *, number: bool) -> Length | None:
    if length is not None and not number:
        raise UsageError("--length needs --number: add it.")
    return (ANY_LENGTH if length is None else Length.of(length)) if number else None


def _check_output(
    output: str,
    inputs: Sequence[str | Path],
    *,
    force: bool,
    resume: bool,
    second: str,
    update: bool,
) -> None:
    if update and force:
        raise UsageError("Choose one of --update and --force.")
    if output != "-":
        options.refuse_output(Path(output), force=force or update, inputs=inputs)
    elif update:
        raise UsageError("--update needs an output file. Name one with -o.")
    elif resume:
        raise UsageError("--resume needs an output file. Name one with -o.")
    elif second:
        raise UsageError(f"{second} needs an output file. Name one with -o.")


def _listed(file: Path | None, separator: bytes) -> list[str]:
    return [] if file is None else read_list(file, separator)


def _some(sources: list[str]) -> list[str]:
    if not sources:
        raise UsageError("Nothing to classify: name a file or folder, or --files-from FILE.")
    return sources


def _beginning(*, force: bool, resume: bool, update: bool, exists: bool) -> Beginning:
    if update:
        return Beginning(update=True, discards=exists, option="")
    return Beginning(force=force, resume=resume)


def _begin_update(path: Path, layout: Layout, run: RunSettings, model: Model, *, quiet: bool) -> Update:
    """Read the table to bring up to date, and say so if all its files must be read again."""
    with garbage_waits():
        update = Update(path, layout, run, model.class_names)
    say_findings(path, update.findings)
    if update.read_again and not quiet:
        warn(f"{path}: every file is read again, because {update.read_again}.")
    return update


def _before_publishing(path: Path, work: _Work) -> None:
    """Check that nobody changed the table meanwhile; keep a person's labels of one that is replaced."""
    if work.update is not None:
        work.update.check_unchanged()
    elif (kept := keep_human(path)) is not None:
        what = "The old file" if kept.count is None else f"{plural(kept.count, 'label')} from a person"
        warn(f"{what} in {path} {'is' if kept.count in (None, 1) else 'are'} kept in {kept.path}.")


def _format(form: str | None, output: str, *, updates: bool) -> Format:
    """Return the format that was named; else that of the table to update, or of the output's name."""
    if form is None:
        if updates:
            return format_of(Path(output))
        options.refuse_other_format(output, FORMATS)
        return FORMATS.get(Path(output).suffix.lower(), "csv")
    if form == "parquet" and output == "-":
        raise UsageError("A Parquet file can't be written to stdout. Name a file with -o.")
    for each in get_args(Format):
        if form == each:
            return cast(Format, each)
    raise UsageError(f"{form!r} is no format: say --format csv, --format jsonl or --format parquet.")


def _print_rows(work: _Work, layout: Layout, form: Format) -> None:
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    with work.counted(work.outcomes_of(work.paths())) as rows:
        writer = LabelsWriter(sys.stdout, layout, "jsonl" if form == "jsonl" else "csv")
        for outcome in rows:
            writer.write(outcome)


def _page_pass(cells: Path, model: Model, settings: Settings) -> PagePass:
    require_opencv("--cells")
    from digitsort.pages.page_pass import PagePass

    if not are_digits(model.class_names):
        raise UsageError("--cells compares printed digits: it needs a model whose classes are digits.")
    for _ in read_cells(cells):  # a file that is no cells.csv ends the run before its work
        pass
    labels = settings.only_labels or model.class_names
    return PagePass(cells, tuple(label for label in labels if label.isdigit()), settings.limits)


def _write_file(work: _Work, file: LabelsFile, second_pass: SecondPass | PagePass | None) -> None:
    with work.counted(work.take_up(file)) as rows:
        if isinstance(second_pass, SecondPass):
            _write_and_adapt(rows, file, second_pass, work.summary)
            return
        for outcome in rows:
            file.write(outcome)
    if second_pass is not None:
        _compare_with_pages(file, second_pass, work.summary)


def _compare_with_pages(file: LabelsFile, page_pass: PagePass, summary: Summary) -> None:
    summary.adapted, summary.adapted_how = 0, "changed after comparison with the print of the page"
    files, unknown = page_pass.change(file, summary.changed)
    if files:
        warn(
            f"{plural(len(files), 'page file')} changed, can't be read, or can't have such cells, such "
            f"as {files[0]}: their cells were not compared with the print. Run `digitsort cut` again."
        )
    if unknown:
        warn(
            f"{plural(unknown, 'picture')} not found in {page_pass.cells}, so not compared with a "
            "page. Name the cells.csv that `digitsort cut` wrote with the pictures."
        )


def _write_and_adapt(
    rows: Iterable[Outcome], file: LabelsFile, second_pass: SecondPass, summary: Summary
) -> None:
    sample = Sample()
    for outcome in sample.noted(rows):
        file.write(outcome)
    summary.adapted = 0
    second_pass.change(file, sample, summary.changed)


def _at_least_one(outcomes: Iterable[Outcome], walk: Walk) -> Iterable[Outcome]:
    """Raise an error, and so publish nothing, where there are no images."""
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
