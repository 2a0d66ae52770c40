"""Give a file a name that nothing has."""

from __future__ import annotations

import errno
import os

from digitsort.files.disk import NEW, Disk, Place
from digitsort.sorting.transfer import remove_ours

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
