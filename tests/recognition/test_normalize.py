"""Size, place and slant are taken out."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.recognition.ink import find_ink
from digitsort.recognition.normalize import measure, normalize
from tests.drawing import Pixels


def test_moments_of_a_rectangle() -> None:
    """Of a w x h block: centroid in the middle, 4√μ = 4√((n² - 1) / 12) a side, no slant."""
    pixels = np.zeros((1, 32, 32), np.uint8)
    pixels[0, 5:25, 20:30] = 255
    moments = measure(pixels, np.array([[1.0, 1.0]]))
    assert (moments.x[0], moments.y[0], moments.slant[0]) == (24.5, 14.5, 0)
    assert moments.width[0] == pytest.approx(4 * np.sqrt((10**2 - 1) / 12))
    assert moments.height[0] == pytest.approx(4 * np.sqrt((20**2 - 1) / 12))


def test_moments_are_in_source_pixels() -> None:
    """A canvas pixel of 2 x 3 source pixels makes the extents twice and three times as large."""
    pixels = np.zeros((1, 32, 32), np.uint8)
    pixels[0, 5:25, 20:30] = 255
    one, scaled = (measure(pixels, np.array([s])) for s in ([1.0, 1.0], [2.0, 3.0]))
    assert scaled.width[0] == pytest.approx(2 * one.width[0])
    assert scaled.height[0] == pytest.approx(3 * one.height[0])


def slanted(slope: float) -> Pixels:
    """A slanted bar on white paper."""
    y, x = np.indices((80, 80))
    inside = (np.abs(x - 40 - slope * (40 - y)) < 4) & (np.abs(y - 40) < 25)
    return np.where(inside, 20, 240).astype(np.uint8)


@pytest.mark.parametrize("slope", [-0.6, -0.3, 0.3, 0.6])
def test_slant_is_taken_out(slope: float) -> None:
    upright, leaning = normalize(find_ink([slanted(0), slanted(slope)])).astype(float)
    assert np.corrcoef(upright.ravel(), leaning.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("shift", [-14, 9])
def test_place_is_taken_out(shift: int) -> None:
    moved = np.roll(slanted(0.2), shift, axis=(0, 1))
    a, b = normalize(find_ink([slanted(0.2), moved])).astype(float)
    # not 1: a shift by 14 pixels is one by 5.6 of the canvas
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.95


def test_the_centroid_comes_to_the_centre() -> None:
    normal = normalize(find_ink([slanted(0.4)]))[0].astype(float)
    y, x = np.indices(normal.shape)
    assert (normal * x).sum() / normal.sum() == pytest.approx(15.5, abs=0.3)
    assert (normal * y).sum() / normal.sum() == pytest.approx(15.5, abs=0.3)


def test_no_ink_gives_an_empty_image() -> None:
    assert not normalize(find_ink([np.full((30, 30), 255, np.uint8)])).any()
