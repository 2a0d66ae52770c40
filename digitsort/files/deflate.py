"""Unpack deflated data by the quickest library at hand, and wrap data as if it were deflated.

ISA-L unpacks pictures in a third of zlib's time; it comes with ``pip install 'digitsort[fast]'``. What
it makes of a stream is what zlib makes of it. Only of those whose code tables are not quite complete,
which no encoder writes and zlib refuses, it takes some: the ones whose checksum is right all the same.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from importlib import import_module
from types import ModuleType

Data = bytes | memoryview

_BLOCK = struct.Struct("<BHH")
"""Head of a stored block (RFC 1951, 3.2.4): whether it is the last, its length, and that with each bit
turned."""

CHECKSUM_BYTES = 4

_LARGEST_BLOCK = 2**16 - 1

SMALL_BYTES = 2**13
"""Unpacked. ISA-L takes a tenth of a megabyte for each stream, and what that drives out of the cache
costs more than it wins on less: small digits took 3 µs longer in all."""


def quickest(length: int) -> ModuleType:
    """`isal.isal_zlib` where it is installed, or `zlib`, which it is a double of; for so many bytes."""
    return zlib if length < SMALL_BYTES else _isal_or_zlib()


@cache
def _isal_or_zlib() -> ModuleType:
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


def inflate(
    packed: Data, length: int, *, checked: bool = True, library: ModuleType | None = None
) -> bytes | None:
    """Unpack a whole zlib stream (RFC 1950); never more than one byte beyond `length`.

    Parameters
    ----------
    packed : bytes or memoryview
    length : int
        What it has to become, in bytes.
    checked : bool
        Look at its checksum (Adler-32): a fifth of zlib's time. ISA-L does it anyway, in no time.
    library : module
        By default the `quickest` for that length.

    Returns
    -------
    bytes or None
        None for anything but a good stream of that length.
    """
    library = library or quickest(length)
    bare = not checked and library is zlib
    if not _has_head(packed):
        return None
    stream = library.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS)
    try:
        data: bytes = stream.decompress(packed[2:] if bare else packed, length + 1)
    except library.error:
        return None
    is_whole = len(data) == length and stream.eof
    behind = CHECKSUM_BYTES if bare else 0  # nothing else: the checksum is looked for at the end
    return data if is_whole and len(stream.unused_data) == behind else None


def crc32(data: Data) -> int:
    """The checksum of a chunk of a PNG file (PNG, D.1)."""
    checksum: int = quickest(len(data)).crc32(data)
    return checksum


def _has_head(packed: Data) -> bool:
    """Whether it begins like a zlib stream without a dictionary of its own (RFC 1950, 2.2)."""
    head = int.from_bytes(packed[:2])
    deflated, within_32k, no_dictionary = head & 0x0F00 == 0x0800, head < 0x8000, not head & 0x20
    return head % 31 == 0 and deflated and within_32k and no_dictionary


def store(data: Data, checksum: Data) -> bytes:
    """Make a zlib stream of bytes as they are.

    Parameters
    ----------
    data : bytes or memoryview
        Not empty.
    checksum : bytes
        Its Adler-32, 4 bytes; whoever knows it need not add it up once more.
    """
    view = memoryview(data)
    parts: list[Data] = [b"\x78\x01"]
    for start in range(0, len(view), _LARGEST_BLOCK):
        block = view[start : start + _LARGEST_BLOCK]
        is_last = start + len(block) == len(view)
        parts += _BLOCK.pack(is_last, len(block), len(block) ^ _LARGEST_BLOCK), block
    return b"".join([*parts, checksum])
