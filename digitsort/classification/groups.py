"""Weigh groups of neighbouring pieces: how well each goes as one digit of a number.

The worth of a group is a sum of weighted features: what the model knows of its ink, its size, and how
it is parted from its neighbours. The probability of a way to group all pieces is proportional to the
exponential of the sum of the worths (a semi-Markov conditional random field: Sarawagi and Cohen 2004).
The weights are fitted so that the true labels of whole numbers get a high probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from digitsort.classification.pieces import HEIGHT_PX, Strip
from digitsort.model.reading import Model
from digitsort.recognition.canvas import Gray
from digitsort.recognition.score import Allowed, probabilities, project, score_components
from digitsort.recognition.vectorize import STACK, vectorize

Floats = npt.NDArray[np.float64]
Span = tuple[int, int]

WEIGHTS = (
    -0.3739,
    1.2593,
    0.7392,
    -0.0286,
    0.7508,
    -1.6762,
    3.8710,
    0.9152,
    -0.1107,
    -0.7081,
    -2.7784,
    -3.9275,
    0.3710,
    -0.7346,
    -1.1749,
    0.0285,
    0.7992,
    -0.0396,
    -0.0642,
    -0.0947,
    1.2154,
    1.2510,
    1.4332,
    -3.9308,
    2.2410,
    0.8661,
    0.0328,
    2.8342,
    0.3468,
    -1.1830,
    -0.0538,
    -1.5574,
    2.8222,
    1.6551,
    -2.5180,
    0.3022,
    1.1770,
    -0.2639,
    1.3071,
    1.1461,
    2.0893,
    4.2834,
    1.0433,
    7.1598,
    1.5998,
    8.4014,
    -8.9720,
    -1.0943,
    2.3735,
    2.5363,
    -0.9517,
    -7.9686,
    -6.3063,
    -3.7903,
    0.5801,
    -4.8896,
    1.8990,
    -1.0379,
    -5.8678,
    1.6784,
    -0.9794,
    -3.9117,
    -2.5525,
    -9.8205,
    4.6482,
    -2.3753,
    -0.3195,
    5.8225,
    -1.1013,
    -12.3335,
    -1.0199,
    -5.9683,
    0.0100,
    0.5879,
    -6.0489,
    0.1864,
    -0.7179,
    -0.1868,
    -0.5717,
)
"""Weights of `features_of`. `python -m benchmarks.numbers --fit` printed them (3,995 numbers)."""

CONSTANT = -4.4830
"""What each group is worth in addition. Fitted like `WEIGHTS`."""

LEAST = 1e-6
"""Smallest likelihood of a digit, so that its logarithm is finite."""

MOST_LIKENESS = 4.0
"""Largest absolute value of the likeness to a digit as a feature."""

SIZES = 0, 2, 4, 6, 7
"""Values of `_shapes_of` that differ from digit to digit: width, height, ink, space above and below."""

DIGITS = "0123456789"


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups of pieces of a number.

    Attributes
    ----------
    spans : sequence of (int, int)
        First piece of each group, and the piece after its last one.
    worth : list of float
    chances : ndarray of shape (n, k), float64
        Probability of each class of the model, if the group is one digit.
    """

    spans: Sequence[Span]
    worth: list[float]
    chances: Floats


def groups_of(strips: Sequence[Strip], model: Model, allowed: Allowed | None = None) -> list[Groups]:
    """Return the groups of pieces of each strip that may be one digit."""
    spans = [strip.spans() for strip in strips]
    features, chances = features_of(strips, spans, model, allowed)
    worth = (features * WEIGHTS).sum(axis=1) + CONSTANT
    ends = accumulate(len(some) for some in spans)
    parts = [slice(end - len(some), end) for some, end in zip(spans, ends, strict=True)]
    return [
        Groups(some, worth[part].tolist(), chances[part])
        for some, part in zip(spans, parts, strict=True)
    ]


def features_of(
    strips: Sequence[Strip],
    spans: Sequence[Sequence[Span]],
    model: Model,
    allowed: Allowed | None = None,
) -> tuple[Floats, Floats]:
    """Return what tells how well each group goes as one digit, and the chances of its classes.

    Returns
    -------
    features : ndarray of shape (n, 79), float64
        Logarithms of the probability of all labels but the best and of the familiarity; the likeness
        to a digit and its square; 8 values of `_shapes_of`; the probability of each digit alone and
        times each of `SIZES`; 7 values of `_edges_of`.
    chances : ndarray of shape (n, k), float64
    """
    pictures = [
        strip.picture(*span) for strip, some in zip(strips, spans, strict=True) for span in some
    ]
    known, chances = _knowledge_of(pictures, model, allowed)
    each = [(strip, np.array(some, np.intp)) for strip, some in zip(strips, spans, strict=True) if some]
    shapes = np.concatenate([np.empty((0, 8)), *(_shapes_of(strip, some) for strip, some in each)])
    edges = np.concatenate([np.empty((0, 7)), *(_edges_of(strip, some) for strip, some in each)])
    labels = _chances_of_digits(chances, model.card.classes)
    sized = [labels * shapes[:, [at]] for at in SIZES]
    columns = [known, shapes, labels, *sized, edges]
    return np.concatenate(columns, axis=1), chances


def _chances_of_digits(chances: Floats, classes: Sequence[str]) -> Floats:
    """Return the probability of each digit, 0 to 9; shape (n, 10)."""
    found = np.zeros((len(chances), len(DIGITS)))
    for digit, name in enumerate(DIGITS):
        if name in classes:
            found[:, digit] = chances[:, classes.index(name)]
    return found


def _knowledge_of(
    pictures: Sequence[Gray], model: Model, allowed: Allowed | None
) -> tuple[Floats, Floats]:
    """Return what the model knows of each picture, in stacks; shapes (n, 4) and (n, k)."""
    stacks = [pictures[start : start + STACK] for start in range(0, len(pictures), STACK)]
    known = [_knowledge_of_stack(stack, model, allowed) for stack in stacks]
    if not known:
        return np.empty((0, 4)), np.empty((0, len(model.card.classes)))
    return np.concatenate([k for k, _ in known]), np.concatenate([chances for _, chances in known])


def _knowledge_of_stack(
    pictures: Sequence[Gray], model: Model, allowed: Allowed | None
) -> tuple[Floats, Floats]:
    components = project(vectorize(pictures).features, model.machine.projection)
    scores = score_components(components, model.machine, allowed)
    chances = probabilities(scores, model.card.temperature)
    likely = np.column_stack([1 - chances.max(axis=1), scores.familiarity])
    network = model.machine.likeness
    likeness = np.zeros(len(chances)) if network is None else network.balance(components)
    likeness = np.clip(likeness, -MOST_LIKENESS, MOST_LIKENESS)
    return np.column_stack([np.log(np.maximum(likely, LEAST)), likeness, likeness**2]), chances


def _shapes_of(strip: Strip, spans: npt.NDArray[np.intp]) -> Floats:
    """Return width and height with their squares, ink, its density, and the space above and below.

    All are shares of the height of the number, or of its square; shape (n, 8).
    """
    start, stop = spans.T
    left, top = (_over(np.minimum, edge, start, stop) for edge in (strip.left, strip.top))
    right, bottom = (_over(np.maximum, edge, start, stop) + 1 for edge in (strip.right, strip.bottom))
    inks = np.cumsum(np.bincount(strip.pieces.ravel(), minlength=strip.count + 1)[1:])
    ink = (inks[stop - 1] - np.where(start > 0, inks[start - 1], 0)) / HEIGHT_PX**2
    width, height = (right - left) / HEIGHT_PX, (bottom - top) / HEIGHT_PX
    above, below = top / HEIGHT_PX, 1 - bottom / HEIGHT_PX
    columns = width, width**2, height, height**2, ink, ink / (width * height), above, below
    return np.column_stack(columns)


def _edges_of(strip: Strip, spans: npt.NDArray[np.intp]) -> Floats:
    """Return how each group is parted from its neighbours, and where it could be parted; shape (n, 7).

    These are the number of sides that are cuts, the length of these cuts and how dark they are, the
    width of the gaps at both sides; the widest gap inside, the shortest cut inside and the palest one
    (1 if there is only one piece).
    """
    start, stop = spans.T
    lengths, darkness = (values / HEIGHT_PX for values in strip.cuts())
    gaps, is_cut = strip.gaps(), strip.is_cut.astype(np.float64)
    has_inside = stop - start > 1
    first, end = np.where(has_inside, start + 1, 0), np.where(has_inside, stop, 1)
    widest = _over(np.maximum, np.where(strip.is_cut, 0.0, gaps), first, end)
    least = [_over(np.minimum, values, first, end) for values in (lengths, darkness)]
    sides = [values[start] + values[stop] for values in (is_cut, lengths, darkness, gaps)]
    inside = [np.where(has_inside, widest, 0.0), *(np.where(has_inside, some, 1.0) for some in least)]
    return np.column_stack(sides + inside)


def _over(
    ufunc: np.ufunc,
    values: npt.NDArray[np.generic],
    start: npt.NDArray[np.intp],
    stop: npt.NDArray[np.intp],
) -> Floats:
    """Return the result of a ufunc over the values from each `start` up to `stop`."""
    # `reduceat` takes every second result: the others are of the values between the ranges.
    places = np.column_stack([start, stop]).ravel()
    padded = np.append(values, values[-1:]).astype(np.float64)
    return np.asarray(ufunc.reduceat(padded, places)[::2], np.float64)
