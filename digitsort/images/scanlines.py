"""Decode many small gray PNG files at a time.

zlib-ng unpacks large pictures in two thirds of zlib's time; it comes with
``pip install zlib-ng``. It is made from zlib, and takes the same streams. (ISA-L is quicker
still, but takes streams whose code tables are not complete, which zlib refuses: what a file is read as
would depend on what is installed.)

Setting up Pillow's decoder takes ten times as long as decoding a small image. So images of the same
width are decoded as one tall image, with an empty row between them: filters use the row above, and
there is none above the first row of an image (PNG, 9.2).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.images.gray import REDUCE_TO_PX

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


SMALL_PX = 2**12
"""Largest number of pixels for which this is faster: the rows are copied three times."""

_FILTERS = b"\0\1\2\3\4"
"""None, Sub, Up, Average and Paeth (PNG, 9.2)."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scanlines:
    """Rows of an 8-bit gray image, still filtered as in the file.

    Attributes
    ----------
    width : int
    rows : bytes
        Each row begins with the number of its filter, 0-4.
    """

    width: int
    rows: bytes

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows) // (self.width + 1)


def unpack(size: tuple[int, int], packed: bytes | memoryview) -> Scanlines | None:
    """Decompress the zlib stream of a small image; return None if it is large or unusual."""
    width, height = size
    if width * height > SMALL_PX or max(size) >= 2 * REDUCE_TO_PX:  # a long strip will be reduced
        return None
    rows = inflate(packed, (width + 1) * height)
    if rows is None or rows[:: width + 1].strip(_FILTERS):
        return None
    return Scanlines(width, rows)


def unfilter(pictures: Sequence[Scanlines]) -> list[Pixels]:
    """Return the pixels of each image: read-only uint8 arrays of shape (height, width)."""
    by_width: dict[int, list[int]] = {}
    for index, picture in enumerate(pictures):
        by_width.setdefault(picture.width, []).append(index)
    found: dict[int, Pixels] = {}
    for indices in by_width.values():
        found.update(zip(indices, _unfilter_alike([pictures[i] for i in indices]), strict=True))
    return [found[index] for index in range(len(pictures))]


def _unfilter_alike(pictures: Sequence[Scanlines]) -> list[Pixels]:
    """Return the pixels of images of the same width."""
    width = pictures[0].width
    rows = bytes(width + 1).join([picture.rows for picture in pictures])
    size = width, len(rows) // (width + 1)
    tall = Image.frombytes("L", size, zlib.compress(rows, 0), "zip", "L", 0)
    pixels = np.frombuffer(tall.tobytes(), np.uint8).reshape(-1, width)
    found, at = [], 0
    for picture in pictures:
        found.append(pixels[at : (end := at + picture.height)])
        at = end + 1
    return found
