"""Transfer one file: its task, copies of its content, times, mode and attributes, and its errors.

An error that concerns one file alone becomes the reason why this file stays where it is.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import NamedTuple

from digitsort.files.disk import (
    HAS_METADATA_BY_DESCRIPTOR,
    NEW,
    NO_FOLLOW,
    READ_NO_WAIT,
    SYNCS_FILE_SYSTEMS,
    Disk,
    Place,
    write_all,
)
from digitsort.files.names import parent_of, printable
from digitsort.files.places import Places
from digitsort.images.limits import MOST_BYTES
from digitsort.sources.members import read_member

_BAD_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
"""What a file system answers to a name that it can't have: a matter of one file, not of the disk."""


class NotDeliveredError(Exception):
    """A file that stays where it is; the message says why."""


class FileStatus(NamedTuple):
    """Identity and version of a file.

    Attributes
    ----------
    mode : int
        With the file's type, as `os.stat` has it.
    size : int
        Bytes.
    links : int
        Names that the file has.
    """

    device: int
    inode: int
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    links: int = 1


@dataclass(slots=True)
class Task:
    """One file on its way.

    Attributes
    ----------
    sha256 : str
        Of the content that is meant; empty where any will do.
    token : str
        Of the run, in the names of its temporary files.
    seen : FileStatus or None
        Of the source, once somebody looked.
    """

    number: int
    source: str
    target: str
    sha256: str
    token: str
    seen: FileStatus | None = None

    @property
    def temporary(self) -> str:
        """A name beside the target that is this task's own."""
        return temporary_name(self.token, self.target, self.number)


@dataclass(slots=True)
class Results:
    """Results of tasks, by their number; missing ones were not begun, or left nothing.

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


def temporary_name(token: str, target: str, number: int) -> str:
    """Name of the temporary file of an entry of a run, beside its target."""
    return os.path.join(parent_of(target), f".digitsort-{token}-{number}.tmp")


@contextmanager
def source_errors() -> Iterator[None]:
    """Turn what the system says of a source into the reason of one file."""
    try:
        yield
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error


def source_place(places: Places, source: str) -> Place:
    """Return the place of a source; faster than `places.at` within `source_errors`.

    Raises
    ------
    NotDeliveredError
        If its folder is gone, or became a link.
    """
    try:
        return places.at(source)
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error


def target_place(places: Places, target: str) -> Place:
    """Return the place of a target.

    Raises
    ------
    NotDeliveredError
        If its folder is gone, or became a link.
    """
    try:
        return places.at(target)
    except OSError as error:
        raise NotDeliveredError(f"{printable(target)}: {error.strerror}") from error


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
    """Return why one file can't have its target; empty if the error is not about this file alone."""
    if isinstance(error, FileExistsError):
        return f"{printable(target)} appeared during the run"
    return f"{printable(target)}: {error.strerror}" if error.errno in _BAD_NAME else ""


CHUNK_BYTES = 2**20

MEMBER_MODE = 0o644
"""Permission bits of a copy from an archive; zip archives of Windows have none."""

A_LINK = "a symbolic link: --move leaves links alone"


class ReadState(NamedTuple):
    """State of a file when its content was read."""

    status: FileStatus
    sha256: str


def look(disk: Disk, place: Place, expected: str = "", *, follow: bool = True) -> ReadState:
    """Read a regular file for its hash.

    Raises
    ------
    NotDeliveredError
        If it can't be read, is no regular file, its content is not what is expected, or it is a link
        and these are not followed.
    """
    descriptor, status = open_source(disk, place, follow)
    try:
        most = chunk_bytes(status)
        chunk = disk.read(descriptor, most)
        digest = hashlib.sha256(chunk)
        size = len(chunk)
        while chunk and size < status.st_size:  # a small file is read by one call
            chunk = disk.read(descriptor, most)
            digest.update(chunk)
            size += len(chunk)
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error
    finally:
        disk.close(descriptor)
    return ReadState(status_from(status), as_expected(digest.hexdigest(), expected))


def anywhere(path: str) -> Place:
    """Return the place of a path that is only read: links are followed."""
    return Place(None, path, path)


def status_from(found: os.stat_result) -> FileStatus:
    """Return the parts of a status to keep."""
    kept = (
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_nlink,
    )
    return tuple.__new__(FileStatus, kept)  # there may be millions


def chunk_bytes(status: os.stat_result) -> int:
    """Return how much of a file to read at once: a buffer of 1 MB costs more than reading 600 bytes."""
    return min(CHUNK_BYTES, status.st_size + 1) if status.st_size else CHUNK_BYTES


def as_expected(sha256: str, expected: str) -> str:
    """A sha256, which is the expected one where there is one."""
    if expected not in ("", sha256):
        raise NotDeliveredError("changed since it was labelled")
    return sha256


def open_source(disk: Disk, place: Place, follow: bool = True) -> tuple[int, os.stat_result]:
    """Open a regular file for reading."""
    try:
        if not follow and not NO_FOLLOW and stat.S_ISLNK(disk.lstat(place).st_mode):
            raise NotDeliveredError(A_LINK)
        descriptor = disk.open(place, READ_NO_WAIT if follow else READ_NO_WAIT | NO_FOLLOW)
    except NotADirectoryError as error:
        return _open_member(disk, place, error)
    except OSError as error:
        if not follow and error.errno == errno.ELOOP:
            raise NotDeliveredError(A_LINK) from error
        raise NotDeliveredError(error.strerror or str(error)) from error
    status = disk.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        disk.close(descriptor)
        raise NotDeliveredError("not a regular file")
    return descriptor, status


def _open_member(disk: Disk, place: Place, cause: OSError) -> tuple[int, os.stat_result]:
    """Open a copy in memory of a member of an archive; the path leads through a file."""
    try:
        member = read_member(place.path, MOST_BYTES)
        descriptor = _in_memory(member.data)
    except FileNotFoundError as error:
        raise NotDeliveredError(cause.strerror or str(cause)) from error
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error
    try:
        disk.set_mode(descriptor, MEMBER_MODE)
        modified_ns = member.modified_s * 10**9
        disk.set_times(descriptor, modified_ns, modified_ns)
        return descriptor, disk.fstat(descriptor)
    except BaseException:
        disk.close(descriptor)
        raise


def _in_memory(data: bytes) -> int:
    """Return the descriptor of a file without a name that has this content."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("digitsort")
    else:
        with TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


_SET_ID = stat.S_ISUID | stat.S_ISGID

_ACCESS_LIST = "system.posix_acl_access"

_NO_OWNER = {errno.EPERM, errno.EINVAL, errno.EOVERFLOW, errno.EOPNOTSUPP, errno.ENOSYS}
"""EINVAL and EOVERFLOW: an owner that the user namespace has no number for."""

_NO_ATTRIBUTES = {
    *(errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENODATA, errno.EINVAL, errno.EACCES),
    *(errno.ENOSPC, errno.EDQUOT, errno.E2BIG, errno.ERANGE),
}
"""As `shutil.copystat` has it: an attribute that the target can't have is not worth the file. The last
four: it is too long for this file system; ext4 says then that there is no space."""


def copy_to_temporary(
    disk: Disk,
    source: Place,
    temporary: Place,
    sha256: str,
    *,
    owner: bool = False,
    durable: bool = False,
) -> int:
    """Copy content, mode, times and attributes to a temporary name; return the copy's bytes.

    Nothing stays on failure.

    Raises
    ------
    NotDeliveredError
        If the source can't be read, is no regular file, or its content is not what is expected.
    OSError
        If the target's file system fails.
    """
    original, status = open_source(disk, source)
    try:
        copy = disk.open(temporary, NEW)
        try:
            try:
                fill(disk, original, status, copy, sha256, owner=owner)
                if durable and not SYNCS_FILE_SYSTEMS:
                    disk.fsync(copy)
            finally:
                disk.close(copy)
            if not HAS_METADATA_BY_DESCRIPTOR:
                shutil.copystat(source.path, temporary.path)
        except BaseException:
            remove_ours(disk, temporary)
            raise
    finally:
        disk.close(original)
    return status.st_size


def fill(
    disk: Disk,
    source: int,
    status: os.stat_result,
    copy: int,
    expected: str,
    *,
    owner: bool = False,
    is_plain: bool = False,
) -> None:
    """Copy content, which is as expected, and all else from one open file to another.

    A copy that is plain has the mode already, and no access list of its folder's default one.
    """
    as_expected(copy_content(disk, source, copy, status), expected)
    copy_metadata(disk, source, copy, status, owner=owner, is_plain=is_plain)


def copy_content(disk: Disk, source: int, copy: int, status: os.stat_result) -> str:
    """Copy from one open file to another; the sha256 of what was copied."""
    most = chunk_bytes(status)
    chunk = _chunk(disk, source, most)
    digest = hashlib.sha256(chunk)
    size = len(chunk)
    while chunk:
        write_all(disk, copy, chunk)
        chunk = _chunk(disk, source, most) if size < status.st_size else b""
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest()


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
    is_plain: bool = False,
) -> None:
    """Give an open file the mode, unless it has it, times, attributes and perhaps owner of another.

    A set-user-ID or set-group-ID bit is kept only with the owner that it was set for.
    """
    if not HAS_METADATA_BY_DESCRIPTOR:
        return
    if owner:
        _copy_owner(disk, copy, status)
    has_attributes = _copy_attributes(disk, source, copy, is_plain)
    mode = stat.S_IMODE(status.st_mode)
    if has_attributes or owner or not is_plain:  # each of these may change it
        disk.set_mode(copy, mode & ~_SET_ID if _is_anothers(disk, copy, status, mode) else mode)
    disk.set_times(copy, status.st_atime_ns, status.st_mtime_ns)


def _copy_owner(disk: Disk, copy: int, status: os.stat_result) -> None:
    try:
        disk.set_owner(copy, status.st_uid, status.st_gid)
    except OSError as error:
        if error.errno not in _NO_OWNER:
            raise


def _is_anothers(disk: Disk, copy: int, status: os.stat_result, mode: int) -> bool:
    """Tell whether a file has a set-ID bit, and its copy another owner or group."""
    if not mode & _SET_ID:
        return False
    now = disk.fstat(copy)
    return (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid)


def _copy_attributes(disk: Disk, source: int, copy: int, is_plain: bool) -> bool:
    """Copy the extended attributes that the copy can have; return whether there are any.

    An access list that the copy has of its folder's default one goes: the source does not have it.
    """
    names = _attributes(disk, source)
    inherits = not is_plain and has_access_list(disk, copy)
    for name in names:
        with _attribute_may_fail():
            disk.set_attribute(copy, name, disk.attribute(source, name))
    if inherits and _ACCESS_LIST not in names:
        with _attribute_may_fail():
            disk.remove_attribute(copy, _ACCESS_LIST)
        return True
    return bool(names)


def has_access_list(disk: Disk, descriptor: int) -> bool:
    """Return whether an open file has an access list, which new files inherit from their folder."""
    return _ACCESS_LIST in _attributes(disk, descriptor)


def _attributes(disk: Disk, descriptor: int) -> list[str]:
    try:
        return disk.attributes(descriptor)
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTES:
            raise
    return []


@contextmanager
def _attribute_may_fail() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTES:
            raise


def remove_ours(disk: Disk, place: Place) -> None:
    """Remove a temporary file, if it is there."""
    with suppress(FileNotFoundError):
        disk.unlink(place)
