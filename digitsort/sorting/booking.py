"""Make the row of a sorted file, as it stands in ``DEST/labels.csv``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from digitsort.files.names import to_cell, to_cells
from digitsort.labels import COLUMNS
from digitsort.row import SOURCE
from digitsort.table import ROWS_AT_ONCE, Cells, columns_of


class Sorted(NamedTuple):
    """A file that is in DEST.

    Attributes
    ----------
    target, source : str
        Absolute paths.
    cells : mapping
        Of its row.
    """

    target: str
    source: str
    cells: Mapping[str, str]


class Booking:
    """Makes the rows of a DEST."""

    def __init__(self, dest: str) -> None:
        self._dest = dest
        self._of: Mapping[str, int] | None = None
        self._index: Mapping[str, int] = {}

    def cells(self, file: Sorted, written: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """A file's row; where there was one before, what it says and this one does not is kept."""
        path = to_cell(file.target, self._dest)
        source = (written or {}).get(SOURCE, "") or to_cell(file.source, self._dest)
        cells = self.led(file.cells, path, source)
        return _kept(written, cells) if written else cells

    def rows(self, files: Iterable[Sorted]) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield target and row of files that had none before."""
        waiting = iter(files)
        while some := list(islice(waiting, ROWS_AT_ONCE)):
            targets, sources, cells = zip(*some, strict=True)
            yield from zip(targets, self._rows(targets, sources, cells), strict=True)

    def _rows(
        self, targets: Sequence[str], sources: Sequence[str], cells: Sequence[Mapping[str, str]]
    ) -> Iterator[Mapping[str, str]]:
        return map(self.led, cells, to_cells(targets, self._dest), to_cells(sources, self._dest))

    def led(self, cells: Mapping[str, str], path: str, source: str) -> Mapping[str, str]:
        """A file's cells with its path in DEST and its source, both as they are written."""
        if not isinstance(cells, Cells):
            return {**cells, "path": path, SOURCE: source}
        return Cells(self.index(cells.index, len(cells.places)), (*cells.places, path, source))

    def index(self, index: Mapping[str, int], end: int) -> Mapping[str, int]:
        """Where the columns are once a path in DEST and a source stand behind so many places."""
        if index is not self._of:  # once for all rows of a file
            self._of = index
            self._index = {**index, "path": end, SOURCE: end + 1}
        return self._index


def columns_of_books(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The columns that books with these rows have, and with those that these are made of."""
    return tuple(dict.fromkeys((*COLUMNS, SOURCE, *columns_of(rows))))


def _kept(written: Mapping[str, str], cells: Mapping[str, str]) -> dict[str, str]:
    """Today's cells; from the row written before, the columns that they have not or leave empty."""
    further = {name: text for name, text in written.items() if name not in COLUMNS}
    return {**further, **{name: text for name, text in cells.items() if text or name not in further}}
