"""The one way from gray images to feature vectors, for training data and for scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import Gray
from digitsort.recognition.features import gradient_features
from digitsort.recognition.ink import Ink, find_ink
from digitsort.recognition.normalize import NORMAL_SIDE_PX, normalize
from digitsort.recognition.recipe import FEATURE_COUNT

STACK = 512
"""Images worked on at a time: of few, the second and third look at small digits have but some, and
their many short calls cost as much."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Feature vectors of images and the way to them.

    Attributes
    ----------
    features : ndarray of shape (n, d), float32
    normal : ndarray of shape (n, 32, 32), uint8
        What the model sees.
    ink : Ink
        The decisions taken, n of each.
    """

    features: npt.NDArray[np.float32]
    normal: npt.NDArray[np.uint8]
    ink: Ink


def vectorize(grays: Sequence[Gray]) -> Vectors:
    """Find the ink, normalize it, take the features.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
        uint8, uint16, bool, or float within 0-1.
    """
    stacks = [_vectorize_stack(grays[i : i + STACK]) for i in range(0, len(grays), STACK)]
    if not stacks:
        stacks = [_vectorize_stack([])]
    return Vectors(
        features=np.concatenate([s.features for s in stacks]),
        normal=np.concatenate([s.normal for s in stacks]),
        ink=Ink.concatenate([s.ink for s in stacks]),
    )


def _vectorize_stack(grays: Sequence[Gray]) -> Vectors:
    if not grays:
        return Vectors(
            np.empty((0, FEATURE_COUNT), np.float32),
            np.empty((0, NORMAL_SIDE_PX, NORMAL_SIDE_PX), np.uint8),
            find_ink([]),
        )
    return vectors_of(find_ink(grays))


def vectors_of(ink: Ink) -> Vectors:
    """Normalize ink and take its features."""
    normal = normalize(ink)
    return Vectors(gradient_features(normal), normal, ink)
