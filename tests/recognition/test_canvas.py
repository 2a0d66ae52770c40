"""Images of any size and depth come onto one canvas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from digitsort.recognition.canvas import SIDE_PX, check_gray, enlarge, to_canvases
from tests.drawing import scans


def test_every_size_becomes_the_canvas() -> None:
    grays = [np.full(shape, 90, np.uint8) for shape in ((1, 1), (3, 400), (28, 28), (900, 700))]
    canvases = to_canvases(grays)
    assert canvases.shape == (4, SIDE_PX, SIDE_PX)
    assert (canvases == 90).all()


def test_depth_does_not_matter() -> None:
    """uint16, float and bool images give the canvas of the same image in 8 bits."""
    eight = scans(1)[0]
    expected = to_canvases([eight])[0].astype(int)
    for same in (eight.astype(np.uint16) * 257, eight / 255.0, (eight / 255).astype(np.float32)):
        actual = to_canvases([same])[0].astype(int)
        assert np.abs(actual - expected).max() <= 1
    mask = eight > 127
    assert (to_canvases([mask]) == to_canvases([mask.astype(np.uint8) * 255])).all()


def test_a_box_is_cut_out() -> None:
    gray = np.zeros((40, 40), np.uint8)
    gray[:20, 20:] = 200
    inside = to_canvases([gray], [(20, 0, 40, 20)])[0, 8:-8, 8:-8]
    assert (inside == 200).all()  # the resampling filter sees a few pixels beyond the box


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.zeros(3), "2-D"),
        (np.zeros((0, 5)), "non-empty"),
        (np.full((2, 2), 16.0), "0-1"),
        (np.full((2, 2), np.nan), "0-1"),
        (np.zeros((2, 2), np.int64), "int64"),
    ],
)
def test_what_is_no_image_is_named(bad: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_gray(bad)


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
