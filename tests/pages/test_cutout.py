"""`digitsort.pages.cutout`: pictures of cells."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.pages.cutout import PagePixels

PAGE = PagePixels(np.full((300, 400), 200, np.uint8))


@pytest.mark.parametrize("side", [0.0, 1e3, 9e5])
def test_a_cell_is_never_larger_than_its_page(side: float) -> None:
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]])
    assert max(PAGE.as_it_is(corners).shape) <= 500


def test_a_cell_on_the_page_has_its_own_size() -> None:
    corners = np.array([[0, 0], [400, 300], [396, 306], [-4, 6]], np.float64)
    assert PAGE.as_it_is(corners).shape == (8, 460)
