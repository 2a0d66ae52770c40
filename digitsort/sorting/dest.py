"""Open a DEST: one run at a time, in folders none of which is a link."""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, NEW, Disk, Place, write_all
from digitsort.files.disk import LOCK as LOCK_FLAGS
from digitsort.files.interrupts import CleanUp
from digitsort.files.names import printable
from digitsort.files.places import Identity, Places, open_places
from digitsort.files.regular import read_regular
from digitsort.sorting.journal import FOLDER, journals
from digitsort.sorting.transfer import anywhere, remove_ours


class Folders:
    """Looks at the folders of a batch of targets.

    Attributes
    ----------
    missing : list of str
        Folders that have to be made, a parent before its children.
    refused : dict
        Folder to the reason why nothing is put into it.
    """

    def __init__(self, disk: Disk, dest: str) -> None:
        self._disk = disk
        self._dest = dest
        self._known: dict[str, str] = {}
        self.missing: list[str] = []

    def refusal(self, folder: str) -> str:
        """Return why nothing can be put into a folder, DEST itself or one below it; empty if it can."""
        unknown = []
        above = folder
        while above not in self._known and above != self._dest:
            unknown.append(above)
            above = os.path.dirname(above)
        if above not in self._known:
            self._known[above] = self._look(above)
        refused = self._known[above]
        for below in reversed(unknown):
            refused = self._known[below] = refused or self._look(below)
        return refused

    def _look(self, folder: str) -> str:
        try:
            kind = self._disk.lstat(anywhere(folder)).st_mode
        except FileNotFoundError:
            self.missing.append(folder)
            return ""
        except OSError as error:
            return f"{printable(folder)}: {error.strerror}"
        if stat.S_ISLNK(kind):
            return f"{printable(folder)} became a link during the run"
        if not stat.S_ISDIR(kind):
            return f"{printable(folder)} is not a folder"
        # Found out before the batch: a file that fails in it ends the run, and does so at every try.
        is_open = folder == self._dest or self._disk.may_change(anywhere(os.path.join(folder, "x")))
        return "" if is_open else f"{printable(folder)} can't be written"

    def make(self, places: Places) -> None:
        """Make what is missing."""
        for folder in self.missing:
            try:
                self._disk.mkdir(places.at(folder))
            except FileExistsError:
                continue  # it appeared meanwhile


def make_folders(disk: Disk, places: Places, folder: str) -> int:
    """Make a folder and those above it that are missing; return how many that were."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        disk.mkdir(places.at(each))
    return len(missing)


def remove_empty(disk: Disk, places: Places, folders: Iterable[str]) -> None:
    """Remove folders that are empty, the children before their parents; others stay."""
    for folder in sorted(folders, key=len, reverse=True):
        try:
            disk.rmdir(places.at(folder))
        except OSError:
            continue  # it holds something, or is gone


LOCK, HOLDER = "lock", "running"

MOST_HOLDER_BYTES = 1024

_NO_FILE = {errno.ELOOP, errno.EISDIR, errno.ENXIO}
"""What opening a link, a folder, a pipe or a socket answers."""

SEAL_NAME = "labels.seal"
"""Beside the journals: tells whether a person has changed labels.csv since digitsort wrote it."""

_TEMPORARY = re.compile(r"labels-[0-9a-f]{16}\.tmp")


def new_temporary(folder: str) -> str:
    """Return a random, unused path beside the journals, so that no other file is ever replaced."""
    return os.path.join(folder, f"labels-{secrets.token_hex(8)}.tmp")


def remove_temporaries(disk: Disk, places: Places, folder: str) -> None:
    """Remove the temporary files of runs that were killed; the lock must be held."""
    for name in os.listdir(folder):
        if _TEMPORARY.fullmatch(name):
            remove_ours(disk, places.at(os.path.join(folder, name)))


@dataclass(slots=True)
class Held:
    """A DEST that this process alone works in.

    Attributes
    ----------
    dest : str
        Its real path.
    identity : Identity
        Its device and inode when it was locked.
    made_levels : int
        1 if it was made for this run, 2 if its parent too …; so many folders go again where at the end
        there is no journal.
    stopped_mode : str
        Of the last run, if that was stopped; `recover` finds out.
    """

    dest: str
    identity: Identity
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
    with CleanUp() as clean_up:
        yield clean_up.enter_context(_locked(dest, disk, make=make))


@contextmanager
def _locked(dest: Path, disk: Disk, *, make: bool) -> Iterator[Held]:
    real = os.path.realpath(dest)
    folder = os.path.join(real, FOLDER)
    with _output_errors(real), open_places(disk) as places:
        made = make_folders(disk, places, real) if make else 0
        if os.path.islink(folder):
            raise OutputError(
                f"{printable(folder)} is a link, and digitsort does not write through links. Remove it."
            )
        if not os.path.isdir(folder):
            disk.mkdir(places.at(folder))
        identity = places.identity(places.at(folder))
        unlock = _lock(disk, places.at(os.path.join(folder, LOCK)))
    held = Held(real, identity, made)
    try:
        _say_who(disk, folder)
        yield held
    finally:
        try:
            with suppress(OSError):  # what stays is in nobody's way
                _leave(disk, real, held.made_levels)
        finally:
            unlock()


def _lock(disk: Disk, place: Place) -> Callable[[], None]:
    """Lock DEST by a file, and return what gives it up again.

    The file is opened in the open folder: by its path, one could be made wherever a link leads.
    """
    descriptor = _open_lock(disk, place)
    try:
        # A run that held it may have left DEST, and removed the file.
        is_free = disk.lock(descriptor) and disk.fstat(descriptor).st_nlink > 0
    except BaseException:
        disk.close(descriptor)
        raise
    if not is_free:
        disk.close(descriptor)
        raise OutputError(_who_holds(os.path.dirname(place.path)))
    return partial(disk.close, descriptor)


def _open_lock(disk: Disk, place: Place) -> int:
    """Open the file that is locked; a person's file, by a second name, is none."""
    no_lock = OutputError(f"{printable(place.path)} is not a lock file of digitsort. Remove it.")
    try:
        descriptor = disk.open(place, LOCK_FLAGS, 0o666)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise no_lock from error
        raise
    status = disk.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_size != 0:
        disk.close(descriptor)
        raise no_lock
    return descriptor


def _say_who(disk: Disk, folder: str) -> None:
    began = datetime.now().astimezone().strftime("%H:%M:%S on %Y-%m-%d")
    with suppress(OSError), open_places(disk) as places:  # for a message only
        said = f"process {os.getpid()} on {platform.node() or 'this machine'}, since {began}"
        place = places.at(os.path.join(folder, HOLDER))
        remove_ours(disk, place)
        descriptor = disk.open(place, NEW, 0o666)
        try:
            write_all(disk, descriptor, said.encode())
        finally:
            disk.close(descriptor)


def _who_holds(folder: str) -> str:
    try:
        holder = read_regular(os.path.join(folder, HOLDER), MOST_HOLDER_BYTES).decode()
    except (OSError, ValueError):
        holder = ""
    return (
        f"{printable(os.path.dirname(folder))} is in use by another run "
        f"({printable(holder) or 'just started'}). Wait until it ends, or choose another DEST."
    )


def _leave(disk: Disk, dest: str, made: int) -> None:
    folder = os.path.join(dest, FOLDER)
    with open_places(disk) as places:
        remove_ours(disk, places.at(os.path.join(folder, HOLDER)))
        remove_temporaries(disk, places, folder)
        if journals(dest):
            return
        if os.name != "nt":  # an open file can't be removed there
            for name in (LOCK, SEAL_NAME):
                remove_ours(disk, places.at(os.path.join(folder, name)))
            disk.rmdir(places.at(folder))
            for _ in range(made):
                disk.rmdir(places.at(dest))
                dest = os.path.dirname(dest)


@contextmanager
def _output_errors(dest: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{printable(dest)} can't be written: {error.strerror}. "
            "Choose a folder where you can write and that has free space."
        ) from error
