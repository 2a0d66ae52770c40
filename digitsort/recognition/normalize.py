"""Bring ink to one size, place and slant by its moments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.recognition.canvas import SIDE_PX
from digitsort.recognition.ink import Ink

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
    inverse = _inverse_affine(measure(ink.pixels, scale), scale)
    normal = np.zeros((len(ink.pixels), NORMAL_SIDE_PX, NORMAL_SIDE_PX), np.uint8)
    inked = np.flatnonzero(ink.parts)
    if len(inked):
        normal[inked] = _resample(ink.pixels[inked], inverse[inked])
    return normal


def measure(pixels: npt.NDArray[np.uint8], scale: Floats) -> Moments:
    """Moments of the ink (n, side, side), with `scale` (n, 2) source pixels a canvas pixel."""
    n = len(pixels)
    # Sums of integers below 2**53: exact, so they do not depend on the order of the additions.
    sums = pixels.reshape(n, -1).astype(np.float64) @ _monomials()  # (n, 6)
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
def _monomials() -> Floats:
    """1, x, y, x², xy, y² of every pixel, as integers; shape (side², 6)."""
    y, x = np.indices((SIDE_PX, SIDE_PX)).reshape(2, -1).astype(np.float64)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _inverse_affine(moments: Moments, scale: Floats) -> Floats:
    """Pillow's coefficients (n, 6): canvas position of each position on the normal image."""
    longer = np.maximum(moments.width, moments.height)
    step = longer / (FILL * NORMAL_SIDE_PX)  # source pixels a normal pixel, along the longer extent
    step_x = step * np.sqrt(moments.width / longer)
    step_y = step * np.sqrt(moments.height / longer)
    a = step_x / scale[:, 0]
    b = moments.slant * step_y / scale[:, 0]
    e = step_y / scale[:, 1]
    centre = NORMAL_SIDE_PX / 2
    # Pillow takes a pixel's centre at +0.5; the moments are in whole pixel indices.
    c = moments.x + 0.5 - (a + b) * centre
    f = moments.y + 0.5 - e * centre
    return np.stack([a, b, c, np.zeros_like(a), e, f], axis=1)


def _resample(pixels: npt.NDArray[np.uint8], inverse: Floats) -> npt.NDArray[np.uint8]:
    """Sample at twice the resolution and average: enough, as the ink is at most twice too large.

    Only the window of each image that ink can reach is sampled; around it there is nothing.
    """
    side = 2 * NORMAL_SIDE_PX
    fine = inverse * (0.5, 0.5, 1, 0.5, 0.5, 1)
    windows = _windows(pixels, fine, side)
    # Pillow counts positions from the corner of what it is asked for.
    fine[:, [2, 5]] += fine[:, [0, 4]] * windows[:, :2]
    fine[:, 2] += fine[:, 1] * windows[:, 1]
    affine, bilinear = Image.Transform.AFFINE, Image.Resampling.BILINEAR
    sheet = Image.new("L", (side, side * len(pixels)))
    for index, (left, top, right, bottom) in enumerate(windows.tolist()):
        window = Image.frombuffer("L", (SIDE_PX, SIDE_PX), pixels[index], "raw", "L", 0, 1).transform(
            (right - left, bottom - top), affine, fine[index].tolist(), bilinear
        )
        sheet.paste(window, (left, side * index + top))
    stack = np.asarray(sheet).reshape(-1, side, side)
    rows = np.add(stack[:, ::2], stack[:, 1::2], dtype=np.uint16)
    sums = rows[:, :, ::2] + rows[:, :, 1::2]
    return np.asarray((sums + 2) >> 2, np.uint8)


def _windows(pixels: npt.NDArray[np.uint8], fine: Floats, side: int) -> npt.NDArray[np.intp]:
    """Left, top, right, bottom (n, 4) of what ink can reach of the sampled images, in whole pixels."""
    # A row of 64 pixels is one whole number, the leftmost its highest bit.
    inked = np.packbits(pixels > 0, axis=2).view(">u8")[:, :, 0].astype(np.uint64)  # (n, side)
    a, b, c, _, e, f = fine.T
    slant = b / e
    rows = inked > 0
    top, bottom = rows.argmax(axis=1), SIDE_PX - rows[:, ::-1].argmax(axis=1)
    # Along the slant the ink is narrower: x - slant * y of its outermost pixels in each row.
    skew = slant[:, None] * (np.arange(SIDE_PX) + 0.5)
    first = SIDE_PX - np.frexp(inked.astype(np.float64))[1]  # one too small where that rounds up
    end = SIDE_PX + 1 - np.frexp((inked & (~inked + np.uint64(1))).astype(np.float64))[1]
    left = np.where(rows, first - skew, np.inf).min(axis=1) - np.abs(slant) - c + slant * f
    right = np.where(rows, end - skew, -np.inf).max(axis=1) + np.abs(slant) - c + slant * f
    # A sample mixes pixels whose centres are less than one pixel away.
    bounds = [(left - 0.5) / a, (top - 0.5 - f) / e, (right + 0.5) / a, (bottom + 0.5 - f) / e]
    windows = np.stack(bounds, axis=1)
    low = np.clip(np.floor(windows[:, :2] - 0.5), 0, side - 1)
    high = np.clip(np.ceil(windows[:, 2:] + 0.5), low + 1, side)
    return np.concatenate([low, high], axis=1).astype(np.intp)
