"""Continue an unfinished labels file: check that it is the same run, and find its complete rows.

The settings of a finished run are recorded too, in the user's state folder, under a hash of the rows
that it wrote. `classify --update` keeps rows only if they are recorded there with the same settings.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b, sha256
from hmac import compare_digest
from pathlib import Path
from typing import IO, Any

from digitsort import __version__
from digitsort.errors import OutputError
from digitsort.files.names import absolute, printable
from digitsort.files.sealed import seal, state_folder
from digitsort.labels.cells import share_of
from digitsort.labels.labels_csv import Format, Layout, LineFormat, without_note
from digitsort.labels.table import unescaped
from digitsort.outcomes import Outcome, Status

PURPOSE = b"run.json"

TABLES = "tables"
"""Folder in the state folder, with the settings of finished runs."""

MOST_TABLES = 1000
"""Largest number of finished runs to remember; `--update` reads the files of an older table again."""

MOST_RUN_BYTES = 2**20
"""Largest record of a run, in bytes: at most a hundred paths of 4 KiB each."""

_OF_ROWS = ("model", "settings", "version", "adapt")
"""Settings that a row depends on."""

MOST_SOURCES = 100
"""Largest number of sources to record one by one; a longer list is recorded by its hash."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Settings of a run.

    Attributes
    ----------
    sources : str
        The files and folders named, as absolute paths, in order; a long list by its hash. Then the
        patterns of `--exclude`, if any, and whether archives in folders are read.
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
        exclude: Sequence[str] = (),
        archives: bool = False,
    ) -> RunSettings:
        """Describe a run."""
        whole = [absolute(source) for source in sources]
        listed = json.dumps(whole)
        if len(whole) > MOST_SOURCES:
            listed = f"{len(whole)} sources, sha256 {sha256(listed.encode()).hexdigest()}"
        if exclude:
            listed += f" without {json.dumps(list(exclude))}"
        if archives:
            listed += " with archives"
        links = str(follow_links)
        return cls(listed, links, model, repr(settings), form, __version__, str(adapt))

    def differences(self, other: RunSettings, names: Iterable[str] = ()) -> list[str]:
        """Return the names of the settings that differ; by default of all settings."""
        mine, theirs = asdict(self), asdict(other)
        return [name for name in names or mine if mine[name] != theirs[name]]

    def row_differences(self, other: RunSettings) -> list[str]:
        """Return the names of the settings that differ and that a row depends on."""
        return self.differences(other, _OF_ROWS)

    def require_same(self, other: RunSettings, folder: Path) -> None:
        """Raise OutputError, naming the differences, unless `other` has the same settings."""
        mine, theirs = asdict(self), asdict(other)
        names = self.differences(other)
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


def run_of(content: bytes) -> RunSettings | None:
    """Return what `RunSettings.to_bytes` described; None if another user or program wrote it."""
    try:
        kept = json.loads(content)
        described = kept["run"]
        if not compare_digest(kept["seal"].encode(), seal(PURPOSE, described.encode()).encode()):
            return None
        return RunSettings(**json.loads(described))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


class RowsHash:
    """Hash of the rows of a table in any order; only this user's key can produce it."""

    def __init__(self) -> None:
        self._key = seal(PURPOSE, TABLES.encode()).encode()
        self._sum = 0

    def add(self, line: bytes) -> None:
        """Add the line of a row, as digitsort writes it."""
        digest = blake2b(line, key=self._key, digest_size=32).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % 2**256

    @property
    def path(self) -> Path:
        """Return where the settings of the run that wrote these rows are recorded."""
        return state_folder() / TABLES / f"{self._sum:064x}.json"


def remember(rows: RowsHash, run: RunSettings) -> None:
    """Record the settings of a run that wrote these rows."""
    path = rows.path
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    with suppress(OSError):  # a full disk: the next --update reads every file again
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            temporary.write_bytes(run.to_bytes())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _forget_old(path.parent)


def remembered(rows: RowsHash) -> RunSettings | None:
    """Return the settings of the run that wrote these rows; None if no such run is recorded."""
    try:
        with rows.path.open("rb") as file:
            return run_of(file.read(MOST_RUN_BYTES))
    except OSError:
        return None


def _forget_old(folder: Path) -> None:
    records = list(folder.iterdir())
    if len(records) > MOST_TABLES:
        records.sort(key=lambda record: record.stat().st_mtime)
        for record in records[: len(records) - MOST_TABLES]:
            record.unlink(missing_ok=True)


def whole_rows(
    file: IO[bytes], layout: Layout, form: LineFormat
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the end and the cells of each complete row (none for the header), up to a torn one."""
    end, is_header = 0, form == "csv"
    for row in raw_rows(file, form):
        try:
            cells = _header(row, layout) if is_header else cells_of(row, layout, form)
        except (ValueError, csv.Error):
            return
        end += len(row)
        is_header = False
        yield end, cells


def raw_rows(file: IO[bytes], form: LineFormat) -> Iterator[bytes]:
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


def cells_of(row: bytes, layout: Layout, form: LineFormat) -> dict[str, str]:
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


def outcome_of(path: str, cells: Mapping[str, str], layout: Layout) -> Outcome:
    """Return the outcome that a row was written from; the same row can be written from it again."""
    reason, note = without_note(cells["reason"])
    every = [share_of(cells[f"p_{name}"]) for name in layout.probability_of]
    return Outcome(
        path,
        Status(cells["status"]),
        label=cells["label"],
        confidence=share_of(cells["confidence"]),
        reason=reason,
        second=cells["second"],
        second_confidence=share_of(cells["second_confidence"]),
        sha256=cells["sha256"],
        note=note,
        probabilities=tuple(p for p in every if p is not None),
    )
