"""Decide what a gray image shows: ok, uncertain or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitsort.labels import NONE_LABEL
from digitsort.recognition.gate import DOUBTFUL, why_no_digit
from digitsort.recognition.score import predict, probabilities, score
from digitsort.recognition.vectorize import Vectors, vectorize
from digitsort.records import Status

if TYPE_CHECKING:
    from digitsort.model.reading import Model
    from digitsort.recognition.canvas import Gray

LOW_CONFIDENCE = "low confidence"
NOT_A_DIGIT = "not a digit"
UNFAMILIAR = "unfamiliar"


@dataclass(frozen=True, slots=True)
class Verdict:
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
    reasons = why_no_digit(vectors.ink)
    for index, familiarity in enumerate(scores.familiarity):
        if reasons[index] in DOUBTFUL and familiarity >= model.card.ok_familiarity:
            reasons[index] = ""
        elif familiarity < model.card.min_familiarity:
            reasons[index] = reasons[index] or UNFAMILIAR
    best = predict(scores)
    others = chances.copy()
    others[np.arange(len(others)), best] = -1.0
    seconds, familiar = others.argmax(axis=1).tolist(), scores.familiarity.tolist()
    rows = zip(reasons, chances.tolist(), best.tolist(), seconds, familiar, strict=True)
    return [
        _verdict(reason, every, first, second, familiarity, model, threshold)
        for reason, every, first, second, familiarity in rows
    ]


def _verdict(
    reason: str,
    chances: list[float],
    best: int,
    second: int,
    familiarity: float,
    model: Model,
    threshold: float,
) -> Verdict:
    names = model.class_names
    every = tuple(chances)
    if not reason and names[best] == NONE_LABEL:
        reason = NOT_A_DIGIT
    if reason:
        return Verdict(Status.REJECTED, reason=reason, probabilities=every, familiarity=familiarity)
    # What is compared is what is printed: a row never says 0.9000 and uncertain at 0.9.
    if round(every[best], 4) < threshold:
        reason = LOW_CONFIDENCE
    elif familiarity < model.card.ok_familiarity:
        reason = UNFAMILIAR
    return Verdict(
        Status.UNCERTAIN if reason else Status.OK,
        label=names[best],
        confidence=every[best],
        reason=reason,
        second=names[second],
        second_confidence=every[second],
        probabilities=every,
        familiarity=familiarity,
    )
