"""Check a JPEG or JPEG 2000 file before it is decoded, and leave only what its pixels need.

Each scan is a pass over all pixels, however few bytes it has; and Pillow adds up comments, EXIF and
color profiles segment by segment.

The boxes around the code stream may contain palettes, color profiles and any other data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from digitsort.images.limits import BROKEN, UNUSUAL_JPEG, Encoded, Limits, UnreadableError
from digitsort.images.tiff import first_directory, orientation

MOST_SCANS = 256
"""Encoders write 10, in CMYK 18."""

MOST_SEGMENTS = 2**12
"""Before the pixels. A color profile of 16 MiB takes 255."""

_START = b"\xff\xd8"
_START_OF_SCAN = 0xDA
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive. The others (lossless, hierarchical, arithmetic) are seen in no
scan, and arithmetic coding takes ten times as long."""

_OTHER_FRAMES = frozenset(range(0xC0, 0xD0)) - _FRAMES - {0xC4, 0xC8}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without content."""

_NEEDED = _FRAMES | {0xC4, 0xDB, 0xDD, 0xDA}
"""Frames, Huffman and quantization tables, restart interval, start of scan."""

_EXIF, _XMP, _PAGES = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"MPF\0"
_NUMBER_OF_PAGES = 0xB001

_MARKER = re.compile(rb"\xff+[^\xff\x00]")
"""A marker, filled up before; FF 00 is a byte of data."""

_Segment = tuple[int, int, int]
"""Marker, and where its length and its content begin and end."""


def prepare_jpeg(data: bytes, limits: Limits) -> Encoded:
    """Return the file without comments, color profiles and EXIF data.

    Raises
    ------
    UnreadableError
        If a size is beyond its limit, or it is not a JPEG file of a usual kind.
    """
    kept: list[bytes] = [_START]
    exif = xmp = pages = b""
    size: tuple[int, int] | None = None
    for marker, start, end in _segments(data):
        content = data[start + 2 : min(end, start + 64)]
        if marker in _OTHER_FRAMES:
            raise UnreadableError(UNUSUAL_JPEG)
        if marker in _FRAMES and len(content) >= 5:
            size = int.from_bytes(content[3:5]), int.from_bytes(content[1:3])
        if marker in _NEEDED or _tells_colors(marker, content):
            kept += data[start - 2 : start], data[start:end]
        elif marker == 0xE1 and content.startswith(_EXIF):
            exif = exif or data[start + 2 : end]
        elif marker == 0xE1 and content.startswith(_XMP):
            xmp = xmp or data[start + 2 : end]
        elif marker == 0xE2 and content.startswith(_PAGES):
            pages = pages or data[start + 2 + len(_PAGES) : end]
        if marker == _START_OF_SCAN:
            kept.append(data[end:])
    if size is None:
        raise UnreadableError(BROKEN)
    limits.check_size(*size)
    _check_scans(data, size, limits)
    return Encoded(b"".join(kept), orientation(exif, xmp), _has_pages(pages))


def _segments(data: bytes) -> Iterator[_Segment]:
    """Yield what stands before the pixels; the last one is the start of the first scan."""
    at = len(_START)
    for _ in range(MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            break
        marker, at = data[found.end() - 1], found.end()
        if marker in _ALONE:
            continue
        end = at + int.from_bytes(data[at : at + 2])
        if marker in (0xD8, 0xD9) or end < at + 2 or end > len(data):
            break
        yield marker, at, end
        if marker == _START_OF_SCAN:
            return
        at = end
    raise UnreadableError(BROKEN)


def _tells_colors(marker: int, content: bytes) -> bool:
    """Return whether this is the JFIF or the Adobe segment."""
    jfif = marker == 0xE0 and content.startswith(b"JFIF\0")
    return jfif or (marker == 0xEE and content.startswith(b"Adobe"))


def _check_scans(data: bytes, size: tuple[int, int], limits: Limits) -> None:
    """Count the scans; in compressed data the two bytes do not occur otherwise."""
    scans, pixels = data.count(b"\xff\xda"), size[0] * size[1]
    if scans > MOST_SCANS:
        raise UnreadableError(f"over {MOST_SCANS} scans in a JPEG")
    limits.check_scans(scans, pixels)


def _has_pages(index: bytes) -> bool:
    """Return whether a multi-picture file (MPO) has more than one photo."""
    try:
        return bool(index) and first_directory(index).number(_NUMBER_OF_PAGES, 1) > 1
    except UnreadableError:
        return False


MOST_PIXELS = 2**23
"""Pixel limit, 2,896 x 2,896. The decoder needs 32 bytes per color pixel: 256 MiB in total."""

SHARE = 8
"""Divisor of --max-pixels: if it is raised, an eighth of it is the limit for JPEG 2000."""

MOST_TILES = 2**12
MOST_COMPONENTS = 4
MOST_BITS = 16

_CODE_STREAM = b"\xff\x4f\xff\x51"
"""Start marker of a code stream and the size marker that must follow (ISO/IEC 15444-1, A.5.1)."""

_SIZES = 42
"""Number of bytes from the start up to and including the number of components."""

_PALETTE = b"pclr"


def prepare_jpeg2000(data: bytes, limits: Limits) -> Encoded:
    """Return the code stream of a file.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit, or the kind of JPEG 2000 is not supported.
    """
    start = data.find(_CODE_STREAM)
    stream = data[start:] if start >= 0 else b""
    if len(stream) < _SIZES:
        raise UnreadableError(BROKEN)
    if _PALETTE in data[:start]:
        raise UnreadableError("unusual kind of JPEG 2000")
    right, bottom, left, top, tile_width, tile_height = (
        int.from_bytes(stream[at : at + 4]) for at in range(8, 32, 4)
    )
    width, height = right - left, bottom - top
    components = int.from_bytes(stream[40:42])
    depths = {(bits & 0x7F) + 1 for bits in stream[42 : 42 + 3 * components : 3]}
    if min(width, height, tile_width, tile_height) <= 0 or not depths:
        raise UnreadableError(BROKEN)
    limits.check_size(right, bottom)
    most = max(MOST_PIXELS, limits.pixels // SHARE)
    if right * bottom > most:
        raise UnreadableError(f"over {most} pixels in a JPEG 2000: raise --max-pixels")
    tiles = -(-right // tile_width) * -(-bottom // tile_height)
    if tiles > MOST_TILES or components > MOST_COMPONENTS or max(depths) > MOST_BITS:
        raise UnreadableError("unusual kind of JPEG 2000")
    return Encoded(stream)
