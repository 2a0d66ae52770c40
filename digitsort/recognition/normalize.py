"""Bring ink to one size, place and slant by its moments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import SIDE_PX
from digitsort.recognition.ink import Ink

Bytes = npt.NDArray[np.uint8]
Shorts = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float64]

AT_ONCE = 64
"""Images sampled at a time, so that their data (50 bytes per sample) stay in the CPU cache."""

_RIM = 2
"""Empty pixels around an image, for samples beyond its edge."""


def resample(stack: Bytes, grids: Floats, side: int) -> Bytes:
    """Sample each image on its own grid, bilinearly; beyond the image is 0.

    Positions are rounded to 1/256 of a pixel, and everything else is computed in whole numbers. So a
    result depends neither on the other images nor on the CPU.

    Parameters
    ----------
    stack : ndarray of shape (n, height, width), uint8
    grids : ndarray of shape (n, 5), float64
        a, b, c, e, f of each grid: its pixel (X, Y) lies at a X + b Y + c across and e Y + f down, in
        pixels of the image; centres of pixels are at whole numbers and one half, here and there.
    side : int
        Number of samples per side.

    Returns
    -------
    ndarray of shape (n, side, side), uint8
    """
    starts = range(0, max(len(stack), 1), AT_ONCE)
    parts = [slice(start, start + AT_ONCE) for start in starts]
    return np.concatenate([_resampled(stack[part], grids[part], side) for part in parts])


def _resampled(stack: Bytes, grids: Floats, side: int) -> Bytes:
    a, b, c, e, f = (grids[:, k, None] for k in range(5))
    centres = np.arange(side) + 0.5
    # (n, side): where each row of samples begins, in pixel indices
    down = e * centres + f - 0.5
    across = a * 0.5 + b * centres + c - 0.5
    return _along_rows(_between_rows(stack, down), a, across, side)


def _between_rows(stack: Bytes, down: Floats) -> Bytes:
    """Return rows at heights `down` (n, side) of each image, with an empty rim at their ends."""
    n, height, width = stack.shape
    padded = np.zeros((n, height + 2 * _RIM, width + 2 * _RIM), np.uint8)
    padded[:, _RIM:-_RIM, _RIM:-_RIM] = stack
    fixed = np.rint(down * 256).astype(np.intp)
    upper = np.clip(fixed >> 8, -_RIM, height) + _RIM
    upper += np.arange(n)[:, None] * padded.shape[1]
    rows = padded.reshape(-1, padded.shape[2])
    weight = (fixed & 255).astype(np.uint16)[:, :, None]
    first, second = (rows.take(at, axis=0).astype(np.uint16) for at in (upper, upper + 1))
    return _mixed(first, second, weight)


def _along_rows(rows: Bytes, step: Floats, start: Floats, side: int) -> Bytes:
    """Take `side` samples of each row (n, side, width), at `start` (n, side) + i · `step` (n, 1)."""
    width = rows.shape[2]
    # 16 bits behind the point: 32 bits hold them, and a processor takes many at once.
    begin, advance = (np.rint(x * 2**16).astype(np.int32)[:, :, None] for x in (start, step))
    fixed = np.asarray(begin + advance * np.arange(side, dtype=np.int32), np.int32)
    weight = (fixed >> 8).astype(np.uint16)
    weight &= 255
    fixed >>= 16
    np.maximum(fixed, -_RIM, out=fixed)
    np.minimum(fixed, width - 2 * _RIM, out=fixed)
    before = np.arange(rows.shape[0] * rows.shape[1], dtype=np.int32).reshape(*rows.shape[:2], 1)
    fixed += before * width + _RIM
    first, second = _neighbours(rows.ravel(), fixed.astype(np.intp))
    return _mixed(first, second, weight)


def _neighbours(flat: Bytes, places: npt.NDArray[np.intp]) -> tuple[Shorts, Shorts]:
    """Return the pixels at `places` and the next ones; `take` is slow, so both are taken at once."""
    pairs = flat[1:].astype(np.uint16)
    pairs <<= 8
    pairs |= flat[:-1]
    second = pairs.take(places)
    first = second & np.uint16(255)
    second >>= 8
    return first, second


def _mixed(first: Shorts, second: Shorts, weight: Shorts) -> Bytes:
    """Mix `weight` / 256 of the second with the rest of the first, rounded; change both.

    A negative difference wraps around by 2**16, and so does the sum, so the result is right.
    """
    second -= first
    second *= weight
    first <<= 8
    second += first
    second += 128
    second >>= 8
    return second.astype(np.uint8)


NORMAL_SIDE_PX = 32
FILL = 0.9
"""Share of the side that the longer of the digit's two moment extents fills."""

MOST_SLANT = 1.0
"""Largest tan(slant angle): beyond 45° it is not slant but shape."""


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
    """Compute the moments of ink (n, side, side); `scale` (n, 2) is in source pixels per pixel."""
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
    """Return the weights for the sums of 1, x, y, x², xy and y² over an image, in two steps.

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
    """Return the grid of each normal image on its canvas, for `resample`; shape (n, 5)."""
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
