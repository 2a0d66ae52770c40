"""One way from gray to vectors; and what a digit may go through on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from digitsort.classification.decide import decide
from digitsort.recognition import vectorize as module
from digitsort.recognition.canvas import Gray
from digitsort.recognition.score import DIRECTIONS, FEATURE_COUNT, GRID
from digitsort.recognition.vectorize import gradient_features, vectorize
from tests.drawing import Pixels, framed, scans

if TYPE_CHECKING:
    from digitsort.model.reading import Model


COUNT = 90


def test_vectors_do_not_depend_on_the_stack() -> None:
    """Alone, and as part of more than one stack, an image gives the same vector."""
    grays = scans(5) * (module.STACK // 4)
    together = vectorize(grays).features
    alone = np.concatenate([vectorize([gray]).features for gray in grays[:5]])
    assert (together.reshape(-1, 5, FEATURE_COUNT) == alone).all()


def test_no_images_no_vectors() -> None:
    empty = vectorize([])
    assert empty.features.shape == (0, FEATURE_COUNT)
    assert len(empty.ink.parts) == len(empty.normal) == 0


def grown(scan: Pixels, factor: int) -> Pixels:
    return np.kron(scan, np.ones((factor, factor), np.uint8))


def resized(scan: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(scan).resize((side, side), Image.Resampling.BICUBIC))


def on_tinted_paper(scan: Pixels) -> Pixels:
    y, x = np.indices(scan.shape) / len(scan)
    return np.asarray(np.clip(0.4 * scan + 110 - 50 * x - 20 * y, 0, 255), np.uint8)


WAYS: dict[str, tuple[Callable[[Pixels], Gray], int]] = {
    "inverted": (lambda s: 255 - s, 0),
    "padded": (lambda s: framed(s, 60, 255), 1),
    "on a sheet": (lambda s: np.pad(s, ((150, 20), (40, 130)), constant_values=255), 1),
    "twice as large": (lambda s: grown(s, 2), 0),
    "20 times as large": (lambda s: grown(s, 20), 0),
    "shrunk to 20 px": (lambda s: resized(s, 20), 2),
    "pale": (lambda s: (s // 8 + 200).astype(np.uint8), 0),
    "16-bit": (lambda s: s.astype(np.uint16) * 257, 0),
    "1-bit": (lambda s: s > 127, 1),
    "in a shadow": (on_tinted_paper, 1),
}
"""What is done to 90 scans, and how many labels may change by it (seen: at most that many)."""


@pytest.mark.parametrize("way", WAYS)
def test_the_label_stays(way: str, model: Model) -> None:
    """The same digit, presented otherwise, is read the same."""
    change, most = WAYS[way]
    originals = scans(COUNT)
    before = [verdict.label for verdict in decide(originals, model)]
    after = [verdict.label for verdict in decide([change(s) for s in originals], model)]
    assert sum(a != b for a, b in zip(after, before, strict=True)) <= most


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
