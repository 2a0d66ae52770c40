"""Read a file for its hash, and copy its content, times and mode to a temporary name."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from digitsort.files.disk import (
    HAS_METADATA_BY_DESCRIPTOR,
    NEW,
    NO_FOLLOW,
    READ_NO_WAIT,
    SYNCS_FILE_SYSTEMS,
    Disk,
)
from digitsort.files.names import parent_of, printable

CHUNK_BYTES = 2**20

_BAD_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
"""What a file system answers to a name that it can't have: a matter of one file, not of the disk."""

_NO_ATTRIBUTES = {
    *(errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENODATA, errno.EINVAL, errno.EACCES),
}
"""As `shutil.copystat` has it: an attribute that the target can't have is not worth the file."""


A_LINK = "a link: only its target can be moved"


class NotDeliveredError(Exception):
    """A file that stays where it is; the message says why."""


class Status(NamedTuple):
    """What tells a file from another one, and from what it was before.

    Attributes
    ----------
    device, inode : int
    mode : int
        With the file's type, as `os.stat` has it.
    size : int
        Bytes.
    mtime_ns, ctime_ns : int
    """

    device: int
    inode: int
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Seen(NamedTuple):
    """What a file was when its content was read.

    Attributes
    ----------
    status : Status
    sha256 : str
    """

    status: Status
    sha256: str


@dataclass(slots=True)
class Task:
    """One file on its way.

    Attributes
    ----------
    number : int
    source, target : str
    sha256 : str
        Of the content that is meant; empty where any will do.
    token : str
        Of the run, in the names of its temporary files.
    seen : Status or None
        Of the source, once somebody looked.
    """

    number: int
    source: str
    target: str
    sha256: str
    token: str
    seen: Status | None = None

    @property
    def folder(self) -> str:
        """The folder of the target."""
        return parent_of(self.target)

    @property
    def temporary(self) -> str:
        """A name beside the target that is this task's own."""
        return temporary_name(self.token, self.target, self.number)


@dataclass(slots=True)
class Results:
    """What became of tasks, by their number; of those that are missing, nothing was begun or left.

    Attributes
    ----------
    done : dict
        Bytes of each file.
    failed : dict
        Reason of each.
    error : OSError or None
        What the target's file system said that ends the run.
    """

    done: dict[int, int] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    error: OSError | None = None

    def add(self, others: Results) -> None:
        """Add what became of others."""
        self.done |= others.done
        self.failed |= others.failed
        self.error = self.error or others.error


def temporary_name(token: str, target: str, number: int) -> str:
    """Name of the temporary file of an entry of a run, beside its target."""
    return os.path.join(parent_of(target), f".digitsort-{token}-{number}.tmp")


def look(disk: Disk, path: str, expected: str = "", *, follow: bool = True) -> Seen:
    """Read a regular file for its hash.

    Raises
    ------
    NotDeliveredError
        If it can't be read, is no regular file, its content is not what is expected, or it is a link
        and these are not followed.
    """
    descriptor, status = open_source(disk, path, follow)
    try:
        digest = hashlib.sha256()
        size = 0
        while chunk := disk.read(descriptor, chunk_bytes(status)):
            digest.update(chunk)
            size += len(chunk)
            if size >= status.st_size:  # one call less for each small file
                break
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error
    finally:
        disk.close(descriptor)
    return Seen(status_from(status), _expected(digest.hexdigest(), expected))


def status_from(found: os.stat_result) -> Status:
    """What is kept of a status."""
    return Status(
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def chunk_bytes(status: os.stat_result) -> int:
    """How much of a file to ask for at once: room for a megabyte costs more than reading 600 bytes."""
    return min(CHUNK_BYTES, status.st_size + 1) if status.st_size else CHUNK_BYTES


def _expected(sha256: str, expected: str) -> str:
    if expected not in ("", sha256):
        raise NotDeliveredError("changed since it was labelled")
    return sha256


def open_source(disk: Disk, path: str, follow: bool = True) -> tuple[int, os.stat_result]:
    """Open a regular file for reading."""
    try:
        if not follow and not NO_FOLLOW and stat.S_ISLNK(disk.lstat(path).st_mode):
            raise NotDeliveredError(A_LINK)
        descriptor = disk.open(path, READ_NO_WAIT if follow else READ_NO_WAIT | NO_FOLLOW)
    except OSError as error:
        if not follow and error.errno == errno.ELOOP:
            raise NotDeliveredError(A_LINK) from error
        raise NotDeliveredError(error.strerror or str(error)) from error
    status = disk.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        disk.close(descriptor)
        raise NotDeliveredError("no regular file")
    return descriptor, status


@contextmanager
def source_errors() -> Iterator[None]:
    """Turn what the system says of a source into the reason of one file."""
    try:
        yield
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error


@contextmanager
def target_errors(target: str) -> Iterator[None]:
    """Turn what concerns one target only into the reason of one file; a full disk stays what it is."""
    try:
        yield
    except OSError as error:
        reason = reason_of(error, target)
        if reason:
            raise NotDeliveredError(reason) from error
        raise


def reason_of(error: OSError, target: str) -> str:
    """Why one file can't have its target; empty where it is not a matter of this one."""
    if isinstance(error, FileExistsError):
        return f"{printable(target)} appeared meanwhile"
    return f"{printable(target)}: {error.strerror}" if error.errno in _BAD_NAME else ""


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
    _expected(copy_content(disk, source, copy, status), expected)
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
