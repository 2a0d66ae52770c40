"""Read an archive from front to back, in bounded memory: a file, or what a file decompresses to."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from importlib import import_module
from typing import IO, Any, Protocol

from digitsort.sources.located import BROKEN_ARCHIVE, ENDS_EARLY, EXPANDS, NO_ZSTD, SourceError

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
    """Feed from a compressed file; raises SourceError if it is broken or expands too far."""

    def __init__(self, name: str, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0
        os.lseek(descriptor, 0, os.SEEK_SET)
        raw = io.BufferedReader(io.FileIO(descriptor, closefd=False), 2**17)
        self._stream = _decompressing(name, raw)

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        if count <= _PIECE:
            return self._piece(count)
        pieces, left = [], count
        while left and (piece := self._piece(min(left, 2**20))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def skip(self, count: int) -> None:
        """Go on behind the next bytes."""
        while count > 0 and (piece := self._piece(min(count, 2**20))):
            count -= len(piece)

    def _piece(self, count: int) -> bytes:
        try:
            data = self._stream.read(count)
        except EOFError as error:
            raise SourceError(ENDS_EARLY) from error
        except (OSError, zlib.error, ValueError, RuntimeError) as error:
            raise SourceError(BROKEN_ARCHIVE) from error
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # its module may not be installed
                raise
            raise SourceError(BROKEN_ARCHIVE) from error
        self._at += len(data)
        if self._at > FREE_BYTES and self._at > most_expanded(self._taken()):
            raise SourceError(EXPANDS)
        return data

    def _taken(self) -> int:
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)


def _decompressing(name: str, raw: IO[bytes]) -> IO[bytes]:
    if name.lower().endswith((".gz", ".tgz")):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb"), _PIECE)
    return io.BufferedReader(_zstd(raw), _PIECE)


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
