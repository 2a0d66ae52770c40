"""What can't be a digit is told from its ink."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.recognition.gate import BLANK, LINES, NOISE, SEVERAL, SHAPE, SOLID, TEXTURE, why_no_digit
from digitsort.recognition.ink import find_ink
from tests.drawing import Pixels, digit_inks, enlarged, framed, scans

RNG = np.random.default_rng(5)


def grid(spacing: int) -> Pixels:
    """Squared paper with nothing on it."""
    paper = np.full((120, 120), 240, np.uint8)
    paper[spacing // 2 :: spacing] = 120
    paper[:, spacing // 3 :: spacing] = 120
    return paper


def rough() -> Pixels:
    """Blotchy paper."""
    blotches = np.kron(RNG.integers(205, 232, (9, 9)), np.ones((12, 12)))
    return enlarged(blotches.astype(np.uint8), 100)


def dash() -> Pixels:
    """One stroke, far wider than high."""
    paper = np.full((60, 200), 250, np.uint8)
    paper[28:34, 30:170] = 20
    return paper


def two_digits() -> Pixels:
    """A 0 and a 1 on one scan."""
    return np.concatenate([scans(1)[0], 255 - framed(enlarged(digit_inks()[0][1], 40), 8)], axis=1)


def framed_card() -> Pixels:
    """A dark card on a light table."""
    return framed(np.full((80, 60), 30, np.uint8), 4, 240)


def one_line() -> Pixels:
    """A printed line from the upper to the lower edge."""
    paper = np.full((120, 90), 240, np.uint8)
    paper[:, 40:44] = 90
    return paper


def crossings() -> Pixels:
    """The crossings of a faint grid: what a threshold may leave of it."""
    paper = np.full((128, 128), 240, np.uint8)
    for y in (30, 64, 98):
        for x in (40, 88):
            paper[y : y + 3, x : x + 3] = 120
    return paper


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((80, 60), 255, np.uint8), BLANK),
        (np.zeros((28, 28), np.uint8), BLANK),
        (RNG.integers(246, 250, (120, 90)).astype(np.uint8), BLANK),
        (np.tile(np.linspace(240, 246, 80), (60, 1)).astype(np.uint8), BLANK),
        (RNG.integers(0, 256, (90, 90)).astype(np.uint8), NOISE),
        (grid(40), LINES),
        (one_line(), LINES),
        (crossings(), NOISE),
        (rough(), TEXTURE),
        (dash(), SHAPE),
        (framed_card(), SOLID),
        (two_digits(), SEVERAL),
    ],
    ids="white black scan shadow noise grid line crossings texture dash card two".split(),
)
def test_no_digit(image: Pixels, reason: str) -> None:
    assert why_no_digit(find_ink([image])) == [reason]


@pytest.mark.parametrize(
    ("image", "reason"),
    [(dash(), ""), (two_digits(), ""), (grid(40), LINES)],
    ids="dash two grid".split(),
)
def test_what_a_model_knows_well_may_have_an_odd_shape(image: Pixels, reason: str) -> None:
    assert why_no_digit(find_ink([image]), np.ones(1, np.bool_)) == [reason]


def test_a_frame_full_of_ink_is_no_digit() -> None:
    """Almost everything on one side of two clear classes, and none of it paper: a solid patch."""
    ink = find_ink(scans(1))
    full = type(ink)(*(getattr(ink, name).copy() for name in ink.__slots__))
    full.share[:] = 0.9
    assert why_no_digit(full) == [SOLID]


def test_a_one_cut_to_its_height_passes() -> None:
    """Whoever cuts a 1 tight cuts its sides as well."""
    paper = np.full((60, 18), 240, np.uint8)
    paper[:, 6:12] = 40
    assert why_no_digit(find_ink([paper])) == [""]


def test_digits_pass() -> None:
    """Of 1,797 digits at most one is taken for something else (seen: a 0 broken into two arcs)."""
    inks, _ = digit_inks()
    assert sum(reason != "" for reason in why_no_digit(find_ink(list(inks)))) <= 1
