"""Random draws and the building blocks of strokes, for many writers at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Number = Floats | float

Knot = tuple[Number, Number] | tuple[Number, Number, Number]
"""x, y and, where the pen turns sharply, how sharp the corner is (0-1)."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of n writers, not yet drawn out into a curve.

    Attributes
    ----------
    knots : ndarray of shape (n, k, 2), float64
        x to the right and y down, about within the unit square.
    sharp : ndarray of shape (n, k), float64
        0 where the curve runs smoothly through a knot, 1 where it breaks off.
    """

    knots: Floats
    sharp: Floats


@dataclass(frozen=True, slots=True)
class Hand:
    """The habits of `n` writers, drawn from one generator."""

    rng: np.random.Generator
    n: int

    def between(self, low: float, high: float) -> Floats:
        """Uniform draws (n,) from `low` to `high`."""
        return self.rng.uniform(low, high, self.n)

    def about(self, middle: float, spread: float) -> Floats:
        """Normal draws (n,), cut off at twice the `spread`."""
        return middle + spread * np.clip(self.rng.standard_normal(self.n), -2, 2)

    def some(self, share: float) -> Floats:
        """1 for about `share` of the writers, else 0; shape (n,)."""
        return (self.rng.random(self.n) < share).astype(np.float64)

    def stroke(self, *pieces: Knot | Floats) -> Stroke:
        """Join knots and arcs (n, k, 2) to a stroke."""
        knots = [self._knots(piece) for piece in pieces]
        sharp = [self._sharp(piece) for piece in pieces]
        return Stroke(np.concatenate(knots, axis=1), np.concatenate(sharp, axis=1))

    def _knots(self, piece: Knot | Floats) -> Floats:
        if not isinstance(piece, tuple):
            return piece
        x, y = (np.broadcast_to(value, self.n) for value in piece[:2])
        return np.stack([x, y], axis=-1)[:, None]

    def _sharp(self, piece: Knot | Floats) -> Floats:
        if not isinstance(piece, tuple):
            return np.zeros(piece.shape[:2])
        sharp = piece[2] if len(piece) == 3 else 0.0
        return np.broadcast_to(np.asarray(sharp, np.float64), self.n)[:, None]


Style = Callable[[Hand], list[Stroke]]
"""The strokes of a digit as n writers who share a style write them."""


def arc(
    centre: tuple[Number, Number],
    radius: tuple[Number, Number],
    turn: tuple[Number, Number],
    knots: int,
    *,
    square: Number = 1.0,
    drift: Number = 1.0,
) -> Floats:
    """Points on an ellipse, the first and the last included.

    Parameters
    ----------
    centre, radius : pair of float or ndarray of shape (n,)
        Along x and y.
    turn : pair of float or ndarray of shape (n,)
        Degrees from which to which: 0 right, 90 bottom, 180 left, -90 top.
    knots : int
    square : float or ndarray of shape (n,)
        Power of the cosine and sine: below 1 towards a rectangle, above towards a diamond.
    drift : float or ndarray of shape (n,)
        Factor that the radius has reached at the end: not 1 for a spiral.

    Returns
    -------
    ndarray of shape (n, knots, 2), float64
    """
    t = np.linspace(0, 1, knots)
    first, last = (np.deg2rad(np.asarray(a, np.float64))[..., None] for a in turn)
    angle = np.atleast_2d(first + (last - first) * t)
    scale = 1 + (np.asarray(drift, np.float64)[..., None] - 1) * t
    power = np.asarray(square, np.float64)[..., None]
    sides = [
        np.asarray(c, np.float64)[..., None]
        + np.asarray(r, np.float64)[..., None] * scale * np.sign(w) * np.abs(w) ** power
        for c, r, w in zip(centre, radius, (np.cos(angle), np.sin(angle)), strict=True)
    ]
    return np.stack(np.broadcast_arrays(*sides), axis=-1)
