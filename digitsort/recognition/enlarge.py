"""Enlarge small images of one shape, all at once, exact to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_UNIT = 2**7
"""What 1 is in the whole numbers of a weight. A sample's weights are at most 1.3 in sum, whatever their
signs: levels weighted twice stay below 2**24, and all their sums are exact in float32, in any order."""


def enlarge(images: Sequence[npt.NDArray[np.uint8]], side: int) -> npt.NDArray[np.uint8]:
    """Resample images of one shape bicubically, by two products with matrices of weights.

    Parameters
    ----------
    images : sequence of ndarray of shape (height, width), uint8
        Neither side longer than `side`.

    Returns
    -------
    ndarray of shape (n, side, side), uint8
    """
    height, width = images[0].shape
    rows = np.concatenate(images).astype(np.float32) @ _weights(width, side).T
    levels = _weights(height, side) @ rows.reshape(len(images), height, side)
    levels *= np.float32(_UNIT**-2)
    np.rint(levels, out=levels)
    np.clip(levels, 0, 255, out=levels)
    return levels.astype(np.uint8)


@lru_cache(maxsize=64)
def _weights(size: int, side: int) -> npt.NDArray[np.float32]:
    """Weights of `size` pixels in each of `side` samples, whole numbers with the sum `_UNIT`."""
    places = (np.arange(side) + 0.5) * size / side
    weights = _cubic(np.arange(size) + 0.5 - places[:, None])
    weights /= weights.sum(axis=1, keepdims=True)  # beyond the edge there is nothing
    whole = np.rint(weights * _UNIT)
    # What rounding leaves over goes to the nearest pixel: an even surface stays as it is.
    whole[np.arange(side), weights.argmax(axis=1)] += _UNIT - whole.sum(axis=1)
    return whole.astype(np.float32)


def _cubic(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys' kernel (1981) with a = -1/2, as Pillow's BICUBIC has it."""
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))
