"""Cut the cells of a page into pictures, and tell which are blank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from digitsort.pages.blocks import Quad
from digitsort.pages.ruling import Pixels, flattened

Levels = npt.NDArray[np.float32]

MOST_ROOM = 0.5
"""Distance of a cell's corner from the page, by the page's side, up to which the cell may be on it."""

LEAST_SIDE_PX = 1.0
"""Shorter diagonal, in pixels, of the smallest cell."""

INSET = 0.04
"""Share of a cell's side that is left out at each of its edges, where the ruling's blurred edge is."""

LEAST_PX = 80
"""Shorter side, in pixels, of the smallest picture; smaller ones are enlarged up to `MOST_ENLARGED`."""

MOST_ENLARGED = 2.0

BLUR_PX, SHARPEN = 3.0, 3.0
"""Sigma, in pixels of the page, of the blur that is subtracted, and how many times it is.

They, and the limits below, were chosen on a quarter of the first half of the pages of
`benchmarks.pages`. Without them a 6 in the blurred photo of a phone is read as an 8."""

FAINTEST, DARKEST = 0.1, 0.9
"""Darkness, from paper (0) to a cell's darkest ink (1), that becomes white and black."""

LEAST_CONTRAST = 20.0
"""Smallest difference, of 255 levels, between paper and ink that is stretched to full contrast."""

INK = 55
"""Gray level of the darkest ink in a picture."""

BLANK_BELOW = 18.0
"""Contrast below which a cell is blank, of 255 levels relative to the paper. On half of the pages that
choices were made on, the faintest of 3,526 digits has 21, and 99.6 % of 1,658 empty cells have less
than 18."""

INK_SHARE = 0.01
"""Share of the squared shorter side of a cell that has to be dark in a cell that is not blank."""

RANKED_PX = 64
"""Shorter side, in pixels, from the double of which only some pixels of a cell are ranked."""

INNER = 0.1
"""Share of a cell's side at each of its edges that says nothing about whether it is blank."""


@dataclass(frozen=True)
class PagePixels:
    """Pixels of a page that cells are cut from.

    Attributes
    ----------
    gray : ndarray of shape (height, width), uint8
        As it was read.
    """

    gray: Pixels

    @cached_property
    def flat(self) -> Pixels:
        """Brightness relative to the paper."""
        return flattened(self.gray)

    def as_it_is(self, corners: Quad) -> Pixels:
        """Return the picture of a cell with the gray levels of the page, at its resolution."""
        return _cut_out(self.gray, corners)

    def flat_cell(self, corners: Quad) -> Pixels:
        """Return the picture of a cell, evenly lit."""
        return _cut_out(self.flat, corners)

    def clean(self, corners: Quad) -> Pixels:
        """Return the picture of a cell, evenly lit, sharpened, and with ink of one darkness."""
        return cleaned(self.flat_cell(corners))

    def is_blank(self, corners: Quad) -> bool:
        """Return whether there is nothing in a cell but paper."""
        return shows_nothing(self.flat_cell(corners))


def cleaned(flat: Pixels) -> Pixels:
    """Return the picture of an evenly lit cell, sharpened, and with ink of one darkness."""
    picture = flat.astype(np.float32)
    factor = float(np.clip(LEAST_PX / min(picture.shape), 1, MOST_ENLARGED))
    if factor > 1:
        picture = _array(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))
    blurred = _array(cv2.GaussianBlur(picture, (0, 0), BLUR_PX * factor))
    return _stretched(picture + SHARPEN * (picture - blurred))


def shows_nothing(flat: Pixels) -> bool:
    """Return whether the picture of an evenly lit cell shows nothing but paper."""
    side = min(flat.shape)
    picture = _array(cv2.GaussianBlur(flat.astype(np.float32), (0, 0), max(0.3, 0.02 * side)))
    across, down = (round(INNER * length) for length in picture.shape)
    inner = picture[across : picture.shape[0] - across, down : picture.shape[1] - down]
    step = max(1, side // RANKED_PX)
    inner = inner[::step, ::step].ravel()
    count = min(len(inner) - 1, round(INK_SHARE * (side * (1 - 2 * INNER) / step) ** 2))
    return bool(np.median(inner) - np.partition(inner, count)[count] < BLANK_BELOW)


def is_on_page(corners: Quad, shape: tuple[int, ...]) -> bool:
    """Return whether a cell has an extent and its middle is on a page, with its corners not far off.

    The picture of any other cell would be empty, or larger than memory.
    """
    if not np.isfinite(corners).all():
        return False
    places = corners / np.array(shape[1::-1], np.float64)
    middle = places.mean(axis=0)
    diagonals = np.hypot(*(corners[:2] - corners[2:]).T)
    return bool(
        ((middle >= 0) & (middle <= 1)).all()
        and ((places >= -MOST_ROOM) & (places <= 1 + MOST_ROOM)).all()
        and diagonals.min() >= LEAST_SIDE_PX
    )


def _array(values: object) -> Levels:
    return np.asarray(values, np.float32)


def _stretched(picture: Levels) -> Pixels:
    """Make paper white, and the darkest ink of any cell equally dark."""
    step = max(1, min(picture.shape) // RANKED_PX)
    ranked = picture[::step, ::step].ravel()
    darkest, paper = _percentile(ranked, 1), _percentile(ranked, 70)
    ink = min(darkest, paper - LEAST_CONTRAST)
    darkness = (paper - picture) / (paper - ink)
    share = np.clip((darkness - FAINTEST) / (DARKEST - FAINTEST), 0, 1)
    return np.asarray(255 - share * (255 - INK), np.uint8)


def _percentile(levels: Levels, percent: float) -> float:
    """Return what `np.percentile` does, in a third of its time for the few pixels of a cell."""
    place = percent / 100 * (len(levels) - 1)
    below = int(place)
    levels = np.partition(levels, below)
    above = float(levels[below + 1 :].min()) if below + 1 < len(levels) else float(levels[below])
    return float(levels[below]) + (place - below) * (above - float(levels[below]))


def _cut_out(page: Pixels, corners: Quad) -> Pixels:
    """Return a cell, upright, slightly inside its ruling."""
    centre = corners.mean(axis=0)
    inner = centre + (corners - centre) * (1 - 2 * INSET)
    across = max(np.hypot(*(inner[1] - inner[0])), np.hypot(*(inner[2] - inner[3])))
    down = max(np.hypot(*(inner[3] - inner[0])), np.hypot(*(inner[2] - inner[1])))
    # On the page none is longer than the diagonal; a layout or a cells.csv can claim any size.
    longest = ceil(np.hypot(*page.shape))
    width, height = (min(max(8, round(side)), max(8, longest)) for side in (across, down))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # Corners are edges of pixels; OpenCV's maps are between their centres.
    to_page = cv2.getPerspectiveTransform(target - 0.5, (inner - 0.5).astype(np.float32))
    picture = cv2.warpPerspective(
        page,
        to_page,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(picture, np.uint8)
