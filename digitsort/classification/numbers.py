"""Read numbers of several digits: `classify --number`.

The ink is cut into more pieces than there are digits (`pieces`). The model looks at every group of
neighbouring pieces, and a logistic regression tells how likely the group is exactly one digit. Dynamic
programming then finds the best way to group all pieces into digits (Fujisawa, Nakano and Kurino 1992;
Liu, Sako and Fujisawa 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
import numpy.typing as npt

from digitsort.classification.decide import Verdict, decide
from digitsort.classification.length import ANY_LENGTH, Length
from digitsort.classification.pieces import MOST_PIECES, Strip, strip_of
from digitsort.model.reading import Model
from digitsort.outcomes import Status
from digitsort.recognition.canvas import Gray
from digitsort.recognition.score import Allowed, probabilities, project, score_components
from digitsort.recognition.vectorize import STACK, vectorize

Floats = npt.NDArray[np.float64]
Span = tuple[int, int]

IS_DIGIT = (0.7243, -0.4363, 2.821, 25.5587, -14.0043, 29.1287, -16.0018, -1.7452, -21.8534)
"""Logarithm of the odds that a group of pieces is one digit: weights of `features_of` and a constant.
Fitted by `python -m benchmarks.numbers --fit`."""

MOST_ODDS = 12.0
"""Largest absolute value of these odds."""

LEAST_ODDS = -6.0
"""Smallest odds of a group in a number of a given length. With less, there is no such number."""

IS_RIGHT = (0.58, 0.11, 0.5453, -0.0471, -0.6467)
"""Logarithm of the odds that a number is right: weights of `NumberReading.evidence` and a constant.
Fitted like `IS_DIGIT`, on other numbers."""

SURE = 0.99
"""Smallest confidence of a number that is `ok`. Chosen on 1,400 numbers of the digits `choose` in
`benchmarks.numbers`, which neither fit has seen: 3 of the 619 accepted ones are wrong."""

LEAST = 1e-6
"""Smallest likelihood of a digit, so that its logarithm is finite."""

NOTHING = "no digits found"
NO_DIGIT = "a part is no digit"
NOT_THAT_LONG = "no number of this length"
TOUCHING = "digits touch"
COUNT_UNSURE = "more or fewer digits"


@dataclass(frozen=True, slots=True)
class NumberVerdict:
    """Verdict on a number.

    Attributes
    ----------
    verdict : Verdict
        Its label is the whole number.
    note : str
        What was left out, such as "left out: 1 sign"; empty if nothing was.
    """

    verdict: Verdict
    note: str = ""


def read_numbers(
    grays: Sequence[Gray],
    model: Model,
    length: Length = ANY_LENGTH,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> list[NumberVerdict]:
    """Decide on pictures of numbers.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
    model : Model
    length : Length
    min_confidence : float, optional
        A digit below it is uncertain; default: the model's own threshold.
    allowed : ndarray of shape (k,), bool, optional
        Classes that may be given as labels; default: all.

    Returns
    -------
    list of NumberVerdict
        A number is `ok` if all its digits are, and its confidence, the calibrated probability that the
        whole number is right, is at least `SURE`.
    """
    readings = readings_of(grays, model, length, min_confidence, allowed)
    return [NumberVerdict(reading.verdict(), reading.note) for reading in readings]


@dataclass(frozen=True, slots=True)
class NumberReading:
    """The best way to group the pieces of a number into digits.

    Attributes
    ----------
    digits : list of Verdict
        Empty if there is no number.
    fault : str
        Why there is no number; empty if there is one.
    clear_by : float
        Lead in the sum of odds over the best reading with another count of digits.
    weakest : float
        Smallest odds of a group.
    cuts : int
        Cuts between two digits.
    note : str
        As in `NumberVerdict`.
    """

    digits: list[Verdict]
    fault: str = ""
    clear_by: float = 0.0
    weakest: float = 0.0
    cuts: int = 0
    note: str = ""

    def evidence(self) -> tuple[float, ...]:
        """Return what tells whether the whole number is right."""
        share = float(np.prod([digit.confidence or 0.0 for digit in self.digits]))
        odds = log(max(share, LEAST)) - log(max(1 - share, LEAST))
        return odds, min(self.clear_by, MOST_ODDS), self.weakest, float(self.cuts)

    def confidence(self) -> float:
        """Return the probability that all digits are right, calibrated on numbers."""
        odds = sum(w * e for w, e in zip(IS_RIGHT[:-1], self.evidence(), strict=True)) + IS_RIGHT[-1]
        return 1 / (1 + exp(-odds))

    def verdict(self) -> Verdict:
        """Return the verdict on the number."""
        if not self.digits:
            return Verdict(Status.REJECTED, reason=self.fault)
        if any(digit.status is Status.REJECTED for digit in self.digits):
            return Verdict(Status.REJECTED, reason=NO_DIGIT)
        label = "".join(digit.label for digit in self.digits)
        confidence, doubt = self.confidence(), self._doubt()
        return Verdict(Status.UNCERTAIN if doubt else Status.OK, label, confidence, doubt)

    def _doubt(self) -> str:
        """Return why the number is not sure; empty if it is."""
        for number, digit in enumerate(self.digits, 1):
            if digit.status is not Status.OK:
                return f"digit {number}: {digit.reason}"
        if self.confidence() >= SURE:
            return ""
        return TOUCHING if self.cuts else COUNT_UNSURE


def readings_of(
    grays: Sequence[Gray],
    model: Model,
    length: Length = ANY_LENGTH,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> list[NumberReading]:
    """Read numbers as `read_numbers` does; also return what the verdicts rest on."""
    strips = [strip_of(gray) for gray in grays]
    spans = [strip.spans() for strip in strips]
    odds = iter(_odds(features_of(strips, spans, model, allowed)))
    scored = [{span: next(odds) for span in some} for some in spans]
    found = [_best_path(mine, strip.count, length) for strip, mine in zip(strips, scored, strict=True)]
    weakest = [
        min((mine[span] for span in path), default=-inf)
        for mine, (path, _) in zip(scored, found, strict=True)
    ]
    least = -inf if length == ANY_LENGTH else LEAST_ODDS
    paths = [path if odds >= least else [] for (path, _), odds in zip(found, weakest, strict=True)]
    digits = [strip.picture(*span) for strip, path in zip(strips, paths, strict=True) for span in path]
    verdicts = iter(decide(digits, model, min_confidence, allowed))
    fault = NO_DIGIT if length == ANY_LENGTH else NOT_THAT_LONG
    return [
        NumberReading(
            [next(verdicts) for _ in path],
            "" if path else fault if strip.count else NOTHING,
            clear_by,
            odds,
            sum(bool(strip.is_cut[start]) for start, _ in path),
            strip.note,
        )
        for strip, path, (_, clear_by), odds in zip(strips, paths, found, weakest, strict=True)
    ]


def cut_into_digits(gray: Gray, count: int, model: Model) -> list[Gray]:
    """Return a picture of each digit of a number, from left to right.

    Parameters
    ----------
    gray : ndarray of shape (height, width)
    count : int
        How many digits there are.
    model : Model

    Returns
    -------
    list of ndarray
        Empty if there are not so many, or if a group of pieces is more likely something else.
    """
    strip = strip_of(gray)
    spans = strip.spans()
    odds = dict(zip(spans, _odds(features_of([strip], [spans], model)), strict=True))
    path, _ = _best_path(odds, strip.count, Length(count, count))
    return [strip.picture(*span) for span in path] if all(odds[span] > 0 for span in path) else []


def _odds(features: Floats) -> list[float]:
    """Return the logarithms of the odds that each group is one digit."""
    odds = (features * IS_DIGIT[:-1]).sum(axis=1) + IS_DIGIT[-1]
    values: list[float] = np.clip(odds, -MOST_ODDS, MOST_ODDS).tolist()
    return values


def features_of(
    strips: Sequence[Strip],
    spans: Sequence[Sequence[Span]],
    model: Model,
    allowed: Allowed | None = None,
) -> Floats:
    """Return what tells whether each group of pieces is exactly one digit; shape (n, 8).

    These are the logarithms of the best label's probability, of the others' and of the familiarity;
    width and height with their squares; and the number of sides that are cuts, not gaps.
    """
    pictures = [
        strip.picture(*span) for strip, some in zip(strips, spans, strict=True) for span in some
    ]
    sizes = [strip.size_of(span) for strip, some in zip(strips, spans, strict=True) for span in some]
    cuts = [strip.cuts_of(span) for strip, some in zip(strips, spans, strict=True) for span in some]
    width, height = np.array(sizes, np.float64).reshape(-1, 2).T
    known = _knowledge_of(pictures, model, allowed)
    return np.column_stack([known, width, width**2, height, height**2, np.array(cuts, np.float64)])


def _knowledge_of(pictures: Sequence[Gray], model: Model, allowed: Allowed | None) -> Floats:
    """Return what the model knows of each picture, in stacks; shape (n, 3)."""
    stacks = [pictures[start : start + STACK] for start in range(0, len(pictures), STACK)]
    known = [_knowledge_of_stack(stack, model, allowed) for stack in stacks]
    return np.concatenate([np.empty((0, 3)), *known])


def _knowledge_of_stack(pictures: Sequence[Gray], model: Model, allowed: Allowed | None) -> Floats:
    components = project(vectorize(pictures).features, model.machine.projection)
    scores = score_components(components, model.machine, allowed)
    chances = probabilities(scores, model.card.temperature)
    if allowed is not None:
        chances = chances[:, allowed]
    best = chances.max(axis=1)
    likely = np.column_stack([best, 1 - best, scores.familiarity])
    return np.asarray(np.log(np.maximum(likely, LEAST)))


def _best_path(odds: dict[Span, float], count: int, length: Length) -> tuple[list[Span], float]:
    """Return the groups of the best number of this length, and its lead over other counts of digits.

    There are no groups if no number has this length. The lead is the difference in the sum of odds to
    the best number with more or fewer digits.
    """
    best: dict[Span, tuple[float, Span | None]] = {(0, 0): (0.0, None)}
    for stop in range(1, count + 1):
        for start in range(max(0, stop - MOST_PIECES), stop):
            if (start, stop) not in odds:
                continue
            for digits in range(min(start + 1, length.most)):
                before = best.get((start, digits))
                if before is None:
                    continue
                found = before[0] + odds[start, stop]
                known = best.get((stop, digits + 1))
                if known is None or found > known[0]:
                    best[stop, digits + 1] = found, (start, digits)
    ends = [(best[count, n][0], n) for n in range(length.least, length.most + 1) if (count, n) in best]
    if not count or not ends:
        return [], 0.0
    ranked = sorted(ends, reverse=True)
    clear_by = ranked[0][0] - ranked[1][0] if len(ranked) > 1 else inf
    at: Span | None = (count, ranked[0][1])
    path = []
    while at is not None and at[0]:
        before_it = best[at][1]
        if before_it is not None:
            path.append((before_it[0], at[0]))
        at = before_it
    return path[::-1], clear_by
