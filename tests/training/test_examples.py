"""Distortion moves a digit's ink a little, and always in the same way."""

from __future__ import annotations

import numpy as np

from digitsort.recognition.vectorize import vectorize
from digitsort.training.examples import CORNER_PX, FEW, GENTLE_CORNER_PX, distort
from tests.drawing import scans


def normals(count: int = 100) -> np.ndarray:
    return vectorize(scans(count)).normal


def mean_shift(before: np.ndarray, after: np.ndarray) -> float:
    """Mean change of a pixel, 0-255."""
    return float(np.abs(before.astype(float) - after).mean())


def test_it_changes_every_digit_a_little() -> None:
    """No digit stays as it is, none loses its place: less changes than between two digits."""
    before = normals()
    after = distort(before, seed=0)
    changes = np.abs(before.astype(float) - after).mean(axis=(1, 2))
    assert changes.min() > 0
    assert mean_shift(before, after) < 0.6 * mean_shift(before, before[::-1])


def test_it_is_the_same_every_time_and_another_for_another_seed() -> None:
    before = normals(10)
    assert (distort(before, seed=3) == distort(before, seed=3)).all()
    assert (distort(before, seed=3) != distort(before, seed=4)).any()


def test_few_images_are_distorted_gently() -> None:
    """As many as it takes, all the same digit, move further than few of them."""
    assert GENTLE_CORNER_PX < CORNER_PX
    one = normals(1)
    few, many = (np.repeat(one, count, axis=0) for count in (FEW - 1, FEW))
    assert mean_shift(few, distort(few, 0)) < 0.9 * mean_shift(many, distort(many, 0))
