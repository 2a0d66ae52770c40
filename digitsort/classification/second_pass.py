"""Read doubtful pictures again, and compare them with accepted ones: `classify --adapt`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from digitsort.classification.batch import work_in_stacks
from digitsort.classification.classify import run_job
from digitsort.classification.decide import Verdict, read_digits
from digitsort.classification.neighbours import (
    Adapted,
    References,
    adapted_from,
    ask_neighbours,
    is_doubtful,
)
from digitsort.classification.settings import allowed_classes
from digitsort.images.read import Picture, UnreadableError, grays_of, read
from digitsort.labels.cells import path_of
from digitsort.labels.labels_csv import row_bytes
from digitsort.labels.resume import cells_of, outcome_of, raw_rows
from digitsort.outcomes import Fields, Outcome, Status
from digitsort.recognition.looks import look_again
from digitsort.recognition.score import project
from digitsort.recognition.vectorize import vectorize, vectors_of

if TYPE_CHECKING:
    from digitsort.classification.neighbours import Chosen, Sample
    from digitsort.classification.settings import Settings
    from digitsort.images.limits import Limits
    from digitsort.labels.partial import LabelsFile
    from digitsort.model.reading import Model
    from digitsort.recognition.canvas import Gray
    from digitsort.recognition.score import Allowed, Features
    from digitsort.workers.engine import InHand, Job


Read = Callable[[str, "Limits"], Picture]

NOTHING: Fields = ()
"""Result for a file that could not be read again, or whose row does not change."""


def given_up(_timed_out: bool) -> Fields:
    """Return the result for a file that kills its workers: its row does not change."""
    return NOTHING


class JudgedPictures(NamedTuple):
    """Verdicts on pictures, and the vectors that they are based on."""

    verdicts: list[Verdict]
    vectors: Features


def see(
    grays: Sequence[Gray],
    model: Model,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> JudgedPictures:
    """Decide on images as `decide` does; also return the components (n, m) of the chosen readings."""
    readings = read_digits(grays, model, min_confidence, allowed)
    features = vectorize(grays).features
    again = [(index, reading.way) for index, reading in enumerate(readings) if reading.way is not None]
    if again:
        ink = look_again([grays[index] for index, _ in again], [way for _, way in again])
        features[[index for index, _ in again]] = vectors_of(ink).features
    return JudgedPictures([r.verdict for r in readings], project(features, model.machine.projection))


@dataclass(frozen=True, slots=True)
class Eyes:
    """Reader that sees pictures exactly as the first pass saw them.

    Attributes
    ----------
    read : callable, optional
        Replacement for `files.read.read` in tests.
    """

    model: Model
    settings: Settings
    read: Read | None = None

    @property
    def allowed(self) -> Allowed | None:
        """Classes that may be given as labels; None for all."""
        return allowed_classes(self.settings.only_labels, self.model.class_names)

    def read_again(self, path: str) -> Picture | Fields:
        """Read a file; return `NOTHING` if that fails."""
        try:
            return (self.read or read)(path, self.settings.limits)
        except UnreadableError:
            return NOTHING  # its row says what the first pass found

    def see(self, pictures: Sequence[Picture]) -> JudgedPictures:
        """Decide on pictures as the first pass did."""
        return see(grays_of(pictures), self.model, self.settings.min_confidence, self.allowed)


@dataclass(frozen=True, slots=True)
class ReferenceJob:
    """Job that reads the files that others are compared with."""

    eyes: Eyes

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Fields]:
        """Return the hash and the vector (as bytes) of each file, or `NOTHING`."""
        return work_in_stacks(items, in_hand, self.eyes.read_again, self._judge)

    def _judge(self, pictures: Sequence[Picture]) -> list[Fields]:
        if not pictures:
            return []
        vectors = self.eyes.see(pictures).vectors
        return [(p.sha256, v.tobytes()) for p, v in zip(pictures, vectors, strict=True)]


@dataclass(frozen=True, slots=True)
class AdaptJob:
    """Job that compares doubtful files with their neighbours."""

    eyes: Eyes
    references: References

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Fields]:
        """Return each file's new outcome without its path, or `NOTHING` if its row does not change."""
        return work_in_stacks(items, in_hand, self.eyes.read_again, self._judge)

    def _judge(self, pictures: Sequence[Picture]) -> list[Fields]:
        if not pictures:
            return []
        model, allowed = self.eyes.model, self.eyes.allowed
        verdicts, vectors = self.eyes.see(pictures)
        chances = np.array([verdict.probabilities for verdict in verdicts])
        names = [picture.sha256 for picture in pictures]
        adapted = ask_neighbours(vectors, names, chances, self.references, model, allowed)
        return [self._fields(i, picture, verdicts[i], adapted) for i, picture in enumerate(pictures)]

    def _fields(self, index: int, picture: Picture, verdict: Verdict, adapted: Adapted) -> Fields:
        chances, best = adapted.chances[index].tolist(), int(adapted.best[index])
        # Compare the rounded value, which is the one printed, as `decide` does.
        if not adapted.is_sure[index] or round(chances[best], 4) < self._threshold:
            return NOTHING
        names, settings = self.eyes.model.class_names, self.eyes.settings
        said = int(np.argmax(verdict.probabilities))
        reason = adapted_from(verdict.status, verdict.reason, names[said], verdict.probabilities[said])
        label, (second, second_confidence) = names[best], self._runner_up(chances, best)
        every = tuple(chances) if settings.probabilities else ()
        verdict_fields = (Status.OK, label, chances[best], reason, second, second_confidence)
        return (*verdict_fields, picture.sha256, picture.note, every)

    @property
    def _threshold(self) -> float:
        least = self.eyes.settings.min_confidence
        return self.eyes.model.card.min_confidence if least is None else least

    def _runner_up(self, chances: Sequence[float], best: int) -> tuple[str, float | None]:
        allowed = self.eyes.allowed
        others = [
            (chance, -index)
            for index, chance in enumerate(chances)
            if index != best and (allowed is None or allowed[index])
        ]
        if not others:
            return "", None
        chance, index = max(others)
        return self.eyes.model.class_names[-index], chance


Changed = Callable[[Outcome, Outcome], None]
"""Callback that gets a row as it was and as it is now."""


@dataclass(frozen=True, slots=True)
class SecondPass:
    """Give doubtful rows the label of their accepted neighbours in the same run.

    Attributes
    ----------
    workers, dask
        As in `classify_files`.
    """

    eyes: Eyes
    workers: int | None = 0
    dask: str | None = None

    def change(self, file: LabelsFile, sample: Sample, changed: Changed) -> None:
        """Replace the changed rows in the file, and call `changed` for each.

        Only the sample stays in memory: rows and pictures are read from disk when they are needed.
        """
        if not sample.doubtful:
            return
        job = AdaptJob(self.eyes, self.learn(sample.chosen()))
        with file.reader() as first, file.reader() as second:
            paths = (before.path for before, _ in _rows(first, file) if before is not None)
            with closing(self._run(job, paths)) as results:
                file.adapt(_changed_rows(_rows(second, file), results, file, changed))

    def learn(self, chosen: list[Chosen]) -> References:
        """Read the files of the chosen rows; skip files that changed since they were classified."""
        model = self.eyes.model
        width = model.machine.vectors.shape[1]
        results = self._run(ReferenceJob(self.eyes), [row.path for row in chosen])
        known = [
            (row, np.frombuffer(fields[1], np.float32))
            for row, (_, fields) in zip(chosen, results, strict=True)
            if fields and fields[0] == row.sha256
        ]
        classes = {name: index for index, name in enumerate(model.class_names)}
        return References(
            vectors=np.array([vector for _, vector in known], np.float32).reshape(-1, width),
            classes=np.array([classes.get(row.label, -1) for row, _ in known], np.int64),
            accepted=np.array([row.is_accepted for row, _ in known], np.bool_),
            sha256=tuple(row.sha256 for row, _ in known),
        )

    def _run(self, job: Job, paths: Iterable[str]) -> Generator[tuple[str, Any]]:
        return run_job(job, given_up, paths, workers=self.workers, dask=self.dask)


def _rows(stream: Any, file: LabelsFile) -> Iterator[tuple[Outcome | None, bytes]]:
    """Yield the bytes of each row, with its parsed outcome if it is doubtful."""
    for row in raw_rows(stream, file.form):
        yield _doubtful(row, file), row


def _doubtful(row: bytes, file: LabelsFile) -> Outcome | None:
    if Status.UNCERTAIN.encode() not in row and Status.REJECTED.encode() not in row:
        return None  # most rows need not be parsed
    try:
        cells = cells_of(row, file.layout, file.form)
    except ValueError:
        return None  # the header of a model with a class of that name
    outcome = outcome_of(path_of(cells["path"], file.layout.root), cells, file.layout)
    return outcome if is_doubtful(outcome.status, outcome.reason) else None


def _changed_rows(
    rows: Iterable[tuple[Outcome | None, bytes]],
    results: Iterator[tuple[str, Fields]],
    file: LabelsFile,
    changed: Changed,
) -> Iterator[bytes]:
    for before, row in rows:
        fields = next(results)[1] if before is not None else ()
        after = Outcome(before.path, *fields) if before is not None and fields else None
        if before is None or after is None or after.sha256 != before.sha256:
            yield row
        else:
            changed(before, after)
            yield row_bytes(after, file.layout, file.form)
    next(results, None)  # ends the workers
