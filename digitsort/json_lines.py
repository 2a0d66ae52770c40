"""Read JSON lines (one object per line) as the rows of a CSV file with the same content."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from digitsort.quoting import escaped

MOST_COLUMNS = 2000
"""Largest number of columns. A labels.csv has up to 11, and one more per class with probabilities."""

MOST_EMPTY = 2**20
"""Cells for which a file has no character. A CSV file has a separator for each cell, and so had an
object of digitsort a comma; without a limit, 1 MB of short objects below a wide one fill 300 MB."""


class NotJsonError(csv.Error):
    """Raised for a line that is not a JSON object of texts and numbers."""


class JsonLines:
    """Iterator over the header and the rows. It reads the file twice: any object may add columns.

    Parameters
    ----------
    file : TextIOWrapper
    most_chars : int
        Largest number of characters in a line.

    Attributes
    ----------
    line_num : int
        Lines read so far.
    """

    def __init__(self, file: io.TextIOWrapper, most_chars: int) -> None:
        self.line_num = 0
        self._chars = 0
        self._file = file
        self._most_chars = most_chars
        self._rows = self._all_rows()

    def __iter__(self) -> Iterator[list[str]]:
        """Return this iterator over the remaining rows."""
        return self

    def __next__(self) -> list[str]:
        """Return the next row; an empty row for an empty line."""
        return next(self._rows)

    def _all_rows(self) -> Iterator[list[str]]:
        columns = self._all_columns()
        self.line_num = 0
        yield [escaped(name) for name in columns]
        for record in self._records():
            yield [_cell(record.get(name)) for name in columns] if record else []

    def _all_columns(self) -> dict[str, None]:
        columns: dict[str, None] = {}
        records = 0
        for record in self._records():
            columns |= dict.fromkeys(record)
            records += bool(record)
            if len(columns) > MOST_COLUMNS:
                raise NotJsonError(f"there are over {MOST_COLUMNS} different keys up to here")
            if records * len(columns) > self._chars + MOST_EMPTY:
                raise NotJsonError("most objects up to here lack most of the keys")
        return columns

    def _records(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        self.line_num = self._chars = 0
        while line := self._file.readline(self._most_chars):
            self.line_num += 1
            self._chars += len(line)
            yield _record(line) if line.strip() else {}


def _record(line: str) -> dict[str, Any]:
    try:
        # Keep the text of a number, so that 0.9000 gives the same cell as in a CSV file.
        record = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"this is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise NotJsonError("this is not a JSON object")
    return record


def _cell(value: Any) -> str:
    """Return the cell that a CSV file would have for this value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise NotJsonError("a value is a list or an object")
    if not value.isascii():
        value.encode()  # raises UnicodeEncodeError for a lone surrogate, which no CSV contains
    return escaped(value) if value.startswith("'") else value
