"""Copy a file without a name, which it gets once it is whole: a kill leaves nothing of it."""

from __future__ import annotations

import errno
import stat

from digitsort.files.disk import FOLDER, HAS_UNNAMED_FILES, Disk
from digitsort.files.names import split_path
from digitsort.sorting.look import open_source
from digitsort.sorting.task import Task
from digitsort.sorting.transfer import fill

_NO_UNNAMED = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.ENOENT}
"""What a system or a file system without such files answers; ENOENT where there is no ``/proc``."""

_NO_NAMING = {*_NO_UNNAMED, errno.EPERM, errno.EXDEV, errno.EACCES, errno.EMLINK, errno.ELOOP}

_ASKED = 0o777
"""Of a mode, what a file is made with; a write would take the other bits away."""

MOST_OPEN = 64
"""Many systems let a process open 256 or 1,024 files, and each file of a batch may have a folder."""


class NoUnnamedFilesError(Exception):
    """A folder in which a copy needs a name from the beginning."""


class Folders:
    """Target folders, opened when they are first needed, none of them through a link."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[str, int] = {}
        self._without: set[str] = set()
        self._given: dict[tuple[str, int], int] = {}

    def close(self) -> None:
        """Close them all."""
        while self._open:
            self._close_oldest()

    def descriptor(self, path: str) -> int:
        """An open folder.

        Raises
        ------
        NoUnnamedFilesError
            If it is known to have no unnamed files.
        """
        if not HAS_UNNAMED_FILES or path in self._without:
            raise NoUnnamedFilesError
        if path not in self._open:
            if len(self._open) >= MOST_OPEN:
                self._close_oldest()
            self._open[path] = self._disk.open(path, FOLDER)
        return self._open[path]

    def give_up(self, path: str) -> None:
        """Remember that a folder has no unnamed files."""
        self._without.add(path)
        self._disk.close(self._open.pop(path))

    def gives(self, path: str, mode: int, descriptor: int) -> bool:
        """Whether a file made in a folder with a mode has it, which is seen of the first one."""
        if (path, mode) not in self._given:
            self._given[path, mode] = stat.S_IMODE(self._disk.fstat(descriptor).st_mode)
        return self._given[path, mode] == mode

    def _close_oldest(self) -> None:
        self._disk.close(self._open.pop(next(iter(self._open))))


def copy_unnamed(disk: Disk, task: Task, folders: Folders) -> int:
    """Copy content, mode, times and attributes; the copy's bytes.

    Raises
    ------
    NoUnnamedFilesError
        If it has to be done in another way.
    NotDeliveredError
        If the source can't be read, is no regular file, or its content is not what is expected.
    OSError
        If the target's file system fails.
    """
    path, name = split_path(task.target)
    folder = folders.descriptor(path)
    source, status = open_source(disk, task.source)
    mode = stat.S_IMODE(status.st_mode)
    writable = mode | stat.S_IWUSR  # or it could be given no attributes
    try:
        try:
            copy = disk.open_unnamed(folder, writable & _ASKED)
        except OSError as error:
            raise _given_up(folders, path, error, _NO_UNNAMED) from error
        try:
            has_mode = mode == writable and folders.gives(path, mode, copy)
            fill(disk, source, status, copy, task.sha256, has_mode=has_mode)
            try:
                disk.name_unnamed(copy, folder, name)
            except OSError as error:
                raise _given_up(folders, path, error, _NO_NAMING) from error
        finally:
            disk.close(copy)
    finally:
        disk.close(source)
    return status.st_size


def _given_up(folders: Folders, path: str, error: OSError, means: set[int]) -> Exception:
    """What to raise instead of an error, which may only mean that there are no such files."""
    if error.errno not in means:
        return error
    folders.give_up(path)
    return NoUnnamedFilesError()
