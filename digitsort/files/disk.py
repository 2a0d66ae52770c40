"""Change the file system, with one operating system call per method."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, NamedTuple, TypeVar

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
READ_NO_WAIT = READ | getattr(os, "O_NONBLOCK", 0)
"""Flags for reading. Without O_NONBLOCK, opening a pipe that nobody writes to would wait forever."""
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
LOCK = (APPEND & ~os.O_APPEND) | READ_NO_WAIT
"""Flags for opening a lock file, which is created if it does not exist."""
FOLDER = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | NO_FOLLOW
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
"""Flags for opening a folder. O_PATH also opens a folder that can be entered but not listed."""

HAS_OPEN_FOLDERS = {os.open, os.stat, os.unlink, os.mkdir, os.rename} <= os.supports_dir_fd
"""True if the system can look up a name in an open folder; false on Windows."""
HAS_UNNAMED_FILES = hasattr(os, "O_TMPFILE") and os.open in os.supports_dir_fd
_UNNAMED = os.O_WRONLY | getattr(os, "O_TMPFILE", 0) | getattr(os, "O_CLOEXEC", 0)
HAS_EFFECTIVE_IDS = os.access in os.supports_effective_ids
HAS_METADATA_BY_DESCRIPTOR = hasattr(os, "fchmod") and os.utime in os.supports_fd
SYNCS_FILE_SYSTEMS = hasattr(os, "sync")

_RENAME_NOREPLACE = 1  # linux/fs.h
_AT_EMPTY_PATH = 0x1000  # linux/fcntl.h


class Place(NamedTuple):
    """Name in an open folder, which stays valid if a folder in its path is replaced later.

    Attributes
    ----------
    folder : int or None
        Descriptor; None if the system has no such calls, and `name` is the whole path.
    path : str
        Absolute path, for error messages.
    """

    folder: int | None
    name: str
    path: str


Method = TypeVar("Method", bound=Callable[..., Any])


def _names_path(method: Method) -> Method:
    """Make errors of a method show the path of its first place, not only the name in the folder."""

    @wraps(method)
    def call(self: Disk, place: Place, *arguments: Any) -> Any:
        try:
            return method(self, place, *arguments)
        except OSError as error:
            error.filename = place.path
            raise

    return call  # type: ignore[return-value]


def _names_paths(method: Method) -> Method:
    """Make errors of a method show the paths of its two places."""

    @wraps(method)
    def call(self: Disk, source: Place, target: Place) -> Any:
        try:
            return method(self, source, target)
        except OSError as error:
            error.filename, error.filename2 = source.path, target.path
            raise

    return call  # type: ignore[return-value]


class Disk:
    """Make every file system change of a sort, an undo and a journal.

    A method makes one call to the operating system. Tests put their own in its place: one that counts
    the calls, or stops the process before one. The methods that are called for every file let their
    errors name the path themselves: a wrapper costs as much as a short call to the system.
    """

    def open_folder(self, name: str, parent: int | None = None) -> int:
        """Open a folder to look up names in it; do not follow a link."""
        return os.open(name, FOLDER, dir_fd=parent)

    def open(self, place: Place, flags: int, mode: int = 0o600) -> int:
        """`os.open`."""
        folder, name, path = place
        try:
            return os.open(name, flags, mode, dir_fd=folder)
        except OSError as error:
            error.filename = path
            raise

    def open_unnamed(self, place: Place, mode: int = 0o600) -> int:
        """Create a file without a name, on the file system of a place's folder.

        The umask, and permissions inherited from the folder, may remove bits of the mode.

        Raises
        ------
        OSError
            Also if the file system does not support such files.
        """
        try:
            return os.open(".", _UNNAMED, mode, dir_fd=place.folder)
        except OSError as error:
            error.filename = place.path
            raise

    def name_unnamed(self, place: Place, descriptor: int) -> None:
        """Give an unnamed file a name that does not exist yet, as open(2) describes.

        Raises
        ------
        FileExistsError
            If something has it.
        FileNotFoundError
            If the folder is gone, or there is no ``/proc``.
        """
        link = _libc("linkat")  # by the open file itself: since Linux 6.10, or with the right to
        name = os.fsencode(place.name)
        if link is not None and link(descriptor, b"", place.folder, name, _AT_EMPTY_PATH) == 0:
            return
        open_file = f"/proc/self/fd/{descriptor}"
        try:
            os.link(open_file, place.name, dst_dir_fd=place.folder, follow_symlinks=True)
        except OSError as error:
            error.filename = place.path
            raise

    def read(self, descriptor: int, size: int) -> bytes:
        """`os.read`."""
        return os.read(descriptor, size)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """`os.write`: may write only a part."""
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

    def lstat(self, place: Place) -> os.stat_result:
        """`os.lstat`."""
        folder, name, path = place
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            error.filename = path
            raise

    def may_change(self, place: Place) -> bool:
        """Return whether this process seems allowed to create and remove names in the folder."""
        folder = os.path.dirname(place.path) if place.folder is None else "."
        return os.access(
            folder, os.W_OK | os.X_OK, dir_fd=place.folder, effective_ids=HAS_EFFECTIVE_IDS
        )

    @_names_path
    def mkdir(self, place: Place, mode: int = 0o777) -> None:
        """`os.mkdir`."""
        os.mkdir(place.name, mode, dir_fd=place.folder)

    @_names_path
    def rmdir(self, place: Place) -> None:
        """`os.rmdir`."""
        os.rmdir(place.name, dir_fd=place.folder)

    def unlink(self, place: Place) -> None:
        """`os.unlink`."""
        folder, name, path = place
        try:
            os.unlink(name, dir_fd=folder)
        except OSError as error:
            error.filename = path
            raise

    @_names_paths
    def replace(self, source: Place, target: Place) -> None:
        """`os.replace`."""
        os.replace(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder)

    def rename_new(self, source: Place, target: Place) -> None:
        """Rename to a name that does not exist yet.

        Raises
        ------
        FileExistsError
            If something has it.
        OSError
            With ENOSYS, EINVAL or ENOTSUP if the system or the file system has no such call.
        """
        try:
            _rename_new(source, target)
        except OSError as error:
            error.filename, error.filename2 = source.path, target.path
            raise

    @_names_paths
    def link(self, source: Place, target: Place) -> None:
        """`os.link`; does not follow a symbolic link."""
        if source.folder is None:
            os.link(source.name, target.name)
            return
        os.link(
            source.name,
            target.name,
            src_dir_fd=source.folder,
            dst_dir_fd=target.folder,
            follow_symlinks=False,
        )

    @_names_path
    def symlink(self, place: Place, text: str) -> None:
        """`os.symlink`."""
        os.symlink(text, place.name, dir_fd=place.folder)

    @_names_path
    def readlink(self, place: Place) -> str:
        """`os.readlink`."""
        return os.readlink(place.name, dir_fd=place.folder)

    def set_owner(self, descriptor: int, user: int, group: int) -> None:
        """`os.fchown`."""
        os.fchown(descriptor, user, group)

    def set_mode(self, descriptor: int, mode: int) -> None:
        """`os.fchmod`."""
        os.fchmod(descriptor, mode)

    def set_times(self, descriptor: int, accessed_ns: int, modified_ns: int) -> None:
        """`os.utime` on an open file."""
        os.utime(descriptor, ns=(accessed_ns, modified_ns))

    def attributes(self, descriptor: int) -> list[str]:
        """`os.listxattr`; empty if extended attributes are not supported."""
        return os.listxattr(descriptor) if hasattr(os, "listxattr") else []

    def attribute(self, descriptor: int, name: str) -> bytes:
        """`os.getxattr`."""
        return os.getxattr(descriptor, name)

    def set_attribute(self, descriptor: int, name: str, value: bytes) -> None:
        """`os.setxattr`."""
        os.setxattr(descriptor, name, value)

    def remove_attribute(self, descriptor: int, name: str) -> None:
        """`os.removexattr`."""
        os.removexattr(descriptor, name)

    def lock(self, descriptor: int) -> bool:
        """Lock a file that is open for writing, without waiting; return whether it is ours now.

        The lock ends with the process, or when the file is closed.
        """
        try:
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def fsync(self, descriptor: int) -> None:
        """`os.fsync`."""
        os.fsync(descriptor)

    @_names_path
    def sync_file_system(self, place: Place) -> None:
        """Flush the whole file system of a folder; use `os.sync` if there is no narrower call."""
        sync = _libc("syncfs")
        if sync is None or place.folder is None:
            if SYNCS_FILE_SYSTEMS:
                os.sync()
            return
        try:
            descriptor = os.open(".", READ_NO_WAIT, dir_fd=place.folder)
        except PermissionError:  # it may be entered and not listed
            os.sync()
            return
        try:
            _check(sync(descriptor))
        finally:
            os.close(descriptor)


DISK = Disk()


def write_all(disk: Disk, descriptor: int, data: bytes) -> None:
    """Write all of the data, however many calls it takes."""
    left = memoryview(data)
    while left:
        left = left[disk.write(descriptor, left) :]


def _rename_new(source: Place, target: Place) -> None:
    if os.name == "nt":
        os.rename(source.name, target.name)  # refuses an existing target there
        return
    rename = _libc("renameat2")
    if rename is None or source.folder is None or target.folder is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), target.path)
    old, new = os.fsencode(source.name), os.fsencode(target.name)
    if rename(source.folder, old, target.folder, new, _RENAME_NOREPLACE) != 0:
        _check(-1)


@cache
def _libc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library that Python does not wrap."""
    import ctypes

    if not sys.platform.startswith("linux"):
        return None
    function: Any = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    number, text = ctypes.c_int, ctypes.c_char_p
    if function is not None and name == "renameat2":
        function.argtypes = (number, text, number, text, ctypes.c_uint)
    if function is not None and name == "linkat":
        function.argtypes = (number, text, number, text, number)
    return function  # type: ignore[no-any-return]


def _check(result: int) -> None:
    if result != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
