"""Gradient directions: exact, bounded, and what the paper says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitsort.recognition.score import DIRECTIONS, GRID
from digitsort.recognition.vectorize import gradient_features

IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(32), st.just(32)))


@settings(max_examples=50)
@given(IMAGES)
def test_products_of_vectors_are_exact_in_float32(images: np.ndarray) -> None:
    """Non-negative whole numbers, each vector shorter than 4,096, for every image there is."""
    features = gradient_features(images)
    assert (features >= 0).all()
    assert (features == np.rint(features)).all()
    assert ((features.astype(np.float64) ** 2).sum(axis=1) < 4096**2).all()
    in_float32 = features @ features.T
    exact = features.astype(np.int64) @ features.astype(np.int64).T
    assert (in_float32 == exact).all()


@settings(max_examples=25)
@given(IMAGES)
def test_a_vector_does_not_depend_on_its_company(images: np.ndarray) -> None:
    alone = np.concatenate([gradient_features(image[None]) for image in images])
    assert (gradient_features(images) == alone).all()


def test_an_empty_image_gives_zeros() -> None:
    assert not gradient_features(np.zeros((1, 32, 32), np.uint8)).any()


@pytest.mark.parametrize(
    ("edge", "direction"),
    [
        (np.indices((32, 32))[1] >= 16, 0),  # lighter to the right: the gradient points east
        (np.indices((32, 32))[1] < 16, 1),
        (np.indices((32, 32))[0] >= 16, 2),
        (np.indices((32, 32))[0] < 16, 3),
    ],
    ids=["east", "west", "south", "north"],
)
def test_an_edge_lies_in_the_plane_of_its_direction(
    edge: np.ndarray,
    direction: int,
) -> None:
    """In the middle of the image, far from its own border, only one plane answers."""
    features = gradient_features((edge * 200).astype(np.uint8)[None])
    middle = features.reshape(DIRECTIONS, GRID, GRID)[:, GRID // 2, GRID // 2]
    assert np.flatnonzero(middle).tolist() == [direction]
