"""labels.csv: its columns, its writer and its reader."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from digitsort.errors import NothingToDoError, UsageError
from digitsort.files.names import folder_of, printable, to_cell
from digitsort.images.limits import FIRST_OF_SEVERAL
from digitsort.labels.cells import NONE_LABEL as NONE_LABEL
from digitsort.labels.cells import UNCLEAR as UNCLEAR
from digitsort.labels.cells import Findings, share_of, shown
from digitsort.labels.read_table import (
    fault_of,
    header_of,
    like,
    line_of_error,
    lines_in,
    opened_table,
    place_in,
)
from digitsort.labels.row import HUMAN, SOURCE, Row, RowMaker
from digitsort.labels.table import ROWS_AT_ONCE, Cells, line_of
from digitsort.outcomes import Outcome

if TYPE_CHECKING:
    from digitsort.labels.read_table import TableReader

Format = Literal["csv", "jsonl", "parquet"]

LineFormat = Literal["csv", "jsonl"]
"""Formats that are written row by row. A Parquet file is made of the rows of a CSV file at the end."""

COLUMNS = (
    "path",
    "label",
    "confidence",
    "status",
    "reason",
    "second",
    "second_confidence",
    "sha256",
    "model",
)
"""Public interface: changes only with a major version."""

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""Extensions that mark a file as a table in arguments that can also be folders."""

_NEEDED = ("path", "label", "status")
"""Columns that make a table a labels.csv."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Settings for writing rows.

    Attributes
    ----------
    root : str
        Absolute folder that the paths are relative to.
    model : str
        First 12 hex digits of the model's fingerprint.
    probability_of : sequence of str
        Class names with a column ``p_<name>``.
    """

    root: str
    model: str
    probability_of: Sequence[str] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The header."""
        return (*COLUMNS, *(f"p_{name}" for name in self.probability_of))

    def cell_of(self, path: str) -> str:
        """A path as the cell of a row."""
        return to_cell(path, self.root)

    def cells(self, outcome: Outcome) -> list[str]:
        """An outcome as the cells of a row."""
        path, status, label, confidence, reason, second, second_share, sha256, note, every = outcome
        cells = [
            to_cell(path, self.root),
            label,
            "" if confidence is None else f"{confidence:.4f}",
            status,
            with_note(reason, note) if note else reason,
            second,
            "" if second_share is None else f"{second_share:.4f}",
            sha256,
            self.model,
        ]
        if self.probability_of:
            probabilities = every or (None,) * len(self.probability_of)
            cells += [_decimal(p) for p in probabilities[: len(self.probability_of)]]
        return cells


class LabelsWriter:
    """Writes outcomes to a text stream, row by row."""

    def __init__(
        self, stream: IO[str], layout: Layout, form: LineFormat = "csv", *, header: bool = True
    ) -> None:
        self._stream = stream
        self._layout = layout
        self._form = form
        if form == "csv" and header:
            self._stream.write(line_of(layout.columns))

    def write(self, outcome: Outcome) -> None:
        """Append one row."""
        self._stream.write(row_text(outcome, self._layout, self._form))


def row_text(outcome: Outcome, layout: Layout, form: LineFormat) -> str:
    """Return the line of a row, its end included; in CSV, a cell with line breaks makes it several."""
    if form == "csv":
        return line_of(layout.cells(outcome))
    return json.dumps(record_of(outcome, layout), ensure_ascii=False) + "\n"


def record_of(outcome: Outcome, layout: Layout) -> dict[str, str | float | None]:
    """Return the fields of a row as JSON lines have them."""
    return _typed(dict(zip(layout.columns, layout.cells(outcome), strict=True)))


def row_bytes(outcome: Outcome, layout: Layout, form: LineFormat) -> bytes:
    """Return the bytes of a row as `LabelsWriter` writes it."""
    return row_text(outcome, layout, form).encode()


def read_labels(
    path: Path, root: Path | None = None, findings: Findings | None = None
) -> Iterator[Row]:
    """Read a labels.csv, or the same as JSON lines or Parquet.

    Parameters
    ----------
    path : Path
    root : Path, optional
        Folder where relative paths start; default: the folder of the file. Files whose absolute path
        does not exist are looked up in it by the end of their path.
    findings : Findings, optional
        Receives observations about the table.

    Raises
    ------
    UsageError
        If the file is not a labels.csv, naming the line.
    """
    base = folder_of(str(path)) if root is None else str(root.absolute())
    with opened_table(path) as reader:
        line, block = 0, list[list[str]]()
        try:
            columns = _header(path, reader)
            maker = RowMaker(columns, base, None if root is None else base, findings)
            for line, block in _blocks(reader):
                try:
                    rows: Iterable[Row] = maker.rows(block)
                except ValueError:
                    rows = _one_by_one(path, maker, reader, line, block)
                yield from rows
        except (csv.Error, UnicodeError) as error:
            at = line_of_error(reader, line, block)
            raise UsageError(
                f"{printable(str(path))}, {place_in(reader, at)}: "
                f"{fault_of(error, 'It is no labels.csv as digitsort writes it.')}"
            ) from error


def _blocks(reader: TableReader) -> Iterator[tuple[int, list[list[str]]]]:
    """Rows, many at once, each time with the number of lines before them."""
    while True:
        line = reader.line_num
        block: list[list[str]] = []
        try:
            block.extend(islice(reader, ROWS_AT_ONCE))
        except (csv.Error, UnicodeError):
            yield line, block  # it has what came before the error
            raise
        if not block:
            return
        yield line, block


def _one_by_one(
    path: Path, maker: RowMaker, reader: TableReader, line: int, block: Iterable[list[str]]
) -> Iterator[Row]:
    """Yield the rows up to the first invalid one; skip empty rows."""
    for values in block:
        line += lines_in(reader, [values])
        try:
            row = maker.row(values)
        except ValueError as error:
            at = place_in(reader, line)
            raise UsageError(f"{printable(str(path))}, {at}: {error}") from error
        if row is not None:
            yield row


def _listed(names: Sequence[str]) -> str:
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _header(path: Path, reader: TableReader) -> Sequence[str]:
    columns, name = header_of(reader), printable(str(path))
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        meant = like(missing[0], columns)
        hint = f"Rename the column {shown(meant)}, if that is {missing[0]}." if meant else ""
        if not hint and HUMAN in columns:
            hint = "Copy the rows of the labels.csv with all its columns, and add your labels."
        what = "column" if len(missing) == 1 else "columns"
        raise UsageError(
            f"{name} has no {what} {_listed(missing)}: it is not a labels.csv. "
            f"{hint or 'Make one with `digitsort classify`.'}"
        )
    twice = [column for column in (*COLUMNS, HUMAN, SOURCE) if columns.count(column) > 1]
    if twice:
        raise UsageError(f"{name} has {columns.count(twice[0])} columns {twice[0]}. Keep one.")
    if HUMAN not in columns and (meant := like(HUMAN, columns)):
        raise UsageError(
            f"{name} has a column {shown(meant)}, but no column {HUMAN}. If it holds a person's "
            f"labels, rename it to {HUMAN}; else give it a name without this word."
        )
    return columns


def with_note(reason: str, note: str) -> str:
    """Return the cell for a reason and a note, such as that only the first page was read."""
    return f"{reason}; {note}" if reason and note else reason or note


def without_note(cell: str) -> tuple[str, str]:
    """Split the cell that `with_note` returned into the reason and the note."""
    if not cell.endswith(FIRST_OF_SEVERAL):
        return cell, ""
    return cell.removesuffix(FIRST_OF_SEVERAL).removesuffix("; "), FIRST_OF_SEVERAL


def row_of(outcome: Outcome, layout: Layout) -> Row:
    """The row that an outcome would have in a labels.csv."""
    cells = Cells(_index_of(layout.columns), layout.cells(outcome))
    return Row(
        path=outcome.path,
        label=outcome.label,
        status=outcome.status,
        reason=with_note(outcome.reason, outcome.note),
        sha256=outcome.sha256,
        model=layout.model,
        cells=cells,
    )


@lru_cache(maxsize=16)
def _index_of(columns: tuple[str, ...]) -> Mapping[str, int]:
    """One index for all rows with these columns: they are written together, and sooner for it."""
    return {name: place for place, name in enumerate(columns)}


def outcome_of(row: Row) -> Outcome:
    """The outcome that a row was written from."""
    reason, note = without_note(row.reason)
    return Outcome(
        row.path,
        row.status,
        label=row.label,
        confidence=confidence_of(row),
        reason=reason,
        second=row.cells.get("second", ""),
        sha256=row.sha256,
        note=note,
    )


def confidence_of(row: Row) -> float | None:
    """Return the row's confidence, 0-1; None where it has none."""
    return share_of(row.cells.get("confidence", ""))


def is_labels(path: Path) -> bool:
    """Return whether a file has the header of a labels.csv."""
    return bool(columns_of_labels(path))


def columns_of_labels(path: Path) -> Sequence[str]:
    """Return the columns of a labels.csv; none where a file is something else, or not there."""
    try:
        with opened_table(path) as reader:
            columns = header_of(reader)
    except (UsageError, csv.Error, UnicodeError):
        return ()
    return columns if set(_NEEDED) <= set(columns) else ()


def table_of(path: Path) -> Path:
    """Return the labels.csv of a folder that `sort` made; any other path as it is."""
    manifest = path / "labels.csv"
    is_sorted = os.path.isfile(manifest) and SOURCE in columns_of_labels(manifest)
    return manifest if is_sorted else path


def require_rows(rows: Sequence[Row], path: Path) -> None:
    """Raise NothingToDoError where a labels.csv has no rows."""
    if not rows:
        raise NothingToDoError(f"{printable(str(path))} has no rows: there is nothing to do.")


def _decimal(probability: float | None) -> str:
    return "" if probability is None else f"{probability:.4f}"


def _typed(record: dict[str, str]) -> dict[str, str | float | None]:
    """Return the value for JSON: probabilities as numbers, an absent one as null."""
    typed: dict[str, str | float | None] = {}
    for name, value in record.items():
        is_number = name in ("confidence", "second_confidence") or name.startswith("p_")
        typed[name] = (float(value) if value else None) if is_number else value
    return typed
