"""Compare outcomes with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digitsort.labels import NONE_LABEL
from digitsort.records import Outcome, Status
from digitsort.training.evaluate import Evaluation, evaluate

UNREAD = "unread"
"""Class name in the confusion matrix for unreadable files."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Image that was read wrong."""

    path: str
    truth: str
    read: str
    confidence: float | None


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


def judge(outcomes: Iterable[Outcome], truths: Mapping[str, str]) -> Judged:
    """Compare each outcome with the truth of its path."""
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
            mistakes.append(Mistake(outcome.path, right, said, outcome.confidence))
    mistakes.sort(key=lambda mistake: -(mistake.confidence or 0))
    return Judged(evaluate(truth, read), accepted, accepted_wrong, tuple(mistakes))


def _said(outcome: Outcome) -> str:
    if outcome.status is Status.REJECTED:
        return NONE_LABEL
    return outcome.label or UNREAD
