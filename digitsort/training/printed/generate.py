"""Draw printed digits in many ways, so that a model learns shapes that nobody writes by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from digitsort.training.printed.counter import on_a_wheel
from digitsort.training.printed.dots import draw_dots
from digitsort.training.printed.fonts import DIGITS, Face, draw_font
from digitsort.training.printed.segments import draw_segments
from digitsort.training.printed.wear import Finish, on_paper, on_screen, plain, thresholded

Gray = npt.NDArray[np.uint8]
Rng = np.random.Generator

KINDS = ("font", "segments", "dots", "wheel")
SHARES = (0.58, 0.22, 0.12, 0.08)
"""Share of each kind of printed digit, in the order of `KINDS`."""

FINISHES: dict[str, tuple[Finish, ...]] = {
    "font": (plain, on_paper, on_paper, on_screen, thresholded),
    "segments": (plain, on_screen, on_screen, thresholded, on_paper),
    "dots": (plain, on_screen, thresholded, on_paper),
    "wheel": (on_screen, on_screen, plain),
}


def print_digits(count_per_digit: int, seed: int, faces: Sequence[Face]) -> Iterator[tuple[Gray, str]]:
    """Print each digit `count_per_digit` times, each time in a different way.

    Parameters
    ----------
    count_per_digit : int
    seed : int
        The same seed and the same fonts give the same images.
    faces : sequence of Face
        See `find_faces`.

    Yields
    ------
    gray : ndarray of shape (height, width), uint8
        8-700 px per side.
    label : str
        "0" to "9", ascending.
    """
    for label in DIGITS:
        rng = np.random.default_rng([seed, int(label)])
        for _ in range(count_per_digit):
            yield print_digit(label, faces, rng), label


def print_digit(label: str, faces: Sequence[Face], rng: Rng) -> Gray:
    """Print one digit."""
    kind = str(rng.choice(KINDS, p=SHARES))
    ink = _draw(kind, label, faces, rng)
    finishes = FINISHES[kind]
    return finishes[rng.integers(len(finishes))](ink, rng)


def _draw(kind: str, label: str, faces: Sequence[Face], rng: Rng) -> Gray:
    if kind == "segments":
        return draw_segments(label, rng)
    if kind == "dots":
        return draw_dots(label, rng)
    ink = draw_font(label, faces, rng)
    return on_a_wheel(ink, rng) if kind == "wheel" else ink
