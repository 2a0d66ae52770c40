"""Score feature vectors with a support vector classifier that is nothing but arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from digitsort.recognition.project import project

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

STACK = 64
"""Vectors scored at a time: their kernel values then stay in the processor's cache."""


@dataclass(frozen=True)
class SupportVectors:
    """A fitted RBF-kernel SVC of k classes and n support vectors with m components.

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
        Takes features to components; see `digitsort.recognition.project`. None where they are the same.
    """

    vectors: Features
    n_support: npt.NDArray[np.int64]
    dual_coef: Floats
    intercept: Floats
    gamma: float
    projection: Features | None = None

    @cached_property
    def columns(self) -> Features:
        """The vectors side by side (m, n): multiplied a quarter faster."""
        return np.ascontiguousarray(self.vectors.T)

    @cached_property
    def half_squares(self) -> Floats:
        """Half of each vector's squared length (n,)."""
        return np.asarray((self.vectors.astype(np.float64) ** 2).sum(axis=1) / 2)

    @cached_property
    def of_classes(self) -> list[tuple[slice, Floats]]:
        """For each class where its vectors are, and their coefficients in its contests (…, k - 1)."""
        ends = np.cumsum(self.n_support).tolist()
        places = [slice(e - c, e) for e, c in zip(ends, self.n_support.tolist(), strict=True)]
        return [(place, np.ascontiguousarray(self.dual_coef[:, place]).T) for place in places]


@dataclass(frozen=True, slots=True)
class Scores:
    """What the classifier says of each vector.

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


def score(features: Features, machine: SupportVectors) -> Scores:
    """Score feature vectors (n, d) of whole numbers no longer than 4,096.

    The distances are exact in float32, whatever the order in which the product is summed; from there
    on everything is float64.
    """
    components = project(features, machine.projection)
    starts = range(0, max(len(components), 1), STACK)
    return Scores.concatenate([_score(components[i : i + STACK], machine) for i in starts])


def _score(components: Features, machine: SupportVectors) -> Scores:
    exponents = _exponents(components, machine)
    familiarity = np.exp(exponents.max(axis=1))
    pairs = _pair_decisions(np.exp(exponents, out=exponents), machine)
    return Scores(decision=_votes(pairs), margin=_smallest_margin(pairs), familiarity=familiarity)


def predict(scores: Scores) -> npt.NDArray[np.intp]:
    """Index (n,) of the most voted class; ties go to the larger confidence (``break_ties=True``)."""
    return np.asarray(scores.decision.argmax(axis=1))


def probabilities(scores: Scores, temperature: float) -> Floats:
    """Calibrated probabilities (n, k) of the classes.

    The softmax of the margins over `temperature` (Guo et al. 2017): on digits of other writers the
    smallest margin ranks right before wrong far better than the votes do. The predicted class is given
    the largest margin where a circle of votes (a beats b beats c beats a) would deny it that.
    """
    logits = scores.margin / temperature
    rows, label = np.arange(len(logits)), predict(scores)
    logits[rows, label] = logits.max(axis=1)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _exponents(components: Features, machine: SupportVectors) -> Floats:
    """Logarithms of the kernel values (n, n_support): squared distances times -gamma."""
    products = components @ machine.columns  # whole numbers below 2**24
    exponents = products.astype(np.float64)  # and from there on in place; still whole numbers or halves
    exponents -= machine.half_squares
    exponents -= np.einsum("nm,nm->n", components, components, dtype=np.float64)[:, None] / 2
    exponents *= 2 * machine.gamma
    return exponents


def _pair_decisions(kernel: Floats, machine: SupportVectors) -> Floats:
    """One-against-one decision values (n, k, k), positive where the row's class wins."""
    k = len(machine.n_support)
    # A product of its own for each image, always of the same shape: one for the whole batch would add
    # up in another order for another batch.
    rows = kernel[:, None, :]  # (n, 1, vectors)
    # sums[:, i, r]: the part that the vectors of class i play in their r-th contest
    sums = np.concatenate([rows[:, :, place] @ dual for place, dual in machine.of_classes], axis=1)
    i, j = np.triu_indices(k, 1)
    values = sums[:, i, j - 1] + sums[:, j, i] + machine.intercept
    if k == 2:  # scikit-learn negates the public coefficients of a two-class machine
        values = -values
    pairs = np.zeros((len(kernel), k, k))
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
