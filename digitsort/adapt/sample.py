"""Choose the rows that doubtful rows are compared with: a limited number, the same in every run."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from digitsort.adapt.doubtful import is_doubtful
from digitsort.records import Outcome, Status

MOST_OF_A_LABEL = 200
"""Largest number of rows kept per label, accepted and doubtful ones together. With half or twice as
many, up to 25 fewer of 607 doubtful rows became ok (docs/benchmarks.md)."""


class Chosen(NamedTuple):
    """Row that doubtful rows are compared with.

    Attributes
    ----------
    sha256 : str
    path : str
    label : str
        Empty if the row was rejected as unfamiliar.
    is_accepted : bool
        False for a doubtful row.
    """

    sha256: str
    path: str
    label: str
    is_accepted: bool


class Sample:
    """Limited sample of the accepted and doubtful rows of each label.

    The rows with the smallest content hashes are kept. This choice is as good as random, and depends
    neither on the order of the rows nor on the workers. Identical files count once.
    """

    def __init__(self, most: int = MOST_OF_A_LABEL) -> None:
        self._most = most
        self._of_label: dict[str, list[Chosen]] = {}
        self.doubtful = 0

    def noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes unchanged, and add those that are accepted or doubtful."""
        for outcome in outcomes:
            self.add(outcome)
            yield outcome

    def add(self, outcome: Outcome) -> None:
        """Add an outcome if it is accepted or doubtful."""
        is_accepted = outcome.status is Status.OK
        if not is_accepted:
            if not is_doubtful(outcome.status, outcome.reason):
                return
            self.doubtful += 1
        rows = self._of_label.setdefault(outcome.label, [])
        if len(rows) == self._most and outcome.sha256 >= rows[-1].sha256:
            return
        place = bisect_left(rows, outcome.sha256, key=_sha256)
        if place < len(rows) and rows[place].sha256 == outcome.sha256:
            return
        rows.insert(place, Chosen(outcome.sha256, outcome.path, outcome.label, is_accepted))
        del rows[self._most :]

    def chosen(self) -> list[Chosen]:
        """Return the rows that were kept, by label and content hash."""
        return [row for label in sorted(self._of_label) for row in self._of_label[label]]


def _sha256(row: Chosen) -> str:
    return row.sha256
