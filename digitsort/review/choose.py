"""Read a labels.csv once: count its rows, and choose those that a person should check."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

from digitsort.evaluation.estimate import PER_LABEL, lot_of
from digitsort.files.names import natural_key
from digitsort.labels.cells import OF_NUMBERS, length_name, likely_classes
from digitsort.labels.labels_csv import confidence_of, outcome_of, require_rows
from digitsort.labels.row import HUMAN, Row, right_label
from digitsort.outcomes import Outcome, Status

BINS = 20
"""Number of bars of the confidence histogram."""


@dataclass(slots=True)
class Tally:
    """Counts of a labels.csv.

    Attributes
    ----------
    truths : mapping of str to str
        Right labels by path that are known without a review.
    by_bin : Counter of (int, Status)
        Labels by confidence, in `BINS` equal steps of 0-1.
    models : Counter of str
        First digits of the fingerprints.
    names : set of str
        All labels, second-best labels and labels from a person, except `_none`.
    known : list of (Outcome, str)
        Rows whose right label is known, and this label; a person's goes before that of `truths`.
    has_numbers : bool
        Whether there are rows of `classify --number`. Their counts and names are by length.
    """

    truths: Mapping[str, str] = field(default_factory=dict)
    by_status: Counter[Status] = field(default_factory=Counter)
    by_label: Counter[tuple[str, Status]] = field(default_factory=Counter)
    by_bin: Counter[tuple[int, Status]] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    known: list[tuple[Outcome, str]] = field(default_factory=list)
    has_numbers: bool = False

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows, and count them."""
        for row in rows:
            self._count(row)
            yield row

    def _count(self, row: Row) -> None:
        self.by_status[row.status] += 1
        self.models[row.model] += 1
        names: tuple[str, ...] = (row.label, row.cells.get("second", ""), row.human)
        if row.model.endswith(OF_NUMBERS):
            self.has_numbers = True
            names = tuple(map(length_name, names))
        self.names.update(names)
        if row.label:
            self.by_label[names[0], row.status] += 1
            if (confidence := confidence_of(row)) is not None:
                self.by_bin[min(int(confidence * BINS), BINS - 1), row.status] += 1
        if right := right_label(row, self.truths):
            self.known.append((outcome_of(row), right))

    def count_of(self, label: str) -> int:
        """Return the number of files with a label, accepted or not."""
        return sum(self.by_label[label, status] for status in Status)

    def classes(self) -> list[str]:
        """Return the possible labels in natural order; all ten digits if all labels are digits."""
        return sorted(likely_classes(self.names), key=natural_key)


DEFAULT_LIMIT = 5_000
"""Largest number of cards by default: a day's work, and a page of some megabytes."""

UNLIKE = 300
"""Largest number of accepted rows to show because they are unlike the others of their label. On six
folders of 5,000 scans with 186 mistakes, 161 were among the first 200, 171 among 300, 173 among 400."""

UNLIKE_SHARE = 10
"""At most one in this many of the compared rows is shown as unlike the others."""

POOL = 20_000
"""Largest number of accepted rows that are compared with each other: their vectors take 16 MB."""

SHARE = 5
"""The random check, the unlike rows and the reserve for rejected rows: each one in this many cards."""

DOUBTFUL = (Status.UNCERTAIN, Status.REJECTED)

_RANK = {Status.UNCERTAIN: 0, Status.REJECTED: 1, Status.ERROR: 2, Status.OK: 3, Status.GONE: 4}


@dataclass(frozen=True, slots=True)
class Numbered:
    """Row with its index in the labels.csv."""

    number: int
    row: Row


_Entry = tuple[tuple[int, float, int], Numbered]
"""Entry of a heap: the negated certainty of a row, and the row."""


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
    drawn : frozenset of int
        Indices of the sampled rows.
    unlike : frozenset of int
        Indices of the cards that are accepted but unlike the others of their label.
    """

    cards: tuple[Numbered, ...]
    doubtful: int
    shown: int
    sampled: int
    reviewed: int
    drawn: frozenset[int] = frozenset()
    unlike: frozenset[int] = frozenset()


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
        Number of accepted rows to sample for each label, if accepted rows are not candidates. The rows
        with the lowest `lot_of` are taken, so that `evaluate` can tell which they are.
    pool_size : int
        Number of accepted rows to draw for a comparison with each other; 0 for none.
    """

    statuses: Collection[Status] = DOUBTFUL
    limit: int | None = DEFAULT_LIMIT
    sample: int = PER_LABEL
    pool_size: int = POOL
    accepted: int = 0
    pool: list[Numbered] = field(default_factory=list)
    _doubtful: int = 0
    _kept: list[_Entry] = field(default_factory=list)
    _rejected: list[_Entry] = field(default_factory=list)
    _reviewed: list[Numbered] = field(default_factory=list)
    _drawn: dict[str, list[tuple[int, int, Numbered]]] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, number: int, row: Row) -> None:
        """Receive the next row."""
        numbered = Numbered(number, row)
        if row.human:
            self._reviewed.append(numbered)
            return
        if row.status is Status.OK:
            self.accepted += 1
            self._into(self.pool, self.pool_size, numbered, self.accepted)
        if row.status in self.statuses:
            self._doubtful += 1
            self._keep(self._rejected if row.status is Status.REJECTED else self._kept, numbered)
        elif row.status is Status.OK and self.sample:
            self._draw(numbered)

    def most_unlike(self) -> int:
        """Return how many unlike rows there is room for."""
        most = min(UNLIKE, len(self.pool) // UNLIKE_SHARE)
        return most if self.limit is None else min(most, self.limit // SHARE)

    def choose(self, unlike: Collection[Numbered] = ()) -> Choice:
        """Return the choice, after the last row.

        Parameters
        ----------
        unlike : collection of Numbered
            Rows of the pool that are unlike the others of their label; all are shown.
        """
        sampled = self._sample()
        drawn = frozenset(each.number for each in sampled)
        is_candidate = Status.OK in self.statuses
        added = [] if is_candidate else [each for each in unlike if each.number not in drawn]
        kept = self._shown(len(sampled) + len(added))
        cards = sorted([*kept, *sampled, *added, *self._reviewed], key=_certainty)
        numbers = {each.number for each in cards}
        return Choice(
            tuple(cards),
            self._doubtful,
            len(kept),
            len(sampled),
            len(self._reviewed),
            drawn,
            frozenset(each.number for each in unlike if each.number in numbers) - drawn,
        )

    def _shown(self, taken: int) -> list[Numbered]:
        """Return the least certain rows; some room is reserved for rejected ones."""
        others, rejected = (
            sorted((numbered for _, numbered in kept), key=_certainty)
            for kept in (self._kept, self._rejected)
        )
        if self.limit is None:
            return others + rejected
        room = max(self.limit - taken, 0)
        first = sorted(others + rejected, key=_certainty)[:room]
        reserved = min(len(rejected), room // SHARE)
        if sum(each.row.status is Status.REJECTED for each in first) >= reserved:
            return first
        return others[: room - reserved] + rejected[:reserved]

    def _keep(self, kept: list[_Entry], numbered: Numbered) -> None:
        """Keep the least certain rows, in a heap with the most certain of them on top."""
        rank, confidence, number = _certainty(numbered)
        entry = ((-rank, -confidence, -number), numbered)
        if self.limit is None or len(kept) < self.limit:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)

    def _draw(self, numbered: Numbered) -> None:
        """Keep the rows with the lowest lots, in a heap with the highest of them on top."""
        drawn = self._drawn.setdefault(numbered.row.label, [])
        entry = (-lot_of(numbered.row), -numbered.number, numbered)
        if len(drawn) < self.sample:
            heapq.heappush(drawn, entry)
        elif entry > drawn[0]:
            heapq.heapreplace(drawn, entry)

    def _into(self, drawn: list[Numbered], size: int, numbered: Numbered, seen: int) -> None:
        """Reservoir sampling: Vitter 1985, "Random sampling with a reservoir", algorithm R."""
        if len(drawn) < size:
            drawn.append(numbered)
        elif size and (place := self._random.randrange(seen)) < size:
            drawn[place] = numbered

    def _sample(self) -> list[Numbered]:
        each = self.sample
        if self.limit is not None and self._drawn:
            each = min(each, self.limit // SHARE // len(self._drawn))
        return [
            numbered
            for drawn in self._drawn.values()
            for _, _, numbered in sorted(drawn, reverse=True)[:each]
        ]


def _certainty(numbered: Numbered) -> tuple[int, float, int]:
    row = numbered.row
    return _RANK[row.status], confidence_of(row) or 0.0, numbered.number


def numbered_rows(rows: Iterable[Row], chooser: Chooser) -> Iterable[Row]:
    """Yield the rows, and pass each to the chooser."""
    for number, row in enumerate(rows):
        chooser.add(number, row)
        yield row


@dataclass(frozen=True, slots=True)
class LabelsSource:
    """The labels.csv behind a page.

    Attributes
    ----------
    columns : tuple of str
        Columns of its header, without `human`.
    digest : str
        SHA-256 of its bytes, in hex, which ties the labels stored in a browser to this content.
    date : datetime
        Time when it was written.
    """

    path: Path
    columns: tuple[str, ...]
    digest: str
    date: datetime


def read_source(
    path: Path, rows: Iterator[Row], truths: Mapping[str, str], chooser: Chooser
) -> tuple[LabelsSource, Tally]:
    """Read all rows, and return the source and the counts; the chooser keeps the rows to show.

    Parameters
    ----------
    path : Path
        Path of the labels.csv.
    rows : iterator of Row
        Its rows, with the labels of an earlier review, if any.
    truths : mapping of str to str
        Right labels by path, to compare the rows with.

    Raises
    ------
    NothingToDoError
        If there are no rows.
    """
    tally = Tally(truths)
    first = list(islice(rows, 1))
    require_rows(first, path)
    for _ in numbered_rows(tally.counted(chain(first, rows)), chooser):
        pass
    return _source(path, first[0]), tally


def _source(path: Path, first: Row) -> LabelsSource:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    date = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return LabelsSource(path, tuple(name for name in first.cells if name != HUMAN), digest, date)
