"""Gray levels of a stack of images: stretch them, count them, look them up, part them in two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVELS = 256


def stretch(stack: Bytes) -> tuple[Bytes, Floats]:
    """Stretch each image from its lowest level to its highest onto 0-255.

    Returns
    -------
    stretched : ndarray of shape (n, side, side), uint8
    span : ndarray of shape (n,), float64
        Highest level minus lowest.
    """
    low, high = stack.min(axis=(1, 2)), stack.max(axis=(1, 2))
    span = high - low
    if (span == LEVELS - 1).all():
        return stack, span.astype(np.float64)
    return look_up(stack, onto_255(every_level() - low[:, None], span)), span.astype(np.float64)


def onto_255(values: npt.NDArray[np.float32], span: npt.NDArray[np.generic]) -> Bytes:
    """Bring values (n, …) from 0-`span` (n,) to 0-255; what lies outside is cut off."""
    factor = np.float32(255) / np.maximum(span.astype(np.float32), np.float32(1e-6))
    scaled = values * factor.reshape(-1, *[1] * (values.ndim - 1))
    np.clip(scaled, 0, 255, out=scaled)
    return np.rint(scaled, out=scaled).astype(np.uint8)


def every_level() -> npt.NDArray[np.float32]:
    """0 to 255, as a row (1, 256)."""
    return np.arange(LEVELS, dtype=np.float32)[None]


def look_up(stack: Bytes, tables: Bytes) -> Bytes:
    """Replace the levels of each image (n, side, side) by what its row of `tables` (n, 256) says.

    A dozen passes over 256 levels instead of over all pixels; `bytes.translate` is twice as fast as
    `numpy.take`.
    """
    if not len(stack):
        return stack
    size = stack[0].size
    data = stack.tobytes()
    rows = [data[i * size : (i + 1) * size].translate(t.tobytes()) for i, t in enumerate(tables)]
    return np.frombuffer(bytearray().join(rows), np.uint8).reshape(stack.shape)


def counts_after(counts: Counts, tables: Bytes) -> Counts:
    """Histograms (n, 256) of images after `look_up`, from those before."""
    n = len(counts)
    places = tables + LEVELS * np.arange(n)[:, None]
    # sums of whole numbers, exact in float64
    moved = np.bincount(places.ravel(), counts.ravel(), n * LEVELS)
    return moved.reshape(n, LEVELS).astype(np.int64)


def otsu(counts: Counts) -> tuple[npt.NDArray[np.intp], Floats]:
    """Otsu's threshold (1979) of each image.

    Parameters
    ----------
    counts : ndarray of shape (n, 256), int64
        Histograms of the images.

    Returns
    -------
    threshold : ndarray of shape (n,), intp
        Levels up to it belong to the dark class.
    separation : ndarray of shape (n,), float64
        Between-class variance as a share of the total variance, 0-1; 0 for a constant image.
    """
    levels = np.arange(LEVELS, dtype=np.float64)
    # Whole numbers below 2**53 are exact in float64, and multiplied faster.
    below = np.cumsum(counts, axis=1).astype(np.float64)
    sum_below = np.cumsum(counts * np.arange(LEVELS), axis=1).astype(np.float64)
    total, total_sum = below[:, -1:], sum_below[:, -1:]
    above = total - below
    # Between-class variance times total²: (μ·w0 - s0)² / (w0·w1).
    between = (total_sum * below - total * sum_below) ** 2
    between /= np.maximum(below * above, 1)
    between[above == 0] = 0
    highest = between.max(axis=1, keepdims=True)
    # The middle of the best plateau: between two far classes every threshold is equally good.
    best = between >= highest * (1 - 1e-12)
    first, last = best.argmax(axis=1), LEVELS - 1 - best[:, ::-1].argmax(axis=1)
    mean = total_sum / total
    variance = (counts * (levels - mean) ** 2).sum(axis=1) / total[:, 0]
    separation = (highest / total**2)[:, 0] / np.maximum(variance, 1e-12)
    return (first + last) // 2, separation


def histogram(stack: Bytes) -> Counts:
    """Counts (n, 256) of the values of each image."""
    n = len(stack)
    # Four counters for each value, in turn: neighbours are often equal, and a processor waits for one
    # count to be written before it counts on.
    counter = np.arange(n)[:, None, None] * 4 + np.arange(stack.shape[2]) % 4  # (n, 1, side)
    counts = np.bincount((stack + counter * 256).ravel(), minlength=n * 4 * 256)
    return np.asarray(counts.reshape(n, 4, 256).sum(axis=1))
