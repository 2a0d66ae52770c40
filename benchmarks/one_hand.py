"""Generate pages of digits by one person, who writes oddly but always in the same way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.training.handwriting.generate import STYLES, draw
from digitsort.training.handwriting.hand import Floats, Hand, Stroke, write

QUIRK = 0.05
"""Distance by which a person's habit moves each knot, in units of the digit's height."""

UNSTEADY = 0.12
"""Variation within one person's writing, as a share of the variation between people."""


@dataclass(frozen=True, slots=True)
class OneHand(Hand):
    """Habits of one writer, `n` times: each draw is the same for all, with a little variation."""

    def between(self, low: float, high: float) -> Floats:
        """Draw one value from `low` to `high`, and vary it a little (n,)."""
        value = self.rng.uniform(low, high) + UNSTEADY * (high - low) * self.rng.uniform(-1, 1, self.n)
        return np.asarray(np.clip(value, low, high))

    def about(self, middle: float, spread: float) -> Floats:
        """Draw one value about `middle`, and vary it a little (n,)."""
        usual, shaken = self.rng.standard_normal(), self.rng.standard_normal(self.n)
        away = np.clip(usual, -2, 2) + UNSTEADY * np.clip(shaken, -2, 2)
        return np.asarray(middle + spread * away)

    def some(self, share: float) -> Floats:
        """Draw 1 for all with probability `share`, or else 0 for all (n,)."""
        return np.full(self.n, float(self.rng.random() < share))


def write_page(seed: int, count_per_digit: int) -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Return images of each digit `count_per_digit` times in one hand, dark on white, with labels."""
    grays: list[npt.NDArray[np.uint8]] = []
    labels: list[str] = []
    for label, styles in STYLES.items():
        rng = np.random.default_rng([97, seed, int(label)])
        hand = OneHand(rng, count_per_digit)
        weights = np.array([weight for _, weight in styles])
        style, _ = styles[int(rng.choice(len(styles), p=weights / weights.sum()))]
        strokes = [_with_quirk(stroke, rng) for stroke in style(hand)]
        grays += draw(hand, write(hand, strokes))
        labels += [label] * count_per_digit
    return grays, labels


def _with_quirk(stroke: Stroke, rng: np.random.Generator) -> Stroke:
    """Move each knot by this person's habit, in the same way in every copy."""
    moved = QUIRK * rng.standard_normal(stroke.knots.shape[1:])
    return Stroke(stroke.knots + moved, stroke.sharp)
