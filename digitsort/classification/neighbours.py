"""Decide on doubtful pictures by the labels of accepted neighbours from the same folder."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from digitsort.classification.decide import LOW_CONFIDENCE, UNFAMILIAR
from digitsort.outcomes import Outcome, Status

if TYPE_CHECKING:
    from digitsort.model.reading import Model
    from digitsort.recognition.score import Allowed, Features, Floats


ADAPTED = "adapted from"
"""First words of the reason of a row that the second pass changed."""


def is_doubtful(status: Status, reason: str) -> bool:
    """Return whether low confidence or unfamiliar ink is the only reason why a row is not ok.

    Rows that were rejected for their form, or read in another way than the first, stay as they are:
    neighbours can tell which digit the ink is, but not whether the right ink was read.
    """
    if status is Status.UNCERTAIN:
        return reason in (LOW_CONFIDENCE, UNFAMILIAR)
    return status is Status.REJECTED and reason == UNFAMILIAR


def adapted_from(status: Status, reason: str, label: str, confidence: float) -> str:
    """Return the reason of a changed row, which quotes the label that the model alone gave it.

    Examples
    --------
    >>> adapted_from(Status.UNCERTAIN, "low confidence", "7", 0.64328)
    'adapted from 7 at 0.6433 (low confidence)'
    """
    said = reason if status is Status.UNCERTAIN else f"{status.value}: {reason}"
    return f"{ADAPTED} {label} at {confidence:.4f} ({said})"


MOST_OF_A_LABEL = 200
"""Largest number of rows kept per label, accepted and doubtful ones together. With half or twice as
many, up to 25 fewer of 607 doubtful rows became ok (docs/benchmarks.md)."""


class Chosen(NamedTuple):
    """Row that doubtful rows are compared with.

    Attributes
    ----------
    label : str
        Empty if the row was rejected as unfamiliar.
    is_accepted : bool
        False for a doubtful row.
    """

    sha256: str
    path: str
    label: str
    is_accepted: bool


class Sample:
    """Limited sample of the accepted and doubtful rows of each label.

    The rows with the smallest content hashes are kept. This choice is as good as random, and depends
    neither on the order of the rows nor on the workers. Identical files count once.
    """

    def __init__(self, most: int = MOST_OF_A_LABEL) -> None:
        self._most = most
        self._of_label: dict[str, list[Chosen]] = {}
        self.doubtful = 0

    def noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes unchanged, and add those that are accepted or doubtful."""
        for outcome in outcomes:
            self.add(outcome)
            yield outcome

    def add(self, outcome: Outcome) -> None:
        """Add an outcome if it is accepted or doubtful."""
        is_accepted = outcome.status is Status.OK
        if not is_accepted:
            if not is_doubtful(outcome.status, outcome.reason):
                return
            self.doubtful += 1
        rows = self._of_label.setdefault(outcome.label, [])
        if len(rows) == self._most and outcome.sha256 >= rows[-1].sha256:
            return
        place = bisect_left(rows, outcome.sha256, key=_sha256)
        if place < len(rows) and rows[place].sha256 == outcome.sha256:
            return
        rows.insert(place, Chosen(outcome.sha256, outcome.path, outcome.label, is_accepted))
        del rows[self._most :]

    def chosen(self) -> list[Chosen]:
        """Return the rows that were kept, by label and content hash."""
        return [row for label in sorted(self._of_label) for row in self._of_label[label]]


def _sha256(row: Chosen) -> str:
    return row.sha256


CLOSEST = 3
"""Number of nearest accepted rows of a label whose mean distance is the distance to that label."""

AROUND, ACCEPTED_AROUND = 20, 6
"""Among the 20 nearest rows of any kind, at least 6 must be accepted with the label. Things that the
model does not know, such as a sign or an empty cell, lie mostly among doubtful rows, even if a few of
them were accepted."""

FARTHEST = 1.25
"""Largest distance of the accepted neighbours, in units of `unit_of`. At 1 the model itself stops
calling ink familiar."""

MOST_DISTANCE = 2.0
"""Upper limit for the distance to a label; also used for a label with too few accepted neighbours."""

WEIGHT_OF_MODEL, WEIGHT_OF_DISTANCE = 0.5, 5.0
"""Weights of the model's log probability and of the distance. These and all numbers above were chosen
on the development folders of `benchmarks.adapt`, which reports results on other folders."""

MIN_CONFIDENCE = 0.97
"""Lowest confidence at which a row is changed. Among 1,478 changed rows, in folders of digits that
played no part in choosing this value, 24 were wrong, all in generated handwriting
(docs/benchmarks.md)."""

_LEAST_CHANCE = 1e-6


@dataclass(frozen=True, eq=False)
class References:
    """Vectors of the rows that doubtful rows are compared with.

    Attributes
    ----------
    vectors : ndarray of shape (n, m), float32
        Components as the SVM compares them: whole numbers, with vector lengths of at most 4,096.
    classes : ndarray of shape (n,), int64
        Class index of each row; -1 for a row without a label.
    sha256 : tuple of str
        Hashes of the files, without duplicates.
    """

    vectors: Features
    classes: npt.NDArray[np.int64]
    accepted: npt.NDArray[np.bool_]
    sha256: tuple[str, ...]

    @cached_property
    def place_of(self) -> dict[str, int]:
        """Index of each row by the hash of its file."""
        return {sha256: place for place, sha256 in enumerate(self.sha256)}

    def distances(self, vectors: Features, sha256: Sequence[str]) -> Floats:
        """Return exact squared distances (k, n) to the references; infinite from a file to itself."""
        products = (vectors @ self.vectors.T).astype(np.float64)  # whole numbers up to 2**24
        squares = _squares(vectors)[:, None] + _squares(self.vectors) - 2 * products
        for row, name in enumerate(sha256):
            if name in self.place_of:
                squares[row, self.place_of[name]] = np.inf
        return squares


class Adapted(NamedTuple):
    """Decisions on n pictures, based on their neighbours.

    Attributes
    ----------
    chances : ndarray of shape (n, k), float64
        Probabilities of the classes.
    """

    chances: Floats
    best: npt.NDArray[np.intp]
    is_sure: npt.NDArray[np.bool_]


def ask_neighbours(
    vectors: Features,
    sha256: Sequence[str],
    chances: Floats,
    references: References,
    model: Model,
    allowed: Allowed | None = None,
) -> Adapted:
    """Combine the model's probabilities with the distances to accepted neighbours.

    Parameters
    ----------
    vectors : ndarray of shape (n, m), float32
        Components, as in `References`.
    sha256 : sequence of str
        Hashes of the files, so that no file is compared with itself.
    chances : ndarray of shape (n, k), float64
        Probabilities from the model.
    allowed : ndarray of shape (k,), bool, optional
        Classes that may be given as labels; default: all.
    """
    squares = references.distances(vectors, sha256)
    distances = _of_classes(squares, references, chances.shape[1]) / unit_of(model)
    logits = WEIGHT_OF_MODEL * np.log(np.maximum(chances, _LEAST_CHANCE))
    logits -= WEIGHT_OF_DISTANCE * np.minimum(distances, MOST_DISTANCE)
    if allowed is not None:
        logits[:, ~allowed] = -np.inf
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    adapted = powers / powers.sum(axis=1, keepdims=True)
    best = adapted.argmax(axis=1)
    rows = np.arange(len(best))
    is_near = distances[rows, best] <= FARTHEST
    is_among_accepted = _accepted_around(squares, references, best) >= ACCEPTED_AROUND
    is_likely = np.round(adapted[rows, best], 4) >= MIN_CONFIDENCE
    return Adapted(adapted, best, is_near & is_among_accepted & is_likely)


def unit_of(model: Model) -> float:
    """Return the squared distance to a support vector beyond which ink is unfamiliar to the model."""
    familiarity = min(max(model.card.ok_familiarity, 1e-6), 1 - 1e-6)
    return float(-np.log(familiarity) / model.machine.gamma)


def _of_classes(squares: Floats, references: References, classes: int) -> Floats:
    """Return the mean of the `CLOSEST` squared distances to each class (n, k); infinite if too few."""
    means = np.full((len(squares), classes), np.inf)
    for index in range(classes):
        of_class = squares[:, references.accepted & (references.classes == index)]
        if of_class.shape[1] >= CLOSEST:
            means[:, index] = np.partition(of_class, CLOSEST - 1)[:, :CLOSEST].sum(axis=1) / CLOSEST
    return means


def _accepted_around(
    squares: Floats, references: References, best: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Count the nearest rows that were accepted with the best class (n,)."""
    if squares.shape[1] <= AROUND:
        is_near = np.isfinite(squares)
    else:
        is_near = squares <= np.partition(squares, AROUND - 1)[:, AROUND - 1 : AROUND]
    has_class = references.accepted & (references.classes == best[:, None])
    return np.asarray((is_near & has_class).sum(axis=1))


def _squares(vectors: Features) -> Floats:
    """Return the squared length of each vector (n,)."""
    return np.asarray(np.einsum("nm,nm->n", vectors, vectors, dtype=np.float64))
