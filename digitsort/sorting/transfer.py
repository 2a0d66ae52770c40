"""Copy the content, times, mode and attributes of a file to another one, and to a temporary name."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from contextlib import suppress

from digitsort.files.disk import HAS_METADATA_BY_DESCRIPTOR, NEW, READ_NO_WAIT, SYNCS_FILE_SYSTEMS, Disk
from digitsort.sorting.look import as_expected, chunk_bytes, open_source
from digitsort.sorting.task import NotDeliveredError, Task

_NO_ATTRIBUTES = {
    *(errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENODATA, errno.EINVAL, errno.EACCES),
}
"""As `shutil.copystat` has it: an attribute that the target can't have is not worth the file."""


def copy_to_temporary(disk: Disk, task: Task, *, owner: bool = False, durable: bool = False) -> int:
    """Copy content, mode, times and attributes to the task's temporary name; the copy's bytes.

    Nothing stays on failure.

    Raises
    ------
    NotDeliveredError
        If the source can't be read, is no regular file, or its content is not what is expected.
    OSError
        If the target's file system fails.
    """
    source, status = open_source(disk, task.source)
    temporary = task.temporary
    try:
        copy = disk.open(temporary, NEW)
        try:
            try:
                fill(disk, source, status, copy, task.sha256, owner=owner)
                if durable and not SYNCS_FILE_SYSTEMS:
                    disk.fsync(copy)
            finally:
                disk.close(copy)
            if not HAS_METADATA_BY_DESCRIPTOR:
                shutil.copystat(task.source, temporary)
        except BaseException:
            remove_ours(disk, temporary)
            raise
    finally:
        disk.close(source)
    return status.st_size


def fill(
    disk: Disk,
    source: int,
    status: os.stat_result,
    copy: int,
    expected: str,
    *,
    owner: bool = False,
    has_mode: bool = False,
) -> None:
    """Copy content, which is as expected, and all else from one open file to another."""
    as_expected(copy_content(disk, source, copy, status), expected)
    copy_metadata(disk, source, copy, status, owner=owner, has_mode=has_mode)


def copy_content(disk: Disk, source: int, copy: int, status: os.stat_result) -> str:
    """Copy from one open file to another; the sha256 of what was copied."""
    most = chunk_bytes(status)
    chunk = _chunk(disk, source, most)
    digest = hashlib.sha256(chunk)
    size = len(chunk)
    while chunk:
        _write(disk, copy, chunk)
        chunk = _chunk(disk, source, most) if size < status.st_size else b""
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest()


def _write(disk: Disk, copy: int, chunk: bytes) -> None:
    written = disk.write(copy, chunk)
    while written < len(chunk):
        written += disk.write(copy, memoryview(chunk)[written:])


def _chunk(disk: Disk, source: int, most: int) -> bytes:
    try:
        return disk.read(source, most)
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error


def copy_metadata(
    disk: Disk,
    source: int,
    copy: int,
    status: os.stat_result,
    *,
    owner: bool = False,
    has_mode: bool = False,
) -> None:
    """Give an open file the mode, unless it has it, times, attributes and perhaps owner of another."""
    if not HAS_METADATA_BY_DESCRIPTOR:
        return
    if owner:
        with suppress(PermissionError):
            disk.set_owner(copy, status.st_uid, status.st_gid)
    if _copy_attributes(disk, source, copy) or owner or not has_mode:  # each of these may change it
        disk.set_mode(copy, stat.S_IMODE(status.st_mode))
    disk.set_times(copy, status.st_atime_ns, status.st_mtime_ns)


def _copy_attributes(disk: Disk, source: int, copy: int) -> bool:
    """Whether there are any."""
    names: list[str] = []
    try:
        names += disk.attributes(source)
        for name in names:
            disk.set_attribute(copy, name, disk.attribute(source, name))
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTES:
            raise
    return bool(names)


def remove_ours(disk: Disk, path: str) -> None:
    """Remove a temporary file, if it is there."""
    with suppress(FileNotFoundError):
        disk.unlink(path)


def sync_folder(disk: Disk, folder: str) -> None:
    """Make everything on the file system that a folder lies on durable."""
    if not SYNCS_FILE_SYSTEMS:
        return
    descriptor = disk.open(folder, READ_NO_WAIT)
    try:
        disk.sync_file_system(descriptor)
    finally:
        disk.close(descriptor)
