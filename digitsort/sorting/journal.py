"""What runs did in a DEST, written down before they do it: one append-only file a run."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from digitsort.errors import OutputError
from digitsort.files.disk import APPEND, NEW, READ, Disk
from digitsort.files.names import printable
from digitsort.sorting.run import (
    VERSION,
    Run,
    Written,
    add_record,
    begun,
    is_of_entries,
    line_of,
    lines_of,
    parsed,
)

FOLDER = ".digitsort"
"""In DEST: journals, the lock and who holds it."""

_NAME = re.compile(r"run-(\d{6,})\.jsonl")


class Journal:
    """A run's journal, open for appending."""

    def __init__(self, disk: Disk, run: Run, descriptor: int, *waiting: Mapping[str, object]) -> None:
        self._disk = disk
        self._descriptor = descriptor
        self._waiting = list(map(line_of, waiting))
        self._torn = False
        self.run = run

    def begin(self, entries: Iterable[Written], made: Sequence[str]) -> None:
        """Write down, before it is done, what will be done; what was settled before goes with it."""
        self._waiting += [line_of({"mkdir": folder}) for folder in made]
        self.run.made += made
        self._waiting += lines_of(entries)
        self.flush()

    def sync(self) -> None:
        """Make durable what is written."""
        self._disk.fsync(self._descriptor)

    def settle(self, count: int, failed: Mapping[int, str]) -> None:
        """Write down, with the next flush, that all entries below `count` have ended; some failed."""
        self._waiting.append(line_of({"settled": count, "failed": failed}))
        self.run.settled = count
        self.run.failed.update(failed)

    def mark(self, **record: object) -> None:
        """Write a record of another kind, and make it durable."""
        self._waiting.append(line_of(record))
        if not self._torn:
            self.flush()
            self.sync()

    def flush(self) -> None:
        """Write what waits."""
        if self._torn:
            return
        lines = "".join(self._waiting)
        self._waiting.clear()
        self._torn = True  # a disk that fills up takes a part; nothing may be written behind that
        write_all(self._disk, self._descriptor, lines.encode("ascii"))
        self._torn = False

    def close(self) -> None:
        """Close the file; what was not flushed is found out by `recover` the next time."""
        self._disk.close(self._descriptor)


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


def read_runs(dest: str, *, entries: bool = True) -> Iterator[Run]:
    """Read the journals of a DEST, the newest first; without their entries, which are most of them.

    Raises
    ------
    OutputError
        If one can't be read, or is of a newer digitsort.
    """
    for _, path in sorted(_files(dest), reverse=True):
        run = read_run(path, entries=entries)
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


def read_run(path: str, *, entries: bool = True) -> Run | None:
    """Read a journal; None of a journal that ends within its first line: nothing was done yet."""
    try:
        descriptor = os.open(path, READ)
    except OSError as error:
        raise OutputError(f"{printable(path)} can't be read: {error.strerror}.") from error
    run: Run | None = None
    with os.fdopen(descriptor, "rb") as file:
        for line in file:
            if run is not None and not entries and is_of_entries(line):
                run.size += len(line)
                continue
            try:
                record = parsed(line)
                if record is None:
                    break  # the last line, torn by a kill or a full disk
                run = begun(path, record) if run is None else add_record(run, record)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise OutputError(
                    f"{printable(path)} is damaged: {line[:60]!r} is no record. Restore it from a "
                    "backup, or name another DEST."
                ) from error
            run.size += len(line)
    return run
