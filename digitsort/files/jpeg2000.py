"""Check a JPEG 2000 file before it is decoded, and keep only its code stream.

The boxes around the code stream may contain palettes, color profiles and any other data.
"""

from __future__ import annotations

from digitsort.files.limits import Limits
from digitsort.files.source import Source
from digitsort.files.unreadable import BROKEN, UnreadableError

MOST_PIXELS = 2**23
"""Pixel limit, 2,896 x 2,896. The decoder needs 32 bytes per color pixel: 256 MiB in total."""

SHARE = 8
"""Divisor of --max-pixels: if it is raised, an eighth of it is the limit for JPEG 2000."""

MOST_TILES = 2**12
MOST_COMPONENTS = 4
MOST_BITS = 16

_START = b"\xff\x4f\xff\x51"
"""Start marker of a code stream and the size marker that must follow (ISO/IEC 15444-1, A.5.1)."""

_SIZES = 42
"""Number of bytes from the start up to and including the number of components."""

_PALETTE = b"pclr"


def prepare_jpeg2000(data: bytes, limits: Limits) -> Source:
    """Return the code stream of a file.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit, or the kind of JPEG 2000 is not supported.
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
