"""Read the rows of an unfinished labels file, up to the last complete one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import IO, Any

from digitsort.labels import Format, Layout
from digitsort.quoting import unescaped
from digitsort.records import Outcome, Status


def whole_rows(file: IO[bytes], layout: Layout, form: Format) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the end and the cells of each complete row (None for the header); stop at a partial row."""
    file.seek(0)
    end, row, is_header = 0, b"", form == "csv"
    for line in file:
        row += line
        if not row.endswith(b"\n") or (form == "csv" and row.count(b'"') % 2):
            continue
        try:
            cells = _header(row, layout) if is_header else _cells(row, layout, form)
        except (ValueError, csv.Error):
            return
        end += len(row)
        row, is_header = b"", False
        yield end, cells


def _header(row: bytes, layout: Layout) -> dict[str, str]:
    if _row(row) != list(layout.columns):
        raise ValueError("another header")
    return {}


def _cells(row: bytes, layout: Layout, form: Format) -> dict[str, str]:
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
    """Return the outcome in a row, as far as the counts need it."""
    return Outcome(
        path,
        Status(cells["status"]),
        label=cells["label"],
        reason=cells["reason"],
        sha256=cells["sha256"],
    )
