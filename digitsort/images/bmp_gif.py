"""Check BMP and GIF files before they are decoded, and leave only what the first picture needs.

Run lengths of a BMP are decoded here, because Pillow decodes them slowly. The format is described in
Microsoft's "Bitmap Compression" and "BITMAPINFOHEADER".

Of a GIF only the first frame is kept: Pillow reads comments and further frames block by block, and
reserves memory for the changes between frames of an animation.
"""

from __future__ import annotations

import struct

from digitsort.images.limits import BROKEN, Encoded, Limits, UnreadableError

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


MOST_BLOCKS = 2**20
"""Largest number of blocks: those of 256 MiB, in blocks of 255 bytes as encoders write them."""

_GIF_EXTENSION, _PICTURE, _GIF_END = b"!", b",", b";"
_CONTROL = 0xF9
_GIF_HEADER, _DESCRIPTOR = 13, 10
_TRANSPARENT = 1


def prepare_gif(data: bytes, limits: Limits) -> Encoded:
    """Return the file with only its first frame.

    Raises
    ------
    UnreadableError
        If it has no frame, or its size exceeds a limit.
    """
    walk = _GifWalk(data, _GIF_HEADER + _table_bytes(data[10:11]))
    head = data[: walk.at]
    control = walk.to_picture()
    descriptor = data[walk.at : walk.at + _DESCRIPTOR]
    if len(descriptor) < _DESCRIPTOR:
        raise UnreadableError(BROKEN)
    limits.check_size(*_gif_size(head, descriptor))
    start = walk.at
    walk.at += _DESCRIPTOR + _table_bytes(descriptor[9:10]) + 1  # and the width of a code
    walk.over_blocks()
    picture = data[start : walk.at]
    several = walk.at < len(data) and walk.to_picture(optional=True) is not None
    return Encoded(head + _transparency(control) + picture + _GIF_END, several=several)


class _GifWalk:
    """Position in the file, with a limited number of steps."""

    def __init__(self, data: bytes, at: int) -> None:
        self.at = at
        self._data = data
        self._steps = 0

    def to_picture(self, *, optional: bool = False) -> bytes | None:
        """Go to the next frame; return the control block before it, or None if there is none."""
        control = b""
        while (kind := self._data[self.at : self.at + 1]) not in (_PICTURE, _GIF_END, b""):
            self._step()
            if kind != _GIF_EXTENSION:  # filled up with zeros, mostly
                self.at += 1
                continue
            if self._data[self.at + 1 : self.at + 3] == bytes([_CONTROL, 4]):
                control = self._data[self.at + 3 : self.at + 7]
            self.at += 2
            self.over_blocks()
        if kind == _PICTURE:
            return control
        if optional:
            return None
        raise UnreadableError(BROKEN)

    def over_blocks(self) -> None:
        """Skip blocks up to and including the empty block that ends them."""
        data, end = self._data, len(self._data)
        while self.at < end and (length := data[self.at]):
            self.at += 1 + length
            self._step()
        self.at = min(self.at + 1, end)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_BLOCKS:
            raise UnreadableError(BROKEN)


def _table_bytes(flags: bytes) -> int:
    """Return the size of a color table."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _gif_size(head: bytes, descriptor: bytes) -> tuple[int, int]:
    """Return width and height of the canvas, which Pillow enlarges for a larger frame."""
    x, y, width, height = (int.from_bytes(descriptor[i : i + 2], "little") for i in (1, 3, 5, 7))
    canvas = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    return max(canvas[0], x + width), max(canvas[1], y + height)


def _transparency(control: bytes | None) -> bytes:
    """Return a control block that names the transparent color, and nothing else."""
    if not control or len(control) < 4 or not control[0] & _TRANSPARENT:
        return b""
    return bytes([_GIF_EXTENSION[0], _CONTROL, 4, _TRANSPARENT, 0, 0, control[3], 0])
