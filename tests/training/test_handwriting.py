"""Invented handwriting: seeded, of every digit, dark on white."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from digitsort.recognition.gate import why_no_digit
from digitsort.recognition.ink import find_ink
from digitsort.training.handwriting.generate import write_digits


def test_a_seed_gives_the_same_digits() -> None:
    first, again, other = (list(write_digits(4, seed)) for seed in (1, 1, 2))
    assert [label for _, label in first] == [label for _, label in again]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for (a, _), (b, _) in zip(first, other, strict=True))


@pytest.mark.parametrize("count", [1, 7, 50])
def test_every_digit_is_written_so_often(count: int) -> None:
    labels = Counter(label for _, label in write_digits(count, 0))
    assert labels == dict.fromkeys("0123456789", count)


def test_each_is_one_digit_dark_on_white() -> None:
    images = [gray for gray, _ in write_digits(40, 5)]
    ink = find_ink(images)
    assert ink.light_on_dark.mean() <= 0.005
    assert Counter(why_no_digit(ink))[""] >= 0.995 * len(images)
    assert len({image.tobytes() for image in images}) == len(images)
