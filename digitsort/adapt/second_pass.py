"""Read the finished rows again, and decide on doubtful rows by comparing them with accepted ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitsort.adapt.doubtful import is_doubtful
from digitsort.adapt.job import AdaptJob, Eyes, ReferenceJob, given_up
from digitsort.adapt.neighbours import References
from digitsort.check_cells import path_of
from digitsort.classify import run_job
from digitsort.labels import row_bytes
from digitsort.records import Fields, Outcome, Status
from digitsort.rows import cells_of, outcome_of, raw_rows

if TYPE_CHECKING:
    from digitsort.adapt.sample import Chosen, Sample
    from digitsort.execute.engine import Job
    from digitsort.partial import LabelsFile

Changed = Callable[[Outcome, Outcome], None]
"""Callback that gets a row as it was and as it is now."""


@dataclass(frozen=True, slots=True)
class SecondPass:
    """Give doubtful rows the label of their accepted neighbours in the same run.

    Attributes
    ----------
    eyes : Eyes
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
    outcome = outcome_of(path_of(cells["path"], file.layout.root), cells)
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
