"""Walk through the members of an archive, within limits, in the order in which they are stored."""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from digitsort.files.regular import NotRegularError, open_regular
from digitsort.sources.feeds import Feed, FileFeed, StreamFeed, most_expanded
from digitsort.sources.located import (
    DENIED,
    DUPLICATE,
    ENDS_EARLY,
    EXPANDS,
    LINK,
    MISSING,
    RAW,
    READ_ERROR,
    SPECIAL,
    TOO_LARGE_STREAMED,
    TOO_MANY,
    Entry,
    Kind,
    Located,
    Place,
    SourceError,
    Span,
    mark_of,
    member_path,
    new_span,
    shown_name,
)
from digitsort.sources.tar_entries import tar_entries
from digitsort.sources.zip_entries import find_directory, zip_entries

ZIP_SUFFIXES = (".zip",)
TAR_SUFFIXES = (".tar",)
STREAMED_SUFFIXES = (".tar.gz", ".tgz", ".tar.zst", ".tzst")
SUFFIXES = (*ZIP_SUFFIXES, *TAR_SUFFIXES, *STREAMED_SUFFIXES)

MOST_MEMBERS = 10_000_000
"""Largest number of members of an archive. Their names are known by 16 to 32 bytes each."""

MOST_STREAMED_BYTES = 64 * 2**20
"""Largest member of a compressed tar. Its bytes wait in memory until a worker has them."""

LARGE_BYTES, MOST_MEMBER_RATIO = 16 * 2**20, 200
"""A member over 16 MiB may expand to 200 times its size."""

_REASONS = {FileNotFoundError: MISSING, PermissionError: DENIED}

_FILE = Kind.FILE

Wants = Callable[[str], bool]
"""Return whether a member, given by its path below the archive, is read; count it otherwise."""


def is_archive(name: str) -> bool:
    """Return whether a visible file is an archive by its name."""
    return name.lower().endswith(SUFFIXES) and not os.path.basename(name).startswith(".")


def is_streamed(archive: str) -> bool:
    """Return whether an archive can only be read from front to back."""
    return archive.lower().endswith(STREAMED_SUFFIXES)


def members(archive: str, wants: Wants) -> Iterator[Located]:
    """Yield the wanted members, each with the place of its bytes or the reason why it has none.

    What is wrong with the archive itself is told in the place of a last one, under the archive's path.
    """
    try:
        with opened(archive) as descriptor:
            yield from _Members(archive, descriptor, wants).all()
    except SourceError as error:
        yield Located(archive, error.reason)


@contextmanager
def opened(archive: str) -> Iterator[int]:
    """Yield the descriptor of an archive, which is a regular file.

    Raises
    ------
    SourceError
        If it can't be opened.
    """
    try:
        descriptor = open_regular(archive)
    except NotRegularError as error:
        raise SourceError(SPECIAL) from error
    except OSError as error:
        raise SourceError(_REASONS.get(type(error), READ_ERROR)) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def entries_of(archive: str, descriptor: int) -> tuple[Iterator[Entry], Feed | None]:
    """Return the members of an open archive, and the feed that gives their bytes if it is streamed."""
    if archive.lower().endswith(ZIP_SUFFIXES):
        return zip_entries(descriptor, find_directory(descriptor)), None
    if is_streamed(archive):
        feed: Feed = StreamFeed(archive, descriptor)
        return tar_entries(feed), feed
    return tar_entries(FileFeed(descriptor)), None


def fault_of(entry: Entry) -> str:
    """Return why the headers alone say that a member can't be read; empty if they do not."""
    if entry.kind is _FILE and not entry.fault and entry.size <= LARGE_BYTES:
        return ""
    if entry.kind is Kind.LINK:
        return LINK
    if entry.kind is Kind.SPECIAL:
        return SPECIAL
    if entry.fault:
        return entry.fault
    is_bomb = entry.size > LARGE_BYTES and entry.size > MOST_MEMBER_RATIO * entry.stored
    return EXPANDS if is_bomb else ""


def span_of(entry: Entry, member: str, mark: int) -> Span:
    """Return the place of a member whose path below the archive is given."""
    name, _, _, offset, size, stored, method, crc, _, _ = entry
    name_crc = 0 if method == RAW else zlib.crc32(name)
    return new_span((len(member), offset, size, stored, method, crc, name_crc, mark))


@dataclass(slots=True)
class _Members:
    archive: str
    descriptor: int
    wants: Wants
    _mark: int = 0
    _expanded: int = 0
    _most_expanded: int = 0
    _names: SeenNames = field(default_factory=lambda: SeenNames())

    def all(self) -> Iterator[Located]:
        entries, feed = entries_of(self.archive, self.descriptor)
        status = os.fstat(self.descriptor)
        self._mark, self._most_expanded = mark_of(status), most_expanded(status.st_size)
        below = self.archive + "/"
        for count, entry in enumerate(entries):
            if count >= MOST_MEMBERS:
                raise SourceError(TOO_MANY)
            if entry.kind is Kind.FOLDER:
                continue
            try:
                member, reason = member_path(entry.name), ""
            except SourceError as error:
                member, reason = shown_name(entry.name), error.reason
            if reason and not self.wants(os.fsdecode(entry.name.rpartition(b"/")[2])):
                continue
            if reason or self.wants(member):
                yield Located(below + member, reason or self._place(entry, member, feed))

    def _place(self, entry: Entry, member: str, feed: Feed | None) -> Place:
        if reason := fault_of(entry):
            return reason
        if not self._names.add(member):
            return DUPLICATE
        if feed is not None:
            return _carried(entry, feed)
        self._expanded += entry.size
        if self._expanded > self._most_expanded:
            return EXPANDS
        return span_of(entry, member, self._mark)


def _carried(entry: Entry, feed: Feed) -> Place:
    if entry.size > MOST_STREAMED_BYTES:
        return TOO_LARGE_STREAMED
    data = feed.read(entry.size)
    return data if len(data) == entry.size else ENDS_EARLY


class SeenNames:
    """Set of names, of 16 to 32 bytes each: a table of their hashes.

    Two of ten million names have the same hash once in 400,000 archives.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * 1024))
        self._count = 0

    def add(self, name: str) -> bool:
        """Add a name; return False if it was there."""
        mark = hash(name) & (2**64 - 1) or 1  # 0 is a free place
        table, mask = self._table, len(self._table) - 1
        at = mark & mask
        while found := table[at]:
            if found == mark:
                return False
            at = (at + 1) & mask
        table[at] = mark
        self._count += 1
        if self._count * 2 > len(table):
            self._grow()
        return True

    def _grow(self) -> None:
        marks = [mark for mark in self._table if mark]
        table = array("Q", bytes(8)) * (len(self._table) * 2)
        mask = len(table) - 1
        for mark in marks:
            at = mark & mask
            while table[at]:
                at = (at + 1) & mask
            table[at] = mark
        self._table = table
