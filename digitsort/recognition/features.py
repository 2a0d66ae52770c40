"""Turn 32x32 ink into a vector of gradient directions, exact to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.normalize import NORMAL_SIDE_PX

GRID = 7
"""Sampling points a side."""

DIRECTIONS = 8
FEATURE_COUNT = GRID * GRID * DIRECTIONS

LONGEST = 4000.0
"""Euclidean length that no vector exceeds. Below 2**12, so that the scalar product of two of them stays
below 2**24 (Cauchy-Schwarz): every partial sum of non-negative integers is then exact in float32, in
any order, and a score does not depend on the batch or the machine."""

_WEIGHT_SUM = 2**14
"""Sum of the integer sampling weights: times the largest gradient, 4 · 255, it stays below 2**24."""

Planes = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int16]


def gradient_features(normal: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Directions of the gradient, sampled on a grid.

    Sobel's gradient is split onto the two nearest of eight directions, each direction's plane sampled
    through Gaussians, and the square root taken: Liu, Nakashima, Sako and Fujisawa (2003), "Handwritten
    digit recognition: benchmarking of state-of-the-art techniques", Pattern Recognition 36.

    Parameters
    ----------
    normal : ndarray of shape (n, 32, 32), uint8

    Returns
    -------
    ndarray of shape (n, 392), float32
        Non-negative whole numbers, each vector of length 4,000 but for rounding; all zero for an
        empty image.
    """
    planes = _direction_planes(_smooth(normal))  # (n, 8, 32, 32)
    n = len(normal)
    sampled = planes.reshape(n * DIRECTIONS, -1) @ _sampling_weights()  # exact
    energy = sampled.reshape(n, DIRECTIONS, GRID * GRID).astype(np.float64)
    energy[:, 4:] *= np.sqrt(2)  # a diagonal part is √2 times its projection
    flat = energy.reshape(n, FEATURE_COUNT)
    total = flat.sum(axis=1, keepdims=True)
    features: npt.NDArray[np.float32] = np.rint(np.sqrt(flat / np.maximum(total, 1)) * LONGEST).astype(
        np.float32
    )
    return features


def _smooth(normal: npt.NDArray[np.uint8]) -> Shorts:
    """Binomial blur of 1 px, rounded to whole numbers 0-255; one empty pixel added around."""
    n, side, _ = normal.shape
    padded = np.zeros((n, side + 6, side + 6), np.uint16)
    padded[:, 3:-3, 3:-3] = normal
    rows = _binomial([padded[:, k : k + side + 2] for k in range(5)])
    both = _binomial([rows[:, :, k : k + side + 2] for k in range(5)])
    both += 128  # 255 · 16² + 128 is still below 2**16
    both >>= 8
    return both.astype(np.int16)


def _binomial(at: Sequence[npt.NDArray[np.uint16]]) -> npt.NDArray[np.uint16]:
    """1 4 6 4 1 times what lies at five shifts."""
    total = at[1] + at[3]
    total *= 4
    total += at[0]
    total += at[4]
    total += 6 * at[2]
    return total


def _direction_planes(padded: Shorts) -> Planes:
    """Parallelogram decomposition of Sobel's gradient onto E, W, S, N, SE, NW, SW, NE."""
    across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    down = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    gx = across[:, :, 2:] - across[:, :, :-2]
    gy = down[:, 2:] - down[:, :-2]
    ax, ay, west, north = np.abs(gx), np.abs(gy), -gx, -gy
    n, side, _ = gx.shape
    planes: Planes = np.empty((n, DIRECTIONS, side, side), np.float32)
    nothing = np.zeros_like(gx)  # six times as quick to compare with as the number
    straight = (gx - ay, west - ay, gy - ax, north - ax)
    diagonal = [np.minimum(x, y) for x, y in ((gx, gy), (west, north), (west, gy), (gx, north))]
    for index, plane in enumerate((*straight, *diagonal)):
        planes[:, index] = np.maximum(plane, nothing, out=plane)
    return planes


@cache
def _sampling_weights() -> Planes:
    """Gaussians as wide as √2 t / π on a grid of spacing t, whole numbers; shape (32², GRID²)."""
    spacing = NORMAL_SIDE_PX / GRID
    sigma = np.sqrt(2) * spacing / np.pi
    points = (np.arange(GRID) + 0.5) * spacing
    pixels = np.arange(NORMAL_SIDE_PX) + 0.5
    axis = np.exp(-((pixels[:, None] - points) ** 2) / (2 * sigma**2))  # (32, GRID)
    axis /= axis.sum(axis=0)
    weights = np.einsum("yi,xj->yxij", axis, axis).reshape(NORMAL_SIDE_PX**2, GRID**2)
    whole: Planes = np.floor(weights * _WEIGHT_SUM).astype(np.float32)
    return whole
