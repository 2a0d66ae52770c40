"""Count the rows of a labels.csv while they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from digitsort.files.natural import natural_key
from digitsort.labels import NONE_LABEL, confidence_of, outcome_of
from digitsort.records import Outcome, Status
from digitsort.row import Row

BINS = 20
"""Number of bars of the confidence histogram."""

DIGITS = tuple("0123456789")


@dataclass(slots=True)
class Tally:
    """Counts of a labels.csv.

    Attributes
    ----------
    truths : mapping of str to str
        Right labels by path that are known without a review.
    by_status : Counter of Status
    by_label : Counter of (label, Status)
    by_bin : Counter of (int, Status)
        Labels by confidence, in `BINS` equal steps of 0-1.
    models : Counter of str
        First digits of the fingerprints.
    names : set of str
        All labels, second-best labels and labels from a person, except `_none`.
    known : list of (Outcome, str)
        Rows whose right label is known, and this label; a person's goes before that of `truths`.
    """

    truths: Mapping[str, str] = field(default_factory=dict)
    by_status: Counter[Status] = field(default_factory=Counter)
    by_label: Counter[tuple[str, Status]] = field(default_factory=Counter)
    by_bin: Counter[tuple[int, Status]] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    known: list[tuple[Outcome, str]] = field(default_factory=list)

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows, and count them."""
        for row in rows:
            self._count(row)
            yield row

    def _count(self, row: Row) -> None:
        self.by_status[row.status] += 1
        self.models[row.model] += 1
        self.names.update((row.label, row.cells.get("second", ""), row.human))
        if row.label:
            self.by_label[row.label, row.status] += 1
            if (confidence := confidence_of(row)) is not None:
                self.by_bin[min(int(confidence * BINS), BINS - 1), row.status] += 1
        if right := row.human or self.truths.get(row.path):
            self.known.append((outcome_of(row), right))

    def count_of(self, label: str) -> int:
        """Return the number of files with a label, accepted or not."""
        return sum(self.by_label[label, status] for status in Status)

    def classes(self) -> list[str]:
        """Return the possible labels in natural order; all ten digits if all labels are digits."""
        names = self.names - {"", NONE_LABEL}
        return sorted(names.union(DIGITS) if names <= set(DIGITS) else names, key=natural_key)
