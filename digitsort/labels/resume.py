"""Continue an unfinished labels file: check that it is the same run, and find its complete rows."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import IO, Any

from digitsort.errors import OutputError
from digitsort.files.names import printable
from digitsort.files.sealed import seal
from digitsort.labels.labels_csv import Format, Layout, without_note
from digitsort.labels.table import unescaped
from digitsort.outcomes import Outcome, Status

PURPOSE = b"run.json"

MOST_SOURCES = 100
"""Largest number of sources to record one by one; a longer list is recorded by its hash."""


@dataclass(frozen=True, slots=True)
class Run:
    """Settings of a run.

    Attributes
    ----------
    sources : str
        The files and folders named, as absolute paths, in order; a long list by its hash.
    links : str
        Whether linked folders are followed.
    model : str
        The model's fingerprint.
    settings, format, version : str
        Settings of the decision, format of the file, version of digitsort.
    adapt : str
        Whether the run has a second pass.
    """

    sources: str
    links: str
    model: str
    settings: str
    format: str
    version: str
    adapt: str = "False"

    @classmethod
    def of(
        cls,
        sources: Iterable[str],
        follow_links: bool,
        model: str,
        settings: object,
        form: Format,
        *,
        adapt: bool = False,
    ) -> Run:
        """Describe a run."""
        from digitsort import __version__

        absolute = [os.path.abspath(source) for source in sources]
        listed = json.dumps(absolute)
        if len(absolute) > MOST_SOURCES:
            listed = f"{len(absolute)} sources, sha256 {sha256(listed.encode()).hexdigest()}"
        links = str(follow_links)
        return cls(listed, links, model, repr(settings), form, __version__, str(adapt))

    def require_same(self, other: Run, folder: Path) -> None:
        """Raise OutputError, naming the differences, unless `other` has the same settings."""
        mine, theirs = asdict(self), asdict(other)
        names = [name for name in mine if mine[name] != theirs[name]]
        differing = [f"{name}: {theirs[name]}, now {mine[name]}" for name in names]
        if differing:
            said = printable("; ".join(differing))
            raise OutputError(
                f"The run in {printable(str(folder))} is a different one ({said}). "
                "Use the same settings, or start over with --force instead of --resume."
            )

    def to_bytes(self) -> bytes:
        """Return the settings as JSON, with a seal that only this user can make."""
        described = json.dumps(asdict(self))
        return json.dumps({"run": described, "seal": seal(PURPOSE, described.encode())}).encode()


def run_of(content: bytes) -> Run | None:
    """Return the run that `Run.to_bytes` described; None if another user or program wrote it."""
    try:
        kept = json.loads(content)
        described = kept["run"]
        if not compare_digest(kept["seal"].encode(), seal(PURPOSE, described.encode()).encode()):
            return None
        return Run(**json.loads(described))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


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
