"""Judge outcomes by the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digitsort.labels import NONE_LABEL
from digitsort.records import Outcome, Status
from digitsort.training.evaluate import Evaluation, evaluate

UNREAD = "unread"
"""What an unreadable file was read as."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture that was read wrong."""

    path: str
    truth: str
    read: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """How outcomes compare with the truth.

    Attributes
    ----------
    evaluation : Evaluation
        Best guesses of uncertain pictures count as read; a rejected one is read as `_none`.
    accepted, accepted_wrong : int
        Pictures with the status ok, and those of them that are wrong.
    mistakes : tuple of Mistake
        The most confident first.
    """

    evaluation: Evaluation
    accepted: int
    accepted_wrong: int
    mistakes: tuple[Mistake, ...]

    @property
    def coverage(self) -> float:
        """Share of the pictures that was accepted, 0-1."""
        return self.accepted / self.evaluation.count

    @property
    def accepted_error(self) -> float:
        """Share of the accepted ones that is wrong, 0-1."""
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
