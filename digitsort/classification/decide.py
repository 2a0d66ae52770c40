"""Decide what a gray image shows: ok, uncertain or rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from digitsort.labels.cells import are_digits
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.outcomes import Status
from digitsort.recognition.gate import BLANK, LINES, SEVERAL, SHAPE, SOLID, TEXTURE, why_no_digit
from digitsort.recognition.ink import LONG_AT_EDGE, Ink
from digitsort.recognition.looks import (
    BESIDE,
    BETTER_BY,
    IF_OK,
    ROUNDS,
    Way,
    is_piece,
    look_at_redrawn,
    redrawn,
)
from digitsort.recognition.score import Allowed, predict, probabilities, project, score_components
from digitsort.recognition.vectorize import STACK, Vectors, vectorize, vectors_of

if TYPE_CHECKING:
    from digitsort.model.reading import Model
    from digitsort.recognition.canvas import Gray
    from digitsort.recognition.score import Features, Likeness

LOW_CONFIDENCE = "low confidence"
NOT_A_DIGIT = "not a digit"
UNFAMILIAR = "unfamiliar"
UNLIKE = "unlike a digit"
TWO_READINGS = "two readings"

IN_OTHER_WORDS = {
    SHAPE: "unusual shape",
    SEVERAL: "several signs",
    NOT_A_DIGIT: "none of the classes",
}
"""Reasons of a model that also has classes other than digits, by the reason for digits."""

UNLIKE_SHARE = 0.5
"""Factor for the strength of a reading whose ink is unlike a digit. Without it, a circle that is read
as a 0 is as strong as the digit inside the circle."""

AS_GOOD = 0.8
"""Smallest share of a sure first look's strength at which a reading with another label becomes the
better guess, if that reading is not made of whole parts of the ink."""

PRICE_OF_A_PIECE = 0.25
"""Strength by which a reading of what may be a piece of the digit has to beat the first look."""

FEW_JOBS = 256
"""Largest number of second looks that are all taken in one round. For so few, the fixed cost of the
calls in each round is higher than the cost of looks that an earlier round would have made needless."""

AS_STRONG = 0.15
"""Strength within which a reading of another label makes one doubtful."""

VOTE_POWER, VOTE_OF_A_PIECE, VOTE_IN_SHADE, VOTE_LEAD = 3, 0.5, 0.3, 1.25
"""How readings vote for the label of a doubtful image. A vote is the reading's strength raised to the
first value, times the second if the ink may be a piece of the digit, times the third if a dark region
at an edge was not removed. Another label wins if it has the last value times as many votes. Chosen in
the conditions of `benchmarks.beside`, on other digits."""

WITHOUT_ITS_BASE = {"1": "7", "2": "7"}
"""Digit with a straight base, and the digit that it looks like without the base. Such a reading is
ignored: a 1 or a 2 with a base is more common than an underlined 7."""

AS_FAMILIAR = 0.02
"""A reading with the first look's label has a vote of its own only if its familiarity differs by at
least this much. Otherwise the way changed nothing, and would count the first look twice."""

SURELY_NO_DIGIT = frozenset({SEVERAL, TEXTURE, NOT_A_DIGIT})
"""Reasons that a part of the ink alone can't overrule, only ink within a frame or a ring."""


class Verdict(NamedTuple):
    """Result for one image; the fields are those of `outcomes.Outcome`.

    Probabilities are given of rejected images too: of what they look like most, not of what they are.
    `familiarity` is how close the nearest support vector is, 0-1. `is_like` tells whether the ink is
    like a digit at all, if the model has learned that.
    """

    status: Status
    label: str = ""
    confidence: float | None = None
    reason: str = ""
    second: str = ""
    second_confidence: float | None = None
    probabilities: tuple[float, ...] = ()
    familiarity: float = 0.0
    is_like: bool = True

    @property
    def strength(self) -> float:
        """Confidence times familiarity, 0-1, less if unlike a digit; 0 if the image was rejected."""
        if self.confidence is None:
            return 0.0
        return self.confidence * self.familiarity * (1.0 if self.is_like else UNLIKE_SHARE)


class Reading(NamedTuple):
    """A verdict, and the way to it.

    Attributes
    ----------
    verdict : Verdict
    way : Way or None
        None of the first look.
    is_piece : bool
        The ink may be a piece of the digit.
    """

    verdict: Verdict
    way: Way | None = None
    is_piece: bool = False

    @property
    def price(self) -> float:
        """Strength by which this reading has to beat the first look."""
        if self.is_piece:
            return PRICE_OF_A_PIECE
        return BETTER_BY if self.way is None else self.way.price

    @property
    def has_cut_parts(self) -> bool:
        """Tell whether the ink that was read cuts through parts of the picture's ink."""
        return self.way is not None and self.way.look.choose is None

    def is_without_base_of(self, first: Verdict) -> bool:
        """Tell whether this is the digit of the first look without its base."""
        return self.may_lack_a_stroke and self.verdict.label == WITHOUT_ITS_BASE.get(first.label)

    @property
    def may_lack_a_stroke(self) -> bool:
        """Tell whether a stroke was erased that may be the digit's own, such as the base of a 2."""
        return self.way is not None and self.way.may_take_a_stroke


def decide(
    grays: Sequence[Gray],
    model: Model,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> list[Verdict]:
    """Decide on each image.

    If the first look is not sure, or something surrounds the ink, look at the image in other ways and
    choose the reading that the model knows best.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
    model : Model
    min_confidence : float, optional
        Labels below it are uncertain; default: the model's own threshold.
    allowed : ndarray of shape (k,), bool, optional
        Classes that may be given as labels; default: all.
    """
    return [reading.verdict for reading in read_digits(grays, model, min_confidence, allowed)]


def read_digits(
    grays: Sequence[Gray],
    model: Model,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> list[Reading]:
    """Decide on each image as `decide` does; also return the way in which it was read.

    All first looks come before any other look, so that hard pictures, which are few, fill a stack.
    """
    first, ink = _first_looks(grays, model, min_confidence, allowed)
    readings = [Reading(verdict) for verdict in first]
    if not first:
        return readings
    candidates = _Doubtful(first, ink, model)
    for ways in _rounds(candidates):
        jobs, pictures = _redrawn(candidates.jobs(ways), grays)
        for start in range(0, len(jobs), STACK):
            some = jobs[start : start + STACK]
            chosen = [way for _, way in some]
            again = vectors_of(look_at_redrawn(pictures[start : start + STACK], chosen))
            verdicts = decide_vectors(again, model, min_confidence, allowed)
            candidates.take(some, verdicts, is_piece(again.ink, chosen).tolist())
    for index, candidate in candidates.of.items():
        readings[index] = candidate.best()
    return readings if are_digits(model.class_names) else list(map(_in_other_words, readings))


def _redrawn(
    jobs: Sequence[tuple[int, Way]], grays: Sequence[Gray]
) -> tuple[list[tuple[int, Way]], list[Gray]]:
    """Return the jobs and their pictures, without those whose way found nothing to redraw."""
    pictures = [redrawn(grays[index], way) for index, way in jobs]
    changed = [
        way.redraw is None or picture is not grays[index]
        for (index, way), picture in zip(jobs, pictures, strict=True)
    ]
    return list(compress(jobs, changed)), list(compress(pictures, changed))


def _rounds(candidates: _Doubtful) -> Sequence[tuple[Way, ...]]:
    """Return the ways of each round, or all ways as one round if there are few looks to take.

    The result is the same: `take` drops a reading if an earlier one was enough.
    """
    every = tuple(chain.from_iterable(ROUNDS))
    return [every] if len(candidates.jobs(every)) <= FEW_JOBS else ROUNDS


def _in_other_words(reading: Reading) -> Reading:
    verdict = reading.verdict
    words = IN_OTHER_WORDS.get(verdict.reason, verdict.reason)
    return reading._replace(verdict=verdict._replace(reason=words))


def _first_looks(
    grays: Sequence[Gray], model: Model, min_confidence: float | None, allowed: Allowed | None
) -> tuple[list[Verdict], Ink]:
    """Look at each image as it is, in stacks whose vectors fit in the CPU cache."""
    verdicts: list[Verdict] = []
    inks = []
    for start in range(0, max(len(grays), 1), STACK):
        vectors = vectorize(grays[start : start + STACK])
        verdicts += decide_vectors(vectors, model, min_confidence, allowed)
        inks.append(vectors.ink)
    return verdicts, Ink.concatenate(inks)


class _Doubtful:
    """Images that may be looked at again.

    Attributes
    ----------
    of : dict of int to _Candidates
    """

    def __init__(self, first: Sequence[Verdict], ink: Ink, model: Model) -> None:
        is_ok = np.array([verdict.status is Status.OK for verdict in first], np.bool_)
        doubtful = np.flatnonzero(~is_ok)
        hard = ink.of(doubtful)
        helped = {way: doubtful[way.helps(hard)].tolist() for way in chain.from_iterable(ROUNDS)}
        self.of = {
            index: _Candidates.of(first[index], ink, index, _known(first[index], model))
            for index in doubtful.tolist()
        }
        for way, tell in IF_OK.items():
            for index in _told(tell, ink, np.flatnonzero(is_ok & _may_be(way.taken_for, first))):
                self.of.setdefault(index, _Candidates.of(first[index], ink, index))
                helped[way].append(index)
        self._helped = helped

    def jobs(self, ways: Sequence[Way]) -> list[tuple[int, Way]]:
        """Return the images to look at again, each with a way."""
        return [(i, way) for way in ways for i in self._helped[way] if self.of[i].wants(way)]

    def take(
        self, jobs: Sequence[tuple[int, Way]], verdicts: Sequence[Verdict], pieces: Sequence[bool]
    ) -> None:
        """Add the readings to the candidates of their images, in the order of the ways."""
        for (index, way), verdict, piece in zip(jobs, verdicts, pieces, strict=True):
            candidate = self.of[index]
            reading = Reading(verdict, way, piece)
            if candidate.wants(way) and not reading.is_without_base_of(candidate.first):
                candidate.others.append(reading)


def _may_be(labels: tuple[str, ...], verdicts: Sequence[Verdict]) -> npt.NDArray[np.bool_]:
    """Tell which verdicts (n,) have one of these labels; all of them if `labels` is empty."""
    return np.array([not labels or verdict.label in labels for verdict in verdicts], np.bool_)


def _told(
    tell: Callable[[Ink], npt.NDArray[np.bool_]], ink: Ink, images: npt.NDArray[np.intp]
) -> list[int]:
    """Return those of the given images that `tell` selects."""
    told: list[int] = images[tell(ink.of(images))].tolist()
    return told


@dataclass(slots=True)
class _Candidates:
    """The readings of one image.

    Attributes
    ----------
    first : Verdict
    is_sign, is_framed, is_shaded : bool
        Whether the first look found the parts of a sign (such as a question mark); something long along
        an edge, and no digits side by side; a dark region at an edge.
    others : list of Reading
        What is read in other ways. A first look whose ink the model knows well, rejected for
        its form only, is one of them.
    """

    first: Verdict
    is_sign: bool = False
    is_framed: bool = True
    is_shaded: bool = False
    others: list[Reading] = field(default_factory=list)

    @classmethod
    def of(cls, first: Verdict, ink: Ink, index: int, others: Sequence[Reading] = ()) -> _Candidates:
        """Return the candidates of an image from its first look."""
        is_framed = ink.along_edge[index] >= LONG_AT_EDGE and not ink.crowded[index]
        is_sign, is_shaded = ink.sign[index], ink.solid_edge[index]
        return cls(first, bool(is_sign), bool(is_framed), bool(is_shaded), list(others))

    def wants(self, way: Way) -> bool:
        """Tell whether to look at the image in a way that may help."""
        if self.first.status is Status.OK:
            return True
        if self.first.reason == BLANK:
            return False
        if way in ROUNDS[0] or (self.is_shaded and way.look.prepare is not None):
            return True
        if any(other.verdict.status is Status.OK and not other.is_piece for other in self.others):
            return way is BESIDE  # the margin may have cut off a line beside the digit
        return way.leaves_out_surroundings or self.first.reason not in SURELY_NO_DIGIT

    def best(self) -> Reading:
        """Return the strongest reading, or if it is doubtful, one of the label with most votes."""
        strongest = self._strongest()
        if not self.others or strongest.verdict.status is Status.OK or not strongest.verdict.label:
            return strongest
        votes = self._votes()
        label = max(votes, key=votes.__getitem__)
        if votes[label] < VOTE_LEAD * votes[strongest.verdict.label]:
            return strongest
        agreed = [other for other in self._different() if other.verdict.label == label]
        return _doubtful(max(agreed, key=self._vote), TWO_READINGS)

    def _votes(self) -> dict[str, float]:
        votes: dict[str, float] = {}
        for reading in self._different():
            label = reading.verdict.label
            if label:
                votes[label] = votes.get(label, 0.0) + self._vote(reading)
        return votes

    def _different(self) -> list[Reading]:
        """Return the first look and the readings that differ from it."""
        label, familiarity = self.first.label, self.first.familiarity
        others = [
            other
            for other in self.others
            if other.verdict.label != label
            or abs(other.verdict.familiarity - familiarity) >= AS_FAMILIAR
        ]
        return [Reading(self.first), *others]

    def _vote(self, reading: Reading) -> float:
        """Return the weight of a reading when labels are compared; see `VOTE_POWER`."""
        explained = 0.0
        if reading.way is not None and self.first.label in reading.way.taken_for:
            explained = -min(reading.way.price, 0.0)
        vote = float((reading.verdict.strength + explained) ** VOTE_POWER)
        if self.is_shaded:
            is_evened = reading.way is not None and reading.way.look.prepare is not None
            return vote if is_evened else VOTE_IN_SHADE * vote
        return VOTE_OF_A_PIECE * vote if reading.is_piece else vote

    def _strongest(self) -> Reading:
        first = Reading(self.first)
        if not self.others:
            return first
        best = max(self.others, key=self._worth)
        if self.first.status is Status.OK:
            # A ring was read as a 0, or a digit and its underline as a 2: a person has to say.
            is_another = best.verdict.label not in ("", self.first.label)
            if not is_another or best.verdict.strength < self.first.strength / 2:
                return first
            is_as_good = best.verdict.strength >= AS_GOOD * self.first.strength
            if best.has_cut_parts and (best.may_lack_a_stroke or not is_as_good):
                return _doubtful(first, TWO_READINGS)
            return _doubtful(best, _words(best))
        if best.verdict.strength <= self.first.strength + best.price:
            return first
        if best.verdict.status is not Status.OK:
            return best
        if self._contradicts(best):
            return _doubtful(best, TWO_READINGS)
        return best if self._is_whole(best) else _doubtful(best, _words(best))

    def _worth(self, reading: Reading) -> float:
        """Return the strength minus the price, minus `AS_STRONG` if the reading can't be accepted."""
        may_be_ok = reading.verdict.status is Status.OK and self._is_whole(reading)
        return reading.verdict.strength - reading.price - (0.0 if may_be_ok else AS_STRONG)

    def _is_whole(self, reading: Reading) -> bool:
        """Tell whether the reading left out only surroundings of the digit, so it can be accepted."""
        way = reading.way
        if way is None or reading.is_piece:
            return False
        if self.is_shaded:
            return way.look.prepare is not None
        if self.is_sign or (way.margin and not self.is_framed):
            return False
        return way.leaves_out_surroundings

    def _contradicts(self, best: Reading) -> bool:
        """Tell whether a reading that is nearly as strong, or the first look, has another label.

        With a dark region at an edge, only readings without the region count. The first look does not
        count if its ink is unlike a digit, or if its label is the one that what was left out is taken
        for.
        """
        labels = {
            other.verdict.label
            for other in self.others
            if other.verdict.strength > best.verdict.strength - AS_STRONG
            and (self._is_whole(other) or not self.is_shaded)
        }
        is_expected = best.way is not None and self.first.label in best.way.taken_for
        if (self.first.is_like or is_expected) and not self.is_shaded:
            labels.add(self.first.label)
        return bool(labels - {best.verdict.label, ""})


def _known(first: Verdict, model: Model) -> list[Reading]:
    """Return the reading of a first look that was rejected only for its form, if it is one."""
    if first.reason not in (LINES, SOLID, SHAPE) or first.familiarity < model.card.ok_familiarity:
        return []
    best = int(np.argmax(first.probabilities))
    label, confidence = model.class_names[best], first.probabilities[best]
    if label == NONE_LABEL:
        return []
    verdict = first._replace(status=Status.UNCERTAIN, label=label, confidence=confidence)
    return [Reading(verdict)]


def _words(reading: Reading) -> str:
    return f"read {reading.way.words}" if reading.way is not None else ""


def _doubtful(reading: Reading, reason: str) -> Reading:
    return reading._replace(verdict=reading.verdict._replace(status=Status.UNCERTAIN, reason=reason))


def decide_vectors(
    vectors: Vectors,
    model: Model,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> list[Verdict]:
    """Decide on images that are vectors already."""
    if not len(vectors.features):
        return []
    threshold = model.card.min_confidence if min_confidence is None else min_confidence
    components = project(vectors.features, model.machine.projection)
    scores = score_components(components, model.machine, allowed)
    chances = probabilities(scores, model.card.temperature)
    best = predict(scores)
    others = chances.copy()
    others[np.arange(len(others)), best] = -1.0
    if allowed is not None:
        chances[:, ~allowed], others[:, ~allowed] = 0.0, -2.0
        chances /= chances.sum(axis=1, keepdims=True)
    columns = chances, best, others.argmax(axis=1), scores.familiarity
    reasons = _reasons(vectors.ink, scores.familiarity, model)
    judge = _Judge(model.class_names, threshold, model.card.ok_familiarity)
    verdicts = list(map(judge.verdict, reasons, *(column.tolist() for column in columns)))
    _mark_unlike(verdicts, components, model.machine.likeness)
    _mark_crowded(verdicts, vectors.ink)
    return verdicts


def _mark_crowded(verdicts: list[Verdict], ink: Ink) -> None:
    """Make a verdict uncertain if it accepts one digit of several."""
    for index in np.flatnonzero(ink.crowded).tolist():
        if verdicts[index].status is Status.OK:
            verdicts[index] = _without_the_rest(verdicts[index])


def _without_the_rest(verdict: Verdict) -> Verdict:
    return verdict._replace(status=Status.UNCERTAIN, reason=f"read {BESIDE.words}")


def _mark_unlike(verdicts: list[Verdict], components: Features, likeness: Likeness | None) -> None:
    """Mark verdicts on ink that is unlike a digit, and make those that accept it uncertain."""
    if likeness is None:
        return
    for index in np.flatnonzero(~likeness.are_digits(components)).tolist():
        verdict = verdicts[index]._replace(is_like=False)
        if verdict.status is Status.OK:
            verdict = verdict._replace(status=Status.UNCERTAIN, reason=UNLIKE)
        verdicts[index] = verdict


def _reasons(ink: Ink, familiarity: npt.NDArray[np.float64], model: Model) -> list[str]:
    """Return for each image why it is rejected, by its ink or as unfamiliar; empty if it is not."""
    reasons = why_no_digit(ink, familiarity >= model.card.ok_familiarity)
    for index in np.flatnonzero(familiarity < model.card.min_familiarity).tolist():
        reasons[index] = reasons[index] or UNFAMILIAR
    return reasons


@dataclass(frozen=True, slots=True)
class _Judge:
    """Limits that a model's numbers are compared with.

    Attributes
    ----------
    names : sequence of str
        Of the classes.
    threshold : float
        Of the confidence.
    ok_familiarity : float
    """

    names: Sequence[str]
    threshold: float
    ok_familiarity: float

    def verdict(
        self, reason: str, chances: list[float], best: int, second: int, familiarity: float
    ) -> Verdict:
        """The verdict on one image, which is rejected where there is a reason already."""
        label, confidence, every = self.names[best], chances[best], tuple(chances)
        if not reason and label == NONE_LABEL:
            reason = NOT_A_DIGIT
        if reason:
            return Verdict(Status.REJECTED, "", None, reason, "", None, every, familiarity)
        # What is compared is what is printed: a row never says 0.9000 and uncertain at 0.9.
        if round(confidence, 4) < self.threshold:
            reason = LOW_CONFIDENCE
        elif familiarity < self.ok_familiarity:
            reason = UNFAMILIAR
        status = Status.UNCERTAIN if reason else Status.OK
        if second == best:  # only one label is allowed
            return Verdict(status, label, confidence, reason, "", None, every, familiarity)
        runner_up = self.names[second], chances[second]
        return Verdict(status, label, confidence, reason, *runner_up, every, familiarity)
