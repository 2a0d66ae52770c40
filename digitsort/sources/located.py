"""Define the path of a picture that is no file of its own, with the place of its bytes.

For a member of an archive, this place comes from what the archive's headers say about it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

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


MOST_NAME_BYTES = 4096
"""Longest name of a member; Linux allows no longer path."""

_SHOWN_BYTES = 200
"""Length of an unsafe name that a row shows; a hash stands for the rest."""


class Kind(IntEnum):
    """Kind of a member."""

    FILE = 0
    FOLDER = 1
    LINK = 2
    SPECIAL = 3


class Entry(NamedTuple):
    """A member of an archive, as its headers describe it; nothing in it is certain.

    Attributes
    ----------
    position : int
        Where its headers begin, so that it can be found again.
    offset, size, stored, method, crc : int
        As `Span` has them.
    modified : int or bytes
        Time of the last change: in a tar as its header has it, in a zip as MS-DOS packs date and time.
    fault : str
        Why it can't be read; empty if it can.
    """

    name: bytes
    position: int
    kind: Kind
    offset: int = 0
    size: int = 0
    stored: int = 0
    method: int = 0
    crc: int = 0
    modified: int | bytes = 0
    fault: str = ""


new_entry = partial(tuple.__new__, Entry)
"""Make an entry from a tuple of all its fields: there may be millions."""


def member_path(name: bytes) -> str:
    """Return a member's path below its archive, without empty parts and ``.``.

    Raises
    ------
    SourceError
        If the name is absolute or too long, climbs out, or holds a NUL.
    """
    text = name.decode() if name.isascii() else os.fsdecode(name)
    if "//" not in text and "./" not in text and not text.startswith("/") and len(name) <= 255:
        is_plain = bool(text) and "\0" not in text and not text.endswith(("/.", "/..", "/"))
        if is_plain and text not in (".", ".."):
            return text
    parts = [part for part in text.split("/") if part not in ("", ".")]
    is_unsafe = text.startswith("/") or ".." in parts or "\0" in text or not parts
    if is_unsafe or len(name) > MOST_NAME_BYTES:
        raise SourceError(UNSAFE_NAME)
    return "/".join(parts)


def shown_name(name: bytes) -> str:
    """Return a path that stands for a member with an unsafe name: it never leads anywhere."""
    begin = quote_from_bytes(name[:_SHOWN_BYTES], safe="").replace(".", "%2E")
    return f"{begin}~{sha256(name).hexdigest()[:16]}"
