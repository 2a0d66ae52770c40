"""Check a BMP file before it is decoded, and decode run lengths, which Pillow decodes slowly.

The format is described in Microsoft's "Bitmap Compression" and "BITMAPINFOHEADER".
"""

from __future__ import annotations

import struct

from digitsort.images.limits import Encoded, Limits
from digitsort.images.unreadable import BROKEN, UnreadableError

MOST_PACKED_BYTES = 2**22
"""Largest size of run-length data: it takes a second to decode. A page of text has a tenth of it."""

_RLE8, _RLE4 = 1, 2
_FILE_HEADER, _HEADER = 14, 40
_LEVELS = 256
_END_OF_LINE, _END_OF_PICTURE, _MOVE = 0, 1, 2


def prepare_bmp(data: bytes, limits: Limits) -> Encoded:
    """Return the file, with run lengths decoded to one byte per pixel.

    Raises
    ------
    UnreadableError
        If the size is beyond its limit.
    """
    (header,) = struct.unpack_from("<I", data.ljust(18, b"\0"), _FILE_HEADER)
    if header < _HEADER or len(data) < _FILE_HEADER + _HEADER:
        return Encoded(data)  # of the old kind, without compression, or broken
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, _FILE_HEADER + 4)
    limits.check_size(abs(width), abs(height))
    if (compression, bits) not in ((_RLE8, 8), (_RLE4, 4)):
        return Encoded(data)
    (start,) = struct.unpack_from("<I", data, 10)
    if width <= 0 or height <= 0 or len(data) - start > MOST_PACKED_BYTES:
        raise UnreadableError(BROKEN)
    pixels = _unpacked(data[start:], width, height, four_bits=bits == 4)
    return Encoded(_plain(width, height, _palette(data, header, bits), pixels))


def _unpacked(packed: bytes, width: int, height: int, *, four_bits: bool) -> bytearray:
    """Return one byte per pixel; skipped pixels get color 0."""
    size = width * height
    pixels = bytearray(size)
    at = x = y = 0
    while y < height and at + 1 < len(packed):
        count, value = packed[at], packed[at + 1]
        at += 2
        here = y * width + x
        room = width - x  # a run does not go on in the next row
        if count:
            run = _pair(value) * 128 if four_bits else bytes([value]) * count
            count = min(count, room)
            pixels[here : here + count] = run[:count]
            x += count
        elif value == _END_OF_LINE:
            x, y = 0, y + 1
        elif value == _END_OF_PICTURE:
            return pixels
        elif value == _MOVE:
            if at + 1 >= len(packed):
                break
            x, y = min(x + packed[at], width), y + packed[at + 1]
            at += 2
        else:
            length = (value + 1) // 2 if four_bits else value
            run = packed[at : at + length]
            if len(run) < length:
                break
            if four_bits:
                run = b"".join(map(_pair, run))
            count = min(value, room)
            pixels[here : here + count] = run[:count]
            x += count
            at += length + (length & 1)  # filled up to an even number
    if y >= height or (y == height - 1 and x >= width):
        return pixels
    raise UnreadableError(BROKEN)  # cut off


def _pair(byte: int) -> bytes:
    return bytes((byte >> 4, byte & 15))


def _palette(data: bytes, header: int, bits: int) -> bytes:
    """Return 256 colors of 4 bytes, filled up with black."""
    (colors,) = struct.unpack_from("<I", data, _FILE_HEADER + 32)
    start = _FILE_HEADER + header
    count = min(colors or 1 << bits, 1 << bits)
    return data[start : start + 4 * count].ljust(4 * _LEVELS, b"\0")


def _plain(width: int, height: int, palette: bytes, pixels: bytearray) -> bytes:
    """Return an uncompressed 8-bit BMP file."""
    fill = bytes(-width % 4)
    rows = b"".join(pixels[at : at + width] + fill for at in range(0, width * height, width))
    start = _FILE_HEADER + _HEADER + len(palette)
    return b"".join(
        (
            struct.pack("<2sIII", b"BM", start + len(rows), 0, start),
            struct.pack("<IiiHHIIiiII", _HEADER, width, height, 1, 8, 0, len(rows), 0, 0, _LEVELS, 0),
            palette,
            rows,
        )
    )
