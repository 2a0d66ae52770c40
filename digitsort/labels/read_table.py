"""Open tables that any program may have written: CSV as spreadsheets save it, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from digitsort.errors import UsageError
from digitsort.files.disk import READ_NO_WAIT
from digitsort.files.names import printable
from digitsort.labels.parquet import MAGIC, ParquetRows, opened_parquet
from digitsort.labels.table import escaped, unescaped

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


if TYPE_CHECKING:
    from _csv import Reader

    TableReader: TypeAlias = Reader | JsonLines | ParquetRows
    """Iterator over rows of cells, header first, which counts the lines that it has read."""

MOST_COMPARED = 200
"""Largest number of column names to compare with a missing one. A hostile header may have 500,000."""

MOST_LINE_CHARS = 2**20
"""Longest line that is taken into memory at once. A longer row of a real table would need cells of
100,000 characters; `csv` refuses those too."""

KNOWN_COLUMNS = frozenset(
    "path label confidence status reason second second_confidence sha256 model human source".split()
)
"""Columns that digitsort reads. Their case and the spaces around them are ignored."""

_HEAD_BYTES = 2**16
"""Number of bytes at the start of a file from which its encoding and separator are detected."""

_SEPARATORS = ",;\t"

_SEPARATOR_LINE = re.compile('"?sep=(.)"?\r?\n')
"""Line before the header in which Excel names the separator."""

_UTF_16_WITHOUT_MARK = re.compile(rb"(?:[\t -~]\0){4}"), re.compile(rb"(?:\0[\t -~]){4}")
"""Four ASCII characters in UTF-16, in either byte order."""

_LINE_END = re.compile("\r\n|\r|\n")

_NO_TABLES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a WebP picture or a sound"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip file, as spreadsheets (.xlsx, .ods) are: save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls): save the sheet as CSV"),
    (b"\x1f\x8b", "a gzip file: unpack it first"),
)
"""First bytes of other files that people give by mistake, with the kind of file and the remedy."""


NAME_LABELS = "Name a labels.csv, or make one with `digitsort classify`."
"""Remedy if a table can't be read that should be a labels.csv."""


@contextmanager
def opened_table(path: Path, remedy: str = NAME_LABELS) -> Iterator[TableReader]:
    """Open a table for reading row by row.

    CSV may be separated by commas, semicolons or tabs, and encoded in UTF-8 or UTF-16. A file that
    begins with ``{`` is read as JSON lines, and one that begins with ``PAR1`` as Parquet.

    Raises
    ------
    UsageError
        If it can't be read, or is a folder, pipe, device, picture, zip file or PDF.
    """
    with _opened(path, remedy) as (raw, head):
        if not head.startswith(MAGIC):
            try:
                encoding = encoding_of(head)
                with io.TextIOWrapper(raw, encoding=encoding, newline="") as file:
                    yield _reader(file, head.decode(encoding, "ignore").lstrip())
            except OSError as error:  # of a disk or a network, in the midst of the file
                raise _not_readable(path, error.strerror or str(error), remedy) from error
            return
    with opened_parquet(path) as rows:
        yield rows


@contextmanager
def _opened(path: Path, remedy: str) -> Iterator[tuple[BinaryIO, bytes]]:
    """Open a file, and return its first bytes without consuming them."""
    try:
        descriptor = os.open(path, READ_NO_WAIT)
    except OSError as error:
        raise _not_readable(path, error.strerror or str(error), remedy) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_readable(path, "it is a folder, pipe or device, not a file", remedy)
    with os.fdopen(descriptor, "rb", _HEAD_BYTES) as raw:
        try:
            head = _head(path, raw, remedy)
        except OSError as error:
            raise _not_readable(path, error.strerror or str(error), remedy) from error
        yield raw, head


def _head(path: Path, raw: BinaryIO, remedy: str) -> bytes:
    """Return the first bytes without consuming them; refuse a file that is not text."""
    assert isinstance(raw, io.BufferedReader)
    head = raw.peek(_HEAD_BYTES)
    for magic, what in _NO_TABLES:
        if head.startswith(magic):
            raise _not_readable(path, f"it is {what}", remedy)
    return head


def _reader(file: io.TextIOWrapper, start: str) -> TableReader:
    if start.startswith("{"):
        return JsonLines(file, MOST_LINE_CHARS)
    # A longer line is read in pieces. Each gives a row with too few cells, or a cell that is too long.
    lines = iter(partial(file.readline, MOST_LINE_CHARS), "")
    if found := _SEPARATOR_LINE.match(start):
        return csv.reader(chain(["\n"], islice(lines, 1, None)), delimiter=found[1], strict=True)
    return csv.reader(lines, delimiter=_separator(start), strict=True)


def encoding_of(head: bytes) -> str:
    """Return the encoding of a table that begins with these bytes."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    little, big = _UTF_16_WITHOUT_MARK
    if little.match(head):
        return "utf-16-le"
    # utf-8-sig: a spreadsheet that saved the file may have put a byte order mark before it.
    return "utf-16-be" if big.match(head) else "utf-8-sig"


def _separator(start: str) -> str:
    """Return the separator that gives the most known columns; a comma if none gives any."""
    header = start.splitlines()[:1]

    def known(separator: str) -> int:
        cells = next(csv.reader(header, delimiter=separator), [])
        return len(KNOWN_COLUMNS.intersection(map(_canonical, cells)))

    return max(_SEPARATORS, key=known)


def header_of(reader: TableReader) -> list[str]:
    """Read the names of the columns.

    Known names are returned as digitsort writes them. Empty lines before the header and empty names at
    its end are skipped.
    """
    names = [_canonical(unescaped(name)) for name in next(filter(None, reader), [])]
    while names and not names[-1].strip():
        names.pop()
    return names


def _canonical(name: str) -> str:
    plain = name.strip().lower()
    return plain if plain in KNOWN_COLUMNS else name


def like(name: str, columns: Iterable[str]) -> str:
    """Return an unknown column whose name resembles `name`; empty if there is none."""
    for column in islice(columns, MOST_COMPARED):
        words = re.findall("[^\\W_]+", column.lower())
        if column not in KNOWN_COLUMNS and (
            name in words or SequenceMatcher(None, name, "".join(words)).ratio() > 0.8
        ):
            return column
    return ""


def lines_in(reader: TableReader, rows: Iterable[Sequence[str]]) -> int:
    """Return the number of lines that rows take up; in CSV a cell may contain line breaks."""
    if isinstance(reader, JsonLines | ParquetRows):
        return sum(1 for _ in rows)
    return sum(1 + len(_LINE_END.findall("".join(cells))) for cells in rows)


def line_of_error(reader: TableReader, before: int, rows: Iterable[Sequence[str]]) -> int:
    """Return the line where a reader failed; in CSV the first line of a row that does not end.

    Parameters
    ----------
    before : int
        Number of lines before `rows`.
    rows : iterable of sequence of str
        Rows that were read since then.
    """
    if isinstance(reader, JsonLines | ParquetRows):
        return reader.line_num
    return before + lines_in(reader, rows) + 1


def place_in(reader: TableReader, line: int) -> str:
    """Return the name of a line in a message; in a Parquet file, which has no lines, of a row."""
    return f"row {line - 1}" if isinstance(reader, ParquetRows) else f"line {line}"


def is_empty(cells: Iterable[str]) -> bool:
    """Return whether a row has no content, like rows below the last one of a spreadsheet."""
    return not any(map(str.strip, cells))


def cells_of_row(values: Sequence[str], width: int) -> Sequence[str]:
    """Return the cells of one row, without the empty ones that some spreadsheets add at its end.

    Raises
    ------
    ValueError
        If it has not `width` cells, or a NUL.
    """
    if len(values) > width and not any(values[width:]):
        values = values[:width]
    if len(values) != width:
        raise ValueError("a row with too few or many cells.")
    (cells,) = plain_cells([values])
    return cells


def plain_cells(block: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Return rows without the apostrophes that `digitsort` wrote before formulas.

    Raises
    ------
    ValueError
        If a cell contains a NUL: binary files do, tables do not.
    """
    text = "".join(map("".join, block))
    if "\0" in text:
        raise ValueError("a cell holds a NUL character: no text has one.")
    return block if "'" not in text else [list(map(unescaped, cells)) for cells in block]


def fault_of(error: Exception, otherwise: str) -> str:
    """Return what is wrong with a table that can't be read to its end, and the remedy.

    Parameters
    ----------
    error : Exception
        That the reader raised.
    otherwise : str
        Remedy, unless the table was saved in another encoding.
    """
    if isinstance(error, UnicodeDecodeError) and error.encoding == "utf-8":
        byte = error.object[error.start]
        return f"byte 0x{byte:02x} is not UTF-8. Save the table as UTF-8 (in Excel: CSV UTF-8)."
    return f"{error}. {otherwise}".rstrip()


def _not_readable(path: Path, reason: str, remedy: str) -> UsageError:
    return UsageError(f"{printable(str(path))} can't be read: {reason}. {remedy}")
