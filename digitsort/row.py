"""A row of a labels.csv, and how rows are made of cells: many at once, for there may be millions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from digitsort.files.names import from_cell, from_cells
from digitsort.records import Status
from digitsort.table import NO_CELLS, Cells
from digitsort.tuples import made

HUMAN, SOURCE = "human", "source"
"""Further columns: a person's label, and where a sorted file came from."""

SHORT = 16
"""Characters of a cell that many rows may have alike, and of which one copy will do."""

_OF_A_ROW = ("path", "label", "status", "reason", "sha256", "model", HUMAN, SOURCE)

_STATUSES = {status.value: status for status in Status}


class Row(NamedTuple):
    """A row of a labels.csv; a tuple, for there may be millions, and it is made four times as fast.

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
    """Makes the rows of one file.

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
        self._base = base
        self._known: dict[str, str] = {}

    def rows(self, block: Sequence[Sequence[str]]) -> list[Row]:
        """Make rows, column by column.

        Raises
        ------
        ValueError
            If some of it is no row: `row` says which, and why.
        """
        columns = [self._shared(column) for column in zip(*block, strict=True)]
        if len(columns) != self._width:
            raise ValueError("too few or many cells")
        cells = map(partial(Cells, self._index), zip(*columns, strict=True))
        columns.append(("",) * len(block))
        named, label, state, reason, sha256, model, human, source = (columns[p] for p in self._places)
        status = list(map(_STATUSES.get, state))
        paths = from_cells(named, self._base)
        if None in status or "" in named or "\0" in "".join(paths):
            raise ValueError("no status, or no path")
        before = map(self._source, source) if any(source) else source
        by = map(str.strip, human) if any(human) else human
        return made(Row, paths, label, status, reason, sha256, model, by, before, cells)

    def row(self, values: Sequence[str]) -> Row:
        """Make one row.

        Raises
        ------
        ValueError
            If it is none; the message says why.
        """
        if len(values) != self._width:
            raise ValueError("a row with too few or many cells.")
        cells = Cells(
            self._index, [self._known.setdefault(v, v) if len(v) < SHORT else v for v in values]
        )
        values = [*values, ""]
        named, label, state, reason, sha256, model, human, source = (values[p] for p in self._places)
        if state not in _STATUSES:
            raise ValueError(f"{state!r} is no status; they are {', '.join(Status)}.")
        path, before = self._path(named), self._source(source)
        return Row(path, label, _STATUSES[state], reason, sha256, model, human.strip(), before, cells)

    def _shared(self, column: tuple[str, ...]) -> tuple[str, ...]:
        """A column whose cells, where they are short, are the same objects as those that equal them."""
        if 1 < len(column[0]) < SHORT:  # of a single character Python itself has but one
            return tuple(map(self._known.setdefault, column, column))
        return column

    def _source(self, cell: str) -> str:
        return self._path(cell) if cell else ""

    def _path(self, cell: str) -> str:
        named = from_cell(cell, self._base)
        if not cell or "\0" in named:
            raise ValueError(f"{cell!r} is no path.")
        return named
