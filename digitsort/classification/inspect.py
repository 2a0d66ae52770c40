"""Collect the intermediate results of reading one file, for `digitsort inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from digitsort.classification.decide import Verdict, read_digits
from digitsort.classification.settings import allowed_classes
from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.images.read import read
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.recognition.looks import look_again
from digitsort.recognition.vectorize import vectorize, vectors_of

if TYPE_CHECKING:
    from digitsort.model.reading import Model

GUESSES = 3


@dataclass(frozen=True, slots=True)
class Inspection:
    """Intermediate results and decision for one file.

    Attributes
    ----------
    width, height : int
        Size of the image as it was read (large ones are reduced), in pixels.
    normal : ndarray of shape (32, 32), uint8
        What the model sees.
    contrast : float
        Gray levels of 0-255.
    box : tuple of four floats
        Left, top, right, bottom of the ink, in pixels of the image as it was read.
    share : float
        Ink as a share of the area examined.
    guesses : tuple of (class name, probability)
        The best three; empty if there is no ink.
    ok_familiarity : float
        The model's threshold for `verdict.familiarity`.
    way : str
        Name of the other reading that was taken; empty for the first one.
    """

    path: str
    width: int
    height: int
    normal: npt.NDArray[np.uint8]
    light_on_dark: bool
    contrast: float
    box: tuple[float, float, float, float]
    parts: int
    share: float
    guesses: tuple[tuple[str, float], ...]
    ok_familiarity: float
    verdict: Verdict
    min_confidence: float
    note: str
    way: str = ""


def inspect_file(
    path: str,
    model: Model,
    limits: Limits = DEFAULT_LIMITS,
    only_labels: Sequence[str] | None = None,
) -> Inspection:
    """Look at one file; raises UnreadableError if it can't be read."""
    picture = read(path, limits)
    allowed = allowed_classes(only_labels, model.class_names)
    reading = read_digits([picture.gray], model, allowed=allowed)[0]
    verdict, way = reading.verdict, reading.way
    gray = [picture.gray]
    vectors = vectorize(gray) if way is None else vectors_of(look_again(gray, [way]))
    possible = model.class_names if only_labels is None else {*only_labels, NONE_LABEL}
    guesses = zip(model.class_names, verdict.probabilities, strict=False)
    ranked = sorted((guess for guess in guesses if guess[0] in possible), key=lambda guess: -guess[1])
    left, top, right, bottom = (float(edge) for edge in vectors.ink.box[0])
    height, width = picture.gray.shape
    return Inspection(
        path=path,
        width=width,
        height=height,
        normal=vectors.normal[0],
        light_on_dark=bool(vectors.ink.light_on_dark[0]),
        contrast=float(vectors.ink.contrast[0]),
        box=(left, top, right, bottom),
        parts=int(vectors.ink.parts[0]),
        share=float(vectors.ink.share[0]),
        guesses=tuple(ranked[:GUESSES]) if vectors.ink.parts[0] else (),
        ok_familiarity=model.card.ok_familiarity,
        verdict=verdict,
        min_confidence=model.card.min_confidence,
        note=picture.note,
        way="" if way is None else way.words,
    )
