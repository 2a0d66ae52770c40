"""Give a file a name that nothing has."""

from __future__ import annotations

import errno
import os

from digitsort.files.disk import NEW, READ_NO_WAIT, Disk
from digitsort.sorting.transfer import fill, remove_ours

_NO_RENAME = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What a rename that replaces nothing answers where there is none (NFS, some FUSE, macOS)."""

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
"""What `os.link` answers where there are no hard links (FAT, some network shares)."""


def rename_new(disk: Disk, source: str, target: str) -> None:
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
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target) from error
            raise
        disk.unlink(source)


def publish(disk: Disk, temporary: str, target: str) -> None:
    """Give a finished copy its final name; where no name can be given so, copy it once more."""
    try:
        rename_new(disk, temporary, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_new(disk, temporary, target)
        disk.unlink(temporary)


def _copy_new(disk: Disk, temporary: str, target: str) -> None:
    source = disk.open(temporary, READ_NO_WAIT)
    try:
        copy = disk.open(target, NEW)
        try:
            status = disk.fstat(source)
            fill(disk, source, status, copy, "")
            disk.fsync(copy)
        except BaseException:
            remove_ours(disk, target)
            raise
        finally:
            disk.close(copy)
    finally:
        disk.close(source)
