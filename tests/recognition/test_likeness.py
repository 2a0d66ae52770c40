"""A small network tells digits from other ink, in whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.recognition.likeness import LARGEST_WEIGHT, Layers, Likeness, to_whole_numbers
from digitsort.recognition.project import LONGEST_COLUMN


@pytest.fixture(scope="module")
def real() -> tuple[Layers, Layers]:
    """Weights and biases of a network of real numbers."""
    rng = np.random.default_rng(0)
    first, second, third = (rng.normal(0, 0.3, s) for s in ((20, 12), (12, 5), (5, 1)))
    return (first * 1e-3, second, third), (
        rng.normal(0, 0.3, 12),
        rng.normal(0, 0.3, 5),
        np.full(1, -0.25),
    )


@pytest.fixture(scope="module")
def whole(real: tuple[Layers, Layers]) -> Likeness:
    return to_whole_numbers(*real)


def components(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rng = np.random.default_rng(1)
    return np.rint(rng.normal(0, 800, (count, 20))).astype(np.float32)


def test_whole_numbers_decide_as_the_real_ones_do(real: tuple[Layers, Layers], whole: Likeness) -> None:
    hidden = components(2000).astype(np.float64)
    for layer, bias in zip(real[0][:2], real[1][:2], strict=True):
        hidden = np.maximum(hidden @ layer + bias, 0)
    output = (hidden @ real[0][2] + real[1][2])[:, 0]
    clear = np.abs(output) > 0.01 * np.abs(output).mean()
    assert clear.mean() > 0.9
    assert 0.1 < (output[clear] >= 0).mean() < 0.9
    assert (whole.are_digits(components(2000)) == (output >= 0))[clear].all()


def test_they_are_as_a_model_file_wants_them(whole: Likeness) -> None:
    for array in (*whole.weights, *whole.biases):
        assert (array == np.rint(array)).all()
    assert np.linalg.norm(whole.weights[0].astype(np.float64), axis=0).max() <= LONGEST_COLUMN
    assert max(np.abs(layer).max() for layer in whole.weights[1:]) <= LARGEST_WEIGHT


def test_a_picture_does_not_depend_on_the_others(whole: Likeness) -> None:
    some = components(64)
    alone = [bool(whole.are_digits(some[i : i + 1])[0]) for i in range(64)]
    assert alone == whole.are_digits(some).tolist()
