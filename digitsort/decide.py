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
UNFAMILIAR = "unfamiliar"


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
    reasons = why_no_digit(vectors.ink)
    for index in np.flatnonzero(scores.familiarity < model.card.min_familiarity):
        reasons[index] = reasons[index] or UNFAMILIAR
    strange = scores.familiarity < model.card.ok_familiarity
    rows = zip(reasons, chances, predict(scores), strange, strict=True)
    return [
        Verdict(Status.REJECTED, reason=reason)
        if reason
        else _verdict(chance, int(best), model.class_names, threshold, is_strange=bool(is_strange))
        for reason, chance, best, is_strange in rows
    ]


def _verdict(
    chances: npt.NDArray[np.float64],
    best: int,
    names: tuple[str, ...],
    threshold: float,
    *,
    is_strange: bool,
) -> Verdict:
    if names[best] == NONE_LABEL:
        return Verdict(Status.REJECTED, reason=NOT_A_DIGIT)
    others = chances.copy()
    others[best] = -1.0
    second = int(others.argmax())
    # What is compared is what is printed: a row never says 0.9000 and uncertain at 0.9.
    confident = round(float(chances[best]), 4) >= threshold
    reason = UNFAMILIAR if confident and is_strange else "" if confident else LOW_CONFIDENCE
    return Verdict(
        Status.UNCERTAIN if reason else Status.OK,
        label=names[best],
        confidence=float(chances[best]),
        reason=reason,
        second=names[second],
        second_confidence=float(chances[second]),
        probabilities=tuple(float(c) for c in chances),
    )
