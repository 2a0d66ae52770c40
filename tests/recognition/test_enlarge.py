"""Small images are enlarged as a bicubic filter does it, and to the last bit whatever their company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from digitsort.recognition.canvas import enlarge

SIDE = 32
SIDES = st.integers(1, SIDE)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise without contrasts from pixel to pixel, so that nothing overshoots 0 or 255."""
    noise = np.random.default_rng(seed).integers(60, 200, (height, width)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1)))


@given(SIDES, SIDES, st.integers(0, 9))
def test_it_is_what_pillow_makes_of_each(height: int, width: int, seed: int) -> None:
    """To within 3 levels: weights are rounded to 1/128, and Pillow rounds between its two passes."""
    image = smooth(height, width, seed)
    expected = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    assert np.abs(enlarge([image], SIDE)[0] - np.asarray(expected, int)).max() <= 3


@given(SIDES, SIDES, st.integers(0, 255))
def test_an_even_surface_stays_as_it_is(height: int, width: int, level: int) -> None:
    assert (enlarge([np.full((height, width), level, np.uint8)], SIDE) == level).all()


@pytest.mark.parametrize("count", [2, 7, 130])
def test_an_image_does_not_depend_on_its_company(count: int) -> None:
    images = list(np.random.default_rng(1).integers(0, 256, (count, 28, 20)).astype(np.uint8))
    alone = np.concatenate([enlarge([image], SIDE) for image in images])
    assert np.array_equal(enlarge(images, SIDE), alone)


def test_an_image_of_the_size_is_not_changed() -> None:
    image = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    assert np.array_equal(enlarge([image], SIDE)[0], image)
