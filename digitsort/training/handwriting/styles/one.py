"""How people write a 1."""

from __future__ import annotations

import numpy as np

from digitsort.training.handwriting.hand import Hand, Stroke, Style


def one_plain(hand: Hand) -> list[Stroke]:
    """Nothing but a stem."""
    bend = hand.about(0.0, 0.035)
    return [hand.stroke((0.5, 0.0), (0.5 + bend, 0.5), (0.5, 1.0))]


def one_flag(hand: Hand) -> list[Stroke]:
    """A stem with an upstroke, from a tick to half of the stem's height: steeper than a 7's bar."""
    reach = hand.between(0.08, 0.4)
    steepness = np.maximum(hand.between(0.8, 2.0), 0.8 + 3 * np.maximum(reach - 0.3, 0))
    drop = np.minimum(reach * steepness + 0.04, 0.55)
    sag = hand.between(-0.03, 0.05)
    return [
        hand.stroke(
            (0.6 - reach, drop),
            (0.6 - reach * 0.5 + sag, drop * 0.5 + sag),
            (0.6, 0.0, hand.between(0.5, 1.0)),
            (0.6 + hand.about(0.0, 0.03), 0.5),
            (0.6, 1.0),
        )
    ]


def one_roof(hand: Hand) -> list[Stroke]:
    """Almost a capital lambda."""
    drop, reach = hand.between(0.4, 0.95), hand.between(0.2, 0.6)
    sag = hand.between(-0.02, 0.08)
    return [
        hand.stroke(
            (0.65 - reach, drop),
            (0.65 - reach * 0.5 + sag, drop * 0.5 + sag),
            (0.65, 0.0, 1.0),
            (0.65 + hand.about(0.0, 0.03), 0.5),
            (0.65 + hand.about(0.0, 0.06), 1.0),
        )
    ]


def one_foot(hand: Hand) -> list[Stroke]:
    """With a flag and a foot, like print."""
    drop, reach = hand.between(0.1, 0.35), hand.between(0.0, 0.28)
    left, right = hand.between(0.12, 0.45), hand.between(0.12, 0.45)
    stem = hand.stroke(
        (0.5 - reach, drop), (0.5, 0.0, 1.0), (0.5 + hand.about(0, 0.02), 0.5), (0.5, 1.0)
    )
    foot_y = 1.0 + hand.about(0.0, 0.02)
    return [stem, hand.stroke((0.5 - left, foot_y), (0.5 + right, foot_y + hand.about(0, 0.03)))]


def one_plain_foot(hand: Hand) -> list[Stroke]:
    """A stem on a foot."""
    left, right = hand.between(0.1, 0.35), hand.between(0.1, 0.35)
    foot_y = 1.0 + hand.about(0.0, 0.02)
    return [
        hand.stroke((0.5, 0.0), (0.5 + hand.about(0, 0.02), 0.5), (0.5, 1.0)),
        hand.stroke((0.5 - left, foot_y), (0.5 + right, foot_y + hand.about(0, 0.03))),
    ]


def one_roof_foot(hand: Hand) -> list[Stroke]:
    """A long flag, a leaning stem and a foot, as Italians write it."""
    drop, reach = hand.between(0.3, 0.75), hand.between(0.2, 0.5)
    lean = hand.between(-0.1, 0.12)
    left, right = hand.between(0.05, 0.45), hand.between(0.12, 0.45)
    foot_x, foot_y = 0.6 + lean, 1.0 + hand.about(0.0, 0.02)
    stem = hand.stroke(
        (0.6 - reach, drop),
        (0.6 - reach * 0.5 + hand.between(-0.02, 0.06), drop * 0.5 + hand.between(-0.02, 0.06)),
        (0.6, 0.0, 1.0),
        (0.6 + lean * 0.5, 0.5),
        (foot_x, 1.0),
    )
    foot = hand.stroke((foot_x - left, foot_y), (foot_x + right, foot_y + hand.about(0.0, 0.03)))
    return [stem, foot]


STYLES: tuple[tuple[Style, float], ...] = (
    (one_plain, 3),
    (one_flag, 3),
    (one_roof, 2),
    (one_foot, 1.2),
    (one_plain_foot, 0.7),
    (one_roof_foot, 0.8),
)
"""Each style and how common it is."""
