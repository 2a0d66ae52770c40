"""Decide what a gray image shows: ok, uncertain or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

LOW_CONFIDENCE = "low confidence"
NOT_A_DIGIT = "not a digit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an image was taken for; the fields are those of `records.Outcome`."""

    status: Status
    label: str = ""
    confidence: float | None = None
    reason: str = ""
    second: str = ""
    second_confidence: float | None = None
    probabilities: tuple[float, ...] = ()


def decide(grays: Sequence[Gray], model: Model, min_confidence: float | None = None) -> list[Verdict]:
    """Decide on each image.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
    model : Model
    min_confidence : float, optional
        Labels below it are uncertain; by default the model's own threshold.
    """
    return judge(vectorize(grays), model, min_confidence)


def judge(vectors: Vectors, model: Model, min_confidence: float | None = None) -> list[Verdict]:
    """Decide on images that are vectors already."""
    if not len(vectors.features):
        return []
    threshold = model.card.min_confidence if min_confidence is None else min_confidence
    scores = score(vectors.features, model.machine)
    chances = probabilities(scores, model.card.temperature)
    rows = zip(why_no_digit(vectors.ink), chances, predict(scores), strict=True)
    return [
        Verdict(Status.REJECTED, reason=reason)
        if reason
        else _verdict(chance, int(best), model.class_names, threshold)
        for reason, chance, best in rows
    ]


def _verdict(
    chances: npt.NDArray[np.float64], best: int, names: tuple[str, ...], threshold: float
) -> Verdict:
    if names[best] == NONE_LABEL:
        return Verdict(Status.REJECTED, reason=NOT_A_DIGIT)
    others = chances.copy()
    others[best] = -1.0
    second = int(others.argmax())
    # What is compared is what is printed: a row never says 0.9000 and uncertain at 0.9.
    confident = round(float(chances[best]), 4) >= threshold
    return Verdict(
        Status.OK if confident else Status.UNCERTAIN,
        label=names[best],
        confidence=float(chances[best]),
        reason="" if confident else LOW_CONFIDENCE,
        second=names[second],
        second_confidence=float(chances[second]),
        probabilities=tuple(float(c) for c in chances),
    )
