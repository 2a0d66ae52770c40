"""Compare outcomes, or the rows of a labels.csv, with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digitsort.classification.decide import LOW_CONFIDENCE
from digitsort.errors import NothingToDoError
from digitsort.evaluation.estimate import Estimate
from digitsort.evaluation.metrics import Evaluation, evaluate, evaluate_numbers
from digitsort.labels.labels_csv import NONE_LABEL, outcome_of
from digitsort.labels.row import Row
from digitsort.outcomes import Outcome, Status

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
    outcomes : list of Outcome
    truths : dict of str to str
        The right label of each path.
    unknown : int
        Number of rows without a known label.
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


def reviewed(
    rows: Iterable[Row], truths: Mapping[str, str], min_confidence: float | None = None
) -> Reviewed:
    """Return the rows that a person labelled, or whose path is in `truths`; the person wins.

    Parameters
    ----------
    rows : iterable of Row
    truths : mapping of str to str
    min_confidence : float, optional
        New threshold between ok and uncertain.

    Raises
    ------
    NothingToDoError
        If there are none.
    """
    outcomes, known, unknown = [], {}, 0
    for row in rows:
        right = row.human or truths.get(row.path, "")
        if right:
            outcomes.append(_decided(outcome_of(row), min_confidence))
            known[row.path] = right
        else:
            unknown += 1
    if not outcomes:
        raise NothingToDoError(
            "No row of the table has a label in the truth. Its paths must be those of the rows."
            if truths
            else "No row has a label from a person. Label some with `digitsort review`, then add "
            "the file that its page saves: --corrections corrections.csv."
        )
    return Reviewed(outcomes, known, unknown)


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
