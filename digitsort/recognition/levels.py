"""Gray levels of a stack of images: stretch them, count them, part them in two."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVELS = 256

COUNTED = 32
"""Images counted at a time: what is made of their pixels, 8 bytes of each, stays in the cache."""

BIN = 4
"""Levels that Otsu's method takes for one."""

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
    """For each pixel of some images the counter of its value 0; shape (COUNTED, size).

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
