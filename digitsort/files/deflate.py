"""Decompress deflated data with the fastest installed library, and store data uncompressed.

zlib-ng unpacks large pictures in two thirds of zlib's time; it comes with
``pip install zlib-ng``. It is made from zlib, and takes the same streams. (ISA-L is quicker
still, but takes streams whose code tables are not complete, which zlib refuses: what a file is read as
would depend on what is installed.)
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from importlib import import_module
from types import ModuleType

Data = bytes | memoryview

_BLOCK = struct.Struct("<BHH")
"""Header of a stored block (RFC 1951, 3.2.4): last block or not, length, and complement of the
length."""

_LARGEST_BLOCK = 2**16 - 1

SMALL_BYTES = 2**14
"""Decompressed size below which zlib is as fast."""

_PIECE, _MOST_AT_ONCE = 2**16, 2**20
"""Compressed and decompressed bytes held at a time when only the length is wanted."""


def quickest(length: int) -> ModuleType:
    """Return `zlib_ng.zlib_ng` if it is installed, else `zlib`; both have the same functions."""
    return zlib if length < SMALL_BYTES else _ng_or_zlib()


@cache
def _ng_or_zlib() -> ModuleType:
    try:
        return import_module("zlib_ng.zlib_ng")
    except ImportError:
        return zlib


def inflate(packed: Data, length: int, *, library: ModuleType | None = None) -> bytes | None:
    """Decompress the first `length` bytes of a zlib stream (RFC 1950), and at most one byte more.

    Parameters
    ----------
    packed : bytes or memoryview
        The stream; bytes after its end are ignored.
    length : int
        Number of decompressed bytes.
    library : module
        Default: the fastest for that length.

    Returns
    -------
    bytes or None
        None for a stream that is broken, has fewer bytes, or ends there with a wrong checksum.
    """
    library = library or quickest(length)
    stream = library.decompressobj()
    try:
        data: bytes = stream.decompress(packed, length + 1)
    except library.error:
        return None
    if len(data) > length:
        return data[:length]
    return data if len(data) == length and stream.eof else None


def holds(packed: Data, length: int) -> bool:
    """Return whether `inflate` would succeed, without keeping the bytes in memory."""
    library = quickest(length)
    stream = library.decompressobj()
    view, left = memoryview(packed), length
    try:
        for start in range(0, len(view), _PIECE):
            piece: Data = view[start : start + _PIECE]
            while piece and not stream.eof:
                left -= len(stream.decompress(piece, _MOST_AT_ONCE))
                if left < 0:
                    return True
                piece = stream.unconsumed_tail
    except library.error:
        return False
    return left == 0 and stream.eof


def crc32(data: Data) -> int:
    """Return the checksum of a chunk of a PNG file (PNG, D.1)."""
    checksum: int = quickest(len(data)).crc32(data)
    return checksum


def store(data: Data) -> bytes:
    """Return a zlib stream with the data stored uncompressed; needs at least one byte."""
    view = memoryview(data)
    parts: list[Data] = [b"\x78\x01"]
    for start in range(0, len(view), _LARGEST_BLOCK):
        block = view[start : start + _LARGEST_BLOCK]
        is_last = start + len(block) == len(view)
        parts += _BLOCK.pack(is_last, len(block), len(block) ^ _LARGEST_BLOCK), block
    return b"".join([*parts, quickest(len(data)).adler32(data).to_bytes(4)])
