"""Give a file a name that nothing has, once it is whole."""

from __future__ import annotations

import errno
import os
import stat

from digitsort.files.disk import HAS_UNNAMED_FILES, NEW, Disk, Place
from digitsort.files.names import parent_of
from digitsort.sorting.transfer import Task, anywhere, fill, has_access_list, open_source, remove_ours

_NO_RENAME = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What a rename that replaces nothing answers where there is none (NFS, some FUSE, macOS)."""

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
"""What `os.link` answers where there are no hard links (FAT, some network shares)."""


def rename_new(disk: Disk, source: Place, target: Place) -> None:
    """Give a file another name on the same file system, which nothing has.

    Where there is no such rename: a link, then the old name away.

    Raises
    ------
    FileExistsError
        If something has it.
    OSError
        With EXDEV if it is another file system, or one that has neither call.
    """
    try:
        disk.rename_new(source, target)
    except OSError as error:
        if error.errno not in _NO_RENAME:
            raise
        try:
            disk.link(source, target)
        except OSError as link_error:
            if link_error.errno in _NO_LINKS:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source.path) from error
            raise
        _remove_old_name(disk, source, target)


def _remove_old_name(disk: Disk, source: Place, target: Place) -> None:
    """Remove the old one of a file's two names; where that can't be done, the new one.

    If somebody has put another file in the place of one of them, both stay.
    """
    try:
        if not _is_one_file(disk.lstat(source), disk.lstat(target)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.path)
        disk.unlink(source)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        remove_ours(disk, target)
        raise


def _is_one_file(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def publish(disk: Disk, temporary: Place, target: Place) -> None:
    """Give a finished copy its final name.

    Where no name can be given without the danger of replacing something, an empty file takes the name,
    which only one process can make, and is then replaced.

    Raises
    ------
    FileExistsError
        If something has the name.
    """
    try:
        rename_new(disk, temporary, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        disk.close(disk.open(target, NEW))
        try:
            disk.replace(temporary, target)
        except BaseException:
            remove_ours(disk, target)
            raise


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
        """Return the error to raise instead of one that may only mean that there are no such files."""
        if error.errno not in means:
            return error
        self._without.add(folder)
        return NoUnnamedFilesError()
