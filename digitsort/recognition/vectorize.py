"""Turn gray images into feature vectors, for training data and for scans alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import Gray
from digitsort.recognition.ink import Ink, find_ink
from digitsort.recognition.normalize import NORMAL_SIDE_PX, normalize
from digitsort.recognition.score import DIRECTIONS, FEATURE_COUNT, GRID

LONGEST = 4000.0
"""Euclidean length that no vector exceeds. Below 2**12, so that the scalar product of two of them stays
below 2**24 (Cauchy-Schwarz): every partial sum of non-negative integers is then exact in float32, in
any order, and a score does not depend on the batch or the machine."""

AT_ONCE = 128
"""Images whose gradients are computed at a time, so that all directions stay in the CPU cache."""

BLOCK_PX = 2
"""Side of the blocks of gradients that are summed before they are sampled, which takes a quarter of the
time. It is much less than the width of the Gaussians."""

_WEIGHT_SUM = 2**12
"""Sum of the integer sampling weights: times the largest sum of a block, 4 · 4 · 255, it stays below
2**24."""

Planes = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int16]


def gradient_features(normal: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Sample the directions of the gradient on a grid.

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
    starts = range(0, max(len(normal), 1), AT_ONCE)
    return np.concatenate([_features(normal[start : start + AT_ONCE]) for start in starts])


def _features(normal: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    n = len(normal)
    # With the images along the last axis, each neighbour of all pixels is one long slice.
    smooth = _smooth(np.ascontiguousarray(normal.transpose(1, 2, 0)))
    blocks = _blocks_of_directions(smooth)  # (8, 16², n)
    energy = _sampling_weights() @ blocks  # (8, GRID², n), exact
    flat = energy.reshape(FEATURE_COUNT, n).T.astype(np.float64, order="C")
    flat[:, FEATURE_COUNT // 2 :] *= np.sqrt(2)  # a diagonal part is √2 times its projection
    total = flat.sum(axis=1, keepdims=True)
    flat /= np.maximum(total, 1)
    np.sqrt(flat, out=flat)
    flat *= LONGEST
    return np.rint(flat, out=flat).astype(np.float32)


def _smooth(pixels: npt.NDArray[np.uint8]) -> Shorts:
    """Blur (side, side, n) by a binomial of 1 px, in whole numbers, with one more pixel around."""
    side, _, n = pixels.shape
    padded = np.zeros((side + 6, side + 6, n), np.uint16)
    padded[3:-3, 3:-3] = pixels
    sums = padded
    for _ in range(4):  # 1 1, 1 2 1, 1 3 3 1, 1 4 6 4 1
        sums = sums[1:] + sums[:-1]
    for _ in range(4):
        sums = sums[:, 1:] + sums[:, :-1]
    sums += 2**7  # 255 · 16² + 128 is still below 2**16
    sums >>= 8
    return sums.view(np.int16)


def _blocks_of_directions(smooth: Shorts) -> Planes:
    """Parallelogram decomposition of Sobel's gradient onto E, W, S, N, SE, NW, SW, NE, in blocks."""
    down, across = smooth[1:] + smooth[:-1], smooth[:, 1:] + smooth[:, :-1]
    gx, gy = down[1:] + down[:-1], across[:, 1:] + across[:, :-1]  # 1 2 1
    gx, gy = gx[:, 2:] - gx[:, :-2], gy[2:] - gy[:-2]
    ax, ay, west, north = np.abs(gx), np.abs(gy), -gx, -gy
    side, _, n = gx.shape
    blocks: Planes = np.empty((DIRECTIONS, side // BLOCK_PX, side // BLOCK_PX, n), np.float32)
    # Comparing with an array of zeros is six times as fast as with the number.
    zeros = np.zeros_like(gx)
    for index, (one, other) in enumerate(((gx, ay), (west, ay), (gy, ax), (north, ax))):
        _sum_blocks(one - other, zeros, blocks[index])
    for index, (one, other) in enumerate(((gx, gy), (west, north), (west, gy), (gx, north)), 4):
        _sum_blocks(np.minimum(one, other), zeros, blocks[index])
    return blocks.reshape(DIRECTIONS, -1, n)


def _sum_blocks(plane: Shorts, zeros: Shorts, blocks: Planes) -> None:
    """Sum the positive values of each block of 2x2 into `blocks`."""
    np.maximum(plane, zeros, out=plane)
    rows = plane[::BLOCK_PX] + plane[1::BLOCK_PX]
    np.add(rows[:, ::BLOCK_PX], rows[:, 1::BLOCK_PX], out=blocks)


@cache
def _sampling_weights() -> Planes:
    """Gaussians as wide as √2 t / π on a grid of spacing t, whole numbers; shape (GRID², 16²)."""
    side = NORMAL_SIDE_PX // BLOCK_PX
    spacing = side / GRID  # in blocks, as all below
    # A block of b pixels is a blur of its own, of variance (b² - 1) / 12 pixels².
    variance = 2 * (spacing / np.pi) ** 2 - (1 - BLOCK_PX**-2) / 12
    points = (np.arange(GRID) + 0.5) * spacing
    centres = np.arange(side) + 0.5
    axis = np.exp(-((centres[:, None] - points) ** 2) / (2 * variance))  # (16, GRID)
    axis /= axis.sum(axis=0)
    weights = np.einsum("yi,xj->ijyx", axis, axis).reshape(GRID**2, side**2)
    whole: Planes = np.floor(weights * _WEIGHT_SUM).astype(np.float32)
    return whole


STACK = 512
"""Images processed at a time. With fewer, the second and third pass over small digits would have only a
few images, which cost nearly as much as many."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Feature vectors of images, and intermediate results.

    Attributes
    ----------
    features : ndarray of shape (n, d), float32
    normal : ndarray of shape (n, 32, 32), uint8
        Normalized images, which the model sees.
    ink : Ink
        The decisions taken, n of each.
    """

    features: npt.NDArray[np.float32]
    normal: npt.NDArray[np.uint8]
    ink: Ink


def vectorize(grays: Sequence[Gray]) -> Vectors:
    """Find the ink, normalize it, take the features.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
        uint8, uint16, bool, or float within 0-1.
    """
    stacks = [_vectorize_stack(grays[i : i + STACK]) for i in range(0, len(grays), STACK)]
    if not stacks:
        stacks = [_vectorize_stack([])]
    return Vectors(
        features=np.concatenate([s.features for s in stacks]),
        normal=np.concatenate([s.normal for s in stacks]),
        ink=Ink.concatenate([s.ink for s in stacks]),
    )


def _vectorize_stack(grays: Sequence[Gray]) -> Vectors:
    if not grays:
        return Vectors(
            np.empty((0, FEATURE_COUNT), np.float32),
            np.empty((0, NORMAL_SIDE_PX, NORMAL_SIDE_PX), np.uint8),
            find_ink([]),
        )
    return vectors_of(find_ink(grays))


def vectors_of(ink: Ink) -> Vectors:
    """Normalize ink and take its features."""
    normal = normalize(ink)
    return Vectors(gradient_features(normal), normal, ink)
