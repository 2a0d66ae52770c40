"""Put the labels of cells back into the rows and columns of their pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from digitsort.errors import UsageError
from digitsort.files.names import printable, to_cell
from digitsort.labels.labels_csv import NONE_LABEL, UNCLEAR
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.pages.cells_csv import CellRow, Kind
from digitsort.pages.check_sums import Check, CheckedSum, Direction, Entry, SumState, check_sum
from digitsort.plural import plural

BEFORE = ("source", "page", "block", "row")
AFTER = ("doubtful", "note")

NOTES = {Kind.NONE: "no ruled cells found", Kind.ERROR: "unreadable"}

MOST_EMPTY_PER_CELL = 1_000
"""Largest number of places in the table per cell and row. A narrow block has empty places up to the
width of the widest block, but no page has this many columns."""

Place = tuple[str, int, int, int]
"""Source, page, block and row."""

BlockPlace = tuple[str, int, int]
"""Source, page and block."""

SUM = "sum"
"""Name of the column with the checks of rows; in the column `row`, the row with those of columns."""

NOT_LABELLED = "no row in the labels"
CANNOT_TELL = "a person could not read it"
"""Why a cell with ink that has no label is doubtful."""


@dataclass(slots=True)
class PageTable:
    """Labels by row and column.

    Attributes
    ----------
    rows : dict of (source, page, block, row) to dict of int to Entry
        Entries by column, in the order of the cells.csv.
    notes : dict of (source, page, block, row) to str
        Pages without cells, and why.
    fields : dict of (source, page, block) to str
        Names of blocks in a layout.
    cells, blank, doubtful, unlabelled : int
        Counts: all cells, those without ink, those to check, and those that have no row in the labels.
    unused : int
        Rows of labels that belong to no cell.
    """

    rows: dict[Place, dict[int, Entry]] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)
    fields: dict[BlockPlace, str] = field(default_factory=dict)
    cells: int = 0
    blank: int = 0
    doubtful: int = 0
    unlabelled: int = 0
    unused: int = 0

    @property
    def width(self) -> int:
        """Number of columns of the widest block."""
        return max((max(entries) for entries in self.rows.values() if entries), default=0)

    def blocks(self) -> dict[BlockPlace, dict[int, dict[int, Entry]]]:
        """Return the entries by block, row and column; pages without cells have no block."""
        blocks: dict[BlockPlace, dict[int, dict[int, Entry]]] = {}
        for (source, page, block, row), entries in self.rows.items():
            if entries:
                blocks.setdefault((source, page, block), {})[row] = entries
        return blocks

    def header(self, sums: PageSums | None = None) -> list[str]:
        """Return the names of the columns."""
        of_rows = [SUM] if sums is not None and Direction.ROW in sums.directions else []
        return [*BEFORE, *map(str, range(1, self.width + 1)), *of_rows, *AFTER]

    def lines(self, root: str, sums: PageSums | None = None) -> Iterator[list[str]]:
        """Yield the cells of each row; paths are relative to the folder `root` if they are below it.

        The checks of a block's columns follow after its last row.
        """
        sums = sums or PageSums(())
        width = self.width
        last = {place[:3]: place for place in self.rows}
        for place, entries in self.rows.items():
            labels = [entries[c].label if c in entries else "" for c in range(1, width + 1)]
            doubtful = " ".join(str(c) for c in sorted(entries) if entries[c].is_doubtful)
            checked = sums.of_row(place)
            yield [*_first(place, root), *labels, *checked, doubtful, self.notes.get(place, "")]
            of_columns = sums.columns.get(place[:3])
            if of_columns and last[place[:3]] == place:
                texts = [str(of_columns.get(c) or "") for c in range(1, width + 1)]
                yield [*_first(place, root)[:-1], SUM, *texts, *([""] * len(checked)), "", ""]


@dataclass(slots=True)
class PageSums:
    """Checked sums of a table.

    Attributes
    ----------
    directions : collection of Direction
        Whether rows, columns or both were checked.
    rows : dict of (source, page, block, row) to CheckedSum
    columns : dict of (source, page, block) to dict of int to CheckedSum
        Sums by column.
    """

    directions: Collection[Direction]
    rows: dict[Place, CheckedSum] = field(default_factory=dict)
    columns: dict[BlockPlace, dict[int, CheckedSum]] = field(default_factory=dict)

    def of_row(self, place: Place) -> list[str]:
        """Return the cell of a row's sum; no cell if rows were not checked."""
        return [str(self.rows.get(place) or "")] if Direction.ROW in self.directions else []

    def counts(self) -> Counter[SumState]:
        """Return how many sums there are of each state."""
        of_columns = (each for checked in self.columns.values() for each in checked.values())
        return Counter(each.state for each in (*self.rows.values(), *of_columns))


def check_sums(table: PageTable, checks: Collection[Check]) -> PageSums:
    """Check the sums of rows, columns or both; no label is changed.

    Raises
    ------
    UsageError
        If a check names a block that is on no page.
    """
    sums = PageSums({check.direction for check in checks})
    unused = set(checks)
    for (source, page, block), rows in table.blocks().items():
        name = table.fields.get((source, page, block), "")
        mine = {check for check in checks if check.is_about(block, name)}
        unused -= mine
        directions = {check.direction for check in mine}
        last_row, last_column = max(rows), max(max(entries) for entries in rows.values())
        if Direction.ROW in directions:
            for row, entries in rows.items():
                if checked := check_sum(entries, last_column, "column"):
                    sums.rows[source, page, block, row] = checked
        if Direction.COLUMN in directions:
            columns: dict[int, dict[int, Entry]] = {}
            for row, entries in rows.items():
                for column, entry in entries.items():
                    columns.setdefault(column, {})[row] = entry
            found = {c: check_sum(columns[c], last_row, "row") for c in sorted(columns)}
            sums.columns[source, page, block] = {c: each for c, each in found.items() if each}
    for check in unused:
        if check.block:
            raise UsageError(
                f"--check-sum {check.direction}:{printable(check.block)} names no block: cells.csv has "
                "none with this number or field."
            )
    return sums


def _first(place: Place, root: str) -> list[str]:
    source, *numbers = place
    return [to_cell(source, root), *(str(number or "") for number in numbers)]


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
        if cell.field:
            table.fields.setdefault(place[:3], cell.field)
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


def _entry(cell: CellRow, row: Row | None) -> Entry:
    if row is None:
        is_doubtful = cell.kind is Kind.CELL
        return Entry("", is_doubtful, reason=NOT_LABELLED if is_doubtful else "", path=cell.path)
    if row.human == UNCLEAR:
        return Entry(row.label, True, row.cells.get("second", ""), CANNOT_TELL, cell.path)
    if row.human:
        return Entry("" if row.human == NONE_LABEL else row.human, False, path=cell.path)
    if cell.kind is Kind.BLANK:
        return Entry(row.label if row.status is Status.OK else "", False, path=cell.path)
    if row.status is Status.OK:
        return Entry(row.label, False, path=cell.path)
    return Entry(row.label, True, row.cells.get("second", ""), _why(row), cell.path)


def _why(row: Row) -> str:
    """Return the status, and the reason if the row has one."""
    return f"{row.status}: {row.reason}" if row.reason else str(row.status)
