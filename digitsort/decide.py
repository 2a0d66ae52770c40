"""Decide what a gray image shows: ok, uncertain or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from digitsort.labels import NONE_LABEL
from digitsort.recognition.gate import why_no_digit
from digitsort.recognition.score import predict, probabilities, score
from digitsort.recognition.vectorize import Vectors, vectorize
from digitsort.records import Status

if TYPE_CHECKING:
    from digitsort.model.reading import Model
    from digitsort.recognition.canvas import Gray
    from digitsort.recognition.ink import Ink

LOW_CONFIDENCE = "low confidence"
NOT_A_DIGIT = "not a digit"
UNFAMILIAR = "unfamiliar"


class Verdict(NamedTuple):
    """What an image was taken for; the fields are those of `records.Outcome`.

    Probabilities are given of rejected images too: of what they look like most, not of what they are.
    `familiarity` is how close the nearest support vector is, 0-1.
    """

    status: Status
    label: str = ""
    confidence: float | None = None
    reason: str = ""
    second: str = ""
    second_confidence: float | None = None
    probabilities: tuple[float, ...] = ()
    familiarity: float = 0.0


def decide(grays: Sequence[Gray], model: Model, min_confidence: float | None = None) -> list[Verdict]:
    """Decide on each image.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
    model : Model
    min_confidence : float, optional
        Labels below it are uncertain; by default the model's own threshold.
    """
    return decide_vectors(vectorize(grays), model, min_confidence)


def decide_vectors(
    vectors: Vectors, model: Model, min_confidence: float | None = None
) -> list[Verdict]:
    """Decide on images that are vectors already."""
    if not len(vectors.features):
        return []
    threshold = model.card.min_confidence if min_confidence is None else min_confidence
    scores = score(vectors.features, model.machine)
    chances = probabilities(scores, model.card.temperature)
    best = predict(scores)
    others = chances.copy()
    others[np.arange(len(others)), best] = -1.0
    columns = chances, best, others.argmax(axis=1), scores.familiarity
    reasons = _reasons(vectors.ink, scores.familiarity, model)
    judge = _Judge(model.class_names, threshold, model.card.ok_familiarity)
    return list(map(judge.verdict, reasons, *(column.tolist() for column in columns)))


def _reasons(ink: Ink, familiarity: npt.NDArray[np.float64], model: Model) -> list[str]:
    """Why each image is rejected, by its ink or because the model knows it little; empty where not."""
    reasons = why_no_digit(ink, familiarity >= model.card.ok_familiarity)
    for index in np.flatnonzero(familiarity < model.card.min_familiarity).tolist():
        reasons[index] = reasons[index] or UNFAMILIAR
    return reasons


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a model's numbers are compared with.

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
        runner_up = self.names[second], chances[second]
        return Verdict(status, label, confidence, reason, *runner_up, every, familiarity)
