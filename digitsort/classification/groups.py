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
    -0.4439,
    1.4111,
    0.6016,
    -0.0206,
    -0.4079,
    -2.0379,
    4.2859,
    2.2486,
    0.0001,
    -1.1581,
    -3.9966,
    -3.6363,
    -1.1229,
    -0.3783,
    -0.3402,
    -1.3950,
    0.6050,
    0.9347,
    0.0696,
    0.1623,
    0.1245,
    1.2673,
    3.2059,
    -7.1992,
    1.3112,
    2.5600,
    0.4293,
    4.3396,
    -4.7048,
    -0.5175,
    -0.1421,
    -2.4564,
    0.0761,
    4.4287,
    -0.8064,
    -2.3774,
    0.5810,
    1.5146,
    2.4666,
    0.9436,
    0.2414,
    3.0497,
    4.7743,
    4.3780,
    -1.2467,
    14.7834,
    -5.6702,
    -6.6903,
    3.6428,
    -3.3311,
    2.3780,
    -10.2037,
    -7.1879,
    -7.5430,
    -2.2390,
    5.3196,
    1.6397,
    0.9594,
    -12.3759,
    5.4903,
    -2.0438,
    3.4120,
    -6.2356,
    -12.6273,
    4.8845,
    1.0789,
    6.2499,
    1.7295,
    2.9164,
    -9.9997,
    1.6739,
    -4.3129,
    -0.3762,
    -0.7477,
    -6.7275,
    0.1375,
    0.8065,
    -0.6685,
    -0.1282,
)
"""Weights of `features_of`. Fitted to 1,600 numbers of the part `fit` in `benchmarks.numbers`; `--fit`
there prints new ones."""

CONSTANT = -4.0942
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
