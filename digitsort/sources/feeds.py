"""Read an archive from front to back, in bounded memory: a file, or what a file decompresses to."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from importlib import import_module
from typing import IO, Any, Protocol

from digitsort.sources.located import BROKEN_ARCHIVE, EXPANDS, NO_ZSTD, SourceError

_PIECE = 2**16

_HAS_PREAD = hasattr(os, "pread")

FREE_BYTES, MOST_RATIO = 2**30, 100
"""An archive may expand to 1 GiB, and beyond this to 100 times its size. Pictures are compressed
already; tar pads small ones to a multiple of 512 bytes."""

_MOST_WINDOW = 2**27
"""Largest window of zstd, in bytes; its own tools allow no larger one without being asked to."""


def most_expanded(stored: int) -> int:
    """Return how many bytes an archive may expand to."""
    return FREE_BYTES + MOST_RATIO * stored


class Feed(Protocol):
    """Bytes from front to back."""

    def tell(self) -> int:
        """Return the position of the next byte."""

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""

    def skip(self, count: int) -> None:
        """Go on behind the next bytes."""


class FileFeed:
    """Feed from an open file, which skips without reading."""

    def __init__(self, descriptor: int, start: int = 0) -> None:
        self._descriptor = descriptor
        self._buffer, self._begin, self._at = b"", start, start

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        at = self._at
        first = at - self._begin
        if first < 0 or first + count > len(self._buffer):
            self._buffer = read_at(self._descriptor, max(count, _PIECE), at)
            self._begin, first = at, 0
        data = self._buffer[first : first + count]
        self._at = at + len(data)
        return data

    def skip(self, count: int) -> None:
        """Go on behind the next bytes."""
        self._at += count


class StreamFeed:
    """Feed from a compressed file; raises SourceError if it is broken or expands too far.

    Of one that ends early, all that can be decompressed is given.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0
        os.lseek(descriptor, 0, os.SEEK_SET)
        raw = io.BufferedReader(io.FileIO(descriptor, closefd=False), 2**17)
        self._stream = _decompressing(name, raw)
        self._buffer, self._first = b"", 0

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        data = self._piece(count)
        if len(data) == count:
            return data
        pieces, left = [data], count - len(data)
        while left and (piece := self._piece(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def skip(self, count: int) -> None:
        """Go on behind the next bytes."""
        while count > 0 and (piece := self._piece(count)):
            count -= len(piece)

    def _piece(self, most: int) -> bytes:
        """Return some of the next bytes; none at the end."""
        if self._first == len(self._buffer):
            self._buffer, self._first = self._decompressed(), 0
        data = self._buffer[self._first : self._first + most]
        self._first += len(data)
        self._at += len(data)
        return data

    def _decompressed(self) -> bytes:
        """Return what one more piece of the file decompresses to; nothing at its end."""
        try:
            data: bytes = self._stream.read1(_PIECE)
        except EOFError:  # whoever reads the archive misses the rest
            return b""
        except (OSError, zlib.error, ValueError, RuntimeError) as error:
            raise SourceError(BROKEN_ARCHIVE) from error
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # its module may not be installed
                raise
            raise SourceError(BROKEN_ARCHIVE) from error
        expanded = self._at + len(data)
        if expanded > FREE_BYTES and expanded > most_expanded(self._taken()):
            raise SourceError(EXPANDS)
        return data

    def _taken(self) -> int:
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)


def _decompressing(name: str, raw: IO[bytes]) -> Any:
    if name.lower().endswith((".gz", ".tgz")):
        return gzip.GzipFile(fileobj=raw, mode="rb")
    return _zstd(raw)


def _zstd(raw: IO[bytes]) -> Any:
    try:
        return import_module("compression.zstd").ZstdFile(raw)  # Python 3.14
    except ImportError:
        pass
    try:
        zstandard = import_module("zstandard")
    except ImportError as error:
        raise SourceError(NO_ZSTD) from error
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
    return decompressor.stream_reader(raw, read_across_frames=True)


def read_at(descriptor: int, count: int, offset: int) -> bytes:
    """Return bytes of an open file; fewer at its end."""
    if not _HAS_PREAD:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, count)
    data = os.pread(descriptor, count, offset)
    while len(data) < count and (more := os.pread(descriptor, count - len(data), offset + len(data))):
        data += more
    return data
