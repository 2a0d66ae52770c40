"""What runs did in a DEST, written down before they do it: one append-only file a run."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from digitsort.errors import OutputError
from digitsort.files.disk import APPEND, NEW, READ, Disk
from digitsort.files.names import printable

FOLDER = ".digitsort"
"""In DEST: journals, the lock and who holds it."""

VERSION = 1

_NAME = re.compile(r"run-(\d{6,})\.jsonl")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that a run set out to deliver.

    Attributes
    ----------
    number : int
        In its run, from 0.
    source : str
        Absolute path.
    to : str
        Path below DEST, with ``/``.
    sha256 : str
    size, mtime_ns, mode : int
        As they were at the source, `mode` without the file's type; of moves only, else 0.
    cells : dict
        Of its row in the labels.csv of DEST, without path and sha256.
    """

    number: int
    source: str
    to: str
    sha256: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """A journal, read.

    Attributes
    ----------
    path : str
    mode : str
        Of `plan.Mode`.
    token : str
        In the names of the run's temporary files.
    made_levels : int
        1 if it made DEST, 2 if DEST's parent too …
    continues : bool
        It goes on with the run before, which was stopped.
    entries : list of Entry
    made : list of str
        Folders below DEST that it set out to make, a parent before its children.
    settled : int
        Entries below this number were carried out, but for those in `failed`.
    failed : dict
        Number to reason.
    end : str
        "done", "stopped" or "recovered"; empty if it was killed or goes on.
    undo_begun, undone : bool
    kept : set of int
        What the undo did not take back.
    size : int
        Bytes of the file that are whole lines.
    """

    path: str
    mode: str
    token: str
    made_levels: int = 0
    continues: bool = False
    entries: list[Entry] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    settled: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    end: str = ""
    undo_begun: bool = False
    undone: bool = False
    kept: set[int] = field(default_factory=set)
    size: int = 0

    @property
    def delivered(self) -> Iterator[Entry]:
        """What was carried out and not taken back."""
        for entry in self.entries[: self.settled]:
            if entry.number not in self.failed and (not self.undone or entry.number in self.kept):
                yield entry

    @property
    def open_entries(self) -> list[Entry]:
        """What was begun, and may have been carried out or not."""
        return self.entries[self.settled :]


class Journal:
    """A run's journal, open for appending."""

    def __init__(self, disk: Disk, run: Run, descriptor: int, *waiting: dict[str, Any]) -> None:
        self._disk = disk
        self._descriptor = descriptor
        self._waiting = list(waiting)
        self._torn = False
        self.run = run

    def begin(self, entries: Sequence[Entry], made: Sequence[str], *, durable: bool) -> None:
        """Write down, before it is done, what will be done; what was settled before goes with it."""
        self._waiting += [{"mkdir": folder} for folder in made]
        self.run.made += made
        self._waiting += map(_record, entries)
        self._flush(durable=durable)

    def settle(self, count: int, failed: Mapping[int, str]) -> None:
        """Write down, with the next flush, that all entries below `count` have ended; some failed."""
        self._waiting.append({"settled": count, "failed": failed})
        self.run.settled = count
        self.run.failed.update(failed)

    def mark(self, **record: object) -> None:
        """Write a record of another kind, and make it durable."""
        self._waiting.append(record)
        self._flush(durable=True)

    def flush(self) -> None:
        """Write what was settled last."""
        self._flush(durable=False)

    def close(self) -> None:
        """Close the file; what was not flushed is found out by `recover` the next time."""
        self._disk.close(self._descriptor)

    def _flush(self, *, durable: bool) -> None:
        if self._torn:
            return
        encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
        lines = "".join(encode(record) + "\n" for record in self._waiting)
        self._waiting.clear()
        self._torn = True  # a disk that fills up takes a part; nothing may be written behind that
        write_all(self._disk, self._descriptor, lines.encode("ascii"))
        self._torn = False
        if durable:
            self._disk.fsync(self._descriptor)


def write_all(disk: Disk, descriptor: int, data: bytes) -> None:
    """Write all of the data, however many calls it takes."""
    left = memoryview(data)
    while left:
        left = left[disk.write(descriptor, left) :]


def new_journal(disk: Disk, dest: str, mode: str, made_levels: int, continues: bool) -> Journal:
    """Begin the journal of a new run, the newest in `dest`."""
    numbers = [number for number, _ in _files(dest)]
    path = os.path.join(dest, FOLDER, f"run-{max(numbers, default=0) + 1:06d}.jsonl")
    run = Run(path, mode, secrets.token_hex(4), made_levels, continues)
    header = {
        "digitsort": VERSION,
        "mode": mode,
        "token": run.token,
        "made": made_levels,
        "continues": continues,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Journal(disk, run, disk.open(path, NEW | os.O_APPEND, 0o666), header)


def reopen(disk: Disk, run: Run) -> Journal:
    """Open a run's journal once more; a torn last line is cut off."""
    descriptor = disk.open(run.path, APPEND)
    if disk.fstat(descriptor).st_size != run.size:
        disk.truncate(descriptor, run.size)
    return Journal(disk, run, descriptor)


def read_runs(dest: str) -> Iterator[Run]:
    """Read the journals of a DEST, the newest first.

    Raises
    ------
    OutputError
        If one can't be read, or is of a newer digitsort.
    """
    for _, path in sorted(_files(dest), reverse=True):
        run = read_run(path)
        if run is not None:
            yield run


def journals(dest: str) -> list[str]:
    """Files of journals in a DEST, the newest first."""
    return [path for _, path in sorted(_files(dest), reverse=True)]


def _files(dest: str) -> list[tuple[int, str]]:
    folder = os.path.join(dest, FOLDER)
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise OutputError(f"{printable(folder)} can't be listed: {error.strerror}.") from error
    found = ((_NAME.fullmatch(name), name) for name in names)
    return [(int(match[1]), os.path.join(folder, name)) for match, name in found if match]


def read_run(path: str) -> Run | None:
    """Read a journal; None of a journal that ends within its first line: nothing was done yet."""
    try:
        descriptor = os.open(path, READ)
    except OSError as error:
        raise OutputError(f"{printable(path)} can't be read: {error.strerror}.") from error
    run: Run | None = None
    with os.fdopen(descriptor, "rb") as file:
        for line in file:
            record = _parsed(line)
            if record is None:
                break
            run = _header(path, record) if run is None else _added(run, record)
            run.size += len(line)
    return run


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A record; None where the line was torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _header(path: str, record: dict[str, Any]) -> Run:
    if record.get("digitsort") != VERSION:
        raise OutputError(
            f"{printable(path)} is no journal that this digitsort reads. Use the version that wrote it."
        )
    return Run(path, record["mode"], record["token"], record["made"], record["continues"])


def _added(run: Run, record: dict[str, Any]) -> Run:
    if "from" in record:
        run.entries.append(_entry(record))
    elif "mkdir" in record:
        run.made.append(record["mkdir"])
    elif "settled" in record:
        run.settled = record["settled"]
        run.failed.update({int(number): reason for number, reason in record["failed"].items()})
    elif "end" in record:
        run.end = record["end"]
    elif "undo" in record:
        run.undo_begun = record["undo"] == "begun"
        if record["undo"] == "done":
            run.undone, run.kept = True, set(record["kept"])
    return run


def _record(entry: Entry) -> dict[str, Any]:
    record: dict[str, Any] = {
        "n": entry.number,
        "from": entry.source,
        "to": entry.to,
        "sha256": entry.sha256,
    }
    if entry.mtime_ns or entry.size:
        record |= {"size": entry.size, "mtime_ns": entry.mtime_ns, "mode": entry.mode}
    return record | {"cells": entry.cells}


def _entry(record: dict[str, Any]) -> Entry:
    return Entry(
        number=record["n"],
        source=record["from"],
        to=record["to"],
        sha256=record["sha256"],
        size=record.get("size", 0),
        mtime_ns=record.get("mtime_ns", 0),
        mode=record.get("mode", 0),
        cells=record["cells"],
    )
