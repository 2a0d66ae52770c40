"""Check a JPEG 2000 file before it is decoded, and leave only its code stream.

The boxes around it hold palettes, color profiles and whatever else somebody put there.
"""

from __future__ import annotations

from digitsort.files.limits import Limits
from digitsort.files.source import Source
from digitsort.files.unreadable import BROKEN, UnreadableError

MOST_PIXELS = 2**23
"""2,896 x 2,896. The decoder takes 32 bytes for each pixel in color, 256 MiB in all."""

SHARE = 8
"""Where more pixels are allowed: an eighth of them."""

MOST_TILES = 2**12
MOST_COMPONENTS = 4
MOST_BITS = 16

_START = b"\xff\x4f\xff\x51"
"""Start of a code stream, and the marker of its sizes, which has to follow (ISO/IEC 15444-1, A.5.1)."""

_SIZES = 42
"""Bytes up to the number of components, from the start on."""

_PALETTE = b"pclr"


def prepare_jpeg2000(data: bytes, limits: Limits) -> Source:
    """Return the code stream of a file.

    Raises
    ------
    UnreadableError
        If a size is beyond its limit, or it is an unusual kind of JPEG 2000.
    """
    start = data.find(_START)
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
    return Source(stream)
