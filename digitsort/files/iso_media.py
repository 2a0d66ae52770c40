"""Read the sizes in AVIF and HEIC files, which are ISO media files, before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from digitsort.files.limits import Limits
from digitsort.files.unreadable import BROKEN, UnreadableError

MOST_BOXES = 2**12
"""Largest number of boxes per level. A phone photo has one for each of its 48 to 192 tiles and a few
more."""

_HEAD = 8
"""Number of bytes before the content of a box: its length and kind (ISO/IEC 14496-12, 4.2)."""

_LARGE_HEAD = 16

_Box = tuple[bytes, int, int]
"""Kind of a box, and the start and end of its content."""


def check_iso_media(data: bytes, limits: Limits, most_pixels: int, name: str) -> None:
    """Check every size in the file: of the picture, its tiles, its thumbnail and its alpha channel.

    Parameters
    ----------
    data : bytes
        The file.
    limits : Limits
    most_pixels : int
        Largest number of pixels that the decoder has memory for.
    name : str
        Name of the format with its article, for the reason in the row.

    Raises
    ------
    UnreadableError
        If there is no size, or a size exceeds its limit.
    """
    sizes = list(_sizes(data))
    if not sizes:
        raise UnreadableError(BROKEN)
    for width, height in sizes:
        check_pixels(width, height, limits, most_pixels, name)


def check_pixels(width: int, height: int, limits: Limits, most_pixels: int, name: str) -> None:
    """Check one size; the parameters are those of `check_iso_media`."""
    limits.check_size(width, height)
    if width * height > most_pixels:
        raise UnreadableError(f"over {most_pixels} pixels in {name}: raise --max-pixels")


def _sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the width and height in each ``ispe`` property (ISO/IEC 23008-12, 6.5.3)."""
    for _, meta, end in _boxes(data, 0, len(data), b"meta"):
        for _, properties, stop in _boxes(data, meta + 4, end, b"iprp"):
            for _, listed, last in _boxes(data, properties, stop, b"ipco"):
                for _, at, _ in _boxes(data, listed, last, b"ispe"):
                    yield int.from_bytes(data[at + 4 : at + 8]), int.from_bytes(data[at + 8 : at + 12])


def _boxes(data: bytes, at: int, end: int, kind: bytes) -> Iterator[_Box]:
    """Yield the boxes of one kind between two offsets."""
    for _ in range(MOST_BOXES):
        if at + _HEAD > end:
            return
        size, head, found = int.from_bytes(data[at : at + 4]), _HEAD, data[at + 4 : at + 8]
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), _LARGE_HEAD
        elif size == 0:  # the box extends to the end
            size = end - at
        if size < head or at + size > end:
            raise UnreadableError(BROKEN)
        if found == kind:
            yield found, at + head, at + size
        at += size
    raise UnreadableError(BROKEN)
