"""Work in a folder that only this user's processes made, without following a link out of it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from digitsort.errors import OutputError
from digitsort.files.disk import NO_FOLLOW, READ_NO_WAIT
from digitsort.files.names import printable

_FLAGS = NO_FOLLOW | READ_NO_WAIT
"""Not waiting: a pipe in the place of a file would be waited for."""

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


class OwnFolder:
    """A folder held open: its files are reached through it, wherever its name leads by then.

    Where the system can't do that (Windows), through its path.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a file; raise OutputError unless it is a regular one of this user's under one name."""
        file, at = self._at(name)
        with self._errors(name):
            descriptor: int = os.open(file, flags | _FLAGS, 0o600, **at)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_nlink > 1:
            os.close(descriptor)
            raise self.refused(name)
        return descriptor

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return the content of a file; empty where it is not there, OutputError where it is larger."""
        if not self.has(name):
            return b""
        with os.fdopen(self.open(name), "rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise self.refused(name)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, in the place of what has its name."""
        temporary = f"{name}.tmp"
        self.remove(temporary)
        with os.fdopen(self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.write(content)
        old, at = self._at(temporary)
        new, _ = self._at(name)
        names = {"src_dir_fd": self._descriptor, "dst_dir_fd": self._descriptor} if at else {}
        with self._errors(name):
            os.replace(old, new, **names)

    def has(self, name: str) -> bool:
        """Return whether there is something of a name, a link included."""
        file, at = self._at(name)
        try:
            os.stat(file, follow_symlinks=False, **at)
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file or link, if there is one."""
        file, at = self._at(name)
        with self._errors(name), suppress(FileNotFoundError):
            os.unlink(file, **at)

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

    def _at(self, name: str) -> tuple[str | Path, dict[str, Any]]:
        if self._descriptor is None:
            return self.path / name, {}
        return name, {"dir_fd": self._descriptor}


@contextmanager
def own_folder(path: Path) -> Iterator[OwnFolder]:
    """Make a folder that nobody else can enter, or open the one that is there.

    Raises
    ------
    OutputError
        If something else is there, or a folder of somebody else's.
    OSError
        If it can't be made.
    """
    with suppress(FileExistsError):
        path.mkdir(0o700)
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or not _is_own(status):
        raise OutputError(
            f"{printable(str(path))} is not your folder, so digitsort does not write into it. "
            "Check it, then remove it or choose another file."
        )
    if not _BY_DESCRIPTOR:
        yield OwnFolder(path, None)
        return
    descriptor = os.open(path, os.O_DIRECTORY | _FLAGS)
    try:
        if not os.path.samestat(status, os.fstat(descriptor)):
            raise OutputError(f"{printable(str(path))} was replaced during the run. Try again.")
        yield OwnFolder(path, descriptor)
    finally:
        os.close(descriptor)


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
