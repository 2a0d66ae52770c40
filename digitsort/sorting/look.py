"""Read a file for its hash."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import NamedTuple

from digitsort.files.disk import NO_FOLLOW, READ_NO_WAIT, Disk, Place
from digitsort.sorting.task import NotDeliveredError, Status

CHUNK_BYTES = 2**20

A_LINK = "a symbolic link: --move leaves links alone"


class Seen(NamedTuple):
    """What a file was when its content was read.

    Attributes
    ----------
    status : Status
    sha256 : str
    """

    status: Status
    sha256: str


def look(disk: Disk, place: Place, expected: str = "", *, follow: bool = True) -> Seen:
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
    return Seen(status_from(status), as_expected(digest.hexdigest(), expected))


def anywhere(path: str) -> Place:
    """Return the place of a path that is only read: links are followed."""
    return Place(None, path, path)


def status_from(found: os.stat_result) -> Status:
    """What is kept of a status."""
    kept = (
        found.st_dev,
        found.st_ino,
        found.st_mode,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_nlink,
    )
    return tuple.__new__(Status, kept)  # there may be millions


def chunk_bytes(status: os.stat_result) -> int:
    """How much of a file to ask for at once: room for a megabyte costs more than reading 600 bytes."""
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
    except OSError as error:
        if not follow and error.errno == errno.ELOOP:
            raise NotDeliveredError(A_LINK) from error
        raise NotDeliveredError(error.strerror or str(error)) from error
    status = disk.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        disk.close(descriptor)
        raise NotDeliveredError("not a regular file")
    return descriptor, status
