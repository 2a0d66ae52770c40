"""Score feature vectors with a support vector classifier that is nothing but arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from digitsort.recognition.project import project

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]


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
    def squared_lengths(self) -> Features:
        """Whole numbers (n,) below 2**24, exact in float32."""
        return np.asarray((self.vectors.astype(np.float64) ** 2).sum(axis=1), np.float32)


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
    kernel = _kernel(project(features, machine.projection), machine)
    pairs = _pair_decisions(kernel, machine)
    return Scores(
        decision=_votes(pairs),
        margin=_smallest_margin(pairs),
        familiarity=kernel.max(axis=1),
    )


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


def _kernel(components: Features, machine: SupportVectors) -> Floats:
    products = components @ machine.vectors.T  # (n, n_support), whole numbers below 2**24
    lengths = np.einsum("nm,nm->n", components, components)
    distances = lengths[:, None].astype(np.float64) + machine.squared_lengths - 2.0 * products
    return np.asarray(np.exp(-machine.gamma * distances))


def _pair_decisions(kernel: Floats, machine: SupportVectors) -> Floats:
    """One-against-one decision values (n, k, k), positive where the row's class wins."""
    k = len(machine.n_support)
    ends = np.cumsum(machine.n_support)
    # sums[i][:, r]: the part that the vectors of class i play in their r-th contest
    # A product of its own for each image, always of the same shape: one for the whole batch would add
    # up in another order for another batch.
    rows = kernel[:, None, :]  # (n, 1, vectors)
    sums = [
        (rows[:, :, end - count : end] @ machine.dual_coef[:, end - count : end].T)[:, 0]
        for end, count in zip(ends, machine.n_support, strict=True)
    ]
    pairs = np.zeros((len(kernel), k, k))
    # scikit-learn negates the public coefficients of a two-class machine.
    sign = -1.0 if k == 2 else 1.0
    for index, (i, j) in enumerate(combinations(range(k), 2)):
        value = sign * (sums[i][:, j - 1] + sums[j][:, i] + machine.intercept[index])
        pairs[:, i, j], pairs[:, j, i] = value, -value
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
