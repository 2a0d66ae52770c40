"""Put the labels of cells back into the rows and columns of their pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from digitsort.errors import UsageError
from digitsort.files.names import to_cell
from digitsort.labels.labels_csv import NONE_LABEL, UNCLEAR
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.pages.cells_csv import CellRow, Kind
from digitsort.plural import plural

BEFORE = ("source", "page", "block", "row")
AFTER = ("doubtful", "note")

NOTES = {Kind.NONE: "no ruled cells found", Kind.ERROR: "unreadable"}

MOST_EMPTY_PER_CELL = 1_000
"""Largest number of places in the table per cell and row. A narrow block has empty places up to the
width of the widest block, but no page has this many columns."""

Place = tuple[str, int, int, int]
"""Source, page, block and row."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Label of a cell, and whether a person should check it."""

    label: str
    is_doubtful: bool


@dataclass(slots=True)
class PageTable:
    """Labels by row and column.

    Attributes
    ----------
    rows : dict of (source, page, block, row) to dict of int to _Entry
        Entries by column, in the order of the cells.csv.
    notes : dict of (source, page, block, row) to str
        Pages without cells, and why.
    cells, blank, doubtful, unlabelled : int
        Counts: all cells, those without ink, those to check, and those that have no row in the labels.
    unused : int
        Rows of labels that belong to no cell.
    """

    rows: dict[Place, dict[int, _Entry]] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)
    cells: int = 0
    blank: int = 0
    doubtful: int = 0
    unlabelled: int = 0
    unused: int = 0

    @property
    def width(self) -> int:
        """Number of columns of the widest block."""
        return max((max(entries) for entries in self.rows.values() if entries), default=0)

    def header(self) -> list[str]:
        """Return the names of the columns."""
        return [*BEFORE, *map(str, range(1, self.width + 1)), *AFTER]

    def lines(self, root: str) -> Iterator[list[str]]:
        """Yield the cells of each row; paths are relative to the folder `root` if they are below it."""
        width = self.width
        for place, entries in self.rows.items():
            source, *numbers = place
            labels = [entries[c].label if c in entries else "" for c in range(1, width + 1)]
            doubtful = " ".join(str(c) for c in sorted(entries) if entries[c].is_doubtful)
            first = [to_cell(source, root), *(str(number or "") for number in numbers)]
            yield [*first, *labels, doubtful, self.notes.get(place, "")]


def page_table_of(labels: Iterable[Row], cells: Iterable[CellRow]) -> PageTable:
    """Put labels into the rows and columns of the cells that they belong to.

    A person's label counts more than the model's. A cell is doubtful if no person labelled it and it is
    not `ok`: uncertain, rejected although there is ink in it, unreadable, or missing in the labels.

    Parameters
    ----------
    labels : iterable of Row
    cells : iterable of CellRow

    Raises
    ------
    UsageError
        If nearly all of the table would be empty: a cells.csv can claim any column.
    """
    known = _by_path(labels)
    used: set[int] = set()
    table = PageTable()
    for cell in cells:
        place = cell.source, cell.page, cell.block, cell.row
        if cell.kind in NOTES:
            table.rows.setdefault(place, {})
            table.notes[place] = NOTES[cell.kind]
            continue
        row = known.get(cell.path) if cell.path else None
        if row is not None:
            used.add(id(row))
        entry = _entry(cell, row)
        table.rows.setdefault(place, {})[cell.column] = entry
        table.cells += 1
        table.blank += cell.kind is Kind.BLANK and not entry.label
        table.doubtful += entry.is_doubtful
        table.unlabelled += cell.kind is Kind.CELL and row is None
    table.unused = len({id(row) for row in known.values()} - used)
    if table.width * len(table.rows) > MOST_EMPTY_PER_CELL * (table.cells + len(table.rows)):
        raise UsageError(
            f"The table would have {plural(len(table.rows), 'row')} of {table.width} columns for "
            f"{plural(table.cells, 'cell')}. Check the numbers in the `column` column of cells.csv."
        )
    return table


def _by_path(labels: Iterable[Row]) -> Mapping[str, Row]:
    """Return rows by their path, and by where a sorted file came from."""
    known: dict[str, Row] = {}
    for row in labels:
        known[row.path] = row
        if row.source:
            known[row.source] = row
    return known


def _entry(cell: CellRow, row: Row | None) -> _Entry:
    if row is None:
        return _Entry("", cell.kind is Kind.CELL)
    if row.human == UNCLEAR:
        return _Entry(row.label, True)
    if row.human:
        return _Entry("" if row.human == NONE_LABEL else row.human, False)
    if cell.kind is Kind.BLANK:
        return _Entry(row.label if row.status is Status.OK else "", False)
    return _Entry(row.label, row.status is not Status.OK)
