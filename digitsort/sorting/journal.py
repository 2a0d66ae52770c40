"""Write down what a run does in a DEST before it does it: one append-only file per run."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

from digitsort.errors import OutputError
from digitsort.files.disk import APPEND, DISK, NEW, NO_FOLLOW, READ_NO_WAIT, Disk, write_all
from digitsort.files.names import printable
from digitsort.files.places import open_places
from digitsort.sorting.entries import (
    VERSION,
    DestIdentity,
    Entry,
    Run,
    add_record,
    begun,
    is_of_entries,
    is_of_plan,
    is_sealed,
    parsed,
    sealed,
    text_of,
    texts_of,
)
from digitsort.sorting.removal import SECTOR_BYTES
from digitsort.sorting.transfer import remove_ours

FOLDER = ".digitsort"
"""In DEST: journals, the lock and who holds it."""

_NAME = re.compile(r"run-([0-9]{6,9})\.jsonl")

_MOST_NUMBER = 10**9 - 1

MOST_HEAD_BYTES = 2**16
"""Of a first line: two paths of 4,096 bytes, each escaped to six characters, and some more."""

MOST_FOREIGN_BYTES = 2**24
"""Of a line that somebody else wrote: a true one has 1,024 entries, mostly of 300 bytes."""

_FEWEST_BYTES = 40
"""Fewer than any line has."""

_MOST_LOST_LINES = 1000
"""Lines looked for in a hole of zeros: each costs a seal of every line behind it."""


class Journal:
    """A run's journal, open for appending."""

    def __init__(self, disk: Disk, run: Run, descriptor: int) -> None:
        self._disk = disk
        self._descriptor = descriptor
        self._waiting: list[str] = []
        self._torn = False
        self.run = run

    def begin(self, entries: Iterable[Entry], made: Sequence[str]) -> None:
        """Write down, before it is done, what will be done; what was settled before goes with it."""
        for folder in made:
            self._add(text_of({"mkdir": folder}))
        self.run.made += made
        for text in texts_of(entries):
            self._add(text)
        self.flush()

    def sync(self) -> None:
        """Make durable what is written."""
        self._disk.fsync(self._descriptor)

    def settle(self, count: int, failed: Mapping[int, str]) -> None:
        """Write down, with the next flush, that all entries below `count` have ended; some failed."""
        self._add(text_of({"settled": count, "failed": failed}))
        self.run.settled = count
        self.run.failed.update(failed)

    def mark(self, **record: object) -> None:
        """Write a record of another kind, and make it durable."""
        self._add(text_of(record))
        if not self._torn:
            self.flush()
            self.sync()

    def head(self, record: Mapping[str, object]) -> None:
        """Write the first record, whose seal names no run, and make it durable."""
        self._waiting.append(sealed(text_of(record), "", 0))
        self.run.lines = 1
        self.flush()
        self.sync()

    def flush(self) -> None:
        """Write what waits."""
        if self._torn:
            return
        lines = "".join(self._waiting).encode("ascii")
        self._waiting.clear()
        self._torn = True  # a disk that fills up takes a part; nothing may be written behind that
        write_all(self._disk, self._descriptor, lines)
        self._torn = False
        self.run.size += len(lines)

    def close(self) -> None:
        """Close the file; what was not flushed is found out by `recover` the next time."""
        self._disk.close(self._descriptor)

    def _add(self, text: str) -> None:
        self._waiting.append(sealed(text, self.run.token, self.run.lines))
        self.run.lines += 1


def new_journal(
    disk: Disk,
    dest: str,
    mode: str,
    root: str,
    made_levels: int,
    continues: bool,
    *,
    of_inbox: bool = False,
) -> Journal:
    """Begin the journal of a new run, the newest in `dest`.

    Its first line is durable before anything else is written, and so are the names of the file and of
    the folders that it lies in, which the file's own sync does not promise.
    """
    path = os.path.join(dest, FOLDER, f"run-{_next_number(dest):06d}.jsonl")
    run = Run(path, mode, secrets.token_hex(4), root, made_levels, continues, of_inbox=of_inbox)
    identity = identity_of(dest)
    header = {
        "digitsort": VERSION,
        "mode": mode,
        "token": run.token,
        "dest": identity.path,
        "device": identity.device,
        "inode": identity.inode,
        "root": root,
        "made": made_levels,
        "continues": continues,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"inbox": True} if of_inbox else {}),
    }
    with open_places(disk) as places:
        place = places.at(path)
        journal = Journal(disk, run, disk.open(place, NEW | os.O_APPEND, 0o666))
        try:
            journal.head(header)
            places.sync([path])
        except BaseException:
            journal.close()
            remove_ours(disk, place)
            raise
    return journal


def _next_number(dest: str) -> int:
    """Return a number that no journal has, above those of all runs of this user's.

    A stranger's file may have the last number there is: it does not count then.
    """
    taken = {number for number, _ in _files(dest)}
    if max(taken, default=0) < _MOST_NUMBER:
        return max(taken, default=0) + 1
    ours = {run.path for run in read_runs(dest, entries=False)}
    last = max((number for number, path in _files(dest) if path in ours), default=0)
    free = (number for number in range(last + 1, _MOST_NUMBER + 1) if number not in taken)
    number = next(free, None)
    if number is None:
        folder = printable(os.path.join(dest, FOLDER))
        raise OutputError(f"{folder}: no more runs can be numbered. Name another DEST.")
    return number


def identity_of(dest: str) -> DestIdentity:
    """Return what a journal in a DEST, which is there, is bound to."""
    status = os.stat(dest)
    return DestIdentity(dest, status.st_dev, status.st_ino)


def reopen(disk: Disk, run: Run) -> Journal:
    """Open a run's journal once more; a torn last line is cut off."""
    with open_places(disk) as places:
        descriptor = disk.open(places.at(run.path), APPEND & ~os.O_CREAT)
    status = disk.fstat(descriptor)
    if not run.is_ours and status.st_nlink > 1:
        disk.close(descriptor)
        raise OutputError(
            f"{printable(run.path)} has a second name (a hard link), so it may be the journal of "
            "another folder too. Replace it with a copy of itself."
        )
    if status.st_size != run.size:
        disk.truncate(descriptor, run.size)
    return Journal(disk, run, descriptor)


def read_runs(dest: str, *, entries: bool = True, foreign: bool = False) -> Iterator[Run]:
    """Read the journals of a DEST, the newest first.

    Parameters
    ----------
    entries : bool
        Read the entries, which are most of a journal.
    foreign : bool
        Read journals of other users and machines too; otherwise they are passed over.

    Raises
    ------
    OutputError
        If one can't be read, is damaged, or was written by another version of digitsort.
    """
    for path in journals(dest):
        run = read_run(path, entries=entries, foreign=foreign)
        if run is not None:
            yield run


def delivered_contents(dest: str) -> dict[str, str]:
    """Return the sha256 of all that was delivered into a DEST and not taken back, by its source."""
    oldest_first = reversed(list(read_runs(dest)))
    return {entry.source: entry.sha256 for run in oldest_first for entry in run.delivered}


def journals(dest: str) -> list[str]:
    """Return the files of journals in a DEST, the newest first."""
    return [path for _, path in sorted(_files(dest), reverse=True)]


def is_earlier(one: Run, other: Run) -> bool:
    """Return whether a run is older than another one; as text, run 1,000,000 would precede 999,999."""
    return _order(one) < _order(other)


def _order(run: Run) -> tuple[int, str]:
    match = _NAME.fullmatch(os.path.basename(run.path))
    assert match is not None, "a journal that was found has such a name"
    return int(match[1]), run.path


def _files(dest: str) -> list[tuple[int, str]]:
    folder = os.path.join(dest, FOLDER)
    try:
        names = [] if os.path.islink(folder) else os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise OutputError(
            f"{printable(folder)} can't be listed: {error.strerror}. Choose another DEST."
        ) from error
    found = ((_NAME.fullmatch(name), name) for name in names)
    return [(int(match[1]), os.path.join(folder, name)) for match, name in found if match]


def read_run(path: str, *, entries: bool = True, foreign: bool = False) -> Run | None:
    """Read a journal.

    Returns
    -------
    Run or None
        None of a journal that ends within its first line: nothing was done yet; and of a foreign one,
        unless these are asked for.

    Raises
    ------
    OutputError
    """
    dest = os.path.dirname(os.path.dirname(path))
    with _opened(path) as file:
        first = file.readline(MOST_HEAD_BYTES)
        if _is_torn_head(first, file):
            return None
        try:
            run = begun(path, first, identity_of(dest))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            if not foreign:
                return None
            raise _damaged(path, 1) from error
        except OutputError:
            if not foreign and not is_sealed(first, "", 0):
                return None
            raise
        if not (run.is_ours or foreign):
            return None
        run.size, run.lines = len(first), 1
        _add_records(run, file, entries)
    return run


def has_head(path: str) -> bool:
    """Return whether a first line is whole, or longer than any that a kill has torn."""
    with _opened(path) as file:
        return not _is_torn_head(file.readline(MOST_HEAD_BYTES), file)


def _is_torn_head(line: bytes, file: BinaryIO) -> bool:
    """Return whether a journal's first line was not durable yet: nothing stands behind it then."""
    if not line.endswith(b"\n"):
        return len(line) < MOST_HEAD_BYTES
    return _lost_bytes(line, 0) > 0 and not file.readline(MOST_HEAD_BYTES)


def _lost_bytes(line: bytes, start: int) -> int:
    """Return how many bytes of a line, which starts at an offset, did not come to the disk.

    After a power cut they are zeros, up to the end of a sector.
    """
    ends = range(SECTOR_BYTES - 1 - start % SECTOR_BYTES, len(line), SECTOR_BYTES)
    return line.count(0) if any(line[end] == 0 for end in ends) else 0


def _opened(path: str) -> BinaryIO:
    """A journal, opened without following a link or waiting for a pipe."""
    try:
        with open_places(DISK) as places:
            descriptor = DISK.open(places.at(path), READ_NO_WAIT | NO_FOLLOW)
    except OSError as error:
        raise OutputError(
            f"{printable(path)} can't be read: {error.strerror}. Restore it, or choose another DEST."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutputError(
            f"{printable(path)} is a folder, pipe or device, not a journal. Remove it, or choose "
            "another DEST."
        )
    return os.fdopen(descriptor, "rb")


def _add_records(run: Run, file: BinaryIO, entries: bool) -> None:
    while line := file.readline(-1 if run.is_authentic else MOST_FOREIGN_BYTES):
        if not entries and is_of_entries(line):
            pass
        elif run.is_authentic and not is_sealed(line, run.token, run.lines):
            _check_torn(run, line, file)
            return
        elif not line.endswith(b"\n"):
            if len(line) == MOST_FOREIGN_BYTES:
                raise _damaged(run.path, run.lines + 1)
            return
        else:
            try:
                add_record(run, parsed(line))
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                raise _damaged(run.path, run.lines + 1) from error
        run.size += len(line)
        run.lines += 1


def _check_torn(run: Run, bad: bytes, file: BinaryIO) -> None:
    """Raise if a line that is not what was written has whole ones behind it.

    Without any it is the end of a journal that a kill, a full disk or a power cut has torn. A flipped
    bit may have made two lines of one, or one of two. A power cut may take any sector of lines that
    were written at once and not synced; only entries and folders follow a line in such a group.
    """
    lost = _lost_bytes(bad, run.size)
    most = 1 + min(lost // _FEWEST_BYTES, _MOST_LOST_LINES)
    for number, line in enumerate(file, run.lines + 1):
        if any(is_sealed(line, run.token, number + shift) for shift in range(-1, most + 1)):
            if lost and is_of_plan(line):
                continue
            raise _damaged(run.path, run.lines + 1)


def _damaged(path: str, number: int) -> OutputError:
    return OutputError(
        f"{printable(path)} is damaged: line {number} is not what was written there. Nothing was done. "
        "Restore the file from a backup, or choose another DEST."
    )
