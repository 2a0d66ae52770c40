"""Read the headers of a tar archive one after the other, in bounded memory.

`tarfile` would read a long name or a pax header of any size at once, and keeps every member. The
format: POSIX.1-1988 (ustar), POSIX.1-2001 (pax), and GNU tar's manual, "Basic Tar Format".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from digitsort.sources.entry import MOST_NAME_BYTES, Entry, Kind
from digitsort.sources.feeds import Feed
from digitsort.sources.located import (
    BROKEN_ARCHIVE,
    BROKEN_MEMBER,
    ENDS_EARLY,
    RAW,
    SPARSE,
    UNSAFE_NAME,
    SourceError,
)

BLOCK = 512

MOST_PAX_BYTES = 2**20
"""Largest extended header that is read; GNU tar and Python write some hundred bytes."""

_ZEROS = bytes(BLOCK)

_FILES = b"0\0007"
"""Types with content that is a file: regular, regular of old archives, contiguous."""

_KINDS = {b"1": Kind.LINK, b"2": Kind.LINK, b"5": Kind.FOLDER}
"""The other types of POSIX without content; devices and pipes are `Kind.SPECIAL`."""

_WITHOUT_CONTENT = b"123456"

_CHECKSUM_BLANKS = 8 * 0x20

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
    pax: dict[bytes, bytes] = field(default_factory=dict)


def tar_entries(feed: Feed) -> Iterator[Entry]:
    """Yield members; with the next one, the feed goes on behind the content of the last.

    Raises
    ------
    SourceError
        Where a header is broken, or the archive ends early.
    """
    pending = None
    while True:
        position = feed.tell()
        header = feed.read(BLOCK)
        if header == _ZEROS and pending is None:
            return
        _check(header)
        if pending is None:
            pending = _Pending(position)
        size, kind = _number(header[124:136]), header[156:157]
        if kind in b"LKxXg":
            _extend(pending, kind, size, feed)
            continue
        if kind == b"S":
            pending.sparse = True
            _skip_sparse_map(header, feed)
        yield from _member(header, kind, size, pending, feed)
        pending = None


def _member(header: bytes, kind: bytes, size: int, pending: _Pending, feed: Feed) -> Iterator[Entry]:
    size = size if pending.size is None else pending.size
    name = _stored_name(header) if pending.name is None else pending.name
    fault = pending.fault or (SPARSE if pending.sparse else "")
    begin, has_content = feed.tell(), kind not in _WITHOUT_CONTENT
    size = size if has_content else 0
    found = _kind(kind, name, sparse=pending.sparse)
    yield Entry(name, pending.position, found, begin, size, size, RAW, 0, _time(header), fault)
    feed.skip(begin + size + -size % BLOCK - feed.tell())


def _kind(kind: bytes, name: bytes, *, sparse: bool) -> Kind:
    if kind in _FILES or sparse:
        return Kind.FOLDER if name.endswith(b"/") and not sparse else Kind.FILE
    return _KINDS.get(kind, Kind.SPECIAL)


def _check(header: bytes) -> None:
    if len(header) < BLOCK:
        raise SourceError(ENDS_EARLY)
    found = sum(header) - sum(header[148:156]) + _CHECKSUM_BLANKS
    if _number(header[148:156]) != found:
        raise SourceError(BROKEN_ARCHIVE)


def _number(digits: bytes) -> int:
    """Return a number: octal digits, or since GNU tar 1.13 bytes after a first one of 0x80."""
    if digits[0] == 0x80 and (number := int.from_bytes(digits[1:])) <= _MOST_NUMBER:
        return number
    text = digits.split(b"\0", 1)[0].strip()
    if not text:
        return 0
    if text.isdigit() and not text.translate(None, b"01234567"):
        return int(text, 8)
    raise SourceError(BROKEN_ARCHIVE)


def _time(header: bytes) -> int:
    try:
        return _number(header[136:148])
    except SourceError:  # before 1970, or nonsense: no reason to lose the content
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
