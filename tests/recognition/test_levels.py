"""Gray levels are counted, stretched and parted as their definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.recognition.levels import (
    Bytes,
    counts_after,
    histogram,
    look_up,
    onto_255,
    otsu,
    stretch,
)

STACKS = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (3, 8, 8)).astype(np.uint8)
)


def test_otsu_maximizes_the_variance_between_the_classes() -> None:
    """Compared with the definition, threshold by threshold."""
    rng = np.random.default_rng(1)
    image = np.concatenate([rng.normal(60, 15, 3000), rng.normal(190, 20, 1096)])
    stack = np.clip(image, 0, 255).astype(np.uint8).reshape(1, 64, 64)
    values = stack.ravel().astype(float)

    def between(threshold: int) -> float:
        dark, light = values[values <= threshold], values[values > threshold]
        return float(len(dark) * len(light) * (dark.mean() - light.mean()) ** 2 / len(values) ** 2)

    threshold, separation = otsu(histogram(stack))
    best = max(between(t) for t in range(20, 240))
    assert between(int(threshold[0])) == pytest.approx(best)
    assert separation[0] == pytest.approx(best / values.var())


def test_a_constant_image_has_no_classes() -> None:
    assert otsu(histogram(np.full((1, 64, 64), 77, np.uint8)))[1][0] == 0


def test_stretch_spans_all_gray_levels() -> None:
    stretched, span = stretch(np.array([[[10, 20], [15, 10]]], np.uint8))
    assert stretched.tolist() == [[[0, 255], [128, 0]]]
    assert span.tolist() == [10]


def test_values_beyond_the_span_are_cut_off() -> None:
    assert onto_255(np.array([[-1, 0, 5, 10, 11]], np.float32), np.array([10])).tolist() == [
        [0, 0, 128, 255, 255]
    ]


@given(STACKS, STACKS)
def test_looking_up_is_indexing_a_table(stack: Bytes, other: Bytes) -> None:
    tables = np.resize(other, (3, 256))
    found = look_up(stack, tables)
    expected = np.stack([table[image] for table, image in zip(tables, stack, strict=True)])
    assert np.array_equal(found, expected)
    assert np.array_equal(counts_after(histogram(stack), tables), histogram(expected))


@given(STACKS)
def test_a_histogram_counts_every_level(stack: Bytes) -> None:
    expected = [np.bincount(image.ravel(), minlength=256).tolist() for image in stack]
    assert histogram(stack).tolist() == expected


def test_no_images_are_no_images() -> None:
    none = np.empty((0, 8, 8), np.uint8)
    assert look_up(none, np.empty((0, 256), np.uint8)).shape == (0, 8, 8)
    assert stretch(none)[0].shape == (0, 8, 8)
