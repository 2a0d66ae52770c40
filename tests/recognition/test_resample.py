"""Images are sampled where the grid says, bilinearly, and to the last bit whatever their company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.recognition.normalize import Bytes, Floats, resample

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
