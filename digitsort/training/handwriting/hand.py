"""Draw strokes at random, for many writers at once, and vary them as hands do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


SAMPLES = 6
"""Points on the curve for each knot."""


def curve(stroke: Stroke) -> Floats:
    """Draw a stroke out into a smooth curve (n, (k - 1) * SAMPLES + 1, 2).

    A cubic Hermite spline, parametrised by the square root of the chord, which neither loops nor
    overshoots between near knots: Yuksel, Schaefer and Keyser (2011), "Parameterization and
    applications of Catmull-Rom curves", Computer-Aided Design 43.
    """
    knots = stroke.knots
    chord = np.diff(knots, axis=1)  # (n, k - 1, 2)
    step = np.sqrt(np.sqrt((chord**2).sum(axis=2, keepdims=True)) + 1e-9)
    slope = chord / step
    inner = (slope[:, :-1] * step[:, 1:] + slope[:, 1:] * step[:, :-1]) / (step[:, :-1] + step[:, 1:])
    smooth = np.concatenate([slope[:, :1], inner, slope[:, -1:]], axis=1)  # (n, k, 2)
    sharp = stroke.sharp[..., None]
    leaving = smooth[:, :-1] + sharp[:, :-1] * (slope - smooth[:, :-1])
    arriving = smooth[:, 1:] + sharp[:, 1:] * (slope - smooth[:, 1:])
    t = (np.arange(SAMPLES) / SAMPLES)[:, None]  # (samples, 1)
    parts = (
        (2 * t**3 - 3 * t**2 + 1) * knots[:, :-1, None]
        + (t**3 - 2 * t**2 + t) * (step * leaving)[:, :, None]
        + (3 * t**2 - 2 * t**3) * knots[:, 1:, None]
        + (t**3 - t**2) * (step * arriving)[:, :, None]
    )  # (n, k - 1, samples, 2)
    return np.concatenate([parts.reshape(len(knots), -1, 2), knots[:, -1:]], axis=1)


def write(hand: Hand, strokes: Sequence[Stroke]) -> list[Floats]:
    """Turn the strokes of a style into curves (n, m, 2), each writer's a little different."""
    angular = hand.some(0.1) * hand.between(0.4, 1.0)
    shaky = hand.between(0.005, 0.022)
    curves = [curve(_loosen(hand, stroke, angular, shaky)) for stroke in strokes]
    strength = hand.between(0.0, 0.5) + 0.5 * hand.some(0.15)
    curves = [_smooth(points, strength) for points in curves]
    return _distort(hand, curves)


def _loosen(hand: Hand, stroke: Stroke, angular: Floats, shaky: Floats) -> Stroke:
    """Move the knots a little, and let some writers break the curve at each."""
    noise = hand.rng.standard_normal(stroke.knots.shape) * shaky[:, None, None]
    sharp = np.maximum(stroke.sharp, angular[:, None])
    return Stroke(stroke.knots + noise, sharp)


def _smooth(points: Floats, strength: Floats, rounds: int = 6) -> Floats:
    """Cut corners: average each point with its neighbours, the ends fixed."""
    weight = strength[:, None, None]
    points = points.copy()
    for _ in range(rounds):
        middle = (points[:, :-2] + points[:, 2:]) / 2
        points[:, 1:-1] += weight * (middle - points[:, 1:-1])
    return points


def _distort(hand: Hand, curves: Sequence[Floats]) -> list[Floats]:
    """Warp, stretch, shear and turn the whole digit."""
    warp = hand.rng.uniform(-0.1, 0.1, (hand.n, 2, 5))
    aspect = np.exp(hand.between(np.log(0.65), np.log(1.3)))
    shear, turn = hand.about(0.15, 0.17), hand.about(0.0, 0.09)
    wave = (hand.between(0, 0.012), hand.between(4, 12), hand.between(0, 6.3))
    out = []
    for points in curves:
        bent = _warp(points, warp) + _wobble(points, *wave)
        x, y = (bent[..., 0] - 0.5) * aspect[:, None], bent[..., 1] - 0.5
        x = x - shear[:, None] * y
        c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
        out.append(np.stack([c * x - s * y, s * x + c * y], axis=-1))
    return out


def _warp(points: Floats, strength: Floats) -> Floats:
    """Quadratic and cubic displacement, `strength` (n, 2, 5)."""
    x, y = 2 * points[..., 0] - 1, 2 * points[..., 1] - 1
    terms = np.stack([x * x - 0.4, x * y, y * y - 0.4, x**3 - 0.6 * x, y**3 - 0.6 * y], axis=-1)
    shift = [(terms * strength[:, None, axis]).sum(axis=-1) for axis in (0, 1)]
    return np.asarray(points + np.stack(shift, axis=-1))


def _wobble(points: Floats, size: Floats, pace: Floats, phase: Floats) -> Floats:
    """A tremor of low frequency along x and y."""
    path = (points[..., 0] + 1.7 * points[..., 1]) * pace[:, None] + phase[:, None]
    shift = np.stack([np.sin(path), np.cos(1.3 * path)], axis=-1)
    return np.asarray(size[:, None, None] * shift)
