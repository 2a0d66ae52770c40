"""Compare what was read with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.check_cells import MOST_LABELS
from digitsort.errors import UsageError
from digitsort.files.natural import natural_key

MOST_NAMES = 2 * MOST_LABELS
"""The confusion matrix has so many rows and columns at most: 32 MB."""


@dataclass(frozen=True, slots=True)
class ClassReport:
    """How one class was read; `precision` and `recall` are nan where there is nothing to divide by."""

    name: str
    count: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a set of images was read.

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
    right = np.diag(confusion).astype(np.float64)
    with np.errstate(invalid="ignore"):
        precision, recall = right / confusion.sum(axis=0), right / confusion.sum(axis=1)
    reports = [
        ClassReport(name, int(n), float(p), float(r))
        for name, n, p, r in zip(names, confusion.sum(axis=1), precision, recall, strict=True)
    ]
    return Evaluation(float(right.sum() / len(truth)), len(truth), tuple(reports), confusion)


def _confusion(
    truth: Sequence[str], predicted: Sequence[str], names: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Count pairs; scikit-learn's own warns where all images are of one class and read right."""
    position = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, ([position[t] for t in truth], [position[p] for p in predicted]), 1)
    return counts
