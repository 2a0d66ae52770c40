"""Digits on paper, for tests: small, seeded, of our own making."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


@cache
def digit_inks() -> tuple[tuple[Pixels, ...], tuple[str, ...]]:
    """load_digits as (8, 8) uint8 ink, light on dark, and the labels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    inks = tuple(np.rint(image * (255 / 16)).astype(np.uint8) for image in digits.images)
    return inks, tuple(str(label) for label in digits.target)


def enlarged(pixels: Pixels, side: int) -> Pixels:
    """Enlarge to a square of `side` pixels."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))


def framed(pixels: Pixels, margin: int, value: int = 0) -> Pixels:
    """Add a margin of `value` around."""
    return np.pad(pixels, margin, constant_values=value)


def scans(count: int, side: int = 40, margin: int = 8) -> list[Pixels]:
    """Digits, dark on white with a margin; every 17th of load_digits."""
    inks, _ = digit_inks()
    return [255 - framed(enlarged(ink, side), margin) for ink in inks[: 17 * count : 17]]


def scan_labels(count: int) -> list[str]:
    """The labels of `scans`."""
    return list(digit_inks()[1][: 17 * count : 17])
