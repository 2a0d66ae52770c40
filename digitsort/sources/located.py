"""Define the path of a picture that is no file of its own, with the place of its bytes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from digitsort.files.names import is_url

RAW = -1
"""Method of a member of a tar archive: its bytes lie there as they are."""

BROKEN_ARCHIVE = "broken archive"
BROKEN_MEMBER = "broken archive member"
CHANGED = "archive changed while it was read"
DENIED = "permission denied"
DUPLICATE = "duplicate name in archive"
ENCRYPTED = "encrypted archive member"
ENDS_EARLY = "archive ends early"
EXPANDS = "archive expands too far"
MISSING = "file not found"
READ_ERROR = "read error"
LINK = "link in archive"
SPARSE = "sparse file in archive"
SPECIAL = "not a regular file"
UNSAFE_NAME = "unsafe name in archive"
UNKNOWN_METHOD = "unsupported compression in archive"
NOT_ON_DISK = "archive in a bucket: download it"
NO_ZSTD = "zstandard is not installed: pip install zstandard"
TIMED_OUT = "timed out"
TOO_MANY = "too many archive members"
TOO_LARGE_STREAMED = "too large in a compressed tar: unpack it"


class SourceError(OSError):
    """Raised for bytes that can't be had; the message is one of a few fixed phrases."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EIO, reason)
        self.reason = reason

    def __reduce__(self) -> tuple[type[SourceError], tuple[str]]:
        return SourceError, (self.reason,)


class Span(NamedTuple):
    """Bytes of a member in an archive.

    Attributes
    ----------
    name_chars : int
        Length of the member's name, which ends the path. The archive's path is before it.
    offset : int
        Of a tar, where the content begins; of a zip, where the local header does.
    size, stored : int
        Bytes of the content, and of what is stored in the archive.
    method : int
        Method of compression as zip numbers it, or `RAW`.
    crc : int
        CRC-32 of the content; 0 with `RAW`.
    name_crc : int
        CRC-32 of the name as it is stored; 0 with `RAW`.
    mark : int
        `mark_of` the archive in which the member was found.
    """

    name_chars: int
    offset: int
    size: int
    stored: int
    method: int
    crc: int = 0
    name_crc: int = 0
    mark: int = 0


new_span = partial(tuple.__new__, Span)
"""Make a span from a tuple of all its fields: there may be millions."""


def mark_of(status: os.stat_result) -> int:
    """Return a number that changes with an archive; it is the same on all machines that share it."""
    return hash((status.st_size, status.st_mtime_ns))


Place = Span | bytes | str | int
"""Where the bytes are: in an archive; already here; nowhere, for this reason; or in a bucket, where
the object has this size."""


class Located(str):
    """Path of a picture, with the place of its bytes.

    It is equal to the plain path. `str` makes a plain path of it, which no longer holds bytes.

    Attributes
    ----------
    place : Place
    """

    __slots__ = ("place",)
    place: Place

    def __new__(cls, path: str, place: Place) -> Located:
        """Return the path with its place."""
        located = str.__new__(cls, path)
        located.place = place
        return located

    def __reduce__(self) -> tuple[Callable[..., Located], tuple[Any, ...]]:
        place = self.place
        if type(place) is Span:
            return _in_archive, (str(self), *place)
        return Located, (str(self), place)

    @property
    def nbytes(self) -> int:
        """Size of the content, in bytes; 0 if it has none."""
        if isinstance(self.place, Span):
            return self.place.size
        if isinstance(self.place, int):
            return max(self.place, 0)
        return len(self.place) if isinstance(self.place, bytes) else 0


def _in_archive(path: str, *place: int) -> Located:
    return Located(path, new_span(place))


def made_absolute(path: str) -> str:
    """Return `os.path.abspath` of a path, with the place that it has."""
    if is_url(path):
        return path
    if type(path) is not Located:
        return os.path.abspath(path)
    return path if path.startswith("/") else Located(os.path.abspath(path), path.place)


def without_content(path: str) -> str:
    """Return a path that may be kept: it holds no content."""
    return str(path) if carried_bytes(path) else path


def carried_bytes(path: str) -> int:
    """Return how many bytes of content a path holds in memory."""
    if type(path) is not Located:
        return 0
    return len(path.place) if isinstance(path.place, bytes) else 0
