"""Size, place and slant are taken out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.recognition.ink import find_ink
from digitsort.recognition.normalize import Bytes, Floats, measure, normalize, resample
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


COEFFICIENTS = st.tuples(
    st.floats(0.05, 3), st.floats(-2, 2), st.floats(-40, 40), st.floats(0.05, 3), st.floats(-40, 40)
)


def noise(n: int, height: int = 9, width: int = 7) -> Bytes:
    return np.random.default_rng(3).integers(0, 256, (n, height, width)).astype(np.uint8)


def by_definition(image: Bytes, grid: tuple[float, ...], side: int) -> Floats:
    """Bilinear samples in floating point, one by one."""
    a, b, c, e, f = grid
    height, width = image.shape

    def pixel(x: int, y: int) -> float:
        return float(image[y, x]) if 0 <= x < width and 0 <= y < height else 0.0

    samples = np.empty((side, side))
    for row in range(side):
        for column in range(side):
            x, y = a * (column + 0.5) + b * (row + 0.5) + c - 0.5, e * (row + 0.5) + f - 0.5
            x0, y0 = int(np.floor(x)), int(np.floor(y))
            right, down = x - x0, y - y0
            upper = (1 - right) * pixel(x0, y0) + right * pixel(x0 + 1, y0)
            lower = (1 - right) * pixel(x0, y0 + 1) + right * pixel(x0 + 1, y0 + 1)
            samples[row, column] = (1 - down) * upper + down * lower
    return samples


@given(COEFFICIENTS)
def test_samples_are_bilinear(grid: tuple[float, ...]) -> None:
    """Positions are rounded to 1/256 of a pixel: with levels up to 255 that is 1 a direction."""
    image = noise(1)
    found = resample(image, np.array([grid]), 6)[0]
    assert np.abs(found - by_definition(image[0], grid, 6)).max() <= 3


@pytest.mark.parametrize("side", [7, 12])
def test_the_grid_of_its_pixels_gives_the_image_itself(side: int) -> None:
    """And nothing beyond its edge."""
    image = noise(1, 7, 7)
    expected = np.zeros((side, side), np.uint8)
    expected[:7, :7] = image[0]
    assert np.array_equal(resample(image, np.array([[1.0, 0, 0, 1, 0]]), side)[0], expected)


@given(st.lists(COEFFICIENTS, min_size=2, max_size=5))
def test_a_sample_does_not_depend_on_the_company(grids: list[tuple[float, ...]]) -> None:
    images, coefficients = noise(len(grids)), np.array(grids)
    together = resample(images, coefficients, 8)
    alone = [resample(images[i : i + 1], coefficients[i : i + 1], 8) for i in range(len(grids))]
    assert np.array_equal(together, np.concatenate(alone))


def test_no_images_are_no_samples() -> None:
    assert resample(noise(0), np.empty((0, 5)), 4).shape == (0, 4, 4)
