"""Copy a file without a name, which it gets once it is whole: a kill leaves nothing of it."""

from __future__ import annotations

import errno
import stat

from digitsort.files.disk import HAS_UNNAMED_FILES, Disk, Place
from digitsort.files.names import parent_of
from digitsort.sorting.look import anywhere, open_source
from digitsort.sorting.task import Task
from digitsort.sorting.transfer import fill, has_access_list

_NO_UNNAMED = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.ENOENT}
"""What a system or a file system without such files answers; ENOENT where there is no ``/proc``."""

_NO_NAMING = {*_NO_UNNAMED, errno.EPERM, errno.EXDEV, errno.EACCES, errno.EMLINK, errno.ELOOP}

_ASKED = 0o777
"""Permission bits that a copy is made with, without set-ID and sticky bits: writing clears them."""


class NoUnnamedFilesError(Exception):
    """A folder in which a copy needs a name from the beginning."""


class UnnamedCopies:
    """Makes the copies of a batch."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._without: set[str] = set()
        self._given: dict[tuple[str, int], bool] = {}

    def copy(self, task: Task, target: Place) -> int:
        """Copy content, mode, times and attributes; return the copy's bytes.

        Raises
        ------
        NoUnnamedFilesError
            If it has to be done in another way.
        NotDeliveredError
            If the source can't be read, is no regular file, or its content is not what is expected.
        OSError
            If the target's file system fails.
        """
        disk, folder = self._disk, parent_of(target.path)
        if not HAS_UNNAMED_FILES or folder in self._without:
            raise NoUnnamedFilesError
        source, status = open_source(disk, anywhere(task.source))
        mode = stat.S_IMODE(status.st_mode)
        writable = mode | stat.S_IWUSR  # or it could be given no attributes
        try:
            try:
                copy = disk.open_unnamed(target, writable & _ASKED)
            except OSError as error:
                raise self._given_up(folder, error, _NO_UNNAMED) from error
            try:
                is_plain = mode == writable and self._is_plain(folder, mode, copy)
                fill(disk, source, status, copy, task.sha256, is_plain=is_plain)
                try:
                    disk.name_unnamed(target, copy)
                except OSError as error:
                    raise self._given_up(folder, error, _NO_NAMING) from error
            finally:
                disk.close(copy)
        finally:
            disk.close(source)
        return status.st_size

    def _is_plain(self, folder: str, mode: int, descriptor: int) -> bool:
        """Return whether new files in a folder have the requested mode and no access list.

        Only the first file of each folder and mode is checked.
        """
        if (folder, mode) not in self._given:
            given = stat.S_IMODE(self._disk.fstat(descriptor).st_mode)
            self._given[folder, mode] = given == mode and not has_access_list(self._disk, descriptor)
        return self._given[folder, mode]

    def _given_up(self, folder: str, error: OSError, means: set[int]) -> Exception:
        """What to raise instead of an error, which may only mean that there are no such files."""
        if error.errno not in means:
            return error
        self._without.add(folder)
        return NoUnnamedFilesError()
