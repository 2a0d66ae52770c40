"""Paper is estimated, whatever its shade, and subtracted."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.recognition.background import subtract_background
from digitsort.recognition.canvas import to_canvases
from tests.drawing import Pixels, scans


def shaded(scan: Pixels, slope: float, invert: bool) -> Pixels:
    """Put a scan into a shadow that falls by `slope` gray levels across it."""
    y, x = np.indices(scan.shape) / max(scan.shape)
    shadow = 1 - slope / 255 * (0.7 * x + 0.5 * y)
    pixels = np.clip((60 + 0.75 * scan) * shadow, 0, 255).astype(np.uint8)
    return np.asarray(255 - pixels if invert else pixels)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("slope", [0, 60, 140])
def test_polarity_is_found_and_the_shadow_gone(slope: float, invert: bool) -> None:
    """The darkness under a shadow is that of the scan without one, nearly."""
    originals = scans(30)
    plain = subtract_background(to_canvases(originals)).darkness.astype(float)
    found = subtract_background(to_canvases([shaded(s, slope, invert) for s in originals]))
    assert found.light_on_dark.tolist() == [invert] * 30
    for a, b in zip(plain, found.darkness.astype(float), strict=True):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9


def test_a_thick_digit_that_fills_half_of_the_frame_is_ink() -> None:
    """Light on dark, touching the border all around: the paper is in pieces, the ink is not."""
    eight = np.full((16, 16), 255, np.uint8)
    eight[3:7, 5:11] = eight[9:13, 5:11] = 0
    eight[:2, :4] = eight[:2, 12:] = eight[14:, :4] = eight[14:, 12:] = eight[6:10, :2] = 0
    eight[6:10, 14:] = 0
    assert (eight > 0).mean() > 0.6
    assert subtract_background(to_canvases([eight])).light_on_dark.tolist() == [True]
