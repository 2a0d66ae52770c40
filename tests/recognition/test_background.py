"""Paper is estimated, whatever its shade, and subtracted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.recognition.background import (
    BIN,
    Bytes,
    Counts,
    Floats,
    counts_after,
    histogram,
    onto_255,
    otsu,
    stretch,
    subtract_background,
)
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


STACKS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (3, 8, 8)).astype(np.uint8)
)


def parted(stack: Bytes) -> tuple[Bytes, Floats]:
    return otsu(np.cumsum(histogram(stack), axis=1))


def test_otsu_maximizes_the_variance_between_the_classes() -> None:
    """Compared with the definition, threshold by threshold, of values in steps of four levels."""
    rng = np.random.default_rng(1)
    image = np.concatenate([rng.normal(60, 15, 3000), rng.normal(190, 20, 1096)])
    stack = np.clip(image, 0, 255).astype(np.uint8).reshape(1, 64, 64) // BIN * BIN
    values = stack.ravel().astype(float)

    def between(threshold: int) -> float:
        dark, light = values[values <= threshold], values[values > threshold]
        return float(len(dark) * len(light) * (dark.mean() - light.mean()) ** 2 / len(values) ** 2)

    threshold, separation = parted(stack)
    best = max(between(t) for t in range(20, 240))
    assert between(int(threshold[0])) == pytest.approx(best)
    assert separation[0] == pytest.approx(best / values.var())


def test_two_levels_are_parted_in_the_middle_between_them() -> None:
    threshold, separation = parted(np.array([[[10, 10], [10, 210]]], np.uint8))
    assert threshold[0] == pytest.approx((10 + 210) / 2, abs=BIN)
    assert separation[0] == pytest.approx(1)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_image_has_no_classes(level: int) -> None:
    assert parted(np.full((1, 64, 64), level, np.uint8))[1][0] == 0


def test_stretch_spans_all_gray_levels() -> None:
    stretched, span = stretch(np.array([[[10, 20], [15, 10]]], np.uint8))
    assert stretched.tolist() == [[[0, 255], [128, 0]]]
    assert span.tolist() == [10]


@pytest.mark.parametrize("top", range(256))
def test_stretching_is_rounding_to_within_one_level(top: int) -> None:
    """Zero stays, the top becomes 255, and what is between is at most one off the real proportion."""
    values = np.arange(top + 1, dtype=np.uint8)[None]
    found = onto_255(values, np.array([top], np.uint8))[0]
    assert found[0] == 0
    assert found[-1] == (255 if top else 0)
    assert np.abs(found - values[0] * (255.0 / max(top, 1))).max() <= 1


@given(STACKS, STACKS)
def test_counts_follow_the_levels(stack: Bytes, other: Bytes) -> None:
    tables = np.resize(other, (3, 256))
    replaced = np.stack([table[image] for table, image in zip(tables, stack, strict=True)])
    moved: Counts = counts_after(histogram(stack), tables)
    assert np.array_equal(moved, histogram(replaced))


@given(STACKS)
def test_a_histogram_counts_every_level(stack: Bytes) -> None:
    expected = [np.bincount(image.ravel(), minlength=256).tolist() for image in stack]
    assert histogram(stack).tolist() == expected


def test_no_images_are_no_images() -> None:
    none = np.empty((0, 8, 8), np.uint8)
    assert histogram(none).shape == (0, 256)
    assert stretch(none)[0].shape == (0, 8, 8)
