"""Decode many small gray PNG files at a time.

Setting up Pillow's decoder takes ten times as long as decoding a small image. So images of the same
width are decoded as one tall image, with an empty row between them: filters use the row above, and
there is none above the first row of an image (PNG, 9.2).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.files.deflate import inflate
from digitsort.files.gray import REDUCE_TO_PX

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
