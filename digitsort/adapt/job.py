"""Read pictures again in the workers, and compare them with the references of the second pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitsort.adapt.doubtful import adapted_from
from digitsort.adapt.neighbours import Adapted, References, ask_neighbours
from digitsort.batch import work_in_stacks
from digitsort.decide import Verdict, read_digits
from digitsort.files.read import Picture, UnreadableError, grays_of, read
from digitsort.only_labels import allowed_classes
from digitsort.recognition.looks import look_again
from digitsort.recognition.project import project
from digitsort.recognition.vectorize import vectorize, vectors_of
from digitsort.records import Fields, Status

if TYPE_CHECKING:
    from digitsort.classify import Settings
    from digitsort.execute.engine import InHand
    from digitsort.files.limits import Limits
    from digitsort.model.reading import Model
    from digitsort.recognition.canvas import Gray
    from digitsort.recognition.score import Allowed, Features

Read = Callable[[str, "Limits"], Picture]

NOTHING: Fields = ()
"""Result for a file that could not be read again, or whose row does not change."""


def given_up(_timed_out: bool) -> Fields:
    """Return the result for a file that kills its workers: its row does not change."""
    return NOTHING


class Seen(NamedTuple):
    """Verdicts on pictures, and the vectors that they are based on."""

    verdicts: list[Verdict]
    vectors: Features


def see(
    grays: Sequence[Gray],
    model: Model,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> Seen:
    """Decide on images as `decide` does; also return the components (n, m) of the chosen readings."""
    readings = read_digits(grays, model, min_confidence, allowed)
    features = vectorize(grays).features
    again = [(index, reading.way) for index, reading in enumerate(readings) if reading.way is not None]
    if again:
        ink = look_again([grays[index] for index, _ in again], [way for _, way in again])
        features[[index for index, _ in again]] = vectors_of(ink).features
    return Seen([r.verdict for r in readings], project(features, model.machine.projection))


@dataclass(frozen=True, slots=True)
class Eyes:
    """Reader that sees pictures exactly as the first pass saw them.

    Attributes
    ----------
    model : Model
    settings : Settings
    read : callable, optional
        Replacement for `files.read.read` in tests.
    """

    model: Model
    settings: Settings
    read: Read | None = None

    @property
    def allowed(self) -> Allowed | None:
        """Classes that may be given as labels; None for all."""
        return allowed_classes(self.settings.only_labels, self.model.class_names)

    def read_again(self, path: str) -> Picture | Fields:
        """Read a file; return `NOTHING` if that fails."""
        try:
            return (self.read or read)(path, self.settings.limits)
        except UnreadableError:
            return NOTHING  # its row says what the first pass found

    def see(self, pictures: Sequence[Picture]) -> Seen:
        """Decide on pictures as the first pass did."""
        return see(grays_of(pictures), self.model, self.settings.min_confidence, self.allowed)


@dataclass(frozen=True, slots=True)
class ReferenceJob:
    """Job that reads the files that others are compared with."""

    eyes: Eyes

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Fields]:
        """Return the hash and the vector (as bytes) of each file, or `NOTHING`."""
        return work_in_stacks(items, in_hand, self.eyes.read_again, self._judge)

    def _judge(self, pictures: Sequence[Picture]) -> list[Fields]:
        if not pictures:
            return []
        vectors = self.eyes.see(pictures).vectors
        return [(p.sha256, v.tobytes()) for p, v in zip(pictures, vectors, strict=True)]


@dataclass(frozen=True, slots=True)
class AdaptJob:
    """Job that compares doubtful files with their neighbours.

    Attributes
    ----------
    eyes : Eyes
    references : References
    """

    eyes: Eyes
    references: References

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Fields]:
        """Return each file's new outcome without its path, or `NOTHING` if its row does not change."""
        return work_in_stacks(items, in_hand, self.eyes.read_again, self._judge)

    def _judge(self, pictures: Sequence[Picture]) -> list[Fields]:
        if not pictures:
            return []
        model, allowed = self.eyes.model, self.eyes.allowed
        verdicts, vectors = self.eyes.see(pictures)
        chances = np.array([verdict.probabilities for verdict in verdicts])
        names = [picture.sha256 for picture in pictures]
        adapted = ask_neighbours(vectors, names, chances, self.references, model, allowed)
        return [self._fields(i, picture, verdicts[i], adapted) for i, picture in enumerate(pictures)]

    def _fields(self, index: int, picture: Picture, verdict: Verdict, adapted: Adapted) -> Fields:
        chances, best = adapted.chances[index].tolist(), int(adapted.best[index])
        # Compare the rounded value, which is the one printed, as `decide` does.
        if not adapted.is_sure[index] or round(chances[best], 4) < self._threshold:
            return NOTHING
        names, settings = self.eyes.model.class_names, self.eyes.settings
        said = int(np.argmax(verdict.probabilities))
        reason = adapted_from(verdict.status, verdict.reason, names[said], verdict.probabilities[said])
        label, (second, second_confidence) = names[best], self._runner_up(chances, best)
        every = tuple(chances) if settings.probabilities else ()
        verdict_fields = (Status.OK, label, chances[best], reason, second, second_confidence)
        return (*verdict_fields, picture.sha256, picture.note, every)

    @property
    def _threshold(self) -> float:
        least = self.eyes.settings.min_confidence
        return self.eyes.model.card.min_confidence if least is None else least

    def _runner_up(self, chances: Sequence[float], best: int) -> tuple[str, float | None]:
        allowed = self.eyes.allowed
        others = [
            (chance, -index)
            for index, chance in enumerate(chances)
            if index != best and (allowed is None or allowed[index])
        ]
        if not others:
            return "", None
        chance, index = max(others)
        return self.eyes.model.class_names[-index], chance
