"""Condense a fitted SVM: fewer support vectors that decide alike, moved by gradient descent.

Scoring takes time in proportion to the number of support vectors. The decision value of a contest is a
sum of kernel values, so it can be approximated with fewer vectors that need not be images: a reduced
set (Burges 1996, "Simplified support vector decision rules").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from digitsort.recognition.score import SupportVectors, score_components

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

EPOCHS, BATCH, RATE = 10, 512, 2e-3
"""Passes over the images, images per step, and size of the first step. Vectors are moved in units of
the kernel's width."""

SEED = 5

KNOWN = 0.4
"""Every image of a fit has at least this familiarity to the condensed machine."""


@dataclass(frozen=True, slots=True)
class Contests:
    """An SVM as one decision function for each of the c pairs of its k classes.

    A value of 0 or more is for the first class of the pair.

    Attributes
    ----------
    first, second : ndarray of shape (c,), intp
        The two classes of each contest, as scikit-learn orders contests.
    coefficients : ndarray of shape (n, c), float64
        Zero where a vector is of neither class of a contest.
    intercepts : ndarray of shape (c,), float64
    """

    first: Indices
    second: Indices
    coefficients: Floats
    intercepts: Floats

    @classmethod
    def of(cls, machine: SupportVectors) -> Contests:
        """Return the contests of a machine."""
        first, second = np.triu_indices(len(machine.n_support), 1)
        owners = owners_of(machine)
        rows = np.where(owners[:, None] == first, second - 1, first)  # of dual_coef
        coefficients = machine.dual_coef[rows, np.arange(len(owners))[:, None]]
        coefficients *= plays(owners, first, second) * _sign(len(machine.n_support))
        return cls(first, second, coefficients, machine.intercept * _sign(len(machine.n_support)))

    def chosen(self, values: Features) -> Indices:
        """Return the class (b,) with most votes, for decision values (b, c)."""
        k = int(self.second.max()) + 1
        wins = np.where(values >= 0, self.first, self.second)
        return np.asarray((wins[:, :, None] == np.arange(k)).sum(axis=1).argmax(axis=1))

    def spread(self, support: npt.NDArray[np.integer], count: int) -> Contests:
        """Return them with a row for each of `count` images, of which some are the support vectors."""
        coefficients = np.zeros((count, len(self.first)))
        coefficients[support] = self.coefficients
        return replace(self, coefficients=coefficients)

    def machine(self, vectors: Features, owners: Indices, like: SupportVectors) -> SupportVectors:
        """Return a machine with the kernel of another one.

        Parameters
        ----------
        vectors : ndarray of shape (n, m), float32
        owners : ndarray of shape (n,), intp
            The class of each, ascending.
        like : SupportVectors
            The other machine.
        """
        k = int(self.second.max()) + 1
        vector, contest = np.nonzero(plays(owners, self.first, self.second))
        is_first = owners[vector] == self.first[contest]
        dual_coef = np.zeros((k - 1, len(vectors)))
        rows = np.where(is_first, self.second[contest] - 1, self.first[contest])
        dual_coef[rows, vector] = self.coefficients[vector, contest]
        return replace(
            like,
            vectors=vectors,
            n_support=np.bincount(owners, minlength=k).astype(np.int64),
            dual_coef=dual_coef * _sign(k),
            intercept=self.intercepts * _sign(k),
        )


def _sign(classes: int) -> int:
    """Return the sign of scikit-learn's public arrays, which it turns for two classes."""
    return -1 if classes == 2 else 1


def owners_of(machine: SupportVectors) -> Indices:
    """Return the class of each support vector (n,)."""
    return np.repeat(np.arange(len(machine.n_support)), machine.n_support)


def plays(classes: Indices, first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
    """Tell which contests (c,) each of some classes (n,) takes part in; shape (n, c)."""
    return np.asarray((classes[:, None] == first) | (classes[:, None] == second))


def condense(machine: SupportVectors, start: SupportVectors, components: Features) -> SupportVectors:
    """Change a small machine until it decides like a large one.

    The squared difference of their decision values is minimized, for the contests of the class that
    the large one would choose.

    Parameters
    ----------
    machine : SupportVectors
        The large one.
    start : SupportVectors
        The small one, with the same classes, kernel and projection.
    components : ndarray of shape (n, m), float32
        Projected images, whose labels do not matter.
    """
    width = np.float32(np.sqrt(2 * machine.gamma))
    contests, owners = Contests.of(start), owners_of(start)
    known, made = _Network.of(machine, width), _Network.of(start, width)
    own = plays(owners, contests.first, contests.second)
    images = components * width
    aims = np.concatenate([known.values(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])
    chosen = contests.chosen(aims)
    values = [made.centres, made.coefficients, made.intercepts]
    adam = Adam(values)
    steps = batches(len(images), EPOCHS, BATCH, np.random.default_rng(SEED))
    for step, rows in enumerate(steps):
        counted = plays(chosen[rows], contests.first, contests.second)
        gradients = made.gradients(images[rows], aims[rows], counted)
        gradients[1] *= own
        adam.step(gradients, RATE * (1 + np.cos(np.pi * step / len(steps))) / 2)
    vectors, coefficients, intercepts = (value.astype(np.float64) for value in values)
    changed = replace(contests, coefficients=coefficients, intercepts=intercepts)
    return changed.machine(np.rint(vectors / width).astype(np.float32), owners, start)


def find_odd(machine: SupportVectors, components: Features) -> Indices:
    """Return images that are unlike all support vectors, and unlike each other.

    Familiarity is the likeness to the nearest support vector. Moved vectors are no images any more, so
    some images of the fit, and what is written like them, would be unfamiliar.

    Parameters
    ----------
    components : ndarray of shape (n, m), float32
        Projected images of the fit.
    """
    odd: list[int] = []
    for index in np.flatnonzero(score_components(components, machine).familiarity < KNOWN).tolist():
        distances = ((components[odd].astype(np.float64) - components[index]) ** 2).sum(axis=1)
        if not (np.exp(-machine.gamma * distances) >= KNOWN).any():
            odd.append(index)
    return np.array(odd, np.intp)


def add_vectors(machine: SupportVectors, vectors: Features, owners: Indices) -> SupportVectors:
    """Add support vectors that have no coefficients: they change the familiarity, and no label.

    Parameters
    ----------
    vectors : ndarray of shape (n, m), float32
    owners : ndarray of shape (n,), intp
        The class of each.
    """
    contests = Contests.of(machine)
    every = np.concatenate([owners_of(machine), owners])
    order = np.argsort(every, kind="stable")
    contests = contests.spread(np.arange(len(machine.vectors)), len(every))
    contests = replace(contests, coefficients=contests.coefficients[order])
    return contests.machine(
        np.concatenate([machine.vectors, vectors])[order], every[order], like=machine
    )


@dataclass(frozen=True, slots=True)
class _Network:
    """A machine as a network of radial units in float32, which is fast and exact enough for a fit.

    Attributes
    ----------
    centres : ndarray of shape (n, m)
        Support vectors, scaled so that a kernel value is exp(-distance² / 2).
    coefficients : ndarray of shape (n, c)
    intercepts : ndarray of shape (c,)
    """

    centres: Features
    coefficients: Features
    intercepts: Features

    @classmethod
    def of(cls, machine: SupportVectors, width: np.float32) -> _Network:
        contests = Contests.of(machine)
        coefficients, intercepts = contests.coefficients, contests.intercepts
        return cls(machine.vectors * width, *(a.astype(np.float32) for a in (coefficients, intercepts)))

    def values(self, images: Features) -> Features:
        """Return the decision values (b, c) of images (b, m)."""
        decided: Features = self._kernel(images) @ self.coefficients + self.intercepts
        return decided

    def gradients(
        self, images: Features, aim: Features, counted: npt.NDArray[np.bool_]
    ) -> list[Features]:
        """Return the gradients of half the mean squared error of the decision values.

        Parameters
        ----------
        images : ndarray of shape (b, m)
        aim : ndarray of shape (b, c)
            The values that they should have.
        counted : ndarray of shape (b, c), bool
            Values that count.
        """
        kernel = self._kernel(images)
        error = kernel @ self.coefficients + self.intercepts
        error = (error - aim) * counted / np.float32(len(images))
        pull = (error @ self.coefficients.T) * kernel
        of_centres = pull.T @ images - pull.sum(axis=0)[:, None] * self.centres
        return [of_centres, kernel.T @ error, error.sum(axis=0)]

    def _kernel(self, images: Features) -> Features:
        kernel = images @ self.centres.T
        kernel -= (images * images).sum(axis=1)[:, None] / 2
        kernel -= (self.centres * self.centres).sum(axis=1) / 2
        return np.asarray(np.exp(kernel, out=kernel))


def batches(count: int, epochs: int, size: int, rng: np.random.Generator) -> list[Indices]:
    """Return the rows of each step: in each epoch all rows, but for a rest, in another order."""
    size = min(size, count)
    orders = [rng.permutation(count) for _ in range(epochs)]
    return [order[i : i + size] for order in orders for i in range(0, count - size + 1, size)]


class Adam:
    """Steps against the running mean of the gradients, over the root of that of their squares.

    Kingma and Ba 2015, "Adam: a method for stochastic optimization".
    """

    def __init__(self, values: Sequence[Features]) -> None:
        self._values = values
        self._means = [np.zeros_like(value) for value in values]
        self._squares = [np.zeros_like(value) for value in values]
        self._steps = 0

    def step(self, gradients: Sequence[Features], rate: float) -> None:
        """Change the values in place."""
        self._steps += 1
        faster = np.float32(rate / (1 - 0.9**self._steps))
        correction = np.float32(1 - 0.999**self._steps)
        moments = zip(self._values, self._means, self._squares, gradients, strict=True)
        for value, mean, square, gradient in moments:
            mean += np.float32(0.1) * (gradient - mean)
            square += np.float32(0.001) * (gradient * gradient - square)
            value -= faster * mean / (np.sqrt(square / correction) + np.float32(1e-8))
