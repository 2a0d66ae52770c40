"""Projection: exact, and none where there is none."""

from __future__ import annotations

from functools import cache

import numpy as np

from digitsort.model.estimator import fit_projection
from digitsort.recognition.project import LONGEST_COLUMN, UNIT, project
from digitsort.recognition.vectorize import vectorize
from tests.drawing import digit_inks


@cache
def fitted(components: int = 128) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of load_digits, their classes, and the projection fitted to them."""
    inks, labels = digit_inks()
    features, classes = vectorize(list(inks)).features, np.array(labels).astype(np.intp)
    return features, classes, fit_projection(features, classes, np.ones(len(classes)), components)


def test_products_are_exact_in_any_order() -> None:
    """What float32 gives is what whole numbers give, and it does not depend on the batch."""
    features, _, projection = fitted()
    whole = features.astype(np.int64) @ projection.astype(np.int64)
    assert (features @ projection == whole).all()
    expected = np.rint(whole.astype(np.float32) / np.float32(UNIT))
    assert (project(features, projection) == expected).all()
    assert (project(features[5:6], projection) == expected[5:6]).all()


def test_no_vector_is_stretched_and_no_column_too_long() -> None:
    """The two bounds that keep every partial sum below 2**24."""
    features, _, projection = fitted()
    before, after = (np.linalg.norm(v, axis=1) for v in (features, project(features, projection)))
    assert (after <= before + np.sqrt(128) / 2).all()
    assert np.linalg.norm(projection, axis=0).max() <= LONGEST_COLUMN


def test_the_widest_difference_within_a_class_counts_for_less() -> None:
    """Its share of all scatter within the classes falls by a third and more."""
    features, classes, projection = fitted()

    def widest(vectors: np.ndarray) -> float:
        means = np.stack([vectors[classes == c].mean(axis=0) for c in range(10)])
        spread = np.linalg.eigvalsh(np.cov((vectors - means[classes]).T))
        return float(spread[-1] / spread.sum())

    assert widest(project(features, projection)) < 0.67 * widest(features)


def test_fewer_images_than_directions() -> None:
    """A model of a few images has all its components still, and they are whole numbers."""
    features, classes, _ = fitted()
    projection = fit_projection(features[:30], classes[:30], np.ones(30), 128)
    assert projection.shape == (392, 128)
    assert (projection == np.rint(projection)).all()


def test_none_changes_nothing() -> None:
    features = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (project(features, None) == features).all()
