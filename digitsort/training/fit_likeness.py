"""Fit the network that tells digits from other ink, for the shipped model.

It is fitted to the digits of all sources and to invented pictures that are none. Digits are also drawn
with the finish of these pictures, so that paper, size and noise tell nothing. The limit comes from
families that were left out, like the other limits of the shipped model: an unseen hand is what the
network mistakes most easily.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from digitsort.progress import Progress
from digitsort.recognition.gate import why_no_digit
from digitsort.recognition.score import FEATURE_COUNT, Layers, Likeness, project, to_whole_numbers
from digitsort.recognition.vectorize import vectorize
from digitsort.training.condense import Adam, batches
from digitsort.training.impostors import Gray, Material, finished, invent_impostors
from digitsort.training.printed import DIGITS, Face, draw_font, find_faces
from digitsort.training.sources import DataSource
from digitsort.workers.tuning import one_blas_thread

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

UNITS = (256, 64)
"""Units of the two layers: few, because the network looks at each picture that would be accepted."""

IMPOSTORS = 8_000
"""Invented pictures for each family."""

FINISHED, PRINTED = 5_000, 4_000
"""Largest number of digits of a source that are drawn with another finish; number of printed ones."""

LOST = 0.01
"""Share of the accepted digits of a family that the network, fitted without it, does not find like a
digit. The shipped network knows all families, and loses fewer."""

EPOCHS, BATCH, RATE, DROPPED = 30, 512, 2e-3, 0.2
"""Passes over the data, pictures per step, first step size, share of units left out in a step."""

SCALE = 1e-3
"""Factor that takes components to about 1."""

SEED = 27


@dataclass(frozen=True, slots=True)
class Ground:
    """Vectors that a network is fitted to.

    Attributes
    ----------
    features : ndarray of shape (n, d), float32
    is_digit : ndarray of shape (n,), bool
    families : ndarray of shape (n,), str
        Family of the digit, or of the digits that an impostor may be made of.
    """

    features: Features
    is_digit: Mask
    families: npt.NDArray[np.str_]

    def without(self, family: str) -> Ground:
        """Leave a family out."""
        rows = self.families != family
        return Ground(self.features[rows], self.is_digit[rows], self.families[rows])

    def __add__(self, other: Ground) -> Ground:
        return Ground(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.is_digit, other.is_digit]),
            np.concatenate([self.families, other.families]),
        )


def gather_ground(sources: Sequence[DataSource], most: int, progress: Progress) -> Ground:
    """Draw impostors, and digits with the same finish.

    Parameters
    ----------
    most : int
        Largest number of pictures of a kind, for small samples.
    progress : callable
    """
    faces = find_faces()
    printed = _printed_digits(min(PRINTED, most), faces)
    joined = _ground(_vectors(printed, progress), True, "")
    for family in sorted({source.family for source in sources if source.family}):
        own = [source for source in sources if source.family == family]
        joined += ground_of_family(own, faces, most, progress)
    return joined


def ground_of_family(
    sources: Sequence[DataSource], faces: Sequence[Face], most: int, progress: Progress
) -> Ground:
    """Draw the digits of a family with another finish, and impostors that may be made of them."""
    family = sources[0].family
    inks, labels = _digits_of(sources)
    seed = SEED + crc32(family.encode())
    rng = np.random.default_rng(seed)
    shown = rng.permutation(len(inks))[: min(FINISHED, most)].tolist()
    digits = _vectors((finished(inks[i], rng) for i in shown), progress)
    invented = invent_impostors(min(IMPOSTORS, most), seed, Material(inks, labels, faces))
    impostors = _vectors(invented, progress, only_possible=True)
    return _ground(digits, True, family) + _ground(impostors, False, family)


def _ground(features: Features, is_digit: bool, family: str) -> Ground:
    n = len(features)
    return Ground(features, np.full(n, is_digit), np.full(n, family, "U32"))


def _digits_of(sources: Sequence[DataSource]) -> tuple[list[Gray], list[str]]:
    """Load the digits of some sources, light on dark."""
    inks: list[Gray] = []
    labels: list[str] = []
    for source in sources:
        images, names = source.load()
        inks += [255 - image if source.dark else image for image in images]
        labels += names
    return inks, labels


def _printed_digits(count: int, faces: Sequence[Face]) -> Iterable[Gray]:
    rng = np.random.default_rng([SEED, 0])
    for index in range(count):
        yield finished(draw_font(DIGITS[index % 10], faces, rng), rng)


def _vectors(grays: Iterable[Gray], progress: Progress, *, only_possible: bool = False) -> Features:
    """Turn pictures into features; leave out those that are rejected for their ink, if asked to."""
    parts = [np.empty((0, FEATURE_COUNT), np.float32)]
    done = 0
    left = iter(grays)
    while batch := list(islice(left, 256)):
        with one_blas_thread():
            vectors = vectorize(batch)
        possible = [not (only_possible and reason) for reason in why_no_digit(vectors.ink)]
        parts.append(vectors.features[np.array(possible, np.bool_)])
        done += len(batch)
        progress("draw what is no digit", done, None)
    return np.concatenate(parts)


def fit_likeness(ground: Ground, projection: Features | None, limit: float = 0.0) -> Likeness:
    """Fit the network; ink whose output is below `limit` is no digit."""
    weights, biases = fit_network(project(ground.features, projection), ground.is_digit)
    last = np.asarray(biases[2] - limit)
    return to_whole_numbers(weights, (biases[0], biases[1], last))


def limit_of_family(
    ground: Ground, projection: Features | None, accepted: Features, family: str
) -> float:
    """Return the output below which a network without the family loses `LOST` of these digits."""
    rest = ground.without(family)
    network = fit_network(project(rest.features, projection), rest.is_digit)
    return float(np.quantile(_outputs(project(accepted, projection), *network), LOST))


def _outputs(components: Features, weights: Layers, biases: Layers) -> Floats:
    hidden = components.astype(np.float64)
    for layer, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden = np.maximum(hidden @ layer + bias, 0)
    return np.asarray((hidden @ weights[-1] + biases[-1])[:, 0])


def fit_network(components: Features, is_digit: Mask) -> tuple[Layers, Layers]:
    """Minimize the log loss with Adam and dropout (Srivastava et al. 2014).

    Parameters
    ----------
    components : ndarray of shape (n, m), float32
    is_digit : ndarray of shape (n,), bool

    Returns
    -------
    weights, biases : tuple of ndarray
        Of three layers, float64, for components as they are.
    """
    rng = np.random.default_rng(SEED)
    inputs, target = components * np.float32(SCALE), is_digit.astype(np.float32)
    sizes = (components.shape[1], *UNITS, 1)
    shapes = list(pairwise(sizes))
    weights = [rng.standard_normal(s, np.float32) * np.float32(np.sqrt(2 / s[0])) for s in shapes]
    values = [*weights, *(np.zeros(s[1], np.float32) for s in shapes)]
    adam = Adam(values)
    with one_blas_thread():
        for step, rows in enumerate(steps := batches(len(inputs), EPOCHS, BATCH, rng)):
            gradients = _gradients(inputs[rows], target[rows], values, rng)
            adam.step(gradients, RATE * (1 + np.cos(np.pi * step / len(steps))) / 2)
    real = [value.astype(np.float64) for value in values]
    return (real[0] * SCALE, real[1], real[2]), (real[3], real[4], real[5])


def _gradients(
    inputs: Features, target: Features, values: Sequence[Features], rng: np.random.Generator
) -> list[Features]:
    """Return the gradients of the log loss with respect to three weights and three biases."""
    weights, biases = values[:3], values[3:]
    layers, masks = [inputs], []
    for layer, bias in zip(weights[:-1], biases[:-1], strict=True):
        before = layers[-1] @ layer + bias
        kept = (rng.random(before.shape, np.float32) >= DROPPED) / np.float32(1 - DROPPED)
        masks.append(np.where(before > 0, kept, 0).astype(np.float32))
        layers.append(before * masks[-1])
    output = (layers[-1] @ weights[-1] + biases[-1])[:, 0]
    error = ((1 / (1 + np.exp(-output)) - target) / len(target)).astype(np.float32)[:, None]
    of_weights: list[Features] = []
    of_biases: list[Features] = []
    for number in (2, 1, 0):
        of_weights.insert(0, layers[number].T @ error)
        of_biases.insert(0, error.sum(axis=0))
        if number:
            error = (error @ weights[number].T) * masks[number - 1]
    return [*of_weights, *of_biases]
