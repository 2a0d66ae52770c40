"""Count what a reader makes of pictures whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from digitsort import Model, default_model, load_model
from digitsort.classification.decide import Verdict, decide
from digitsort.outcomes import Status
from digitsort.recognition.canvas import Gray

BATCH = 256
"""Images decided on at a time, as a worker does."""

DIGITS = tuple("0123456789")

Decide = Callable[[Sequence[Gray]], Sequence[Verdict]]
"""Gray images to verdicts; any function of this kind can be measured."""


class Judged(NamedTuple):
    """A picture, what it shows and what a reader made of it.

    Attributes
    ----------
    gray : ndarray of shape (height, width)
    truth : str
        The digit; empty where the picture shows none.
    verdict : Verdict
    """

    gray: Gray
    truth: str
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether the label is the truth; a rejected picture has no label and is wrong."""
        return self.verdict.label == self.truth

    @property
    def is_accepted(self) -> bool:
        """Whether the status is ok."""
        return self.verdict.status is Status.OK


@dataclass(frozen=True, slots=True)
class Counts:
    """How pictures of one kind were read; shares are 0-1.

    Attributes
    ----------
    images : int
    right : float
        Share with the right label; rejected ones count as wrong.
    guessed : float
        Share whose most probable digit is right, rejected or not.
    accepted : float
        Share with the status ok.
    accepted_wrong : float
        Share of all pictures that is ok and wrong.
    reasons : Counter of str
        Of the rejected ones.
    taken_for : Counter of str
        Labels of the accepted ones.
    """

    images: int
    right: float
    guessed: float
    accepted: float
    accepted_wrong: float
    reasons: Counter[str]
    taken_for: Counter[str]

    @property
    def wrong_among_accepted(self) -> float:
        """Share of the accepted pictures that is wrong."""
        return self.accepted_wrong / self.accepted if self.accepted else 0.0


def open_model(file: Path | None) -> Model:
    """Read a model's file, or return the default model."""
    return default_model() if file is None else load_model(file)


def decide_with(model: Model) -> Decide:
    """Return digitsort's own reader, with a model."""
    return lambda grays: decide(grays, model)


def judge(
    grays: Sequence[Gray], truths: Sequence[str], decide: Decide, batch: int = BATCH
) -> list[Judged]:
    """Decide on each picture, some hundred at a time."""
    verdicts = [v for i in range(0, len(grays), batch) for v in decide(grays[i : i + batch])]
    return list(map(Judged, grays, truths, verdicts))


def count(judged: Sequence[Judged], names: Sequence[str] = DIGITS) -> Counts:
    """Count verdicts; `names` are the classes in the order of the verdicts' probabilities."""
    n = max(len(judged), 1)
    accepted = [one for one in judged if one.is_accepted]
    rejected = [one.verdict for one in judged if one.verdict.status is Status.REJECTED]
    return Counts(
        images=len(judged),
        right=sum(one.is_right for one in judged) / n,
        guessed=sum(best_guess(one.verdict, names) == one.truth for one in judged) / n,
        accepted=len(accepted) / n,
        accepted_wrong=sum(not one.is_right for one in accepted) / n,
        reasons=Counter(verdict.reason for verdict in rejected),
        taken_for=Counter(one.verdict.label for one in accepted),
    )


def best_guess(verdict: Verdict, names: Sequence[str] = DIGITS) -> str:
    """Return the most probable digit of a verdict, even of a rejected one."""
    chances = [
        (chance, name)
        for chance, name in zip(verdict.probabilities, names, strict=False)
        if name in DIGITS
    ]
    return max(chances)[1] if chances else verdict.label


def most_common(counter: Counter[str], number: int = 3) -> str:
    """Write the most frequent entries as text: "noise 12, blank 3"."""
    return ", ".join(f"{name} {times}" for name, times in counter.most_common(number))
