"""Compare labels with the truth: accuracy by class, and by confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.errors import UsageError
from digitsort.files.names import natural_key
from digitsort.labels.cells import MOST_LABELS, length_name
from digitsort.outcomes import Outcome

MOST_NAMES = 2 * MOST_LABELS
"""The confusion matrix has so many rows and columns at most: 32 MB."""


@dataclass(frozen=True, slots=True)
class ClassReport:
    """Result for one class; `precision` and `recall` are nan if there is nothing to divide by."""

    name: str
    count: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result for a set of images.

    Attributes
    ----------
    accuracy : float
        Share read right, 0-1.
    count : int
    classes : tuple of ClassReport
    confusion : ndarray of shape (k, k), int64
        Images of class i (row) read as class j (column), in the order of `classes`.
    """

    accuracy: float
    count: int
    classes: tuple[ClassReport, ...]
    confusion: npt.NDArray[np.int64]


def evaluate(truth: Sequence[str], predicted: Sequence[str]) -> Evaluation:
    """Accuracy, precision and recall by class, and the confusion matrix.

    Raises
    ------
    UsageError
        If there are more different labels than those of a table and of what it is compared with.
    """
    names = sorted({*truth, *predicted}, key=natural_key)
    if len(names) > MOST_NAMES:
        raise UsageError(
            f"There are {len(names)} different labels; at most {MOST_NAMES} can be compared."
        )
    confusion = _confusion(truth, predicted, names)
    return _evaluation(names, confusion, np.diag(confusion))


def evaluate_numbers(truth: Sequence[str], predicted: Sequence[str]) -> Evaluation:
    """Evaluate numbers by how many digits they have; a number is right if all its digits are.

    The diagonal of the confusion matrix then also counts wrong numbers of the right length.
    """
    of_truth, of_predicted = list(map(length_name, truth)), list(map(length_name, predicted))
    names = sorted({*of_truth, *of_predicted}, key=natural_key)
    right = Counter(n for n, t, p in zip(of_truth, truth, predicted, strict=True) if t == p)
    counts = np.array([right[name] for name in names], np.int64)
    return _evaluation(names, _confusion(of_truth, of_predicted, names), counts)


def _evaluation(
    names: Sequence[str], confusion: npt.NDArray[np.int64], right_of: npt.NDArray[np.int64]
) -> Evaluation:
    """Return the evaluation, given how many of each class are right."""
    right = right_of.astype(np.float64)
    with np.errstate(invalid="ignore"):
        precision, recall = right / confusion.sum(axis=0), right / confusion.sum(axis=1)
    reports = [
        ClassReport(name, int(n), float(p), float(r))
        for name, n, p, r in zip(names, confusion.sum(axis=1), precision, recall, strict=True)
    ]
    total = int(confusion.sum())
    return Evaluation(float(right.sum() / total), total, tuple(reports), confusion)


def _confusion(
    truth: Sequence[str], predicted: Sequence[str], names: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Count pairs; scikit-learn's own warns where all images are of one class and read right."""
    position = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, ([position[t] for t in truth], [position[p] for p in predicted]), 1)
    return counts


EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)
"""Edges of the bands: finer towards 1, where most labels are and thresholds are chosen."""


@dataclass(frozen=True, slots=True)
class Band:
    """Counts of labels with a confidence from `low` (included) to `high` (excluded, except 1).

    `mean` is their mean confidence; nan where `count` is 0.
    """

    low: float
    high: float
    count: int
    right: int
    mean: float

    @property
    def accuracy(self) -> float:
        """Share of right labels, 0-1; nan if there are none."""
        return self.right / self.count if self.count else float("nan")


@dataclass(frozen=True, slots=True)
class Guesses:
    """Confidence and correctness of all labels, accepted or not.

    Attributes
    ----------
    confidence : ndarray of shape (n,), float64
        As printed, with four decimals; the most confident first.
    right : ndarray of shape (n,), bool
    """

    confidence: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]

    def bands(self) -> tuple[Band, ...]:
        """Return the counts of each band of confidence."""
        place = np.clip(np.searchsorted(EDGES, self.confidence, side="right") - 1, 0, len(EDGES) - 2)
        return tuple(self._band(index, place == index) for index in range(len(EDGES) - 1))

    def _band(self, index: int, inside: npt.NDArray[np.bool_]) -> Band:
        count = int(inside.sum())
        mean = float(self.confidence[inside].mean()) if count else float("nan")
        return Band(EDGES[index], EDGES[index + 1], count, int(self.right[inside].sum()), mean)

    def thresholds(self) -> list[tuple[float, int, int]]:
        """Return each confidence, descending, with the count of labels from it on, and wrong ones."""
        last = np.flatnonzero(np.diff(self.confidence, append=-1.0))  # ties stand or fall together
        wrong = np.cumsum(~self.right)
        return [(float(self.confidence[i]), int(i) + 1, int(wrong[i])) for i in last]


def guesses(outcomes: Iterable[Outcome], truths: Mapping[str, str]) -> Guesses:
    """Return the outcomes that have a label, compared with the truth of their paths."""
    pairs = [
        (round(outcome.confidence, 4), outcome.label == truths[outcome.path])
        for outcome in outcomes
        if outcome.label and outcome.confidence is not None
    ]
    pairs.sort(key=lambda pair: -pair[0])
    confidence, right = zip(*pairs, strict=True) if pairs else ((), ())
    return Guesses(np.array(confidence, np.float64), np.array(right, np.bool_))
