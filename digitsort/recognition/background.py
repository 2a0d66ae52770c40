"""Find out which side of a gray image is paper, and how dark each pixel is against it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import SIDE_PX
from digitsort.recognition.lines import LEAST_LINE, dark_at_both_ends, take_out_lines
from digitsort.recognition.parts import connected_parts
from digitsort.recognition.uneven import SURE_SEPARATION, below_uneven_paper

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVELS = 256

COUNTED = 32
"""Images counted at a time, so that the indices of their pixels (8 bytes each) stay in the CPU
cache."""

BIN = 4
"""Gray levels per bin in Otsu's method."""

_FULL = 255 * 2**8


def stretch(stack: Bytes) -> tuple[Bytes, Bytes]:
    """Stretch each image from its lowest level to its highest onto 0-255.

    Returns
    -------
    stretched : ndarray of shape (n, side, side), uint8
    span : ndarray of shape (n,), uint8
        Highest level minus lowest.
    """
    low, high = stack.min(axis=(1, 2)), stack.max(axis=(1, 2))
    span = high - low
    if (span == LEVELS - 1).all():
        return stack, span
    return onto_255(stack - low[:, None, None], span), span


def onto_255(values: Bytes, top: Bytes) -> Bytes:
    """Bring values (n, …) from 0-`top` (n,), which none of an image exceeds, to 0-255.

    In whole numbers of 16 bits, of which a processor takes 16 or 32 at once: `top` times the rounded
    factor and one half more are just below 2**16.
    """
    nonzero = np.maximum(top, 1).astype(np.uint16)
    factor = (_FULL + nonzero // 2) // nonzero
    factor[top == 0] = 0
    product = values.astype(np.uint16)
    product *= factor.reshape(-1, *[1] * (values.ndim - 1))
    product += 2**7
    product >>= 8
    return product.astype(np.uint8)


def histogram(stack: Bytes) -> Counts:
    """Counts (n, 256) of the values of each image."""
    n, height, width = stack.shape
    pixels = stack.reshape(n, height * width)
    counts = np.empty((n, LEVELS), np.int64)
    for start in range(0, n, COUNTED):
        some = pixels[start : start + COUNTED]
        counter = _counters(height * width)[: len(some)] + some
        both = np.bincount(counter.ravel(), minlength=len(some) * 2 * LEVELS).reshape(-1, 2, LEVELS)
        np.add(both[:, 0], both[:, 1], out=counts[start : start + COUNTED])
    return counts


@lru_cache(maxsize=2)
def _counters(size: int) -> Counts:
    """Return for each pixel of some images the index of its counter for level 0; (COUNTED, size).

    There are two counters for each value of an image, in turn: neighbours are often equal, and a
    processor waits for one count to be written before it counts on.
    """
    counters: Counts = (2 * np.arange(COUNTED)[:, None] + np.arange(size) % 2) * LEVELS
    return counters


def counts_after(counts: Counts, tables: Bytes) -> Counts:
    """Histograms (n, 256) of images whose levels were replaced as `tables` (n, 256) say."""
    n = len(counts)
    places = tables + LEVELS * np.arange(n)[:, None]
    # sums of whole numbers, exact in float64
    moved = np.bincount(places.ravel(), counts.ravel(), n * LEVELS)
    return moved.reshape(n, LEVELS).astype(np.int64)


def otsu(up_to: Counts) -> tuple[Bytes, Floats]:
    """Otsu's threshold (1979) of each image, in steps of four levels.

    Parameters
    ----------
    up_to : ndarray of shape (n, 256), int64
        Cumulative histograms: how many pixels lie at each level or below.

    Returns
    -------
    threshold : ndarray of shape (n,), uint8
        Levels up to it belong to the dark class.
    separation : ndarray of shape (n,), float64
        Between-class variance as a share of the total variance, 0-1; 0 for a constant image.
    """
    n_bins = LEVELS // BIN
    # Whole numbers below 2**53: exact in float64.
    below = up_to[:, BIN - 1 :: BIN].astype(np.float64)
    total = below[:, -1:]
    above = total - below
    places = np.arange(n_bins, dtype=np.float64)
    moments = np.diff(below, axis=1, prepend=0) * places
    sum_below = np.cumsum(moments, axis=1)
    total_sum = sum_below[:, -1:]
    # Between-class variance times total²: (μ·w0 - s0)² / (w0·w1).
    between = (total_sum * below - total * sum_below) ** 2
    between /= np.maximum(below * above, 1)
    highest = between.max(axis=1, keepdims=True)
    # The middle of the best plateau: between two far classes every threshold is equally good.
    best = between >= highest * (1 - 1e-12)
    best &= above > 0
    first, last = best.argmax(axis=1), n_bins - 1 - best[:, ::-1].argmax(axis=1)
    squares = moments @ places  # whole numbers: exact in any order
    variance = squares / total[:, 0] - (total_sum / total)[:, 0] ** 2
    separation = (highest / total**2)[:, 0] / np.maximum(variance, 1e-12)
    return ((first + last) // 2 * BIN + BIN - 1).astype(np.uint8), separation


Mask = npt.NDArray[np.bool_]

UNSURE = 0.15
"""Distance of the share of light from one half up to which the number of parts decides."""

LEAST_PART_PX = 4
"""Smallest area of a part in canvas pixels; smaller ones are specks."""


@dataclass(frozen=True, slots=True)
class Background:
    """The paper of a stack of images, and what is darker than it.

    Attributes
    ----------
    darkness : ndarray of shape (n, side, side), uint8
        Difference between paper and pixel, stretched so that each image's largest is 255.
    counts : ndarray of shape (n, 256), int64
        Histograms of `darkness`.
    light_on_dark : ndarray of shape (n,), bool
        The ink is lighter than the paper (and was inverted).
    contrast : ndarray of shape (n,), float64
        Largest difference between paper and pixel, in gray levels of 0-255.
    separation : ndarray of shape (n,), float64
        Otsu's criterion of the gray values, 0-1.
    lined : ndarray of shape (n,), bool
        Printed lines were taken out.
    """

    darkness: Bytes
    counts: Counts
    light_on_dark: Mask
    contrast: Floats
    separation: Floats
    lined: Mask


def subtract_background(canvases: Bytes) -> Background:
    """Estimate the paper of each canvas (n, side, side) and subtract it.

    Where paper and ink are two clear populations (Otsu's criterion) the paper has one shade, elsewhere
    it is modelled as a surface.
    """
    stretched, gray_range = stretch(canvases)
    counts = histogram(stretched)
    up_to = np.cumsum(counts, axis=1)
    threshold, separation = otsu(up_to)
    light_share = _light_share(stretched, up_to, threshold)
    inverted = light_share < 0.5
    upright = stretched ^ np.where(inverted, np.uint8(255), np.uint8(0))[:, None, None]
    paper = _flat_paper(up_to, threshold, inverted)
    clear = separation >= SURE_SEPARATION
    ruled = np.flatnonzero(clear & _may_have_lines(upright, paper))
    uneven = np.flatnonzero(~clear)

    flat = _below(upright, paper)
    darkness, deepest = onto_255(flat, paper), paper.astype(np.float64)
    counts = counts_after(*_upright_tables(counts, paper, inverted))
    lined = np.zeros(len(canvases), np.bool_)
    if len(ruled) + len(uneven):
        others = np.concatenate([ruled, uneven])
        surface, inverted[uneven] = below_uneven_paper(
            stretched[uneven], light_share[uneven], separation[uneven]
        )
        difference = np.concatenate([flat[ruled], surface]).astype(np.float32)
        lined[others] = take_out_lines(difference)
        deepest[others] = difference.max(axis=(1, 2))
        darkness[others] = _stretched(difference, deepest[others])
        counts[others] = histogram(darkness[others])
    return Background(darkness, counts, inverted, deepest * gray_range / 255, separation, lined)


def _below(upright: Bytes, paper: Bytes) -> Bytes:
    """Return how much darker than its uniform paper each pixel of `upright` (n, …) is."""
    shade = paper.reshape(-1, *[1] * (upright.ndim - 1))
    return np.asarray(shade - np.minimum(upright, shade))


def _stretched(difference: npt.NDArray[np.float32], deepest: Floats) -> Bytes:
    """Bring differences from 0-`deepest` to 0-255."""
    factor = (255 / np.maximum(deepest, 1e-6)).astype(np.float32)
    stretched: Bytes = np.rint(difference * factor[:, None, None]).astype(np.uint8)
    return stretched


def _upright_tables(counts: Counts, paper: Bytes, inverted: Mask) -> tuple[Counts, Bytes]:
    """Histograms of the upright images, and the darkness of each of their levels; both (n, 256)."""
    levels = np.broadcast_to(np.arange(LEVELS, dtype=np.uint8), counts.shape)
    upright = np.where(inverted[:, None], counts[:, ::-1], counts)
    return upright, onto_255(_below(levels, paper), paper)


def _may_have_lines(upright: Bytes, paper: Bytes) -> Mask:
    """Tell images (n,) of even paper in which `take_out_lines` might find something."""
    limit = np.ceil(paper * (1 - LEAST_LINE)).astype(np.uint8)  # levels below it are dark
    return dark_at_both_ends(upright < limit[:, None, None])


def _light_share(stretched: Bytes, up_to: Counts, threshold: Bytes) -> Floats:
    """Return evidence for light paper, 0-1: how much of the frame and its rim is light; shape (n,).

    `up_to` (n, 256) is the cumulative histogram.
    """
    light = stretched > threshold[:, None, None]
    edges = light[:, 0], light[:, -1], light[:, 1:-1, 0], light[:, 1:-1, -1]
    of_rim = np.concatenate(edges, axis=1).mean(axis=1)
    of_all = 1 - up_to[np.arange(len(up_to)), threshold] / SIDE_PX**2
    share = np.asarray(0.35 * of_rim + 0.65 * of_all)
    unsure = np.flatnonzero(np.abs(share - 0.5) < UNSURE)
    if len(unsure):
        # A thick digit may fill half of the frame. Its ink is connected, the paper around it is not.
        more = np.sign(_count_parts(light[unsure]) - _count_parts(~light[unsure]))
        share[unsure] = np.where(more == 0, share[unsure], 0.5 + 0.01 * more)
    return share


def _count_parts(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Number of connected parts in each mask (n,), specks aside."""
    parts = connected_parts(masks)
    return np.bincount(parts.image[parts.area >= LEAST_PART_PX], minlength=len(masks))


def _flat_paper(up_to: Counts, threshold: Bytes, inverted: Mask) -> Bytes:
    """Shade (n,) of even paper, upright: the median of its class, from cumulative histograms."""
    dark = up_to[np.arange(len(up_to)), threshold]
    # Twice the pixels up to the median: half of the class, and all that lies below it.
    twice = 2 * up_to
    light_paper = (twice >= (dark + up_to[:, -1])[:, None]).argmax(axis=1)  # the first
    dark_paper = np.minimum((twice > dark[:, None]).argmax(axis=1), threshold)
    return np.asarray(np.where(inverted, 255 - dark_paper, light_paper), np.uint8)
