"""Read the rows of an unfinished labels file, up to the last complete one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import IO, Any

from digitsort.labels import Format, Layout, without_note
from digitsort.quoting import unescaped
from digitsort.records import Outcome, Status


def whole_rows(file: IO[bytes], layout: Layout, form: Format) -> Iterator[tuple[int, dict[str, str]]]:
    """Where each whole row ends, and its cells; the header has none. Stops before a torn one."""
    end, is_header = 0, form == "csv"
    for row in raw_rows(file, form):
        try:
            cells = _header(row, layout) if is_header else cells_of(row, layout, form)
        except (ValueError, csv.Error):
            return
        end += len(row)
        is_header = False
        yield end, cells


def raw_rows(file: IO[bytes], form: Format) -> Iterator[bytes]:
    """Yield the bytes of each complete row, including the header."""
    file.seek(0)
    row = b""
    for line in file:
        row += line
        if not row.endswith(b"\n") or (form == "csv" and row.count(b'"') % 2):
            continue
        yield row
        row = b""


def _header(row: bytes, layout: Layout) -> dict[str, str]:
    if _row(row) != list(layout.columns):
        raise ValueError("another header")
    return {}


def cells_of(row: bytes, layout: Layout, form: Format) -> dict[str, str]:
    """Return the cells of a row; raise ValueError or csv.Error if it is not valid."""
    if form == "jsonl":
        record: dict[str, Any] = json.loads(row)
        if tuple(record) != layout.columns:
            raise ValueError("other fields")
        cells = {name: "" if value is None else str(value) for name, value in record.items()}
    else:
        cells = dict(zip(layout.columns, _row(row), strict=True))
    Status(cells["status"])
    return cells


def _row(row: bytes) -> list[str]:
    reader = csv.reader(io.StringIO(row.decode(), newline=""), strict=True)
    return list(map(unescaped, next(reader)))


def outcome_of(path: str, cells: dict[str, str]) -> Outcome:
    """What a row tells of a file, as far as the books need it."""
    reason, note = without_note(cells["reason"])
    return Outcome(
        path,
        Status(cells["status"]),
        label=cells["label"],
        reason=reason,
        sha256=cells["sha256"],
        note=note,
    )
