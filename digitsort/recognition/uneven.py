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


def below_uneven_paper(stretched: Bytes, light_share: float, separation: float) -> tuple[Floats, bool]:
    """Uneven paper: a quadratic surface that hugs its light side, and no lighter than a closing.

    Both polarities are tried. The paper is the one of which more is left flat; how far the share of
    light pixels is believed as well depends on how well the two classes separate.
    """
    sides = [stretched, 255 - stretched]
    blurred = [np.asarray(_blur(side, 1.2)) for side in sides]
    papers = [_paper_surface(side.astype(np.float64)) for side in blurred]
    rest = [_median(np.abs(p - b).ravel()) for p, b in zip(papers, blurred, strict=True)]
    trust = np.clip((separation - UNSURE_SEPARATION) / (SURE_SEPARATION - UNSURE_SEPARATION), 0, 1)
    witness = (rest[1] - rest[0]) / (rest[0] + rest[1] + 1)  # > 0: light paper is the flatter
    inverted = bool(trust * (2 * light_share - 1) + witness < 0)
    paper = np.minimum(papers[inverted], _closing(blurred[inverted]))
    return np.maximum(paper - sides[inverted], 0), inverted


def _blur(pixels: Bytes, sigma_px: float) -> Image.Image:
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma_px))


def _median(values: Floats) -> float:
    """`np.median` of values that are all finite, in a third of its time; nan where there are none."""
    if not len(values):
        return float("nan")
    half, odd = divmod(len(values), 2)
    ordered = np.partition(values, half if odd else (half - 1, half))
    return float(ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2)


@cache
def _quadratic_terms() -> Floats:
    """1, x, y, x², xy, y² of every pixel, x and y within -1…1; shape (side², 6)."""
    y, x = (2 * np.indices((SIDE_PX, SIDE_PX)).reshape(2, -1) + 1) / SIDE_PX - 1
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _paper_surface(gray: Floats) -> Floats:
    """Quadratic surface through the paper, the light side of `gray` (side, side).

    Asymmetric least squares (Eilers 2004): what is darker than the surface by more than the paper's own
    roughness s is given the weight 1 / (1 + r² / 2.25 s²), so that the surface climbs to the paper even
    where a digit fills half of the frame.
    """
    terms, values = _quadratic_terms(), gray.ravel()
    weights, weighted = np.ones_like(values), np.empty_like(terms)
    for _ in range(8):
        np.multiply(terms, weights[:, None], out=weighted)
        fit = np.linalg.solve(weighted.T @ terms, weighted.T @ values)
        residual = values - terms @ fit
        roughness = _median(residual[residual >= 0]) * 1.4826 + 2.0
        doubt = np.minimum(residual, 0, out=residual)
        doubt *= doubt
        doubt /= 2.25 * roughness**2
        doubt += 1
        weights = np.divide(1, doubt, out=weights)
    return np.asarray((terms @ fit).reshape(gray.shape))


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
