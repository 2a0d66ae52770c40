"""Read the central directory of a zip archive entry by entry, and the content of a member.

`zipfile` would read the whole directory at once and keep an object of half a kilobyte for each entry.
The format: PKWARE's APPNOTE.TXT, 4.3 to 4.5.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from digitsort.sources.feeds import FileFeed, read_at
from digitsort.sources.located import (
    BROKEN_ARCHIVE,
    BROKEN_MEMBER,
    ENCRYPTED,
    ENDS_EARLY,
    UNKNOWN_METHOD,
    Entry,
    Kind,
    SourceError,
    Span,
)

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")

_MOST_COMMENT = 2**16
_UNIX = 3
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED, _PATCH, _STRONG, _MASKED = 1, 1 << 5, 1 << 6, 1 << 13
_ZIP64 = 1

_USUAL_EXTRA = 128
"""Bytes that local headers have beyond the name and content; more needs one further read."""


class Directory(NamedTuple):
    """Where the central directory is.

    Attributes
    ----------
    entries : int
        Number of entries that it should have.
    before : int
        Bytes before the archive proper, as self-extracting ones have them.
    """

    begin: int
    end: int
    entries: int
    before: int


def find_directory(descriptor: int) -> Directory:
    """Find the central directory by the record at the end of the archive.

    Raises
    ------
    SourceError
        If there is none, or it can't be where it should be.
    """
    size = os.fstat(descriptor).st_size
    tail_at = max(size - _END.size - _MOST_COMMENT, 0)
    tail = read_at(descriptor, size - tail_at, tail_at)
    found = tail.rfind(b"PK\5\6", 0, max(len(tail) - _END.size + 4, 0))
    if found < 0:
        raise SourceError(ENDS_EARLY if read_at(descriptor, 2, 0) == b"PK" else BROKEN_ARCHIVE)
    _, disk, its_disk, _, count, length, offset, _ = _END.unpack_from(tail, found)
    end = tail_at + found
    if _FULL_16 in (disk, count) or _FULL_32 in (length, offset):
        end, disk, its_disk, count, length, offset = _end_64(
            descriptor, end, (disk, its_disk, count, length, offset)
        )
    before = end - length - offset
    if disk or its_disk or before < 0:
        raise SourceError(BROKEN_ARCHIVE)
    return Directory(end - length, end, count, before)


def _end_64(descriptor: int, end: int, plain: tuple[int, ...]) -> tuple[int, ...]:
    """Return what the record for large archives says; without one, the plain record counts."""
    at = end - _LOCATOR.size
    locator = read_at(descriptor, _LOCATOR.size, at) if at >= _END_64.size else b""
    if not locator.startswith(b"PK\6\7"):
        return (end, *plain)
    at -= _END_64.size
    record = read_at(descriptor, _END_64.size, at)
    if not record.startswith(b"PK\6\6"):
        raise SourceError(BROKEN_ARCHIVE)
    _, _, _, _, disk, its_disk, _, count, length, offset = _END_64.unpack(record)
    return at, disk, its_disk, count, length, offset


def zip_entries(descriptor: int, directory: Directory, start: int | None = None) -> Iterator[Entry]:
    """Yield the members that a central directory names, from the entry at `start` on.

    Raises
    ------
    SourceError
        Where an entry is broken, or there are not as many as there should be.
    """
    feed = FileFeed(descriptor, directory.begin if start is None else start)
    count = 0
    while feed.tell() < directory.end:
        yield _entry(feed, directory)
        count += 1
    # Some programs write only 16 bits of the number.
    is_counted = start is not None or (count - directory.entries) % 2**16 == 0
    is_whole = feed.tell() == directory.end and is_counted
    if not is_whole:
        raise SourceError(BROKEN_ARCHIVE)


def _entry(feed: FileFeed, directory: Directory) -> Entry:
    position = feed.tell()
    head = feed.read(_CENTRAL.size)
    if len(head) < _CENTRAL.size or head[:4] != b"PK\1\2":
        raise SourceError(BROKEN_ARCHIVE)
    fields = _CENTRAL.unpack(head)
    _, made_by, _, flags, method, clock, date, crc, stored, size, *rest = fields
    name_bytes, extra_bytes, comment_bytes, disk, _, attributes, offset = rest
    name = feed.read(name_bytes)
    extra = feed.read(extra_bytes)
    feed.skip(comment_bytes)
    if len(name) + len(extra) < name_bytes + extra_bytes:
        raise SourceError(BROKEN_ARCHIVE)
    fault = _fault(flags, method)
    if _FULL_32 in (size, stored, offset):
        try:
            size, stored, offset = _from_extra(extra, size, stored, offset)
        except (IndexError, struct.error):
            fault = BROKEN_MEMBER
    offset += directory.before
    if disk or offset + _LOCAL.size + name_bytes + stored > directory.begin:
        fault = fault or BROKEN_MEMBER
    kind = _kind(name, made_by >> 8, attributes)
    return Entry(name, position, kind, offset, size, stored, method, crc, date << 16 | clock, fault)


def _fault(flags: int, method: int) -> str:
    if flags & (_ENCRYPTED | _STRONG | _MASKED):
        return ENCRYPTED
    return "" if method in (STORED, DEFLATED) and not flags & _PATCH else UNKNOWN_METHOD


def _kind(name: bytes, system: int, attributes: int) -> Kind:
    if name.endswith(b"/"):
        return Kind.FOLDER
    mode = attributes >> 16 if system == _UNIX else 0
    if not stat.S_IFMT(mode) or stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.SPECIAL


def _from_extra(extra: bytes, size: int, stored: int, offset: int) -> tuple[int, int, int]:
    """Return sizes and offset with those of the extra field that has them with 64 bits."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64:
            values = [v for (v,) in struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8])]
            full = [values.pop(0) if v == _FULL_32 else v for v in (size, stored, offset)]
            return full[0], full[1], full[2]
        at += 4 + length
    return size, stored, offset


def read_zip_member(descriptor: int, span: Span) -> bytes:
    """Return the content of a member, which has the size and the checksum that the directory gives.

    Raises
    ------
    SourceError
    """
    if span.stored > span.size + span.size // 100 + 2**16:
        raise SourceError(BROKEN_MEMBER)  # no compressor makes it so much longer
    most = _LOCAL.size + span.name_chars * 4 + span.stored + _USUAL_EXTRA
    data = read_at(descriptor, most, span.offset)
    if len(data) < _LOCAL.size or data[:4] != b"PK\3\4":
        raise SourceError(BROKEN_MEMBER)
    _, _, flags, method, _, _, _, _, _, name_bytes, extra_bytes = _LOCAL.unpack_from(data)
    name = data[_LOCAL.size : _LOCAL.size + name_bytes]
    if method != span.method or flags & _ENCRYPTED or zlib.crc32(name) != span.name_crc:
        raise SourceError(BROKEN_MEMBER)
    begin = _LOCAL.size + name_bytes + extra_bytes
    if begin + span.stored <= len(data):
        packed = data[begin : begin + span.stored]
    else:
        packed = read_at(descriptor, span.stored, span.offset + begin)
    content = packed if method == STORED else _inflated(packed, span.size)
    if len(content) != span.size or zlib.crc32(content) != span.crc:
        raise SourceError(BROKEN_MEMBER)
    return content


def _inflated(packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise SourceError(BROKEN_MEMBER) from error
