"""Score feature vectors with a model of arrays: project, compare, tell digits from other ink.

All sums of products are exact, so a score depends neither on the batch nor on the computer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

UNIT = 4080.0
"""The whole number that stands for 1 in a projection."""

LONGEST_COLUMN = 4096.0
"""Length that no column of a projection exceeds: times the longest feature vector, a little more than
4,000, it stays below 2**24, so that every partial sum of the product is exact in float32
(Cauchy-Schwarz)."""


def project(features: Features, projection: Features | None) -> Features:
    """Project vectors (n, d) of whole numbers with a matrix (d, m) of whole numbers.

    Parameters
    ----------
    features : ndarray of shape (n, d), float32
        Whole numbers, no vector longer than 4,000 but for rounding.
    projection : ndarray of shape (d, m), float32, or None
        Whole numbers, `UNIT` times the real ones, which stretch no vector; None changes nothing.

    Returns
    -------
    ndarray of shape (n, m), float32
        Whole numbers.
    """
    if projection is None:
        return features
    projected: Features = np.rint((features @ projection) / np.float32(UNIT))
    return projected


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
        hidden = self._hidden(components)
        return np.asarray((hidden @ self.weights[2] + self.biases[2])[:, 0] >= 0)

    def balance(self, components: Features) -> Floats:
        """Return how much speaks for a digit: the logarithm of what is for it over what is against it.

        It does not depend on the scale of the weights. Shape (n,).
        """
        hidden, last, bias = self._hidden(components), self.weights[2], self.biases[2]
        is_for = hidden @ np.maximum(last, 0) + np.maximum(bias, 0)
        against = hidden @ np.maximum(-last, 0) + np.maximum(-bias, 0)
        return np.asarray(np.log((is_for + 1) / (against + 1))[:, 0])

    def _hidden(self, components: Features) -> Floats:
        """Return the units of the second hidden layer."""
        first, second, _ = self.weights
        hidden = np.maximum(project(components, first) + self.biases[0], 0)
        return np.asarray(np.maximum(hidden @ second + self.biases[1], 0))


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


GRID = 7
"""Sampling points per side."""

DIRECTIONS = 8
"""Number of gradient directions."""

FEATURE_COUNT = GRID * GRID * DIRECTIONS

RECIPE = f"moments-32/gradient-{FEATURE_COUNT}/3"
"""A model fits the recipe it was trained with and no other: change the last number with every change
that moves a feature."""


Allowed = npt.NDArray[np.bool_]

BY_FAR = 1000.0
"""Decision value by which a class that is not allowed loses; a fitted SVM has values of about 1."""

STACK = 128
"""Vectors multiplied with the support vectors at a time."""

SLICE = 32
"""Number of these whose kernel values are computed at a time, so that they stay in the CPU cache."""

KERNEL_UNIT = 2.0**-23
"""Unit that kernel values are rounded to; coefficients are rounded so that the products fit into 53
bits. So the sums of products are exact in float64, in any order, and a score depends neither on the
batch nor on the computer."""

_ROUNDER = 1.5 * 2**52 * KERNEL_UNIT
"""Adding and subtracting this number rounds a value to the unit: float64 has no smaller bits beside
it."""


@dataclass(frozen=True)
class SupportVectors:
    """Fitted RBF-kernel SVC of k classes and n support vectors with m components.

    The arrays are scikit-learn's public attributes of the same names.

    Attributes
    ----------
    vectors : ndarray of shape (n, m), float32
        Whole numbers, no vector longer than 4,096, ordered by class.
    n_support : ndarray of shape (k,), int64
    dual_coef : ndarray of shape (k - 1, n), float64
    intercept : ndarray of shape (k (k - 1) / 2,), float64
    gamma : float
    projection : ndarray of shape (d, m), float32, or None
        Projects features to components; see `project`. None if they are the same.
    likeness : Likeness or None
        Network that tells digits from other ink; None for most models.
    """

    vectors: Features
    n_support: npt.NDArray[np.int64]
    dual_coef: Floats
    intercept: Floats
    gamma: float
    projection: Features | None = None
    likeness: Likeness | None = None

    @cached_property
    def columns(self) -> Features:
        """Return the vectors as columns (m, n), with which products are a quarter faster."""
        return np.ascontiguousarray(self.vectors.T)

    @cached_property
    def half_squares(self) -> Features:
        """Return half of each vector's squared length (n,)."""
        return _half_squares(self.vectors)

    @cached_property
    def of_classes(self) -> list[tuple[slice, Floats]]:
        """Return each class's slice of vectors, and their coefficients in its contests (…, k - 1)."""
        ends = np.cumsum(self.n_support).tolist()
        places = [slice(e - c, e) for e, c in zip(ends, self.n_support.tolist(), strict=True)]
        parts = [np.ascontiguousarray(self.dual_coef[:, place].T) for place in places]
        largest = max(float(np.abs(part).sum(axis=0).max(initial=0)) for part in parts)
        unit = _unit_of_coefficients(largest)
        return [(place, np.rint(part / unit) * unit) for place, part in zip(places, parts, strict=True)]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of vectors.

    Attributes
    ----------
    decision : ndarray of shape (n, k), float64
        scikit-learn's ``decision_function``: votes, and within ±1/3 the summed confidences.
    margin : ndarray of shape (n, k), float64
        The smallest one-against-one decision value of each class against all others.
    familiarity : ndarray of shape (n,), float64
        Largest kernel value to any support vector, 0-1.
    """

    decision: Floats
    margin: Floats
    familiarity: Floats

    @classmethod
    def concatenate(cls, scores: Sequence[Scores]) -> Scores:
        """Join scores of several batches."""
        return cls(*(np.concatenate([getattr(s, name) for s in scores]) for name in cls.__slots__))

    def __getitem__(self, where: npt.NDArray[np.generic]) -> Scores:
        return Scores(*(getattr(self, name)[where] for name in self.__slots__))


def score(features: Features, machine: SupportVectors, allowed: Allowed | None = None) -> Scores:
    """Score feature vectors (n, d) of whole numbers no longer than 4,096.

    The products with the support vectors and the sums of kernel values are exact in any order of
    summation; all other steps work element by element. A class that is not `allowed` (k,) loses each of
    its contests by far, so that only the other classes compete.
    """
    return score_components(project(features, machine.projection), machine, allowed)


def score_components(
    components: Features, machine: SupportVectors, allowed: Allowed | None = None
) -> Scores:
    """Score vectors (n, m) as `score` does, after they were projected."""
    starts = range(0, max(len(components), 1), STACK)
    return Scores.concatenate([_score(components[i : i + STACK], machine, allowed) for i in starts])


def _score(components: Features, machine: SupportVectors, allowed: Allowed | None) -> Scores:
    products = components @ machine.columns  # whole numbers below 2**24
    half_squares = _half_squares(components)[:, None]
    starts = range(0, max(len(components), 1), SLICE)
    slices = [slice(start, start + SLICE) for start in starts]
    decided = [_decided(products[where], half_squares[where], machine) for where in slices]
    pairs = _pairs(np.concatenate([sums for sums, _ in decided], axis=1), machine)
    if allowed is not None:
        pairs[:, :, ~allowed], pairs[:, ~allowed] = BY_FAR, -BY_FAR
    familiarity = np.concatenate([familiar for _, familiar in decided])
    return Scores(decision=_votes(pairs), margin=_smallest_margin(pairs), familiarity=familiarity)


def predict(scores: Scores) -> npt.NDArray[np.intp]:
    """Return the index (n,) of the class with most votes.

    Ties go to the larger confidence (``break_ties=True``).
    """
    return np.asarray(scores.decision.argmax(axis=1))


def probabilities(scores: Scores, temperature: float) -> Floats:
    """Return calibrated probabilities (n, k) of the classes.

    The softmax of the margins over `temperature` (Guo et al. 2017): on digits of other writers the
    smallest margin ranks right before wrong far better than the votes do. If the votes form a
    circle (a beats b beats c beats a), the predicted class is given the largest margin.
    """
    logits = scores.margin / temperature
    rows, label = np.arange(len(logits)), predict(scores)
    logits[rows, label] = logits.max(axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _half_squares(vectors: Features) -> Features:
    """Half of each vector's squared length (n,)."""
    return np.asarray(np.einsum("nm,nm->n", vectors, vectors, dtype=np.float64) / 2, np.float32)


def _unit_of_coefficients(largest_sum: float) -> float:
    """Return the unit to round coefficients to whose absolute values sum to at most `largest_sum`."""
    _, exponent = np.frexp(largest_sum)
    return float(2.0 ** (int(exponent) + 1 - 53) / KERNEL_UNIT)


def _decided(
    products: Features, half_squares: Features, machine: SupportVectors
) -> tuple[Floats, Floats]:
    """Return the sums of each class's vectors in its contests (k, n, k - 1), and the familiarity (n,).

    Changes the products, into half of the negative squared distances.
    """
    products -= machine.half_squares
    products -= half_squares
    closest = products.max(axis=1).astype(np.float64)
    kernel = products.astype(np.float64)
    kernel *= 2 * machine.gamma
    np.exp(kernel, out=kernel)
    kernel += _ROUNDER
    kernel -= _ROUNDER
    sums = np.stack([kernel[:, place] @ part for place, part in machine.of_classes])
    return sums, np.exp(closest * (2 * machine.gamma))


def _pairs(sums: Floats, machine: SupportVectors) -> Floats:
    """One-against-one decision values (n, k, k), positive where the row's class wins.

    `sums` (k, n, k - 1) is the part that the vectors of each class play in each of its contests.
    """
    k, n, _ = sums.shape
    i, j = np.triu_indices(k, 1)
    values = (sums[i, :, j - 1] + sums[j, :, i]).T + machine.intercept
    if k == 2:  # scikit-learn negates the public coefficients of a two-class machine
        values = -values
    pairs = np.zeros((n, k, k))
    pairs[:, i, j], pairs[:, j, i] = values, -values
    return pairs


def _votes(pairs: Floats) -> Floats:
    """scikit-learn's ``_ovr_decision_function``: votes plus squashed sums of confidences."""
    confidence = pairs.sum(axis=2)
    k = pairs.shape[1]
    # libsvm gives the contest to the second class unless the first one's value is positive or zero.
    upper = np.triu(np.ones((k, k), np.bool_), 1)
    wins = np.where(upper, pairs >= 0, pairs > 0) & ~np.eye(k, dtype=np.bool_)
    return np.asarray(wins.sum(axis=2) + confidence / (3 * (np.abs(confidence) + 1)))


def _smallest_margin(pairs: Floats) -> Floats:
    k = pairs.shape[1]
    return np.asarray(np.where(np.eye(k, dtype=np.bool_), np.inf, pairs).min(axis=2))
