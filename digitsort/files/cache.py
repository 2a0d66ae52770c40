"""Find the cache folder, and check that no other user can write to it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from digitsort.files.names import printable

CACHE_VARIABLE = "DIGITSORT_CACHE"

CACHE_REMEDY = f"Set {CACHE_VARIABLE} to a folder where only you can write."

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivateError(OSError):
    """Raised if another user may have put files into the cache folder; `strerror` says why."""


def cache_folder() -> Path:
    """Return the folder named by DIGITSORT_CACHE, or else the user's cache folder on this system."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("digitsort", appauthor=False)


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
