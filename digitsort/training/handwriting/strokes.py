"""Draw strokes out into curves, and vary them as hands do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitsort.training.handwriting.hand import Floats, Hand, Stroke

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
