"""Read the headers of a tar archive one after the other, in bounded memory.

`tarfile` would read a long name or a pax header of any size at once, and keeps every member. The
format: POSIX.1-1988 (ustar), POSIX.1-2001 (pax), and GNU tar's manual, "Basic Tar Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import adler32

from digitsort.sources.feeds import Feed
from digitsort.sources.located import (
    BROKEN_ARCHIVE,
    BROKEN_MEMBER,
    ENDS_EARLY,
    MOST_NAME_BYTES,
    RAW,
    SPARSE,
    UNSAFE_NAME,
    Entry,
    Kind,
    SourceError,
    new_entry,
)

BLOCK = 512

MOST_PAX_BYTES = 2**20
"""Largest extended header that is read; GNU tar and Python write some hundred bytes."""

_ZEROS = bytes(BLOCK)

_FIELDS = struct.Struct("100s24x12s12s8sc")
"""Name, size, time, checksum and type."""

_ADLER = 65_521

_EXTENSIONS = frozenset((b"L", b"K", b"x", b"X", b"g"))
"""Types of headers that belong to the next member, or to all."""

_FILES = frozenset((b"0", b"\0", b"7"))
"""Types with content that is a file: regular, regular of old archives, contiguous."""

_KINDS = {b"1": Kind.LINK, b"2": Kind.LINK, b"5": Kind.FOLDER}
"""The other types of POSIX without content; devices and pipes are `Kind.SPECIAL`."""

_WITHOUT_CONTENT = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))

_CHECKSUM_BLANKS = 8 * 0x20

_FILE = Kind.FILE

_MOST_NUMBER = 2**62
"""Largest number that is taken for one; positions of files have 63 bits."""


@dataclass(slots=True)
class _Pending:
    """What headers said about the member that follows them."""

    position: int
    name: bytes | None = None
    size: int | None = None
    sparse: bool = False
    fault: str = ""


def tar_entries(feed: Feed) -> Iterator[Entry]:
    """Yield members; with the next one, the feed goes on behind the content of the last.

    Raises
    ------
    SourceError
        Where a header is broken, or the archive ends early.
    """
    pending = None
    position = feed.tell()
    while True:
        header = feed.read(BLOCK)
        if header == _ZEROS and pending is None:
            return
        if len(header) < BLOCK:
            raise SourceError(ENDS_EARLY)
        stored_name, digits, modified, checksum, kind = _FIELDS.unpack_from(header)
        _check(header, checksum)
        size = _number(digits)
        if kind in _EXTENSIONS:
            pending = pending or _Pending(position)
            _extend(pending, kind, size, feed)
            position = feed.tell()
            continue
        name = stored_name.rstrip(b"\0")
        if b"\0" in name or header[345] != 0:
            name = _stored_name(header)
        fault = ""
        if pending is not None or kind == b"S":
            pending = pending or _Pending(position)
            name = name if pending.name is None else pending.name
            size = size if pending.size is None else pending.size
            pending.sparse |= kind == b"S"
            fault = pending.fault or (SPARSE if pending.sparse else "")
        begin = position + BLOCK
        if kind == b"S":
            _skip_sparse_map(header, feed)
            begin = feed.tell()
        size = 0 if kind in _WITHOUT_CONTENT else size
        is_plain = kind == b"0" and not name.endswith(b"/")
        found = _FILE if is_plain else _kind(kind, name, sparse=fault == SPARSE)
        first = position if pending is None else pending.position
        yield new_entry((name, first, found, begin, size, size, RAW, 0, modified, fault))
        position = begin + size + -size % BLOCK
        feed.skip(position - feed.tell())
        pending = None


def _kind(kind: bytes, name: bytes, *, sparse: bool) -> Kind:
    if kind in _FILES or sparse:
        return Kind.FOLDER if name.endswith(b"/") and not sparse else Kind.FILE
    return _KINDS.get(kind, Kind.SPECIAL)


def _check(header: bytes, checksum: bytes) -> None:
    """Raise unless the sum of the bytes is right; Adler-32 has it modulo 65,521, and is quick."""
    found = (adler32(header) & 0xFFFF) - 1 - sum(checksum) + _CHECKSUM_BLANKS
    # Mostly six digits, a NUL and a blank.
    stated = _number(checksum[:7] if checksum[6] == 0 else checksum)
    if (stated - found) % _ADLER:
        raise SourceError(BROKEN_ARCHIVE)


def _number(digits: bytes) -> int:
    """Return a number: octal digits, or since GNU tar 1.13 bytes after a first one of 0x80."""
    if (plain := digits[:-1]).isdigit() and digits[-1] in b"\0 ":
        try:
            return int(plain, 8)
        except ValueError as error:
            raise SourceError(BROKEN_ARCHIVE) from error
    if digits[0] == 0x80 and (number := int.from_bytes(digits[1:])) <= _MOST_NUMBER:
        return number
    text = digits.split(b"\0", 1)[0].strip()
    if not text:
        return 0
    if text.isdigit() and not text.translate(None, b"01234567"):
        return int(text, 8)
    raise SourceError(BROKEN_ARCHIVE)


def seconds(digits: bytes) -> int:
    """Return the time of a member in seconds since 1970; 0 if it was before, or is nonsense."""
    try:
        return _number(digits)
    except SourceError:  # no reason to lose the content
        return 0


def _stored_name(header: bytes) -> bytes:
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and (prefix := header[345:500].split(b"\0", 1)[0]):
        return prefix + b"/" + name
    return name


def _extend(pending: _Pending, kind: bytes, size: int, feed: Feed) -> None:
    """Read a header that belongs to the next member; one about all members says nothing we need."""
    most = MOST_PAX_BYTES if kind in b"xX" else MOST_NAME_BYTES + 1
    if kind in b"Kg" or size > most:
        feed.skip(size + -size % BLOCK)
        if kind not in b"Kg":
            pending.fault = UNSAFE_NAME
        return
    data = feed.read(size)
    if len(data) < size:
        raise SourceError(ENDS_EARLY)
    feed.skip(-size % BLOCK)
    if kind == b"L":
        pending.name = data.split(b"\0", 1)[0]
        return
    if b"path=" not in data and b"size=" not in data and b"GNU.sparse." not in data:
        return  # mostly times, as Python writes them
    try:
        _take_records(pending, data)
    except ValueError:
        pending.fault = BROKEN_MEMBER


def _take_records(pending: _Pending, data: bytes) -> None:
    records = dict(_records(data))
    pending.name = records.get(b"GNU.sparse.name", records.get(b"path", pending.name))
    if b"size" in records:
        if not records[b"size"].isdigit() or len(records[b"size"]) > 18:
            raise ValueError("the size of a member")
        pending.size = int(records[b"size"])
    pending.sparse |= any(key.startswith(b"GNU.sparse.") for key in records)


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a pax header: ``12 path=a.png`` and a newline, each with its length."""
    at = 0
    while at < len(data):
        blank = data.index(b" ", at, at + 10)
        length = int(data[at:blank])
        record = data[blank + 1 : at + length]
        if length <= blank - at or not record.endswith(b"\n"):
            raise ValueError("a record of a pax header")
        key, equals, value = record[:-1].partition(b"=")
        if not equals:
            raise ValueError("a record without a value")
        yield key, value
        at += length


def _skip_sparse_map(header: bytes, feed: Feed) -> None:
    """Go on behind the blocks that continue the map of a sparse file."""
    continues = header[482] != 0
    while continues:
        block = feed.read(BLOCK)
        if len(block) < BLOCK:
            raise SourceError(ENDS_EARLY)
        continues = block[504] != 0
