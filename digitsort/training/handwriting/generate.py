"""Write digits as many people would, so that a model can learn hands that no data set shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from digitsort.training.handwriting.hand import Hand, Style
from digitsort.training.handwriting.pen import draw
from digitsort.training.handwriting.strokes import write
from digitsort.training.handwriting.styles import STYLES


def write_digits(count_per_digit: int, seed: int) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
    """Write each digit `count_per_digit` times, dark on white, every time a little different.

    Parameters
    ----------
    count_per_digit : int
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
