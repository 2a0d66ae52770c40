"""Read numbers of several digits: `classify --number`.

The ink is cut into more pieces than there are digits (`pieces`). Every group of neighbouring pieces is
weighed (`groups`). Dynamic programming then finds the best way to group all pieces into digits
(Fujisawa, Nakano and Kurino 1992; Liu, Sako and Fujisawa 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, log1p

import numpy as np

from digitsort.classification.decide import Verdict, decide
from digitsort.classification.groups import LEAST, Groups, Span, groups_of
from digitsort.classification.pieces import Strip, strip_of
from digitsort.classification.settings import ANY_LENGTH, Length
from digitsort.labels.cells import MOST_DIGITS
from digitsort.model.reading import Model
from digitsort.outcomes import Status
from digitsort.recognition.canvas import Gray
from digitsort.recognition.score import Allowed

MOST_BEHIND = 7.0
"""Largest lead of the best number of any length over the best one of a given length. If the lead is
larger, there is no such number. Of 858 numbers of the part `choose` in `benchmarks.numbers`, all have a
lead below it at their true length."""

MOST_ODDS = 12.0
"""Largest absolute value of the logarithm of the odds of the labels."""

IS_RIGHT = (0.1907, 0.6606, 0.0661, -0.1018, 0.1686)
"""Logarithm of the odds that a number is right: weights of `NumberReading.evidence` and a constant.
Fitted by `python -m benchmarks.numbers --fit-confidence`."""

SURE = 0.99
"""Smallest confidence of a number that is `ok`. Of 2,000 numbers of the part `choose`, each judged by a
confidence that was fitted to the other half of them, 1,198 are accepted and 2 of them are wrong; with
0.98, 5 of 1,374 are."""

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
    odds : float
        Logarithm of the odds of these labels among all labels that all groups could have.
    weakest : float
        Smallest worth of a group.
    cuts : int
        Cuts between two digits.
    note : str
        As in `NumberVerdict`.
    """

    digits: list[Verdict]
    fault: str = ""
    odds: float = 0.0
    weakest: float = 0.0
    cuts: int = 0
    note: str = ""

    def evidence(self) -> tuple[float, ...]:
        """Return what tells whether the whole number is right."""
        share = float(np.prod([digit.confidence or 0.0 for digit in self.digits]))
        clear = log(max(share, LEAST)) - log(max(1 - share, LEAST))
        return clear, self.odds, self.weakest, float(self.cuts)

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
    groups = groups_of(strips, model, allowed)
    paths = [best_path(mine, strip.count, length) for strip, mine in zip(strips, groups, strict=True)]
    digits = [
        strip.picture(*mine.spans[at])
        for strip, mine, path in zip(strips, groups, paths, strict=True)
        for at in path
    ]
    verdicts = iter(decide(digits, model, min_confidence, allowed))
    return [
        _reading(strip, mine, path, [next(verdicts) for _ in path], length, model.card.classes)
        for strip, mine, path in zip(strips, groups, paths, strict=True)
    ]


def _reading(
    strip: Strip,
    groups: Groups,
    path: Sequence[int],
    digits: list[Verdict],
    length: Length,
    classes: Sequence[str],
) -> NumberReading:
    """Return a reading, with the evidence for it."""
    if not path:
        no_number = NO_DIGIT if length == ANY_LENGTH else NOT_THAT_LONG
        return NumberReading([], no_number if strip.count else NOTHING, note=strip.note)
    labels = [classes.index(digit.label) for digit in digits if digit.label in classes]
    return NumberReading(
        digits,
        odds=odds_of(groups, labels, strip.count, length) if len(labels) == len(digits) else 0.0,
        weakest=min(groups.worth[at] for at in path),
        cuts=sum(bool(strip.is_cut[groups.spans[at][0]]) for at in path),
        note=strip.note,
    )


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
        Empty if a number of any other length is far more likely.
    """
    strip = strip_of(gray)
    (groups,) = groups_of([strip], model)
    path = best_path(groups, strip.count, Length(count, count))
    return [strip.picture(*groups.spans[at]) for at in path]


def best_path(groups: Groups, count: int, length: Length) -> list[int]:
    """Return the numbers of the groups of the most likely digits that are all `count` pieces.

    There are none if no number has this length, or if one of another length is far more likely.
    """
    best: dict[Span, tuple[float, int]] = {(0, 0): (0.0, -1)}  # (pieces, digits): sum and last group
    likely = np.log(np.maximum(groups.chances.max(axis=1, initial=0.0), LEAST)).tolist()
    for at, ((start, stop), worth) in enumerate(zip(groups.spans, groups.worth, strict=True)):
        for digits in range(min(start + 1, MOST_DIGITS)):
            before = best.get((start, digits))
            if before is None:
                continue
            found, known = before[0] + worth + likely[at], best.get((stop, digits + 1))
            if known is None or found > known[0]:
                best[stop, digits + 1] = found, at
    ends = {n: best[count, n][0] for n in range(1, MOST_DIGITS + 1) if (count, n) in best}
    fitting = [(ends[n], n) for n in ends if length.least <= n <= length.most]
    if not fitting or max(fitting)[0] < max(ends.values()) - MOST_BEHIND:
        return []
    return _followed_back(best, groups.spans, (count, max(fitting)[1]))


def _followed_back(
    best: Mapping[Span, tuple[float, int]], spans: Sequence[Span], end: Span
) -> list[int]:
    """Return the groups that led to this end, the first one first."""
    path = []
    pieces, digits = end
    while digits:
        at = best[pieces, digits][1]
        path.append(at)
        pieces, digits = spans[at][0], digits - 1
    return path[::-1]


def odds_of(groups: Groups, labels: Sequence[int], count: int, length: Length) -> float:
    """Return the logarithm of the odds that the number has these labels, classes of the model.

    All ways to group the pieces count, and all labels that they could have.
    """
    every: dict[Span, float] = {(0, 0): 0.0}  # (pieces, digits): logarithm of the sum of all ways
    these = dict(every)
    likely = np.log(np.maximum(groups.chances[:, labels], LEAST)).tolist()
    for (start, stop), worth, chances in zip(groups.spans, groups.worth, likely, strict=True):
        for digits in range(min(start + 1, length.most)):
            _add(every, (start, digits), (stop, digits + 1), worth)
            if digits < len(labels):
                _add(these, (start, digits), (stop, digits + 1), worth + chances[digits])
    mine = these[count, len(labels)]
    ends = [every[count, n] for n in range(length.least, length.most + 1) if (count, n) in every]
    share = exp(mine - max(ends)) / sum(exp(end - max(ends)) for end in ends)
    odds = log(max(share, LEAST)) - log(max(1 - share, LEAST))
    return min(max(odds, -MOST_ODDS), MOST_ODDS)


def _add(sums: dict[Span, float], before: Span, after: Span, value: float) -> None:
    """Add the ways that lead from one place to another to the sum of those that end there."""
    known = sums.get(before)
    if known is None:
        return
    found, other = known + value, sums.get(after)
    if other is None:
        sums[after] = found
    else:
        sums[after] = max(found, other) + log1p(exp(-abs(found - other)))
