"""Generate handwritten digits of many writers, so that a model learns hands that no data set has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from digitsort.training.handwriting import five_to_nine, zero_to_four
from digitsort.training.handwriting.hand import Floats, Hand, Style, write

STYLES: dict[str, tuple[tuple[Style, float], ...]] = {
    "0": zero_to_four.ZERO,
    "1": zero_to_four.ONE,
    "2": zero_to_four.TWO,
    "3": zero_to_four.THREE,
    "4": zero_to_four.FOUR,
    "5": five_to_nine.FIVE,
    "6": five_to_nine.SIX,
    "7": five_to_nine.SEVEN,
    "8": five_to_nine.EIGHT,
    "9": five_to_nine.NINE,
}


FINE = 3
"""The pen draws on a sheet so many times larger than the scan."""

SCAN_PX = (26, 44)
"""Longer side of the ink on the scan, from and up to."""

PEN = (0.055, 0.17)
"""Width of the pen as a share of the digit's longer side, thinnest and thickest."""

UNEVEN = 0.35
"""Largest variation of the pressure, as a share of the pen's width; half of the hands have none."""

MARGIN_PX = 3


def draw(hand: Hand, curves: Sequence[Floats]) -> Iterator[npt.NDArray[np.uint8]]:
    """Draw the digit of each writer, dark on white.

    Parameters
    ----------
    curves : sequence of ndarray of shape (n, m, 2)
        The strokes, in any unit.
    """
    side = hand.between(*SCAN_PX) * FINE
    pen = np.exp(hand.between(*np.log(PEN))) * side
    flow = hand.between(0.0, UNEVEN) * hand.some(0.5)
    phase = hand.between(0.0, 6.3)
    placed, sizes = _place(curves, side, pen)
    for i in range(hand.n):
        widths = [_pressure(stroke[i], pen[i], flow[i], phase[i]) for stroke in placed]
        yield _scan([stroke[i] for stroke in placed], widths, sizes[i])


def _place(
    curves: Sequence[Floats], side: Floats, pen: Floats
) -> tuple[list[Floats], npt.NDArray[np.intp]]:
    """Scale the strokes onto sheets; returned with their widths and heights (n, 2) in fine pixels."""
    every = np.concatenate(curves, axis=1)
    low, high = every.min(axis=1), every.max(axis=1)  # (n, 2)
    scale = side / np.maximum((high - low).max(axis=1), 1e-6)
    edge = pen / 2 + MARGIN_PX * FINE
    placed = [(c - low[:, None]) * scale[:, None, None] + edge[:, None, None] for c in curves]
    sheet = (high - low) * scale[:, None] + 2 * edge[:, None]
    return placed, np.ceil(sheet / FINE).astype(np.intp) * FINE


def _pressure(points: Floats, pen: float, flow: float, phase: float) -> npt.NDArray[np.intp]:
    """Width of the pen at each point, whole fine pixels."""
    if not flow:
        return np.array([round(pen)])
    swing = np.sin(np.arange(len(points)) * (5.0 / len(points)) + phase)
    widths: npt.NDArray[np.intp] = np.rint(np.maximum(pen * (1 + flow * swing), 2)).astype(np.intp)
    return widths


def _scan(
    strokes: Sequence[Floats], widths: Sequence[npt.NDArray[np.intp]], size: npt.NDArray[np.intp]
) -> npt.NDArray[np.uint8]:
    sheet = Image.new("L", (int(size[0]), int(size[1])), 255)
    pen = ImageDraw.Draw(sheet)
    for points, width in zip(strokes, widths, strict=True):
        _draw_stroke(pen, np.rint(points).astype(np.intp), width)
    return np.asarray(sheet.reduce(FINE))


def _draw_stroke(
    pen: ImageDraw.ImageDraw, points: npt.NDArray[np.intp], width: npt.NDArray[np.intp]
) -> None:
    """Draw the segments, and dots for their round joints and ends."""
    flat = points.ravel().tolist()
    if len(width) == 1:
        pen.line(flat, fill=0, width=int(width[0]))
        dots = range(0, len(points), 2)
    else:
        for k in range(len(points) - 1):
            pen.line(flat[2 * k : 2 * k + 4], fill=0, width=int(width[k]))
        dots = range(len(points))
    for k in dots:
        r = width[k % len(width)] / 2
        x, y = flat[2 * k], flat[2 * k + 1]
        pen.ellipse((x - r, y - r, x + r, y + r), fill=0)


def write_digits(count_per_digit: int, seed: int) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
    """Write each digit `count_per_digit` times, dark on white, every time a little different.

    Parameters
    ----------
    seed : int
        The same seed gives the same images on every machine.

    Yields
    ------
    gray : ndarray of shape (height, width), uint8
        About 30-60 px a side.
    label : str
        "0" to "9", ascending; within a digit, style by style.

    Examples
    --------
    >>> [(image.dtype.name, label) for image, label in write_digits(1, seed=0)][:2]
    [('uint8', '0'), ('uint8', '1')]
    """
    for label, styles in STYLES.items():
        rng = np.random.default_rng([seed, int(label)])
        for (style, _), count in zip(styles, _shares(styles, count_per_digit), strict=True):
            if count:
                hand = Hand(rng, count)
                for gray in draw(hand, write(hand, style(hand))):
                    yield gray, label


def _shares(styles: Sequence[tuple[Style, float]], total: int) -> list[int]:
    """Share `total` images out among the styles by their weights."""
    ends = np.cumsum([weight for _, weight in styles])
    return [int(n) for n in np.diff(np.rint(ends / ends[-1] * total), prepend=0)]
