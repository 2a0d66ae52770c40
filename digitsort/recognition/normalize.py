"""Bring ink to one size, place and slant by its moments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import SIDE_PX
from digitsort.recognition.ink import Ink
from digitsort.recognition.resample import resample

Floats = npt.NDArray[np.float64]

NORMAL_SIDE_PX = 32
FILL = 0.9
"""Share of the side that the longer of the digit's two moment extents is given."""

MOST_SLANT = 1.0
"""Bound of tan(slant angle): beyond 45° it is not slant but shape."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Centroid (canvas pixels), slant and extents (source pixels) of each image's ink; each (n,)."""

    x: Floats
    y: Floats
    slant: Floats
    width: Floats
    height: Floats


def normalize(ink: Ink) -> npt.NDArray[np.uint8]:
    """Map the ink of each image onto 32x32 pixels.

    The centroid goes to the centre, the slant is taken out, the longer of the extents W = 4√μxx' and
    H = 4√μyy fills 0.9 of the side and the shorter one √(shorter / longer) of that, as Liu, Nakashima,
    Sako and Fujisawa (2004), "Handwritten digit recognition: investigation of normalization and feature
    extraction techniques", Pattern Recognition 37, do with moments.

    Returns
    -------
    ndarray of shape (n, 32, 32), uint8
        0 paper, 255 ink; all zero where there is no ink.
    """
    scale = (ink.frame[:, 2:] - ink.frame[:, :2]) / SIDE_PX  # (n, 2) source pixels a canvas pixel
    grids = _grids(measure(ink.pixels, scale), scale)
    return resample(ink.pixels, grids, NORMAL_SIDE_PX)


def measure(pixels: npt.NDArray[np.uint8], scale: Floats) -> Moments:
    """Moments of the ink (n, side, side), with `scale` (n, 2) source pixels a canvas pixel."""
    n = len(pixels)
    along, down = _monomials()
    # Sums of integers, of a row below 2**24 and of all below 2**53: exact, in any order.
    of_rows = pixels.reshape(n * SIDE_PX, SIDE_PX).astype(np.float32) @ along
    sums = of_rows.reshape(n, -1).astype(np.float64) @ down  # (n, 6)
    mass = np.maximum(sums[:, 0], 1)
    x, y = sums[:, 1] / mass, sums[:, 2] / mass
    xx = (sums[:, 3] / mass - x * x) * scale[:, 0] ** 2
    xy = (sums[:, 4] / mass - x * y) * scale[:, 0] * scale[:, 1]
    yy = (sums[:, 5] / mass - y * y) * scale[:, 1] ** 2
    smallest = (0.25 * scale.min(axis=1)) ** 2  # a line has some width
    yy = np.maximum(yy, smallest)
    slant = np.clip(xy / yy, -MOST_SLANT, MOST_SLANT)
    upright = np.maximum(xx - 2 * slant * xy + slant**2 * yy, smallest)
    return Moments(x, y, slant, 4 * np.sqrt(upright), 4 * np.sqrt(yy))


@cache
def _monomials() -> tuple[npt.NDArray[np.float32], Floats]:
    """What the sums 1, x, y, x², xy, y² of an image are made with, in two steps.

    1, x and x² along a row, (side, 3); and what these sums of each row count in the six, (3 side, 6).
    """
    x = np.arange(SIDE_PX)
    one, y, none = np.ones_like(x), x, np.zeros_like(x)
    powers = np.stack([one, x, x * x], axis=1).astype(np.float32)
    of_ones = np.stack([one, none, y, none, none, y * y], axis=1)
    of_x = np.stack([none, one, none, none, y, none], axis=1)
    of_x2 = np.stack([none, none, none, one, none, none], axis=1)
    return powers, np.stack([of_ones, of_x, of_x2], axis=1).reshape(-1, 6).astype(np.float64)


def _grids(moments: Moments, scale: Floats) -> Floats:
    """Canvas position of each position on the normal image, as `resample` takes it; shape (n, 5)."""
    longer = np.maximum(moments.width, moments.height)
    step = longer / (FILL * NORMAL_SIDE_PX)  # source pixels a normal pixel, along the longer extent
    step_x = step * np.sqrt(moments.width / longer)
    step_y = step * np.sqrt(moments.height / longer)
    a = step_x / scale[:, 0]
    b = moments.slant * step_y / scale[:, 0]
    e = step_y / scale[:, 1]
    centre = NORMAL_SIDE_PX / 2
    # A pixel's centre is at +0.5; the moments are in whole pixel indices.
    c = moments.x + 0.5 - (a + b) * centre
    f = moments.y + 0.5 - e * centre
    return np.stack([a, b, c, e, f], axis=1)
