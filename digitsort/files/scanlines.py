"""Small gray PNG files from unpacked bytes to pixels, many at a time.

To set up Pillow's decoder takes ten times as long as to decode a small picture with it. So pictures of
one width are handed to it as a single tall one, with an empty row between two of them: a filter looks
at the row above, and above a picture there is nothing (PNG, 9.2).
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
"""Pixels up to which this is worth while: the rows are copied three times on the way."""

_FILTERS = b"\0\1\2\3\4"
"""None, Sub, Up, Average and Paeth (PNG, 9.2)."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scanlines:
    """The rows of a gray picture of 8 bits, filtered as they lie in its file.

    Attributes
    ----------
    width : int
    rows : bytes
        Each led by the number of its filter; all numbers are known ones.
    """

    width: int
    rows: bytes

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows) // (self.width + 1)


def unpack(size: tuple[int, int], packed: bytes | memoryview) -> Scanlines | None:
    """Unpack the zlib stream of a small picture; None where it is large, or not quite as it should."""
    width, height = size
    if width * height > SMALL_PX or max(size) >= 2 * REDUCE_TO_PX:  # a long strip will be reduced
        return None
    rows = inflate(packed, (width + 1) * height)
    if rows is None or rows[:: width + 1].strip(_FILTERS):
        return None
    return Scanlines(width, rows)


def unfilter(pictures: Sequence[Scanlines]) -> list[Pixels]:
    """Pixels of each picture: arrays of shape (height, width), uint8, that are not to be written to."""
    by_width: dict[int, list[int]] = {}
    for index, picture in enumerate(pictures):
        by_width.setdefault(picture.width, []).append(index)
    found: dict[int, Pixels] = {}
    for indices in by_width.values():
        found.update(zip(indices, _unfilter_alike([pictures[i] for i in indices]), strict=True))
    return [found[index] for index in range(len(pictures))]


def _unfilter_alike(pictures: Sequence[Scanlines]) -> list[Pixels]:
    """Pixels of pictures of one width."""
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
