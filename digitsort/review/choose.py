"""Choose the rows that a person should check: the least certain, and a sample of each digit."""

from __future__ import annotations

import heapq
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from digitsort.labels import confidence_of
from digitsort.records import Status
from digitsort.row import Row

DEFAULT_LIMIT = 5_000
"""Largest number of cards by default: a day's work, and a page of some megabytes."""

SAMPLE_PER_LABEL = 20
"""Number of accepted rows of each label to show, in addition to the doubtful rows."""

SAMPLE_SHARE = 5
"""The sample has at most one in this many cards."""

DOUBTFUL = (Status.UNCERTAIN, Status.REJECTED)

_RANK = {Status.UNCERTAIN: 0, Status.REJECTED: 1, Status.ERROR: 2, Status.OK: 3}


@dataclass(frozen=True, slots=True)
class Numbered:
    """Row with its index in the labels.csv."""

    number: int
    row: Row


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows of a labels.csv that a page shows.

    Attributes
    ----------
    cards : tuple of Numbered
        The least certain first: uncertain by confidence, then rejected, unreadable, accepted.
    doubtful : int
        Number of rows that need a check.
    shown : int
        Number of those rows that are among the cards.
    sampled : int
        Number of accepted rows among the cards, as a sample.
    reviewed : int
        Number of cards that a person has already labelled, which are always shown.
    """

    cards: tuple[Numbered, ...]
    doubtful: int
    shown: int
    sampled: int
    reviewed: int


@dataclass(slots=True)
class Chooser:
    """Collector that receives rows one by one and keeps only those that will be shown.

    Parameters
    ----------
    statuses : collection of Status
        Rows with these statuses are candidates.
    limit : int or None
        Largest number of cards, not counting rows that are already labelled; None for all.
    sample : int
        Number of accepted rows to sample for each label, if accepted rows are not candidates.
    """

    statuses: Collection[Status] = DOUBTFUL
    limit: int | None = DEFAULT_LIMIT
    sample: int = SAMPLE_PER_LABEL
    _doubtful: int = 0
    _kept: list[tuple[tuple[int, float, int], Numbered]] = field(default_factory=list)
    _reviewed: list[Numbered] = field(default_factory=list)
    _drawn: dict[str, list[Numbered]] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, number: int, row: Row) -> None:
        """Receive the next row."""
        numbered = Numbered(number, row)
        if row.human:
            self._reviewed.append(numbered)
        elif row.status in self.statuses:
            self._doubtful += 1
            self._keep(numbered)
        elif row.status is Status.OK and self.sample:
            self._draw(numbered)

    def choose(self) -> Choice:
        """Return the choice, after the last row."""
        sampled = self._sample()
        room = None if self.limit is None else max(self.limit - len(sampled), 0)
        kept = [numbered for _, numbered in sorted(self._kept, key=lambda k: _certainty(k[1]))[:room]]
        cards = sorted([*kept, *sampled, *self._reviewed], key=_certainty)
        return Choice(tuple(cards), self._doubtful, len(kept), len(sampled), len(self._reviewed))

    def _keep(self, numbered: Numbered) -> None:
        """Keep the least certain rows, in a heap with the most certain of them on top."""
        rank, confidence, number = _certainty(numbered)
        entry = ((-rank, -confidence, -number), numbered)
        if self.limit is None or len(self._kept) < self.limit:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    def _draw(self, numbered: Numbered) -> None:
        """Reservoir sampling: Vitter 1985, "Random sampling with a reservoir", algorithm R."""
        label = numbered.row.label
        drawn = self._drawn.setdefault(label, [])
        self._seen[label] = seen = self._seen.get(label, 0) + 1
        if len(drawn) < self.sample:
            drawn.append(numbered)
        elif (place := self._random.randrange(seen)) < self.sample:
            drawn[place] = numbered

    def _sample(self) -> list[Numbered]:
        each = self.sample
        if self.limit is not None and self._drawn:
            each = min(each, self.limit // SAMPLE_SHARE // len(self._drawn))
        return [numbered for drawn in self._drawn.values() for numbered in drawn[:each]]


def _certainty(numbered: Numbered) -> tuple[int, float, int]:
    row = numbered.row
    return _RANK[row.status], confidence_of(row) or 0.0, numbered.number


def numbered_rows(rows: Iterable[Row], chooser: Chooser) -> Iterable[Row]:
    """Yield the rows, and pass each to the chooser."""
    for number, row in enumerate(rows):
        chooser.add(number, row)
        yield row
