"""Find out which side of a gray image is paper, and how dark each pixel is against it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from digitsort.recognition.canvas import SIDE_PX
from digitsort.recognition.lines import without_lines
from digitsort.recognition.parts import connected_parts

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

CLEAR_SEPARATION = 0.8
"""Otsu's criterion (share of the variance that lies between the classes) from which on paper and ink
are two clear populations; below it the paper is modelled as a surface."""

UNSURE = 0.15
"""Distance of the share of light from one half up to which the number of parts decides."""

LEAST_PART_PX = 16
"""Of the canvas; smaller parts are specks."""


@dataclass(frozen=True, slots=True)
class Background:
    """The paper of a stack of images, and what is darker than it.

    Attributes
    ----------
    darkness : ndarray of shape (n, side, side), uint8
        Difference between paper and pixel, stretched so that each image's largest is 255.
    light_on_dark : ndarray of shape (n,), bool
        The ink is lighter than the paper (and was inverted).
    contrast : ndarray of shape (n,), float64
        Largest difference between paper and pixel, in gray levels of 0-255.
    separation : ndarray of shape (n,), float64
        Otsu's criterion of the gray values, 0-1.
    """

    darkness: Bytes
    light_on_dark: npt.NDArray[np.bool_]
    contrast: Floats
    separation: Floats


def subtract_background(canvases: Bytes) -> Background:
    """Estimate the paper of each canvas (n, side, side) and subtract it."""
    stretched, gray_range = stretch(canvases)
    counts = histogram(stretched)
    threshold, separation = otsu_of(counts)
    light_share = _light_share(stretched, counts, threshold)
    difference = np.empty(stretched.shape, np.float32)
    inverted = light_share < 0.5
    clear = separation >= CLEAR_SEPARATION
    paper = _flat_paper(counts[clear], threshold[clear], inverted[clear])
    difference[clear] = _below_flat_paper(stretched[clear], paper, inverted[clear])
    for index in np.flatnonzero(~clear):
        difference[index], inverted[index] = _below_uneven_paper(
            stretched[index], light_share[index], separation[index]
        )
    darkness, deepest = stretch(without_lines(difference), low=0)
    return Background(darkness, inverted, deepest * gray_range / 255, separation)


def stretch(stack: npt.NDArray[np.generic], low: float | None = None) -> tuple[Bytes, Floats]:
    """Stretch each image from its lowest value (or `low`) to its highest onto 0-255.

    Returns
    -------
    stretched : ndarray of shape (n, side, side) or (side, side), uint8
    span : ndarray of shape (n,) or (), float64
        Highest value minus `low`.
    """
    bottom = stack.min(axis=(-2, -1)).astype(np.float32) if low is None else np.float32(low)
    span = (stack.max(axis=(-2, -1)).astype(np.float32) - bottom).astype(np.float32)
    if stack.dtype == np.uint8 and low is None and (span == 255).all():
        return stack, span.astype(np.float64)  # type: ignore[return-value]
    factor = np.float32(255) / np.maximum(span, np.float32(1e-6))
    values = stack.astype(np.float32)
    values -= np.asarray(bottom)[..., None, None]
    values *= np.asarray(factor)[..., None, None]
    np.clip(values, 0, 255, out=values)
    return np.rint(values, out=values).astype(np.uint8), span.astype(np.float64)


def otsu(stack: Bytes) -> tuple[npt.NDArray[np.intp], Floats]:
    """Otsu's threshold (1979) of each image.

    Parameters
    ----------
    stack : ndarray of shape (n, side, side), uint8

    Returns
    -------
    threshold : ndarray of shape (n,), intp
        Values up to it belong to the dark class.
    separation : ndarray of shape (n,), float64
        Between-class variance as a share of the total variance, 0-1; 0 for a constant image.
    """
    return otsu_of(histogram(stack))


def otsu_of(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.intp], Floats]:
    """As `otsu`, from the histograms (n, 256) of the images."""
    levels = np.arange(256)
    below = np.cumsum(counts, axis=1)
    sum_below = np.cumsum(counts * levels, axis=1)
    total, total_sum = below[:, -1:], sum_below[:, -1:]
    above = total - below
    # Between-class variance times total²: (μ·w0 - s0)² / (w0·w1), all from exact integers.
    spread = (total_sum * below - total * sum_below).astype(np.float64) ** 2
    between = spread / np.maximum(below * above, 1) / total.astype(np.float64) ** 2
    between[above == 0] = 0
    # The middle of the best plateau: between two far classes every threshold is equally good.
    best = between >= between.max(axis=1, keepdims=True) * (1 - 1e-12)
    first, last = best.argmax(axis=1), 255 - best[:, ::-1].argmax(axis=1)
    mean = total_sum[:, 0] / total[:, 0]
    variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / total[:, 0]
    return (first + last) // 2, between.max(axis=1) / np.maximum(variance, 1e-12)


def histogram(stack: Bytes) -> npt.NDArray[np.int64]:
    """Counts (n, 256) of the values of each image."""
    n = len(stack)
    # Four counters for each value, in turn: neighbours are often equal, and a processor waits for one
    # count to be written before it counts on.
    counter = np.arange(n)[:, None, None] * 4 + np.arange(stack.shape[2]) % 4  # (n, 1, side)
    counts = np.bincount((stack + counter * 256).ravel(), minlength=n * 4 * 256)
    return np.asarray(counts.reshape(n, 4, 256).sum(axis=1))


@cache
def rim() -> npt.NDArray[np.bool_]:
    """Mask (side, side) of the outermost pixels."""
    mask = np.ones((SIDE_PX, SIDE_PX), np.bool_)
    mask[1:-1, 1:-1] = False
    return mask


def _light_share(
    stretched: Bytes, counts: npt.NDArray[np.int64], threshold: npt.NDArray[np.intp]
) -> Floats:
    """Evidence for light paper, 0-1: how much of the frame and of its rim is light; shape (n,)."""
    of_rim = (stretched[:, rim()] > threshold[:, None]).mean(axis=1)
    of_all = np.where(np.arange(256) > threshold[:, None], counts, 0).sum(axis=1) / SIDE_PX**2
    share = np.asarray(0.35 * of_rim + 0.65 * of_all)
    unsure = np.flatnonzero(np.abs(share - 0.5) < UNSURE)
    # Where a thick digit fills half of the frame: ink hangs together, the paper around it does not.
    light = stretched[unsure] > threshold[unsure, None, None]
    more = np.sign(_count_parts(light) - _count_parts(~light))
    share[unsure] = np.where(more == 0, share[unsure], 0.5 + 0.01 * more)
    return share


def _count_parts(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Number of connected parts in each mask (n,), specks aside."""
    parts = connected_parts(masks)
    return np.bincount(parts.image[parts.area >= LEAST_PART_PX], minlength=len(masks))


def _flat_paper(
    counts: npt.NDArray[np.int64], threshold: npt.NDArray[np.intp], inverted: npt.NDArray[np.bool_]
) -> Bytes:
    """Shade (n,) of even paper, upright: the median of its class, from the histograms (n, 256)."""
    light = np.arange(256) > threshold[:, None]
    paper = np.where(light ^ inverted[:, None], counts, 0)
    paper[inverted] = paper[inverted, ::-1]
    below = np.cumsum(paper, axis=1)
    return np.asarray((below * 2 < below[:, -1:]).sum(axis=1), np.uint8)


def _below_flat_paper(stretched: Bytes, paper: Bytes, inverted: npt.NDArray[np.bool_]) -> Bytes:
    """How much darker than its paper's one shade each pixel is."""
    upright = stretched ^ np.where(inverted, np.uint8(255), np.uint8(0))[:, None, None]
    return np.asarray(paper[:, None, None] - np.minimum(upright, paper[:, None, None]))


def _below_uneven_paper(stretched: Bytes, light_share: float, separation: float) -> tuple[Floats, bool]:
    """Uneven paper: a quadratic surface that hugs its light side, and no lighter than a closing.

    Both polarities are tried. The paper is the one of which more is left flat; how far the share of
    light pixels is believed as well depends on how well the two classes separate.
    """
    sides = [stretched, 255 - stretched]
    blurred = [np.asarray(_blur(side, 1.2)) for side in sides]
    papers = [_paper_surface(side.astype(np.float64)) for side in blurred]
    rest = [_median(np.abs(p - b).ravel()) for p, b in zip(papers, blurred, strict=True)]
    trust = np.clip((separation - 0.5) / (CLEAR_SEPARATION - 0.5), 0, 1)
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
