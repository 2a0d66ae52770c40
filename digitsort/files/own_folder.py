"""Work in a folder that only this user's processes made, without following a link out of it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, NO_FOLLOW, READ_NO_WAIT, Disk, Place, write_all
from digitsort.files.names import printable

_FLAGS = NO_FOLLOW | READ_NO_WAIT
"""Flags without waiting: otherwise a pipe in the place of a file would block."""

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


class OwnFolder:
    """Folder that is kept open, so that its files are found even if its path is replaced.

    On systems that can't open a folder (Windows), its path is used.
    """

    def __init__(self, path: Path, descriptor: int | None, disk: Disk = DISK) -> None:
        self.path = path
        self.disk = disk
        self._descriptor = descriptor

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a file; raise OutputError unless it is a regular one of this user's under one name."""
        with self._errors(name):
            descriptor = self.disk.open(self._place(name), flags | _FLAGS, 0o600)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_nlink > 1:
            self.disk.close(descriptor)
            raise self.refused(name)
        return descriptor

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return the content of a file; empty if it does not exist, OutputError if it is larger."""
        if not self.has(name):
            return b""
        with os.fdopen(self.open(name), "rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise self.refused(name)
        return content

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        """Write a file atomically, and replace what has its name.

        Parameters
        ----------
        durable : bool
            Flush the content to disk first: after a power cut the file is whole, or not there.
        """
        temporary = f"{name}.tmp"
        self.remove(temporary)
        descriptor = self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with self._errors(name):
                write_all(self.disk, descriptor, content)
                if durable:
                    self.disk.fsync(descriptor)
        finally:
            self.disk.close(descriptor)
        with self._errors(name):
            self.disk.replace(self._place(temporary), self._place(name))

    def has(self, name: str) -> bool:
        """Return whether there is something of a name, a link included."""
        try:
            self.disk.lstat(self._place(name))
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file or link, if there is one."""
        with self._errors(name), suppress(FileNotFoundError):
            self.disk.unlink(self._place(name))

    def is_still(self, name: str, descriptor: int) -> bool:
        """Return whether the folder's path, and a name in it, lead to what was opened."""
        try:
            folder = os.lstat(self.path)
            file = os.lstat(self.path / name)
        except OSError:
            return False
        mine = folder if self._descriptor is None else os.fstat(self._descriptor)
        return os.path.samestat(folder, mine) and os.path.samestat(file, os.fstat(descriptor))

    def refused(self, name: str) -> OutputError:
        """Return the error for a file that this user's digitsort has not made."""
        return OutputError(
            f"{printable(str(self.path / name))} was not written by your digitsort, or has changed. "
            "Check it, then remove its folder or choose another file."
        )

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise OutputError(
                f"{printable(str(self.path / name))}: {error.strerror}. Check it, then remove "
                "its folder or choose another file."
            ) from error

    def _place(self, name: str) -> Place:
        path = str(self.path / name)
        return Place(self._descriptor, path if self._descriptor is None else name, path)


@contextmanager
def own_folder(path: Path, disk: Disk = DISK) -> Iterator[OwnFolder]:
    """Make a folder that nobody else can enter, or open the one that is there.

    Raises
    ------
    OutputError
        If something else is there, or a folder of somebody else's.
    OSError
        If it can't be made.
    """
    with suppress(FileExistsError):
        disk.mkdir(Place(None, str(path), str(path)), 0o700)
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or not _is_own(status):
        raise OutputError(
            f"{printable(str(path))} is not your folder, so digitsort does not write into it. "
            "Check it, then remove it or choose another file."
        )
    if not _BY_DESCRIPTOR:
        yield OwnFolder(path, None, disk)
        return
    descriptor = os.open(path, os.O_DIRECTORY | _FLAGS)
    try:
        if not os.path.samestat(status, os.fstat(descriptor)):
            raise OutputError(f"{printable(str(path))} was replaced during the run. Try again.")
        yield OwnFolder(path, descriptor, disk)
    finally:
        os.close(descriptor)


@contextmanager
def locked_folder(
    path: Path, lock: str, *, in_use: str, clean: Callable[[OwnFolder], None], disk: Disk = DISK
) -> Iterator[OwnFolder]:
    """Make or open a folder, and hold its lock; `clean` it at the end.

    Parameters
    ----------
    lock : str
        Name of the file to lock.
    in_use : str
        Error message if another process holds the lock.
    clean : callable
        Function that removes what nobody needs any more, and the folder if it is empty.

    Raises
    ------
    OutputError
        If another process holds the lock, or the folder is not this user's.
    OSError
        If it can't be made.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(own_folder(path, disk))
        held = folder.open(lock, os.O_RDWR | os.O_CREAT)
        stack.callback(disk.close, held)
        if not (disk.lock(held) and folder.is_still(lock, held)):
            raise OutputError(in_use)
        stack.callback(clean, folder)
        yield folder


def _is_own(status: os.stat_result) -> bool:
    return os.name != "posix" or status.st_uid == os.geteuid()


CACHE_VARIABLE = "DIGITSORT_CACHE"

CACHE_REMEDY = f"Set {CACHE_VARIABLE} to a folder where only you can write."

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivateError(OSError):
    """Raised if another user may have put files into the cache folder; `strerror` says why."""


def cache_folder() -> Path:
    """Return the folder named by DIGITSORT_CACHE, or else the user's cache folder on this system.

    Raises
    ------
    OSError
        If the user has no home folder, as in some containers.
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    try:
        return user_cache_path("digitsort", appauthor=False)
    except RuntimeError as error:
        raise OSError(errno.ENOENT, f"{error}") from error


def private_cache_folder() -> Path:
    """Return the cache folder with links resolved; create it for this user only if it does not exist.

    Raises
    ------
    NotPrivateError
        If it belongs to another user, others may write to it, or others may replace it.
    OSError
        If it can't be made.
    """
    folder = Path(os.path.realpath(cache_folder()))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "geteuid"):  # Windows keeps a user's folders from other users itself
        _check_owner(folder)
        _check_above(folder)
    return folder


def _check_owner(folder: Path) -> None:
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise _not_private(f"{printable(str(folder))} belongs to another user")
    if found.st_mode & _OTHERS_WRITE and not os.environ.get(CACHE_VARIABLE):
        folder.chmod(found.st_mode & 0o700)  # it is digitsort's, made under a loose umask
    elif found.st_mode & _OTHERS_WRITE:
        raise _not_private(f"other users may write to {printable(str(folder))}")


def _check_above(folder: Path) -> None:
    """Check the parent folders: anyone who can write to one could replace this folder.

    In a sticky folder, such as /tmp, only the owner may rename a folder.
    """
    for above in folder.parents:
        found = above.stat()
        if found.st_uid not in (0, os.geteuid()):
            raise _not_private(f"{printable(str(above))} above it belongs to another user")
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            raise _not_private(f"other users may write to {printable(str(above))} above it")


def _not_private(reason: str) -> NotPrivateError:
    return NotPrivateError(errno.EPERM, reason)
