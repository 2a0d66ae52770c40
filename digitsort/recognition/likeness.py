"""Tell digits from other ink with a small network that has seen both, exact to the last bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.project import LONGEST_COLUMN, UNIT, project

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Layers = tuple[Floats, Floats, Floats]

MOST_UNITS = (256, 64)
"""Largest number of units in each of the two hidden layers."""

LARGEST_WEIGHT = 2.0**11
LARGEST_BIASES = (2.0**13, 2.0**33, 2.0**51)
"""Largest absolute values of the weights after the first layer, and of the biases of each layer. With
these and `MOST_UNITS`, no sum of whole numbers reaches 2**53, so each is exact in any order."""


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Network of whole numbers with two hidden layers of rectified units.

    Its output is 0 or more for a digit; the threshold is part of the last bias.

    Attributes
    ----------
    weights : tuple of ndarray
        Shapes (m, a), (a, b) and (b, 1). The first is float32, `UNIT` times the real ones, in columns
        no longer than 4,096; the others are float64.
    biases : tuple of ndarray
        Shapes (a,), (b,) and (1,), float64.
    """

    weights: tuple[Features, Floats, Floats]
    biases: Layers

    def are_digits(self, components: Features) -> npt.NDArray[np.bool_]:
        """Tell which projected vectors (n, m), whole numbers, are like digits; shape (n,)."""
        first, second, third = self.weights
        hidden = np.maximum(project(components, first) + self.biases[0], 0)
        hidden = np.maximum(hidden @ second + self.biases[1], 0)
        return np.asarray((hidden @ third + self.biases[2])[:, 0] >= 0)


def to_whole_numbers(weights: Layers, biases: Layers) -> Likeness:
    """Round a network with real weights; its inputs are projected vectors.

    A rectified unit may be scaled, if the weights after it are divided by the same factor. So each
    column of the first layer gets about the length 1, and the other layers use the whole range.
    """
    # Rounding lengthens a column of m numbers by at most √m / 2.
    longest = (LONGEST_COLUMN - np.sqrt(len(weights[0]))) / UNIT
    scale = min(longest, 1.0) / np.maximum(np.linalg.norm(weights[0], axis=0), 1e-9)
    first = np.rint(weights[0] * scale * UNIT).astype(np.float32)
    offset = _rounded(biases[0] * scale, LARGEST_BIASES[0])
    second, second_offset, factor = _layer(weights[1] / scale[:, None], biases[1], LARGEST_BIASES[1])
    third, third_offset, _ = _layer(weights[2] / factor, biases[2], LARGEST_BIASES[2])
    return Likeness((first, second, third), (offset, second_offset, third_offset))


def _layer(weights: Floats, bias: Floats, largest_bias: float) -> tuple[Floats, Floats, float]:
    """Scale and round a layer; return its weights, its bias and the scale of its output."""
    factor = (LARGEST_WEIGHT - 1) / max(float(np.abs(weights).max()), 1e-300)
    return np.rint(weights * factor), _rounded(bias * factor, largest_bias), factor


def _rounded(bias: Floats, largest: float) -> Floats:
    return np.asarray(np.clip(np.rint(bias), -largest, largest))
