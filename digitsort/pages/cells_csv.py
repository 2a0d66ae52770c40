"""Write and read cells.csv: the cells of pages, and where each of them was."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitsort.errors import UsageError
from digitsort.files.names import folder_of, from_cell, printable
from digitsort.labels.read_table import fault_of, header_of, opened_table

COLUMNS = (
    "path",
    "source",
    "page",
    "block",
    "row",
    "column",
    "kind",
    "reason",
    "x1",
    "y1",
    "x2",
    "y2",
    "x3",
    "y3",
    "x4",
    "y4",
    "source_sha256",
    "field",
)

_NEEDED = ("path", "source", "page", "block", "row", "column", "kind")

MOST_PER_BLOCK = 100_000
"""Largest row or column of a block: a table is written with an entry for each."""

MOST_CORNER = 1e6
"""Largest absolute coordinate of a corner, in pixels."""


class Kind(StrEnum):
    """Kinds of rows in a cells.csv."""

    CELL = "cell"
    BLANK = "blank"
    NONE = "none"
    """A page on which no cells were found."""
    ERROR = "error"
    """A page, or a file, that can't be read."""


@dataclass(frozen=True, slots=True, eq=False)
class CellRow:
    """Row of a cells.csv.

    Attributes
    ----------
    path : str
        Absolute path of the picture; empty if the cell is blank or the row is about a page.
    source : str
        Absolute path of the page's file.
    page, block, row, column : int
        From 1; 0 for what a row without a cell does not have.
    kind : Kind
    corners : ndarray of shape (4, 2)
        In pixels of the page; zeros in a row without corners.
    source_sha256 : str
    field : str
        Name of the field in the layout.
    """

    path: str
    source: str
    page: int
    block: int
    row: int
    column: int
    kind: Kind
    corners: npt.NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.zeros((4, 2)))
    source_sha256: str = ""
    field: str = ""


NAME_CELLS = "Name the cells.csv of `digitsort cut` with --cells."
"""Remedy if a cells.csv can't be read."""


def read_cells(path: Path) -> Iterator[CellRow]:
    """Read a cells.csv.

    Raises
    ------
    UsageError
        If the file is not a cells.csv, naming the line.
    """
    base = folder_of(str(path))
    with opened_table(path, NAME_CELLS) as reader:
        try:
            columns = header_of(reader)
            missing = [name for name in _NEEDED if name not in columns]
            if missing:
                columns_missing = f"column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
                raise UsageError(
                    f"{printable(str(path))} has no {columns_missing}: it is not a cells.csv. "
                    "Make one with `digitsort cut`."
                )
            for values in reader:
                if any(values):
                    yield _row(dict(zip(columns, values, strict=False)), base)
        except (ValueError, csv.Error) as error:
            raise UsageError(
                f"{printable(str(path))}, line {reader.line_num}: "
                f"{fault_of(error, 'It is no cells.csv as digitsort writes it.')}"
            ) from error


def _row(cells: Mapping[str, str], base: str) -> CellRow:
    page, block, row, column = (_number(cells, name) for name in ("page", "block", "row", "column"))
    kind = Kind(cells.get("kind", ""))
    if kind in (Kind.CELL, Kind.BLANK) and min(page, block, row, column) < 1:
        raise ValueError("a cell has no page, block, row or column")
    path = cells.get("path", "")
    source = from_cell(cells.get("source", ""), base)
    return CellRow(
        path=from_cell(path, base) if path else "",
        source=source,
        page=page,
        block=block,
        row=row,
        column=column,
        kind=kind,
        corners=_corners(cells),
        source_sha256=cells.get("source_sha256", ""),
        field=cells.get("field", ""),
    )


def _corners(cells: Mapping[str, str]) -> npt.NDArray[np.float64]:
    names = [f"{axis}{number}" for number in range(1, 5) for axis in "xy"]
    values = np.array([float(cells.get(name) or 0) for name in names]).reshape(4, 2)
    if not (np.abs(values) < MOST_CORNER).all():
        raise ValueError("a corner lies far outside any page")
    return values


def _number(cells: Mapping[str, str], name: str) -> int:
    text = cells.get(name, "") or "0"
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1
    if not 0 <= number <= MOST_PER_BLOCK:
        raise ValueError(f"{name} is {printable(text[:20])!r}")
    return number
