"""Write the table of cells as a workbook, one sheet per page: `table -o table.xlsx`."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from digitsort.errors import UsageError
from digitsort.files.names import printable, starts_formula, to_cell
from digitsort.pages.check_sums import CheckedSum, Direction, Entry, SumState
from digitsort.pages.table_csv import SUM, PageSums, PageTable, Place

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

SUFFIX = ".xlsx"

MOST_COLUMNS = 16_000
"""Most columns of labels in a sheet; Excel has 16,384 columns."""

MOST_ROWS = 1_000_000
"""Most rows of a sheet; Excel has 1,048,576."""

MOST_NUMBER_DIGITS = 15
"""Longest label that becomes a number: Excel keeps no more digits."""

MOST_NAME_CHARS = 31
"""Longest name of a sheet."""

TOTAL_CHARS = 18
"""Least width of a column with its sum in the last row."""

LINE_POINTS = 15
"""Height of a line of text. Excel and LibreOffice do not fit rows to text that a file has wrapped."""

FONT, FONT_SIZE = "Calibri", 11
"""Font of the cells without a style of their own, which openpyxl gives them."""

GREEN, AMBER, RED = ("C6EFCE", "006100"), ("FFEB9C", "7F4A00"), ("FFC7CE", "9C0006")
"""Colors of the paper and of the ink, as Excel's own styles Good, Neutral and Bad have them."""

COLORS: Mapping[SumState, tuple[str, str]] = {
    SumState.OK: GREEN,
    SumState.WRONG: RED,
    SumState.DOUBTFUL: AMBER,
}

_NUMBER = re.compile(f"-?[0-9]{{1,{MOST_NUMBER_DIGITS}}}")

_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")


def require_openpyxl() -> None:
    """Raise UsageError if openpyxl is not installed."""
    if importlib.util.find_spec("openpyxl") is None:
        raise UsageError(
            "A table in .xlsx needs openpyxl, which is not installed: pip install openpyxl. "
            "Or write a .csv."
        )


def write_workbook(table: PageTable, sums: PageSums, file: IO[bytes], root: str) -> None:
    """Write a workbook with a sheet for each page.

    Labels of digits are numbers, in a format that shows their leading zeros. Doubtful cells are amber,
    with the reason as a comment. No text is ever a formula.

    Parameters
    ----------
    table : PageTable
    sums : PageSums
    file : binary file
    root : str
        Folder that paths are relative to, if they are below it.

    Raises
    ------
    UsageError
        If the table is too wide or too long for a sheet.
    """
    from openpyxl import Workbook

    pages: dict[tuple[str, int], list[Place]] = {}
    for place in table.rows:
        pages.setdefault(place[:2], []).append(place)
    if table.width > MOST_COLUMNS or max(map(len, pages.values())) > MOST_ROWS:
        raise UsageError("The table is too large for a sheet of a workbook. Write a .csv instead.")
    workbook = Workbook(write_only=True)
    names = _sheet_names(pages)
    for (source, number), places in pages.items():
        _Sheet(workbook, names[source, number], table, sums, root).write(source, number, places)
    workbook.save(file)


def _sheet_names(pages: Mapping[tuple[str, int], object]) -> dict[tuple[str, int], str]:
    """Return a valid name for the sheet of each page, all different also without regard to case."""
    several = {source for source, number in pages if number > 1}
    names: dict[tuple[str, int], str] = {}
    taken = {"history"}  # which Excel reserves
    for source, number in pages:
        stem = os.path.splitext(os.path.basename(source))[0]
        start = _NOT_IN_NAMES.sub("_", printable(stem)).strip("'") or "page"
        end = f" p{number}" if source in several else ""
        name, count = start[: MOST_NAME_CHARS - len(end)] + end, 1
        while name.casefold() in taken:
            count += 1
            other = f"~{count}{end}"
            name = start[: MOST_NAME_CHARS - len(other)] + other
        taken.add(name.casefold())
        names[source, number] = name
    return names


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Sheet of one page."""

    workbook: Workbook
    name: str
    table: PageTable
    sums: PageSums
    root: str

    def write(self, source: str, number: int, places: list[Place]) -> None:
        """Add the sheet to the workbook."""
        from openpyxl.styles import Alignment

        sheet = self.workbook.create_sheet(self.name)
        width = max((max(self.table.rows[place], default=0) for place in places), default=0)
        sheet.freeze_panes = "C3"
        sheet.page_setup.orientation = "landscape"
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_setup.fitToHeight = 0  # as many sheets of paper below each other as it needs
        for column, size in self._widths(places, width).items():
            sheet.column_dimensions[column].width = size
        page = f", page {number}" if number else ""
        sheet.append([_text(sheet, to_cell(source, self.root) + page, is_bold=True)])
        has_sums = Direction.ROW in self.sums.directions
        heads = ["block", "row", *range(1, width + 1), *([SUM] if has_sums else []), "note"]
        titles = [_text(sheet, str(head), is_bold=True) for head in heads]
        for title in titles[: width + 2]:
            title.alignment = Alignment(horizontal="right")  # as the numbers below it
        sheet.append(titles)
        for at, row in enumerate(self._rows(sheet, places, width), 3):
            if row[1] is not None and not isinstance(row[1], int):  # the checks of columns
                longest = max(len(str(cell.value)) for cell in row[2:] if cell is not None)
                sheet.row_dimensions[at].height = LINE_POINTS * (longest // (TOTAL_CHARS - 3) + 1)
            sheet.append(row)

    def _widths(self, places: list[Place], width: int) -> dict[str, float]:
        """Return the widths of columns with long labels, and of the sums."""
        from openpyxl.utils import get_column_letter

        widths: dict[str, float] = {"A": 7, "B": 7}
        of_sums = any(self.sums.columns.get(place[:3]) for place in places)
        for column in range(1, width + 1):
            entries = (self.table.rows[place].get(column) for place in places)
            longest = max((len(entry.label) for entry in entries if entry), default=0)
            widths[get_column_letter(column + 2)] = min(
                max(longest + 2, TOTAL_CHARS if of_sums else 5), 40
            )
        if Direction.ROW in self.sums.directions:
            texts = [str(self.sums.rows.get(place) or "") for place in places]
            widths[get_column_letter(width + 3)] = max(map(len, [*texts, SUM])) + 2
        return widths

    def _rows(self, sheet: WriteOnlyWorksheet, places: list[Place], width: int) -> Iterator[list[Any]]:
        """Yield the rows of cells, and after each block the checks of its columns."""
        last = {place[:3]: place for place in places}
        columns = range(1, width + 1)
        for place in places:
            entries = self.table.rows[place]
            cells = [_cell(sheet, entries.get(column), self.root) for column in columns]
            if Direction.ROW in self.sums.directions:
                cells.append(_sum_cell(sheet, self.sums.rows.get(place)))
            note = self.table.notes.get(place)
            cells.append(_text(sheet, note) if note else None)
            yield [place[2] or None, place[3] or None, *cells]
            checked = self.sums.columns.get(place[:3])
            if checked and last[place[:3]] == place:
                checks = [_sum_cell(sheet, checked.get(column)) for column in columns]
                yield [place[2], _text(sheet, SUM, is_bold=True), *checks]


def _cell(sheet: WriteOnlyWorksheet, entry: Entry | None, root: str) -> Any:
    """Return the cell of a label; None if there is nothing to show."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.comments import Comment

    if entry is None or entry.is_blank:
        return None
    if _NUMBER.fullmatch(entry.label):
        cell = WriteOnlyCell(sheet, int(entry.label))
        if len(str(cell.value)) < len(entry.label):
            cell.number_format = "0" * len(entry.label.lstrip("-"))
    else:
        cell = _text(sheet, entry.label) if entry.label else WriteOnlyCell(sheet)
    if entry.is_doubtful:
        _color(cell, AMBER)
        second = f"second label: {entry.second}" if entry.second else ""
        path = to_cell(entry.path, root) if entry.path else ""
        lines = [line for line in (entry.reason, second, path) if line]
        text = "\n".join(map(printable, lines))
        cell.comment = Comment(text, "digitsort", height=90, width=260)  # in pixels
    return cell


def _sum_cell(sheet: WriteOnlyWorksheet, checked: CheckedSum | None) -> Any:
    """Return the cell of a checked sum; None if nothing was checked."""
    from openpyxl.styles import Alignment

    if checked is None:
        return None
    cell = _text(sheet, str(checked))
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if checked.state in COLORS:
        _color(cell, COLORS[checked.state])
    return cell


def _text(sheet: WriteOnlyWorksheet, text: str, *, is_bold: bool = False) -> Any:
    """Return a cell with a text, which is never a formula: neither now nor when somebody edits it."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, printable(text))
    cell.data_type = "s"
    if starts_formula(text):
        cell.quotePrefix = True
    if is_bold:
        cell.font = Font(FONT, FONT_SIZE, bold=True)
    return cell


def _color(cell: Any, colors: tuple[str, str]) -> None:
    from openpyxl.styles import Font, PatternFill

    paper, ink = colors
    cell.fill = PatternFill("solid", fgColor=paper)
    cell.font = Font(FONT, FONT_SIZE, color=ink)
