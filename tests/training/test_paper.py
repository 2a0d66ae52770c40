"""Simulated scans: seeded, of all sizes, and readable."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.nondigits import KINDS, side_by_side
from digitsort.classification.decide import decide
from digitsort.outcomes import Status
from digitsort.training.paper import draw_look, put_on_paper
from tests.drawing import digit_inks, enlarged

if TYPE_CHECKING:
    from digitsort.model.reading import Model


def simulated(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    inks = [enlarged(ink, 40) for ink in digit_inks()[0][:count]]
    return [np.asarray(put_on_paper(ink, draw_look(rng), rng).convert("L")) for ink in inks]


def test_a_seed_gives_the_same_scans() -> None:
    for a, b in zip(simulated(12, 3), simulated(12, 3), strict=True):
        assert np.array_equal(a, b)


def test_scans_come_in_all_sizes_and_shades() -> None:
    scans = simulated(150, 4)
    sides = [max(scan.shape) for scan in scans]
    assert min(sides) < 30
    assert max(sides) > 250
    means = [scan.mean() for scan in scans]
    assert min(means) < 90  # light on dark
    assert max(means) > 230  # white paper


def test_a_look_says_what_is_done() -> None:
    """Without any trouble, the digit lies on plain paper; inverted, it is the negative of that."""
    rng = np.random.default_rng(1)
    look = replace(
        draw_look(rng),
        digit_px=40.0,
        margins=(0.25, 0.25, 0.25, 0.25),
        rotation=0.0,
        contrast=1.0,
        shadow=0.0,
        texture=0.0,
        grain=0.0,
        pressure=0.0,
        line_spacing=0.0,
        foreign=False,
        blur_px=0.0,
        quality=0,
        inverted=False,
        paper=(255, 255, 255),
        ink=(0, 0, 0),
    )
    ink = np.zeros((30, 30), np.uint8)
    ink[5:25, 10:20] = 255
    plain = np.asarray(put_on_paper(ink, look, rng))
    assert plain.shape == (60, 40, 3)
    assert (plain[:9] == 255).all()
    assert (plain[15:45, 15:25] == 0).all()
    negative = np.asarray(put_on_paper(ink, replace(look, inverted=True), rng))
    assert (negative == 255 - plain).all()


@pytest.mark.parametrize("kind", ["blank", "texture", "noise", "lines", "solid"])
def test_what_is_no_digit_is_not_accepted(kind: str, model: Model) -> None:
    """None of 60 passes as ok (seen with the default model: 0 of 500, lines 2 of 500)."""
    rng = np.random.default_rng(2026)
    images = [KINDS[kind](rng) for _ in range(60)]
    assert Counter(verdict.status for verdict in decide(images, model))[Status.OK] <= 1


def test_two_digits_are_not_accepted(model: Model) -> None:
    rng = np.random.default_rng(2027)
    inks = [enlarged(ink, 40) for ink in digit_inks()[0]]
    images = [side_by_side([inks[i] for i in rng.integers(0, 1797, 2)], rng) for _ in range(100)]
    found = Counter(v.status for v in decide(images, model))
    assert found[Status.OK] <= 5
