"""Build rows of a labels.csv from cells, many at once, because there may be millions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from digitsort.check_cells import (
    Labels,
    are_sha256,
    are_shares,
    are_texts,
    check_sha256,
    check_text,
    path_of,
    share_of,
    shown,
)
from digitsort.files.names import from_cells
from digitsort.read_table import plain_cells
from digitsort.records import Status
from digitsort.table import NO_CELLS, Cells
from digitsort.tuples import made

HUMAN, SOURCE = "human", "source"
"""Optional columns: a person's label, and where a sorted file came from."""

SHORT = 16
"""Longest cell, in characters, that is stored once for all rows with the same text."""

_OF_A_ROW = ("path", "label", "status", "reason", "sha256", "model", HUMAN, SOURCE)

_LABELS = ("label", HUMAN, "second")

_SHARES = ("confidence", "second_confidence")

_TEXTS = ("reason", "model")

_STATUSES = {status.value: status for status in Status}


class Row(NamedTuple):
    """Row of a labels.csv; a tuple, which is made four times as fast: there may be millions.

    Attributes
    ----------
    path : str
        The file, resolved against the folder of the labels.csv.
    label, reason, sha256, model, human, source : str
        As in the file; empty where the cell or the column is. `source` is resolved like `path`.
    status : Status
    cells : mapping
        All cells as they were read, by column.
    """

    path: str
    label: str
    status: Status
    reason: str = ""
    sha256: str = ""
    model: str = ""
    human: str = ""
    source: str = ""
    cells: Mapping[str, str] = NO_CELLS


class RowMaker:
    """Maker of the rows of one file.

    Parameters
    ----------
    columns : sequence of str
    base : str
        Absolute folder that relative paths start from.
    """

    def __init__(self, columns: Sequence[str], base: str) -> None:
        self._width = len(columns)
        self._index = {name: place for place, name in enumerate(columns)}
        self._places = [self._index.get(name, -1) for name in _OF_A_ROW]
        self._label_places, self._share_places, self._text_places = (
            [self._index.get(name, -1) for name in names] for names in (_LABELS, _SHARES, _TEXTS)
        )
        self._sha256_place = self._index.get("sha256", -1)
        self._base = base
        self._known: dict[str, str] = {}
        self._labels = Labels()

    def rows(self, block: Sequence[Sequence[str]]) -> list[Row]:
        """Return rows, made column by column.

        Raises
        ------
        ValueError
            If one row is invalid; `row` tells which, and why.
        """
        columns = [self._shared(column) for column in zip(*plain_cells(block), strict=True)]
        if len(columns) != self._width:
            raise ValueError("too few or many cells")
        cells = map(partial(Cells, self._index), zip(*columns, strict=True))
        columns.append(("",) * len(block))
        named, label, state, reason, sha256, model, human, source = (columns[p] for p in self._places)
        status = list(map(_STATUSES.get, state))
        paths = from_cells(named, self._base)
        if None in status or "" in named or "\0" in "".join(paths):
            raise ValueError("no status, or no path")
        if not self._are_sound(columns):
            raise ValueError("a cell that can't be")
        before = map(self._source, source) if any(source) else source
        by = map(str.strip, human) if any(human) else human
        return made(Row, paths, label, status, reason, sha256, model, by, before, cells)

    def row(self, values: Sequence[str]) -> Row:
        """Return one row.

        Raises
        ------
        ValueError
            If it is invalid; the message says why.
        """
        if len(values) != self._width:
            raise ValueError("a row with too few or many cells.")
        (values,) = plain_cells([values])
        cells = Cells(
            self._index, [self._known.setdefault(v, v) if len(v) < SHORT else v for v in values]
        )
        values = [*values, ""]
        named, label, state, reason, sha256, model, human, source = (values[p] for p in self._places)
        if state not in _STATUSES:
            raise ValueError(f"{shown(state)} is no status; they are {', '.join(Status)}.")
        path, before = self._path(named), self._source(source)
        self._check(values)
        return Row(path, label, _STATUSES[state], reason, sha256, model, human.strip(), before, cells)

    def _are_sound(self, columns: Sequence[Sequence[str]]) -> bool:
        """Return whether `_check` would accept all rows; False if a quick check cannot tell."""
        return (
            are_shares(chain(*(columns[place] for place in self._share_places)))
            and all(self._labels.take(columns[place]) for place in self._label_places)
            and all(are_texts(columns[place]) for place in self._text_places)
            and are_sha256(columns[self._sha256_place])
        )

    def _check(self, values: Sequence[str]) -> None:
        """Raise ValueError, with the value, for an invalid cell."""
        for place in self._label_places:
            self._labels.add(values[place])
        for place in self._share_places:
            share_of(values[place])
        for place in self._text_places:
            check_text(values[place])
        check_sha256(values[self._sha256_place])

    def _shared(self, column: tuple[str, ...]) -> tuple[str, ...]:
        """Return the column with one object for all equal short cells."""
        if 1 < len(column[0]) < SHORT:  # of a single character Python itself has but one
            return tuple(map(self._known.setdefault, column, column))
        return column

    def _source(self, cell: str) -> str:
        return self._path(cell) if cell else ""

    def _path(self, cell: str) -> str:
        return path_of(cell, self._base)
