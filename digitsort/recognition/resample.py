"""Sample a stack of small images along sheared and scaled grids, in whole numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

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
    return _mixed(rows.take(upper, axis=0), rows.take(upper + 1, axis=0), weight)


def _along_rows(rows: Bytes, step: Floats, start: Floats, side: int) -> Bytes:
    """`side` samples of each row (n, side, width), `step` (n, 1) apart from `start` (n, side) on."""
    width = rows.shape[2]
    # 16 bits behind the point: 32 bits hold them, and a processor takes many at once.
    begin, advance = (np.rint(x * 2**16).astype(np.int32)[:, :, None] for x in (start, step))
    fixed = np.asarray(begin + advance * np.arange(side, dtype=np.int32), np.int32)
    weight = ((fixed >> 8) & 255).astype(np.uint16)
    fixed >>= 16
    np.maximum(fixed, -_RIM, out=fixed)
    np.minimum(fixed, width - 2 * _RIM, out=fixed)
    before = np.arange(rows.shape[0] * rows.shape[1], dtype=np.int32).reshape(*rows.shape[:2], 1)
    left = (fixed + (before * width + _RIM)).astype(np.intp)
    flat = rows.ravel()
    return _mixed(flat.take(left), flat[1:].take(left), weight)


def _mixed(first: Bytes, second: Bytes, weight: npt.NDArray[np.uint16]) -> Bytes:
    """`weight` / 256 of the second and the rest of the first, rounded."""
    mixed = first * (256 - weight)
    mixed += second * weight
    mixed += 128
    mixed >>= 8
    return mixed.astype(np.uint8)
