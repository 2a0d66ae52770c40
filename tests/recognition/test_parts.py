"""Connected parts: compared with scipy's labelling."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitsort.recognition.parts import connected_parts

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)))


@given(MASKS)
def test_parts_are_those_of_scipy(masks: np.ndarray) -> None:
    """Same parts as scipy.ndimage.label with corners, image by image; areas and images agree."""
    from scipy.ndimage import label

    parts = connected_parts(masks)
    for index, mask in enumerate(masks):
        expected, count = label(mask, np.ones((3, 3)))
        actual = parts.labels[index]
        assert (parts.image == index).sum() == count
        pairs = set(zip(expected.ravel().tolist(), actual.ravel().tolist(), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert parts.area.tolist() == [(parts.labels == i + 1).sum() for i in range(len(parts.image))]
    assert (np.diff(parts.image) >= 0).all()


def test_measures_of_parts() -> None:
    masks = np.zeros((2, 4, 4), np.bool_)
    masks[0, 0, 0] = masks[0, 1, 1] = masks[1, 2, 2:] = True
    parts = connected_parts(masks)
    weights = np.arange(32, dtype=np.float64).reshape(2, 4, 4)
    corner = np.zeros((2, 4, 4), np.bool_)
    corner[:, 0, 0] = True
    assert parts.total(weights).tolist() == [5, 26 + 27]
    assert parts.touch(corner).tolist() == [True, False]
    assert parts.sides().tolist() == [2, 1]
    assert parts.boxes().tolist() == [[0, 0, 2, 2], [2, 2, 4, 3]]
    assert (parts.select(np.array([False, True])) == np.stack([masks[0] & False, masks[1]])).all()


def test_no_ink_no_parts() -> None:
    assert len(connected_parts(np.zeros((3, 5, 5), np.bool_)).image) == 0
