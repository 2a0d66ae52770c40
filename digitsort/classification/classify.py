"""Classify files: paths in, outcomes out, with a summary in which every file is counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitsort.classification.settings import DEFAULT_SETTINGS, Settings, checked_labels
from digitsort.errors import DigitsortError, ExitCode
from digitsort.images.discover import Walk, check_sources
from digitsort.images.limits import CRASHED, TIMED_OUT, Limits
from digitsort.images.read import read
from digitsort.labels.update import Contents
from digitsort.model.reading import default_model
from digitsort.outcomes import Fields, Outcome, Status, failed
from digitsort.workers.choose_engine import chosen_engine
from digitsort.workers.engine import GiveUp, InHand, Job
from digitsort.workers.loop import Loop

if TYPE_CHECKING:
    from digitsort.images.read import Picture
    from digitsort.model.reading import Model


MOST_EXAMPLES = 5


@dataclass(slots=True)
class Summary:
    """Counts of the files of a run and of their results.

    Attributes
    ----------
    files : int
        Number of files.
    reasons : Counter of (Status, str)
        Reasons of rejected files and errors.
    noted : dict of str to list of str
        The first few files with each note.
    errors : list of Outcome
        The first few files that could not be read.
    adapted : int or None
        Number of rows that a second pass changed; None without a second pass.
    adapted_how : str
        What the second pass did with these rows, for the summary.
    """

    files: int = 0
    by_status: Counter[Status] = field(default_factory=Counter)
    by_label: Counter[tuple[str, Status]] = field(default_factory=Counter)
    reasons: Counter[tuple[Status, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    noted: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    errors: list[Outcome] = field(default_factory=list)
    adapted: int | None = None
    adapted_how: str = "became ok in the second pass"

    def found(self, paths: Iterable[str]) -> Iterator[str]:
        """Count files on their way in."""
        for path in paths:
            self.files += 1
            yield path

    def counted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Count outcomes on their way out."""
        for outcome in outcomes:
            self._count(outcome, 1)
            if outcome.note:
                self.notes[outcome.note] += 1
                if len(self.noted[outcome.note]) < MOST_EXAMPLES:
                    self.noted[outcome.note].append(outcome.path)
            if outcome.status is Status.ERROR and len(self.errors) < MOST_EXAMPLES:
                self.errors.append(outcome)
            yield outcome

    def changed(self, before: Outcome, after: Outcome) -> None:
        """Move a row that a second pass changed to the counts of its new result."""
        self._count(before, -1)
        self._count(after, 1)
        self.adapted = (self.adapted or 0) + 1

    def _count(self, outcome: Outcome, by: int) -> None:
        self.by_status[outcome.status] += by
        if outcome.label:
            self.by_label[outcome.label, outcome.status] += by
        elif outcome.reason:
            self.reasons[outcome.status, outcome.reason] += by

    def close(self) -> None:
        """Raise unless every file that went in came out, once."""
        if self.files != self.by_status.total():
            raise DigitsortError(
                f"{self.files} files went in and {self.by_status.total()} rows came out. This is a "
                "mistake in digitsort: please report it."
            )

    def exit_code(self, walk: Walk) -> ExitCode:
        """Done, unless a file or folder could not be read."""
        failed = self.by_status[Status.ERROR] or walk.unreadable
        return ExitCode.SOME_FAILED if failed else ExitCode.DONE


def classify_folder(
    folder: str | Path,
    *,
    model: Model | None = None,
    settings: Settings = DEFAULT_SETTINGS,
    workers: int | None = 0,
) -> Iterator[Outcome]:
    """Classify every picture in a folder and its subfolders.

    Parameters
    ----------
    folder : str or Path
        Folder of pictures, or one picture.
    model : Model, optional
        Model from `load_model`; default: the model that comes with digitsort.
    settings : Settings
    workers : int, optional
        See `classify_files`.

    Yields
    ------
    Outcome
        One for each file, folder by folder, names in natural order.

    Raises
    ------
    UsageError
        If there is no such folder.

    Examples
    --------
    >>> from digitsort import classify_folder
    >>> for outcome in classify_folder("sample_images/office"):  # doctest: +SKIP
    ...     print(outcome.path, outcome.label, outcome.status)
    """
    if model is None:
        model = default_model()
    files = Walk(check_sources([folder])).files()
    return classify_files(files, model, settings, workers=workers)


def classify_files(
    paths: Iterable[str],
    model: Model,
    settings: Settings = DEFAULT_SETTINGS,
    *,
    workers: int | None = 0,
    dask: str | None = None,
) -> Iterator[Outcome]:
    """Classify files; one outcome for each path, in the same order.

    Parameters
    ----------
    paths : iterable of str
        Paths, which are consumed as they are needed.
    model : Model
    settings : Settings
    workers : int, optional
        Number of worker processes; 0 to work in this process; None for one per CPU, or none for few
        files. A file that crashes its worker, or takes longer than 30 s, gets status error.
    dask : str, optional
        Address of a Dask scheduler, or ``local`` for a cluster of `workers` on this machine.

    Raises
    ------
    UsageError
        If `settings.only_labels` is empty, or has a label that the model does not have.
    ClusterError
        If the cluster can't be reached, or its workers don't see the files.
    """
    if settings.only_labels is not None:
        checked_labels(settings.only_labels, model.class_names)
    return run_line(Line(model, settings), paths, workers=workers, dask=dask)


def classify_new(
    paths: Iterable[str],
    model: Model,
    settings: Settings,
    known: Mapping[str, Outcome],
    *,
    workers: int | None = 0,
    dask: str | None = None,
) -> Iterator[Outcome]:
    """Classify files as `classify_files` does; files with a known content are only read.

    Parameters
    ----------
    known : mapping of str to Outcome
        Outcomes by SHA-256 (hex) that the model and the settings give.
    """
    line = Line(model, settings, partial(read, known=Contents.of(known)))
    for path, fields in run_job(line, _given_up, paths, workers=workers, dask=dask):
        if len(fields) > 1:
            yield Outcome(path, *fields)
        elif fields[0] in known:
            yield known[fields[0]]._replace(path=path)
        else:  # of another content with the same first 8 bytes
            yield from classify_files([path], model, settings)


def run_line(
    line: Line, paths: Iterable[str], *, workers: int | None = 0, dask: str | None = None
) -> Iterator[Outcome]:
    """Classify files as `classify_files` does, with another line."""
    for path, fields in run_job(line, _given_up, paths, workers=workers, dask=dask):
        yield Outcome(path, *fields)


def run_job(
    job: Job,
    give_up: GiveUp,
    paths: Iterable[str],
    *,
    workers: int | None = 0,
    dask: str | None = None,
) -> Generator[tuple[str, Any]]:
    """Yield each path with the result of the job, in order."""
    with chosen_engine(job, give_up, paths, workers=workers, dask=dask) as (engine, paths):
        for batch, results in Loop(engine, give_up).run(paths):
            yield from zip(map(str, batch), results, strict=True)  # without their content


@dataclass(frozen=True, slots=True)
class Line:
    """Job that does a batch of files, in any process; it is pickled once for all workers.

    Attributes
    ----------
    read : callable, optional
        What a test puts in the place of `files.read.read`.
    """

    model: Model
    settings: Settings
    read: Callable[[str, Limits], Picture] | None = None

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Fields]:
        """Classify a few files. An outcome does not depend on the others in the batch."""
        # Imported here: a process whose workers do all the work does not load it.
        from digitsort.classification.batch import classify_batch

        return classify_batch(items, in_hand, self.model, self.settings, self.read)


def _given_up(timed_out: bool) -> Fields:
    return failed(TIMED_OUT if timed_out else CRASHED)
