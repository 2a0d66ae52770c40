"""One run in a DEST at a time."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, NEW, Disk
from digitsort.files.names import printable
from digitsort.sorting.journal import FOLDER, journals, write_all
from digitsort.sorting.transfer import remove_ours

LOCK, HOLDER = "lock", "running"


@dataclass(slots=True)
class Held:
    """A DEST that this process alone works in.

    Attributes
    ----------
    dest : str
        Its real path.
    made_levels : int
        1 if it was made for this run, 2 if its parent too …; so many folders go again where at the end
        there is no journal.
    stopped_mode : str
        Of the last run, if that was stopped; `recover` finds out.
    """

    dest: str
    made_levels: int
    stopped_mode: str = ""


@contextmanager
def locked(dest: Path, disk: Disk = DISK, *, make: bool = True) -> Iterator[Held]:
    """Hold the lock of a DEST, which is made if need be, and goes again if nothing was done in it.

    The lock is the operating system's: it ends with the process that holds it, however that ends.

    Raises
    ------
    OutputError
        If another process holds it, saying which, or DEST can't be written.
    """
    from filelock import FileLock, Timeout

    real = os.path.realpath(dest)
    folder = os.path.join(real, FOLDER)
    with _output_errors(real):
        made = _make_folders(disk, real) if make else 0
        if not os.path.isdir(folder):
            disk.mkdir(folder)
        elif os.path.islink(folder):
            raise OutputError(f"{printable(folder)} is a link: nothing is written through it.")
        lock = FileLock(os.path.join(folder, LOCK), timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise OutputError(_who_holds(folder)) from error
    held = Held(real, made)
    try:
        _say_who(disk, folder)
        yield held
    finally:
        with suppress(OSError):  # what stays is in nobody's way
            _leave(disk, real, held.made_levels)
        lock.release()


def _make_folders(disk: Disk, path: str) -> int:
    """Make a folder and its parents; the number that had to be made."""
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        disk.mkdir(folder)
    return len(missing)


def _say_who(disk: Disk, folder: str) -> None:
    began = datetime.now().astimezone().strftime("%H:%M:%S on %Y-%m-%d")
    with suppress(OSError):  # for a message only
        said = f"process {os.getpid()} on {platform.node() or 'this machine'}, since {began}"
        descriptor = disk.open(os.path.join(folder, HOLDER), NEW & ~os.O_EXCL | os.O_TRUNC, 0o666)
        try:
            write_all(disk, descriptor, said.encode())
        finally:
            disk.close(descriptor)


def _who_holds(folder: str) -> str:
    try:
        holder = Path(folder, HOLDER).read_text(encoding="utf-8")
    except (OSError, ValueError):
        holder = ""
    return (
        f"{printable(os.path.dirname(folder))} is locked by another run "
        f"({printable(holder) or 'of a moment ago'}): wait for it to end, or name another DEST."
    )


def _leave(disk: Disk, dest: str, made: int) -> None:
    folder = os.path.join(dest, FOLDER)
    remove_ours(disk, os.path.join(folder, HOLDER))
    if journals(dest):
        return
    if os.name != "nt":  # an open file can't be removed there
        remove_ours(disk, os.path.join(folder, LOCK))
        disk.rmdir(folder)
        for _ in range(made):
            disk.rmdir(dest)
            dest = os.path.dirname(dest)


@contextmanager
def _output_errors(dest: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{printable(dest)} can't be written: {error.strerror}. "
            "Name a place where you may write and that has room."
        ) from error
