"""Images of any size and depth come onto one canvas."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.recognition.canvas import SIDE_PX, check_gray, to_canvases
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
