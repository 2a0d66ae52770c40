"""Decode the plainest PNG files at once: gray or RGB, 8 bits, nothing besides.

Pillow's reader of PNG files asks of each what it might be besides: palette, transparency, animation,
text, EXIF, color profile. For the small pictures that come by the million that takes longer than the
pixels; its decoder does not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from PIL import Image

from digitsort.files.deflate import CHECKSUM_BYTES, Data, crc32, inflate, store
from digitsort.files.limits import Limits
from digitsort.files.scanlines import Scanlines, unpack

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_HEADER = struct.Struct(">II5B")
"""Width, height, bits, color type, compression, filter, interlace (PNG, 11.2.2)."""

_MODES = {(8, 0, 0, 0, 0): "L", (8, 2, 0, 0, 0): "RGB"}
"""Bits, color type and so on to Pillow's mode."""

_BEFORE = 33
"""Bytes up to the second chunk: signature, length and type, the header, its checksum."""

_PIXELS = struct.Struct(">I4s")
"""Length and type of the second chunk."""

_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk, which is empty."""

_WITHOUT_EFFECT = {b"pHYs": 9, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"tIME": 7}
"""Chunks that change nothing for us, and their lengths."""

_MOST_CHUNKS = 2**10

MOST_UNPACKED_BYTES = 2**25
"""Of a picture, 11 megapixels in color; they are held twice, for a moment, beside the image."""

_Chunk = tuple[bytes, memoryview]
"""Type and content."""

_Header = tuple[str, tuple[int, int]]
"""Pillow's mode, and width and height."""


def plain_picture(data: bytes, limits: Limits) -> Image.Image | Scanlines | None:
    """Decode a PNG file if it is of the plainest kind; None for whatever Pillow should look at itself.

    That is also what is broken in any way: Pillow knows what can be saved of it, and what to call it.
    Of a small gray one the scanlines are given: many are quicker to decode together.

    Raises
    ------
    UnreadableError
        For more pixels than the limits allow.
    """
    if not data.startswith(SIGNATURE):
        return None
    found = _simplest(data) or _plain(data)
    if found is None:
        return None
    (mode, size), pixels = found
    limits.check_size(*size)
    if mode == "L" and (lines := unpack(size, pixels)) is not None:
        return lines
    image = Image.new(mode, size, None)  # not filled: no pixel of it is seen before it is decoded
    with suppress(ValueError):  # too few pixels, or none that can be unpacked
        image.frombytes(_stored(pixels, mode, size) or pixels, "zip", mode, 0)
        return image
    return None


def _stored(pixels: Data, mode: str, size: tuple[int, int]) -> bytes | None:
    """The compressed pixels unpacked, still filtered, in zlib's format; None for Pillow's own way.

    Pillow's decoder unpacks row by row. zlib's quick way leaves off 258 bytes before the end of what it
    may fill, so that a small picture would be unpacked the slow way mostly.
    """
    length = (size[0] * len(mode) + 1) * size[1]  # a letter for each channel
    if length > MOST_UNPACKED_BYTES:
        return None
    rows = inflate(pixels, length, checked=False)
    return None if rows is None else store(rows, pixels[-CHECKSUM_BYTES:])


def _simplest(data: bytes) -> tuple[_Header, memoryview] | None:
    """Header and compressed pixels of a file that has them, in one chunk each, and its end only."""
    header = _first(data[:_BEFORE])
    if header is None or len(data) < _BEFORE + _PIXELS.size:
        return None
    length, kind = _PIXELS.unpack_from(data, _BEFORE)
    start = _BEFORE + _PIXELS.size
    end = start + length
    if kind != b"IDAT" or data[end + 4 :] != _END:
        return None
    view = memoryview(data)
    if crc32(view[start - 4 : end]) != int.from_bytes(data[end : end + 4]):
        return None
    return header, view[start:end]


@lru_cache(maxsize=256)
def _first(data: bytes) -> _Header | None:
    """The header of a file that begins with these bytes: it is the same for all pictures of a size."""
    chunk = next(_chunks(data), None)
    return None if chunk is None else _header(chunk)


def _plain(data: bytes) -> tuple[_Header, bytes | memoryview] | None:
    """Header and compressed pixels of a file with harmless chunks besides, or many of pixels."""
    chunks = list(_chunks(data))
    header = _header(chunks[0]) if chunks else None
    pixels = _pixels(chunks)
    return None if header is None or pixels is None else (header, pixels)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Chunks whose checksum (CRC) is right, the last one included, if it is IEND."""
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if at + 12 > len(data):
            return
        end = at + 12 + int.from_bytes(data[at : at + 4])
        kind = data[at + 4 : at + 8]
        if end > len(data) or crc32(view[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return
        yield kind, view[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end


def _header(chunk: _Chunk) -> _Header | None:
    kind, content = chunk
    if kind != b"IHDR" or len(content) != _HEADER.size:
        return None
    width, height, *form = _HEADER.unpack(content)
    mode = _MODES.get(tuple(form))
    return (mode, (width, height)) if mode and width and height else None


def _pixels(chunks: list[_Chunk]) -> bytes | memoryview | None:
    """Compressed pixels of a file that has nothing between them and nothing but them."""
    kinds = [kind for kind, _ in chunks]
    count = kinds.count(b"IDAT")
    if not count or kinds[-1] != b"IEND":
        return None
    first = kinds.index(b"IDAT")
    if kinds[first : first + count] != [b"IDAT"] * count:
        return None
    others = chunks[1:first] + chunks[first + count : -1]
    if any(_WITHOUT_EFFECT.get(kind) != len(content) for kind, content in others):
        return None
    return (
        chunks[first][1]
        if count == 1
        else b"".join(content for _, content in chunks[first : first + count])
    )
