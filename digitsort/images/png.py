"""Decode PNG files: many small gray ones at a time, simple ones in one step, the others chunk by chunk.

Pillow's PNG reader also looks for animation, text and color profiles. For millions of small images that
takes longer than decoding the pixels, and a hostile file can make it take any time. So only Pillow's
pixel decoder is used. Setting it up takes ten times as long as decoding a small image. So images of the
same width are decoded as one tall image, with an empty row between them: filters use the row above, and
there is none above the first row of an image (PNG, 9.2).

zlib-ng decompresses large pictures in two thirds of zlib's time; it comes with ``pip install zlib-ng``.
It is made from zlib, and takes the same streams. (ISA-L is faster still, but accepts streams with
incomplete code tables, which zlib refuses: what a file is read as would depend on what is installed.)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.images.gray import REDUCE_TO_PX
from digitsort.images.limits import BROKEN, Limits, UnreadableError
from digitsort.images.tiff import UPRIGHT, orientation

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


SIGNATURE = b"\x89PNG\r\n\x1a\n"

_HEADER = struct.Struct(">II5B")
"""Header: width, height, bits, color type, compression, filter, interlace (PNG, 11.2.2)."""

_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
"""Color types."""

_MODES = {
    (1, _GRAY): ("1", "1"),
    (2, _GRAY): ("L", "L;2"),
    (4, _GRAY): ("L", "L;4"),
    (8, _GRAY): ("L", "L"),
    (16, _GRAY): ("I;16", "I;16B"),
    (8, _RGB): ("RGB", "RGB"),
    (16, _RGB): ("RGB", "RGB;16B"),
    (1, _PALETTE): ("P", "P;1"),
    (2, _PALETTE): ("P", "P;2"),
    (4, _PALETTE): ("P", "P;4"),
    (8, _PALETTE): ("P", "P"),
    (8, _GRAY_ALPHA): ("LA", "LA"),
    (16, _GRAY_ALPHA): ("RGBA", "LA;16B"),
    (8, _RGB_ALPHA): ("RGBA", "RGBA"),
    (16, _RGB_ALPHA): ("RGBA", "RGBA;16B"),
}
"""Pillow's modes of the image and of the raw data, by bits and color type."""

_CHANNELS = {_GRAY: 1, _RGB: 3, _PALETTE: 1, _GRAY_ALPHA: 2, _RGB_ALPHA: 4}

_PASSES = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
"""Passes of an interlaced image: first column and row, column and row steps (PNG, 8.2)."""

_BEFORE = 33
"""Bytes before the second chunk: signature, length, type, header, checksum."""

_PIXELS = struct.Struct(">I4s")
"""Length and type of the second chunk."""

_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk, which is empty."""

MOST_CHUNKS = 2**16
"""Largest number of chunks: 256 MiB in chunks of 8 KiB, as libpng writes them, are 2**15."""

MOST_UNPACKED_BYTES = 2**25
"""Largest decompressed size that is held in memory (11 megapixels in color), for a moment twice. A
larger image is decompressed twice instead: to check that it is complete, and by Pillow, row by row."""

_MOST_TEXT_BYTES = 2**20

_EXIF_AS_TEXT = b"Raw profile type exif\0"
"""Keyword of EXIF data as old ImageMagick wrote it: three lines, then hexadecimal numbers."""

_XMP = b"XML:com.adobe.xmp\0"


@dataclass(frozen=True, slots=True)
class _Form:
    """Contents of the header."""

    width: int
    height: int
    bits: int
    color: int
    interlaced: bool

    @property
    def nbytes(self) -> int:
        """Number of decompressed bytes of all rows, including the filter byte of each."""
        passes = _PASSES if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for x, y, across, down in passes:
            width, height = -(-(self.width - x) // across), -(-(self.height - y) // down)
            if width > 0 and height > 0:
                total += (1 + -(-width * self.bits * _CHANNELS[self.color] // 8)) * height
        return total


class Png(NamedTuple):
    """A decoded file.

    Attributes
    ----------
    content : Image or Scanlines
        Scanlines are upright.
    orientation : int
        By EXIF, 1-8; 1 is upright.
    several : bool
        Whether it is an animation.
    """

    content: Image.Image | Scanlines
    orientation: int = UPRIGHT
    several: bool = False


_Chunk = tuple[bytes, memoryview]
"""Type and content."""


def read_png(data: bytes, limits: Limits) -> Png:
    """Decode a PNG file.

    For a small gray image, return its scanlines: it is faster to decode many together.

    Raises
    ------
    UnreadableError
        If it is broken, has too few rows, or a size is beyond its limit.
    """
    found = _simplest(data)
    if found is None:
        return _read_chunks(data, limits)
    form, packed = found
    size = form.width, form.height
    limits.check_size(*size)
    lines = unpack(size, packed) if form.color == _GRAY else None
    return Png(_decoded(form, packed) if lines is None else lines)


def _plain(form: _Form, packed: Data) -> Image.Image | Scanlines:
    """Decode the pixels of an image without palette or transparency."""
    size = form.width, form.height
    if (form.bits, form.color, form.interlaced) == (8, _GRAY, False):
        lines = unpack(size, packed)
        if lines is not None:
            return lines
    return _decoded(form, packed)


def _read_chunks(data: bytes, limits: Limits) -> Png:
    chunks = _chunks(data)
    kind, header = next(chunks, (b"", memoryview(b"")))
    if kind != b"IHDR":
        raise UnreadableError(BROKEN)
    form = _form(header)
    limits.check_size(form.width, form.height)
    before: dict[bytes, memoryview] = {}
    pixels: list[memoryview] = []
    is_behind = False
    exif = xmp = b""
    for kind, part in chunks:
        if kind == b"IHDR":
            raise UnreadableError(BROKEN)
        if kind == b"IDAT" and not is_behind:
            pixels.append(part)
            continue
        is_behind = bool(pixels)
        if not is_behind:
            before.setdefault(kind, part)
        exif = exif or _exif(kind, part)
        xmp = xmp or _xmp(kind, part)
    packed = pixels[0] if len(pixels) == 1 else b"".join(pixels)
    palette, transparency = before.get(b"PLTE"), before.get(b"tRNS")
    turned = orientation(exif, xmp) if exif or xmp else UPRIGHT
    is_plain = transparency is None and form.color != _PALETTE and turned == UPRIGHT
    content = _plain(form, packed) if is_plain else _colored(form, packed, palette, transparency)
    return Png(content, turned, _is_animated(before))


def _simplest(data: bytes) -> tuple[_Form, memoryview] | None:
    """Return header and compressed pixels if the file has only one chunk of each, and the end."""
    form = _first(data[:_BEFORE])
    if form is None or len(data) < _BEFORE + _PIXELS.size:
        return None
    length, kind = _PIXELS.unpack_from(data, _BEFORE)
    start = _BEFORE + _PIXELS.size
    end = start + length
    if kind != b"IDAT" or data[end + 4 :] != _END:
        return None
    view = memoryview(data)
    if crc32(view[start - 4 : end]) != int.from_bytes(data[end : end + 4]):
        return None
    return form, view[start:end]


@lru_cache(maxsize=256)
def _first(data: bytes) -> _Form | None:
    """Return the header of a simple file with these first bytes; cached, as equal sizes share it."""
    with suppress(UnreadableError):
        kind, content = next(_chunks(data), (b"", memoryview(b"")))
        form = _form(content) if kind == b"IHDR" else None
        if form and form.bits == 8 and form.color in (_GRAY, _RGB) and not form.interlaced:
            return form
    return None


def _form(content: memoryview) -> _Form:
    if len(content) != _HEADER.size:
        raise UnreadableError(BROKEN)
    width, height, bits, color, compression, filters, interlace = _HEADER.unpack(content)
    if not (width and height and (bits, color) in _MODES) or compression or filters or interlace > 1:
        raise UnreadableError(BROKEN)
    return _Form(width, height, bits, color, bool(interlace))


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Yield chunks up to the end of the file, which may be cut off.

    Raises
    ------
    UnreadableError
        For a wrong checksum (CRC) before the pixels, or after them where it matters; for invalid
        chunks; for too many chunks.
    """
    view, at = memoryview(data), len(SIGNATURE)
    has_pixels = False
    for _ in range(MOST_CHUNKS):
        end = at + 12 + int.from_bytes(view[at : at + 4])
        if len(data) < at + 12 or len(data) < end:
            return
        kind = data[at + 4 : at + 8]
        has_pixels = has_pixels or kind == b"IDAT"
        if not kind.isalpha():
            if has_pixels:
                return
            raise UnreadableError(BROKEN)
        matters = not (has_pixels and kind[0] & 0x20)
        if matters and crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise UnreadableError(BROKEN)
        if kind == b"IEND":
            return
        yield kind, view[at + 8 : end - 4]
        at = end
    raise UnreadableError(BROKEN)


def _decoded(form: _Form, packed: Data, raw_mode: str = "") -> Image.Image:
    """Decode the pixels of any image; ignore palette and transparency."""
    mode, usual = _MODES[form.bits, form.color]
    length = form.nbytes
    if length <= MOST_UNPACKED_BYTES:
        rows = inflate(packed, length)
        # Pillow unpacks row by row. zlib's quick way leaves off 258 bytes before the end of what it may
        # fill, so that a small picture would be unpacked the slow way mostly.
        packed = b"" if rows is None else store(rows)
    elif not holds(packed, length):
        packed = b""
    if not packed:
        raise UnreadableError(BROKEN)
    # Not filled: no pixel of it is seen before it is decoded.
    image = Image.new(mode, (form.width, form.height), None)
    try:
        image.frombytes(packed, "zip", raw_mode or usual, int(form.interlaced))
    except ValueError as error:  # an unknown filter
        raise UnreadableError(BROKEN) from error
    return image


def _colored(
    form: _Form, packed: Data, palette: memoryview | None, transparency: memoryview | None
) -> Image.Image:
    """Decode the pixels with palette and transparency (PNG, 11.2.3 and 11.3.2)."""
    if form.color == _PALETTE and (
        palette is None or len(palette) % 3 or not 0 < len(palette) <= 3 << form.bits
    ):
        raise UnreadableError(BROKEN)
    image = _decoded(form, packed)
    if palette is not None and form.color == _PALETTE:
        image.putpalette(bytes(palette))
    if transparency is None or form.color in (_GRAY_ALPHA, _RGB_ALPHA):
        return image
    if form.color == _PALETTE:
        image.info["transparency"] = bytes(transparency[: 1 << form.bits])
        return image
    count = 3 if form.color == _RGB else 1
    if len(transparency) < 2 * count:
        raise UnreadableError(BROKEN)
    most = (1 << form.bits) - 1
    levels = [value & most for value in struct.unpack_from(f">{count}H", transparency)]
    if form.color == _RGB and form.bits == 16:
        _make_transparent(image, _decoded(form, packed, "RGB;16L"), levels)
    elif form.color == _RGB:
        image.info["transparency"] = tuple(levels)
    else:  # Pillow spreads fewer bits over eight
        image.info["transparency"] = levels[0] * 255 // most if form.bits < 8 else levels[0]
    return image


def _make_transparent(image: Image.Image, low: Image.Image, levels: list[int]) -> None:
    """Add an alpha channel to a 16-bit image whose lower eight bits are in another image."""
    high, alpha = np.asarray(image), None
    for half, shift in ((high, 8), (np.asarray(low), 0)):
        wanted = np.array([level >> shift & 0xFF for level in levels], np.uint8)
        same = (half == wanted).all(axis=2)
        alpha = same if alpha is None else alpha & same
    assert alpha is not None
    image.putalpha(Image.fromarray(np.where(alpha, np.uint8(0), np.uint8(255))))


def _is_animated(chunks: dict[bytes, memoryview]) -> bool:
    """Return whether there is more than one image, counting the frames and a separate default image."""
    control = chunks.get(b"acTL", memoryview(b""))
    frames = int.from_bytes(control[:4]) if len(control) >= 8 else 0
    return 0 < frames <= 2**31 and frames + (b"fcTL" not in chunks) > 1


def _exif(kind: bytes, content: memoryview) -> bytes:
    """Return EXIF data, if this is a chunk of it."""
    if kind == b"eXIf":
        return bytes(content)
    if kind == b"tEXt" and content[: len(_EXIF_AS_TEXT)] == _EXIF_AS_TEXT:
        return _from_hex(bytes(content[len(_EXIF_AS_TEXT) :]))
    if kind == b"zTXt" and content[: len(_EXIF_AS_TEXT)] == _EXIF_AS_TEXT:
        return _from_hex(_text(content[len(_EXIF_AS_TEXT) + 1 :]))
    return b""


def _xmp(kind: bytes, content: memoryview) -> bytes:
    """Return XMP data, if this is an uncompressed chunk of it."""
    is_xmp = kind == b"iTXt" and content[: len(_XMP)] == _XMP
    return bytes(content[len(_XMP) :]) if is_xmp else b""


def _text(packed: memoryview) -> bytes:
    """Decompress a text of limited length."""
    try:
        return zlib.decompressobj().decompress(packed, _MOST_TEXT_BYTES)
    except zlib.error:
        return b""


def _from_hex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(b"".join(text[:_MOST_TEXT_BYTES].split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""
