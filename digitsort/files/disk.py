"""The file system as sorting sees it: one method, one call to the operating system."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import cache
from typing import Any

READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
READ_NO_WAIT = READ | getattr(os, "O_NONBLOCK", 0)
"""Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever."""
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NEW = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | NO_FOLLOW
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
APPEND = (NEW & ~os.O_EXCL) | os.O_APPEND
FOLDER = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)

HAS_UNNAMED_FILES = hasattr(os, "O_TMPFILE") and os.open in os.supports_dir_fd
HAS_METADATA_BY_DESCRIPTOR = hasattr(os, "fchmod") and os.utime in os.supports_fd
SYNCS_FILE_SYSTEMS = hasattr(os, "sync")

_RENAME_NOREPLACE = 1  # linux/fs.h
_AT_FDCWD = -100  # fcntl.h
_AT_EMPTY_PATH = 0x1000  # linux/fcntl.h


class Disk:
    """Every change of a sort, its undoing and its journal goes through here.

    Tests put their own in its place: one that counts the calls, or stops the process before one.
    """

    def open(self, path: str, flags: int, mode: int = 0o600) -> int:
        """`os.open`."""
        return os.open(path, flags, mode)

    def open_unnamed(self, folder: int, mode: int = 0o600) -> int:
        """Make a file that has no name yet, on the file system of an open folder.

        The umask, and rights that files inherit from the folder, may take some of the mode away.

        Raises
        ------
        OSError
            Also where the file system knows no such files.
        """
        return os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=folder)

    def name_unnamed(self, descriptor: int, folder: int, name: str) -> None:
        """Give a file that has no name one that nothing has, in an open folder; open(2) has the recipe.

        Raises
        ------
        FileExistsError
            If something has it.
        FileNotFoundError
            If the folder is gone, or there is no ``/proc``.
        """
        link = _libc("linkat")  # by the open file itself: since Linux 6.10, or with the right to
        if link is None or link(descriptor, b"", folder, os.fsencode(name), _AT_EMPTY_PATH) != 0:
            os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=folder, follow_symlinks=True)

    def read(self, descriptor: int, size: int) -> bytes:
        """`os.read`."""
        return os.read(descriptor, size)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """`os.write`: may write a part only."""
        return os.write(descriptor, data)

    def close(self, descriptor: int) -> None:
        """`os.close`."""
        os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """`os.ftruncate`."""
        os.ftruncate(descriptor, size)

    def fstat(self, descriptor: int) -> os.stat_result:
        """`os.fstat`."""
        return os.fstat(descriptor)

    def lstat(self, path: str) -> os.stat_result:
        """`os.lstat`."""
        return os.lstat(path)

    def may_change(self, folder: str) -> bool:
        """Whether names in a folder may be made and removed, as far as the system tells beforehand."""
        return os.access(folder, os.W_OK | os.X_OK)

    def mkdir(self, path: str) -> None:
        """`os.mkdir`."""
        os.mkdir(path)

    def rmdir(self, path: str) -> None:
        """`os.rmdir`."""
        os.rmdir(path)

    def listdir(self, path: str) -> list[str]:
        """`os.listdir`, sorted."""
        return sorted(os.listdir(path))

    def unlink(self, path: str) -> None:
        """`os.unlink`."""
        os.unlink(path)

    def replace(self, source: str, target: str) -> None:
        """`os.replace`."""
        os.replace(source, target)

    def rename_new(self, source: str, target: str) -> None:
        """Rename to a name that nothing has.

        Raises
        ------
        FileExistsError
            If something has it.
        OSError
            With ENOSYS, EINVAL or ENOTSUP where the system or the file system has no such call.
        """
        if os.name == "nt":
            os.rename(source, target)  # refuses an existing target there
            return
        rename = _libc("renameat2")
        if rename is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), target)
        names = os.fsencode(source), os.fsencode(target)
        _check(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE), source, target)

    def link(self, source: str, target: str) -> None:
        """`os.link`."""
        os.link(source, target)

    def symlink(self, source: str, target: str) -> None:
        """`os.symlink`."""
        os.symlink(source, target)

    def readlink(self, path: str) -> str:
        """`os.readlink`."""
        return os.readlink(path)

    def set_owner(self, descriptor: int, user: int, group: int) -> None:
        """`os.fchown`."""
        os.fchown(descriptor, user, group)

    def set_mode(self, descriptor: int, mode: int) -> None:
        """`os.fchmod`."""
        os.fchmod(descriptor, mode)

    def set_times(self, descriptor: int, accessed_ns: int, modified_ns: int) -> None:
        """`os.utime` of an open file."""
        os.utime(descriptor, ns=(accessed_ns, modified_ns))

    def attributes(self, descriptor: int) -> list[str]:
        """`os.listxattr`; empty where there is no such thing."""
        return os.listxattr(descriptor) if hasattr(os, "listxattr") else []

    def attribute(self, descriptor: int, name: str) -> bytes:
        """`os.getxattr`."""
        return os.getxattr(descriptor, name)

    def set_attribute(self, descriptor: int, name: str, value: bytes) -> None:
        """`os.setxattr`."""
        os.setxattr(descriptor, name, value)

    def fsync(self, descriptor: int) -> None:
        """`os.fsync`."""
        os.fsync(descriptor)

    def sync_file_system(self, descriptor: int) -> None:
        """Make everything on the file system of an open file durable; with `os.sync` where need be."""
        sync = _libc("syncfs")
        if sync is not None:
            _check(sync(descriptor))
        elif SYNCS_FILE_SYSTEMS:
            os.sync()


DISK = Disk()


@cache
def _libc(name: str) -> Callable[..., int] | None:
    """A function of the C library that Python has no name for."""
    import ctypes
    import sys

    if not sys.platform.startswith("linux"):
        return None
    function: Any = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    number, text = ctypes.c_int, ctypes.c_char_p
    if function is not None and name == "renameat2":
        function.argtypes = (number, text, number, text, ctypes.c_uint)
    if function is not None and name == "linkat":
        function.argtypes = (number, text, number, text, number)
    return function  # type: ignore[no-any-return]


def _check(result: int, *names: str) -> None:
    if result == 0:
        return
    import ctypes

    number = ctypes.get_errno()
    if len(names) == 2:
        raise OSError(number, os.strerror(number), names[0], None, names[1])
    raise OSError(number, os.strerror(number))
