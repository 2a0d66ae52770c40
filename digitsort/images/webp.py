"""Check a WebP file before it is decoded."""

from __future__ import annotations

from digitsort.images.limits import Encoded, Limits
from digitsort.images.unreadable import UnreadableError

MOST_PIXELS = 2**24
"""Largest number of pixels, 4,096 x 4,096. The decoder uses 20 bytes per pixel, 320 MiB in all, and a
file of 34 bytes can demand any size."""

SHARE = 4
"""With a larger --max-pixels, a WebP may have this fraction (a quarter) of it."""


def check_webp(data: bytes, limits: Limits) -> Encoded:
    """Return the file.

    Raises
    ------
    UnreadableError
        If the size is beyond its limit.
    """
    size = _size(data)
    if size is not None:
        limits.check_size(*size)
        most = max(MOST_PIXELS, limits.pixels // SHARE)
        if size[0] * size[1] > most:
            raise UnreadableError(f"over {most} pixels in a WebP: raise --max-pixels")
    return Encoded(data)


def _size(data: bytes) -> tuple[int, int] | None:
    """Return width and height, from the container's first chunk (RFC 9649, 2.5-2.7)."""
    kind, start = data[12:16], data[20:30]
    if len(start) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(start[4:7], "little") + 1, int.from_bytes(start[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(start[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        sides = int.from_bytes(start[6:8], "little"), int.from_bytes(start[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    return None
