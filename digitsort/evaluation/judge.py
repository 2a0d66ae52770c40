"""Compare labels, outcomes, or the rows of a labels.csv with the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.classification.decide import LOW_CONFIDENCE
from digitsort.errors import NothingToDoError, UsageError
from digitsort.evaluation.estimate import Estimate
from digitsort.files.names import natural_key
from digitsort.labels.cells import MOST_LABELS, length_name
from digitsort.labels.labels_csv import NONE_LABEL, UNCLEAR, outcome_of
from digitsort.labels.row import Row, right_label
from digitsort.outcomes import Outcome, Status
from digitsort.plural import plural

MOST_NAMES = 2 * MOST_LABELS
"""Largest number of rows and columns of the confusion matrix: 32 MB."""


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
    """Compute accuracy, precision and recall by class, and the confusion matrix.

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


UNREAD = "unread"
"""Class name in the confusion matrix for unreadable files."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Image that was read wrong; `accepted` if its status is ok, so that nobody would check it."""

    path: str
    truth: str
    read: str
    confidence: float | None
    accepted: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """Comparison of outcomes with the truth.

    Attributes
    ----------
    evaluation : Evaluation
        The best guess of an uncertain image counts as its label; a rejected image as `_none`.
    accepted, accepted_wrong : int
        Images with status ok, and how many of them are wrong.
    mistakes : tuple of Mistake
        The most confident first.
    """

    evaluation: Evaluation
    accepted: int
    accepted_wrong: int
    mistakes: tuple[Mistake, ...]

    @property
    def coverage(self) -> float:
        """Share of images that were accepted, 0-1."""
        return self.accepted / self.evaluation.count

    @property
    def accepted_error(self) -> float:
        """Share of accepted images that are wrong, 0-1."""
        return self.accepted_wrong / max(self.accepted, 1)


def judge(
    outcomes: Iterable[Outcome], truths: Mapping[str, str], *, are_numbers: bool = False
) -> Judged:
    """Compare each outcome with the truth of its path; numbers are counted by their length."""
    truth, read, mistakes = [], [], []
    accepted = accepted_wrong = 0
    for outcome in outcomes:
        right, said = truths[outcome.path], _said(outcome)
        truth.append(right)
        read.append(said)
        is_ok = outcome.status is Status.OK
        accepted += is_ok
        accepted_wrong += is_ok and said != right
        if said != right:
            mistakes.append(Mistake(outcome.path, right, said, outcome.confidence, is_ok))
    mistakes.sort(key=lambda mistake: -(mistake.confidence or 0))
    return Judged(
        (evaluate_numbers if are_numbers else evaluate)(truth, read),
        accepted,
        accepted_wrong,
        tuple(mistakes),
    )


def _said(outcome: Outcome) -> str:
    if outcome.status is Status.REJECTED:
        return NONE_LABEL
    return outcome.label or UNREAD


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Outcomes with known truth.

    Attributes
    ----------
    truths : dict of str to str
        The right label of each path.
    unknown : int
        Number of rows without a known label.
    unclear : int
        Number of rows that a person could not read; `unknown` does not count them.
    estimate : Estimate or None
        Estimate for all rows of the labels.csv; None if there is none.
    models : str
        Values of the column `model` of the labels.csv, separated by commas.
    """

    outcomes: list[Outcome]
    truths: dict[str, str]
    unknown: int
    estimate: Estimate | None = None
    models: str = ""
    unclear: int = 0


def reviewed(
    rows: Iterable[Row], truths: Mapping[str, str], min_confidence: float | None = None
) -> Reviewed:
    """Return the rows that a person labelled, or whose path is in `truths`; the person wins.

    Parameters
    ----------
    min_confidence : float, optional
        New threshold between ok and uncertain.

    Raises
    ------
    NothingToDoError
        If there are none.
    """
    outcomes, known, unknown, unclear = [], {}, 0, 0
    for row in rows:
        right = right_label(row, truths)
        if right:
            outcomes.append(_decided(outcome_of(row), min_confidence))
            known[row.path] = right
        elif row.human == UNCLEAR:
            unclear += 1
        else:
            unknown += 1
    if not outcomes and unclear:
        raise NothingToDoError(
            f"A person could not read {plural(unclear, 'image')}, and gave no other label. Label some "
            "that can be read with `digitsort review`."
        )
    if not outcomes:
        raise NothingToDoError(
            "No row of the table has a label in the truth. Its paths must be those of the rows."
            if truths
            else "No row has a label from a person. Label some with `digitsort review`, then add "
            "the file that its page saves: --corrections corrections.csv."
        )
    return Reviewed(outcomes, known, unknown, unclear=unclear)


def _decided(outcome: Outcome, min_confidence: float | None) -> Outcome:
    if (
        min_confidence is None
        or outcome.confidence is None
        or outcome.reason not in ("", LOW_CONFIDENCE)
    ):
        return outcome
    if outcome.confidence >= min_confidence:
        return outcome._replace(status=Status.OK, reason="")
    return outcome._replace(status=Status.UNCERTAIN, reason=LOW_CONFIDENCE)


def acceptable(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the accepted outcomes, and those that a lower confidence threshold would accept.

    An outcome that is doubtful for another reason, such as unfamiliar ink, stays doubtful at any
    threshold.
    """
    return [o for o in outcomes if o.status is Status.OK or o.reason == LOW_CONFIDENCE]


def least_accepted(outcomes: Iterable[Outcome]) -> float | None:
    """Return the lowest accepted confidence, about the threshold; None if none was accepted."""
    accepted = (o.confidence for o in outcomes if o.status is Status.OK and o.confidence is not None)
    return min(accepted, default=None)
