"""Read a member of an archive: by the place of its bytes, or by its path alone."""

from __future__ import annotations

import errno
import os
import time
from array import array
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from digitsort.files.names import is_url
from digitsort.files.regular import TooLargeError, open_regular, read_regular
from digitsort.sources.archives import (
    MOST_MEMBERS,
    MOST_STREAMED_BYTES,
    ZIP_SUFFIXES,
    entries_of,
    fault_of,
    is_archive,
    is_streamed,
    opened,
    span_of,
)
from digitsort.sources.buckets import exists, read_object
from digitsort.sources.feeds import Feed, FileFeed, StreamFeed, read_at
from digitsort.sources.located import (
    CHANGED,
    ENDS_EARLY,
    RAW,
    TOO_LARGE_STREAMED,
    Entry,
    Kind,
    Located,
    SourceError,
    Span,
    mark_of,
    member_path,
)
from digitsort.sources.tar_entries import seconds, tar_entries
from digitsort.sources.zip_entries import Directory, find_directory, read_zip_member, zip_entries

_FULL = 2**64 - 1

_MOST_KEPT_BYTES, _ENTRY_BYTES = 64 * 2**20, 400
"""Bytes of members of a compressed tar that are kept, and what each takes beside its content."""

_MOST_OPEN = 4
"""Archives that a process keeps open. Rows are in the order of the files, so that it is mostly one."""


class Member(NamedTuple):
    """Content of a member, and the time of its last change in seconds since 1970."""

    data: bytes
    modified_s: int


def read_located(path: Located, most_bytes: int) -> bytes:
    """Return the content whose place is known.

    Raises
    ------
    SourceError, TooLargeError
    OSError
        If the archive can't be opened.
    """
    place = path.place
    if isinstance(place, str):
        raise SourceError(place)
    if path.nbytes > most_bytes:
        raise TooLargeError(f"larger than {most_bytes} bytes")
    if isinstance(place, bytes):
        return place
    if isinstance(place, int):
        return read_object(path, most_bytes)
    return _read_span(_kept(path[: -place.name_chars - 1], place.mark), place)


def read_anywhere(path: str, most_bytes: int) -> bytes:
    """Return the content of a file, or of a member by its place or its path.

    Raises
    ------
    OSError
    """
    if type(path) is Located:
        return read_located(path, most_bytes)
    if is_url(path):
        return read_object(path, most_bytes)
    try:
        return read_regular(path, most_bytes)
    except NotADirectoryError:
        return read_member(path, most_bytes).data


def split_member(path: str) -> tuple[str, str] | None:
    """Return the archive that a path leads through, and the path below it; None if there is none."""
    above = os.path.dirname(path)
    while above and above != os.path.dirname(above):
        if is_archive(above) and os.path.isfile(above):
            return above, path[len(above) + 1 :]
        above = os.path.dirname(above)
    return None


def is_inside_archive(path: str) -> bool:
    """Return whether a path leads through an archive; quick for other ones."""
    if type(path) is Located:
        return isinstance(path.place, Span | bytes)
    lower = path.lower()
    return (".zip/" in lower or ".t" in lower) and split_member(path) is not None


def member_exists(path: str) -> bool:
    """Return whether a path leads through an archive to a member."""
    try:
        found = split_member(path)
        return found is not None and _shared(found[0]).find(found[1]) is not None
    except OSError:
        return False


def is_archive_folder(path: str) -> bool:
    """Return whether a path leads through an archive to a folder in it; quick for other paths."""
    try:
        found = split_member(path) if is_inside_archive(path) else None
        return found is not None and _shared(found[0]).has_folder(inside(found[1]))
    except OSError:
        return False


def inside(folder: str) -> str:
    """Return how the paths of the members in a folder of an archive begin."""
    return "".join(f"{part}/" for part in folder.split("/") if part not in ("", "."))


def member_size(path: str) -> int:
    """Return the size of a member of an archive by its path, in bytes; 0 if there is none."""
    if (found := split_member(path)) is None:
        return 0
    entry = _shared(found[0]).find(found[1])
    return 0 if entry is None else entry.size


def is_there(path: str) -> bool:
    """Return whether there is a file, a link, or a member of an archive under this path."""
    return os.path.lexists(path) or (exists(path) if is_url(path) else member_exists(path))


def may_exist(path: str) -> bool:
    """Return whether there may be a file: one in a folder that can't be entered may be there."""
    if is_url(path):
        return exists(path)
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return member_exists(path)
    except OSError:
        return True
    return True


def read_member(path: str, most_bytes: int) -> Member:
    """Return the content of a member by its path.

    Raises
    ------
    FileNotFoundError
        If there is no such member, or the path leads through no archive.
    SourceError, TooLargeError
    OSError
        If the archive can't be opened.
    """
    found = split_member(path)
    archive = None if found is None else _shared(found[0])
    entry = None if archive is None or found is None else archive.find(found[1])
    if archive is None or entry is None or found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if reason := fault_of(entry):
        raise SourceError(reason)
    if entry.size > most_bytes:
        raise TooLargeError(f"larger than {most_bytes} bytes")
    return Member(archive.read(entry, found[1]), _seconds(entry))


def _seconds(entry: Entry) -> int:
    """Return a member's time; zip has local time, in steps of 2 seconds."""
    if isinstance(entry.modified, bytes):
        return seconds(entry.modified)
    date, clock = entry.modified >> 16, entry.modified & 0xFFFF
    parts = (
        1980 + (date >> 9),
        date >> 5 & 15,
        date & 31,
        clock >> 11,
        clock >> 5 & 63,
        clock % 32 * 2,
    )
    try:
        return int(time.mktime((*parts, 0, 0, -1)))
    except (OverflowError, ValueError):
        return 0


def _read_span(archive: _Archive, span: Span) -> bytes:
    if span.method != RAW:
        return read_zip_member(archive.descriptor, span)
    data = read_at(archive.descriptor, span.size, span.offset)
    if len(data) < span.size:
        raise SourceError(ENDS_EARLY)
    return data


def _shared(path: str) -> _Archive:
    """Return an archive that stays open; another one if the file was replaced or written."""
    return _kept(path, mark_of(os.stat(path)))


@lru_cache(maxsize=_MOST_OPEN)
def _kept(path: str, mark: int) -> _Archive:
    archive = _Archive(path)
    if archive.mark != mark:
        raise SourceError(CHANGED)
    return archive


class _Archive:
    """An open archive, whose members are found by their names."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = -1
        self.descriptor = open_regular(path)
        self.mark = mark_of(os.fstat(self.descriptor))
        self._index: _Index | None = None
        self._feed: StreamFeed | None = None
        self._directory: Directory | None = None

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def find(self, member: str) -> Entry | None:
        """Return the first member with a path; None if there is none."""
        if self._index is None:
            self._index = _Index(self.path)
        for position in self._index.positions(member):
            entry = self._entry_at(position)
            if entry is not None and _is_named(entry, member):
                return entry
        return None

    def has_folder(self, below: str) -> bool:
        """Return whether there are members whose paths begin so, or such a folder."""
        if self._index is None:
            self._index = _Index(self.path)
        return not below or hash(below) & _FULL in self._index.folders

    def read(self, entry: Entry, member: str) -> bytes:
        """Return the content of a member; of a compressed tar right after it was found."""
        if not is_streamed(self.path):
            return _read_span(self, span_of(entry, member, self.mark))
        if entry.size > MOST_STREAMED_BYTES:
            raise SourceError(TOO_LARGE_STREAMED)
        if self._index is not None and entry.position in self._index.kept:
            data = self._index.kept[entry.position][1]
        else:
            data = self._streamed(entry.offset).read(entry.size)
        if len(data) < entry.size:
            raise SourceError(ENDS_EARLY)
        return data

    def _streamed(self, position: int) -> StreamFeed:
        """Return the feed at a position; from the front if it is past that."""
        if self._feed is None or self._feed.tell() > position:
            self._feed = StreamFeed(self.path, self.descriptor)
        self._feed.skip(position - self._feed.tell())
        return self._feed

    def _entry_at(self, position: int) -> Entry | None:
        if is_streamed(self.path):
            if self._index is not None and position in self._index.kept:
                return self._index.kept[position][0]
            return next(tar_entries(self._streamed(position)), None)
        if self.path.lower().endswith(ZIP_SUFFIXES):
            self._directory = self._directory or find_directory(self.descriptor)
            return next(zip_entries(self.descriptor, self._directory, position), None)
        return next(tar_entries(FileFeed(self.descriptor, position)), None)


def _is_named(entry: Entry, member: str) -> bool:
    try:
        return entry.kind is not Kind.FOLDER and member_path(entry.name) == member
    except SourceError:
        return False


class _Index:
    """Where members begin, by the hashes of their names: 16 bytes each; and the hashes of folders.

    Of a broken archive, the members before the fault. Of a compressed tar, what fits into
    `_MOST_KEPT_BYTES` is kept, because each step back in it means to decompress it again.
    """

    def __init__(self, path: str) -> None:
        self.kept: dict[int, tuple[Entry, bytes]] = {}
        self.folders: set[int] = set()
        self._folder = ""
        self._room = _MOST_KEPT_BYTES
        hashes, positions = array("Q"), array("Q")
        with suppress(SourceError), opened(path) as descriptor:
            entries, feed = entries_of(path, descriptor)
            for entry in islice(entries, MOST_MEMBERS):
                with suppress(SourceError):  # an unsafe name leads nowhere
                    member = member_path(entry.name)
                    self._note_folders(f"{member}/" if entry.kind is Kind.FOLDER else member)
                    hashes.append(hash(member) & _FULL)
                    positions.append(entry.position)
                    self._keep(entry, feed)
        found = np.frombuffer(hashes, np.uint64)
        order = np.argsort(found, kind="stable")
        self._hashes = found[order]
        self._positions = np.frombuffer(positions, np.uint64)[order]

    def _note_folders(self, member: str) -> None:
        """Note the folders above a member; those that follow it are mostly in the same one."""
        folder = member.rpartition("/")[0]
        if folder == self._folder:
            return
        self._folder = folder
        while folder:
            self.folders.add(hash(f"{folder}/") & _FULL)
            folder = folder.rpartition("/")[0]

    def _keep(self, entry: Entry, feed: Feed | None) -> None:
        needed = entry.size + len(entry.name) + _ENTRY_BYTES
        if feed is None or needed > self._room:
            return
        self._room -= needed
        self.kept[entry.position] = (entry, feed.read(entry.size))

    def positions(self, member: str) -> list[int]:
        """Return where members with this path can begin, in the order of the archive."""
        mark = np.uint64(hash(member) & _FULL)
        begin = np.searchsorted(self._hashes, mark, "left")
        end = np.searchsorted(self._hashes, mark, "right")
        return [int(position) for position in self._positions[begin:end]]
