"""Estimate the surface of unevenly lit paper, and subtract it."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import SIDE_PX

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SURE_SEPARATION, UNSURE_SEPARATION = 0.8, 0.5
"""Otsu's criterion from which on, and down to which, the share of light pixels is believed."""


def below_uneven_paper(
    stretched: Bytes, light_share: Floats, separation: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Subtract a quadratic surface that hugs the light side of paper and is no lighter than a closing.

    Both polarities are tried. The paper is the one of which more is left flat; how far the share of
    light pixels is believed as well depends on how well the two classes separate.

    Parameters
    ----------
    stretched : ndarray of shape (n, side, side), uint8
    light_share, separation : ndarray of shape (n,), float64
        Evidence for light paper and Otsu's criterion, 0-1.

    Returns
    -------
    difference : ndarray of shape (n, side, side), float64
        How much darker than the paper each pixel is; 0 where it is not.
    inverted : ndarray of shape (n,), bool
    """
    if not len(stretched):  # mostly so
        return np.empty(stretched.shape), np.empty(0, np.bool_)
    light = _blurred(stretched)
    both = np.concatenate([light, 255 - light])  # (2 n, side, side)
    papers = _paper_surfaces(both)
    rest = _median(np.abs(papers - both).reshape(2, len(light), -1))
    trust = np.clip((separation - UNSURE_SEPARATION) / (SURE_SEPARATION - UNSURE_SEPARATION), 0, 1)
    witness = (rest[1] - rest[0]) / (rest[0] + rest[1] + 1)  # > 0: light paper is the flatter
    inverted = trust * (2 * light_share - 1) + witness < 0
    chosen = np.arange(len(light)) + len(light) * inverted
    upright = np.where(inverted[:, None, None], 255 - stretched, stretched)
    paper = np.minimum(papers[chosen], closing(both[chosen]))
    return np.maximum(paper - upright, 0), inverted


def _median(values: Floats) -> Floats:
    """`np.median` along the last axis, of an even number; that one loads `numpy.ma`, 8 ms, first.

    Parted at one place and not at two, which is several times as quick.
    """
    half = values.shape[-1] // 2
    parted = np.partition(values, half, axis=-1)
    return np.asarray((parted[..., :half].max(axis=-1) + parted[..., half]) / 2)


def _blurred(stack: Bytes) -> Bytes:
    """Blur by 3 10 3 in both directions, as wide as a Gaussian of 0.6 px; edges are repeated."""
    padded = np.pad(stack.astype(np.uint16), ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = 10 * padded[:, 1:-1] + 3 * (padded[:, :-2] + padded[:, 2:])
    both = 10 * rows[:, :, 1:-1] + 3 * (rows[:, :, :-2] + rows[:, :, 2:])
    both += 2**7  # 255 · 16² + 128 is still below 2**16
    both >>= 8
    return np.asarray(both, np.uint8)


DEGREES = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))
"""Powers of y and x in the terms of a quadratic surface: 1, x, y, x², xy, y²."""

FITTED_PX = 2
"""Every second pixel of every second row is enough to fit a surface to."""

ROUNDS = 8


@cache
def _powers() -> Floats:
    """Powers 0-4 of each pixel's place within -1…1, on either axis; shape (side, 5)."""
    place = (2 * np.arange(SIDE_PX) + 1) / SIDE_PX - 1
    return np.stack([place**power for power in range(5)], axis=1)


def _paper_surfaces(gray: Bytes) -> Floats:
    """Quadratic surfaces through the paper, the light side of each of `gray` (n, side, side).

    Asymmetric least squares (Eilers 2004): what is darker than the surface by more than the paper's own
    roughness s is given the weight 1 / (1 + r² / 2.25 s²), so that the surface climbs to the paper even
    where a digit fills half of the frame.
    """
    places = slice(FITTED_PX // 2, None, FITTED_PX)
    values = gray[:, places, places].astype(np.float64)
    powers = _powers()[places]
    weights = np.ones_like(values)
    for _ in range(ROUNDS):
        terms = _fitted(values, weights, powers)
        residual = values - powers[:, :3] @ terms @ powers[:, :3].T
        roughness = _median_above(residual) * 1.4826 + 2.0
        doubt = np.minimum(residual, 0, out=residual)
        doubt *= doubt
        doubt /= 2.25 * roughness[:, None, None] ** 2
        doubt += 1
        np.divide(1, doubt, out=weights)
    return np.asarray(_powers()[:, :3] @ terms @ _powers()[:, :3].T)


def _median_above(residual: Floats) -> Floats:
    """Median (n,) of what is not negative on each image; 0 where all is."""
    flat = residual.reshape(len(residual), -1)
    ordered = np.sort(flat, axis=1)
    below = (flat < 0).sum(axis=1)
    count = flat.shape[1] - below
    places = np.stack([below + np.maximum(count - 1, 0) // 2, below + count // 2])
    middle = ordered[np.arange(len(flat)), np.minimum(places, flat.shape[1] - 1)]  # (2, n)
    return np.where(count > 0, (middle[0] + middle[1]) / 2, 0.0)


def _fitted(values: Floats, weights: Floats, powers: Floats) -> Floats:
    """Weighted least squares of quadratic surfaces to `values` (n, side, side): terms (n, 3, 3).

    The terms are products of powers of y and x, so that all sums over the pixels are two small matrix
    products.
    """
    moments = powers.T @ (weights @ powers)  # (n, 5, 5): sums of w · y^p x^q
    sides = powers[:, :3].T @ ((weights * values) @ powers[:, :3])  # (n, 3, 3)
    y, x = np.transpose(DEGREES)
    normal = moments[:, y[:, None] + y, x[:, None] + x]  # (n, 6, 6)
    fit = np.zeros((len(values), 3, 3))
    fit[:, y, x] = np.linalg.solve(normal, sides[:, y, x, None])[:, :, 0]
    return fit


CLOSING_PX = int(0.35 * SIDE_PX) | 1


def closing(gray: Bytes) -> Floats:
    """Grey closing over 0.35 of the side, smoothed: fills strokes, follows shadows; (n, side, side)."""
    smooth = _smoothing()
    return np.asarray(smooth @ sharp_closing(gray).astype(np.float64) @ smooth.T)


def sharp_closing(gray: Bytes) -> Bytes:
    """Compute a gray closing without smoothing, so that it follows the hard edge of a shadow."""
    return 255 - _dilated(255 - _dilated(gray))


@cache
def _smoothing() -> Floats:
    """Gaussian of a quarter of the closing's width along a row, its ends repeated; (side, side)."""
    place = np.arange(SIDE_PX)
    beyond = np.arange(-SIDE_PX, 2 * SIDE_PX)
    weights = np.exp(-(((beyond - place[:, None]) / (CLOSING_PX / 4)) ** 2) / 2)
    inside = np.zeros((SIDE_PX, SIDE_PX))
    for column, source in enumerate(np.clip(beyond, 0, SIDE_PX - 1)):
        inside[:, source] += weights[:, column]
    return np.asarray(inside / inside.sum(axis=1, keepdims=True))


def _dilated(gray: Bytes) -> Bytes:
    """Largest value in a square of `CLOSING_PX` around each pixel of each image.

    Outside of the image lies nothing, 0: its edge repeated would give the same.
    """
    for _ in range(2):  # down, then across: turned round after each
        n, height, width = gray.shape
        reach = CLOSING_PX // 2
        largest = np.zeros((n, height + 2 * reach, width), np.uint8)
        largest[:, reach : reach + height] = gray
        covered = 1
        while covered < CLOSING_PX:
            step = min(covered, CLOSING_PX - covered)
            largest = np.maximum(largest[:, :-step], largest[:, step:])
            covered += step
        gray = np.ascontiguousarray(largest.transpose(0, 2, 1))
    return gray
