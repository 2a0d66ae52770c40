"""The surface of paper that is lit unevenly, and what is darker than it."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

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
    sides = np.stack([stretched, 255 - stretched])  # (2, n, side, side)
    blurred = np.array([[_blur(image, 0.6) for image in side] for side in sides])
    papers = _paper_surfaces(blurred.reshape(-1, SIDE_PX, SIDE_PX)).reshape(sides.shape)
    rest = np.array([[_median(image.ravel()) for image in side] for side in np.abs(papers - blurred)])
    trust = np.clip((separation - UNSURE_SEPARATION) / (SURE_SEPARATION - UNSURE_SEPARATION), 0, 1)
    witness = (rest[1] - rest[0]) / (rest[0] + rest[1] + 1)  # > 0: light paper is the flatter
    inverted = trust * (2 * light_share - 1) + witness < 0
    chosen = inverted.astype(np.intp), np.arange(len(stretched))
    closed = np.array([_closing(image) for image in blurred[chosen]])
    return np.maximum(np.minimum(papers[chosen], closed) - sides[chosen], 0), inverted


def _blur(pixels: Bytes, sigma_px: float) -> Image.Image:
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma_px))


def _median(values: Floats) -> float:
    """`np.median` of values that are all finite, in a third of its time; nan where there are none."""
    if not len(values):
        return float("nan")
    half, odd = divmod(len(values), 2)
    ordered = np.partition(values, half if odd else (half - 1, half))
    return float(ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2)


DEGREES = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))
"""Powers of y and x in the terms of a quadratic surface: 1, x, y, x², xy, y²."""


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
    values = gray.astype(np.float64)
    weights, surfaces = np.ones_like(values), np.empty_like(values)
    for _ in range(8):
        surfaces = _fitted(values, weights)
        residual = values - surfaces
        above = [_median(image[image >= 0]) for image in residual]
        roughness = np.array(above) * 1.4826 + 2.0
        doubt = np.minimum(residual, 0, out=residual)
        doubt *= doubt
        doubt /= 2.25 * roughness[:, None, None] ** 2
        doubt += 1
        np.divide(1, doubt, out=weights)
    return surfaces


def _fitted(values: Floats, weights: Floats) -> Floats:
    """Weighted least squares of quadratic surfaces to `values` (n, side, side).

    The terms are products of powers of x and y, so that all sums over the pixels are two small matrix
    products.
    """
    powers = _powers()
    moments = powers.T @ (weights @ powers)  # (n, 5, 5): sums of w · y^p x^q
    sides = powers[:, :3].T @ ((weights * values) @ powers[:, :3])  # (n, 3, 3)
    y, x = np.transpose(DEGREES)
    normal = moments[:, y[:, None] + y, x[:, None] + x]  # (n, 6, 6)
    fit = np.zeros((len(values), 3, 3))
    fit[:, y, x] = np.linalg.solve(normal, sides[:, y, x, None])[:, :, 0]
    return np.asarray(powers[:, :3] @ fit @ powers[:, :3].T)


def _closing(gray: Bytes) -> Floats:
    """Grey closing over 0.35 of the side, smoothed: fills strokes, follows shadows."""
    width = int(0.35 * SIDE_PX) | 1
    closed = 255 - _dilate(255 - _dilate(gray, width), width)
    return np.asarray(_blur(closed, width / 4)).astype(np.float64)


def _dilate(gray: Bytes, width: int) -> Bytes:
    """Largest value in a square of odd `width` around each pixel.

    Outside of the image lies nothing, 0: its edge repeated would give the same.
    """
    for _ in range(2):  # down, then across: turned round after each
        height, reach = len(gray), width // 2
        largest = np.zeros((height + 2 * reach, gray.shape[1]), np.uint8)
        largest[reach : reach + height] = gray
        covered = 1
        while covered < width:
            step = min(covered, width - covered)
            largest = np.maximum(largest[:-step], largest[step:])
            covered += step
        gray = np.ascontiguousarray(largest.T)
    return gray
