"""Three invented people, each with an odd way of writing one digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.training.handwriting.generate import draw
from digitsort.training.handwriting.hand import Hand, Stroke, Style, arc, curve


@dataclass(frozen=True)
class Writer:
    """Somebody whose `digit` looks, to most, like a `taken_for`."""

    digit: str
    taken_for: str
    style: Style

    def write(self, count: int, seed: int = 0) -> list[npt.NDArray[np.uint8]]:
        """The digit so many times, dark on white: one hand, with several pens."""
        hand = Hand(np.random.default_rng([31, int(self.digit), seed]), count)
        curves = [curve(_shaken(hand, stroke)) for stroke in self.style(hand)]
        return list(draw(hand, _slanted(hand, curves)))


def _shaken(hand: Hand, stroke: Stroke) -> Stroke:
    return Stroke(stroke.knots + 0.015 * hand.rng.standard_normal(stroke.knots.shape), stroke.sharp)


def _slanted(hand: Hand, curves: Sequence[npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
    aspect, shear = np.exp(hand.about(0.0, 0.06)), hand.about(0.12, 0.05)
    return [
        np.stack(
            [(c[..., 0] - 0.5) * aspect[:, None] - shear[:, None] * (c[..., 1] - 0.5), c[..., 1]],
            axis=-1,
        )
        for c in curves
    ]


def seven_on_a_foot(hand: Hand) -> list[Stroke]:
    """A 7 with a short flag, a bar across and a foot."""
    stem = hand.stroke((0.35, hand.between(0.18, 0.26)), (0.55, 0.0, 1.0), (0.55, 0.5), (0.5, 1.0))
    return [stem, hand.stroke((0.4, 0.5), (0.68, 0.48)), hand.stroke((0.35, 1.0), (0.65, 1.0))]


def one_with_a_hook(hand: Hand) -> list[Stroke]:
    """A 1 that begins with a hook and runs out to the right."""
    hook = ((0.15, 0.35), (0.3, 0.05), (0.55, 0.05), (0.55, 0.5), (0.5, 1.0), (0.75, 1.0), (0.95, 0.95))
    return [hand.stroke(*hook)]


def nine_with_a_loop(hand: Hand) -> list[Stroke]:
    """A 9 like a g: its tail comes back in a loop."""
    head = arc((np.full(hand.n, 0.45), 0.27), (0.3, 0.27), (-20, -380), 10)
    tail = ((0.76, 0.6), (0.6, 0.98), (0.3, 1.0), (0.15, 0.85), (0.4, 0.72), (0.85, 0.68))
    return [hand.stroke(head, *tail)]


WRITERS = {
    "seven on a foot": Writer("7", "1", seven_on_a_foot),
    "one with a hook": Writer("1", "2", one_with_a_hook),
    "nine with a loop": Writer("9", "8", nine_with_a_loop),
}
