"""Sample a stack of small images along sheared and scaled grids, in whole numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Shorts = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float64]

AT_ONCE = 64
"""Images sampled at a time: what is made of them, 50 bytes a sample, stays in the cache."""

_RIM = 2
"""Empty pixels around an image: whoever samples beyond it samples these."""


def resample(stack: Bytes, grids: Floats, side: int) -> Bytes:
    """Sample each image on its own grid, bilinearly; beyond the image is 0.

    Positions are rounded to 1/256 of a pixel and all else is done in whole numbers, so that a result
    depends neither on the other images nor on the processor.

    Parameters
    ----------
    stack : ndarray of shape (n, height, width), uint8
    grids : ndarray of shape (n, 5), float64
        a, b, c, e, f of each grid: its pixel (X, Y) lies at a X + b Y + c across and e Y + f down, in
        pixels of the image; centres of pixels are at whole numbers and one half, here and there.
    side : int
        Of the samples.

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
    """Rows at heights `down` (n, side) of each image, with an empty rim of `_RIM` at their ends."""
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
    """`side` samples of each row (n, side, width), `step` (n, 1) apart from `start` (n, side) on."""
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
    """The pixels at `places`, and those behind them: taken as pairs, for taking is what lasts."""
    pairs = flat[1:].astype(np.uint16)
    pairs <<= 8
    pairs |= flat[:-1]
    second = pairs.take(places)
    first = second & np.uint16(255)
    second >>= 8
    return first, second


def _mixed(first: Shorts, second: Shorts, weight: Shorts) -> Bytes:
    """`weight` / 256 of the second and the rest of the first, rounded; changes both.

    The difference may be negative, and is then 2**16 too large: so is the sum, which 16 bits don't see.
    """
    second -= first
    second *= weight
    first <<= 8
    second += first
    second += 128
    second >>= 8
    return second.astype(np.uint8)
