"""How people write a 5."""

from __future__ import annotations

import numpy as np

from digitsort.training.handwriting.hand import Hand, Knot, Number, Stroke, Style


def _five_bowl(hand: Hand, x: Number, y: Number) -> list[Knot]:
    """The bowl of a 5 from its joint with the stem on; some bend back to the stem."""
    right, mid = hand.between(0.65, 1.0), hand.between(0.6, 0.76)
    rise = hand.between(0.0, 0.12)
    return [
        (x, y, hand.between(0.2, 1.0)),
        ((x + right) / 2 + 0.02, y - rise),
        (right, np.maximum(mid, y + 0.1)),
        (hand.between(0.35, 0.6), hand.between(0.95, 1.02)),
        (hand.between(-0.05, 0.3), hand.between(0.78, 1.0)),
    ]


def five_joined(hand: Hand) -> list[Stroke]:
    """Bar, stem and bowl in one go."""
    top, y = hand.between(0.12, 0.45), hand.between(0.34, 0.58)
    x = top - hand.between(-0.02, 0.12)
    return [
        hand.stroke(
            (hand.between(0.65, 1.15), hand.about(0.0, 0.05)),
            (top, hand.about(0.02, 0.02), hand.between(0.5, 1.0)),
            *_five_bowl(hand, x, y),
        )
    ]


def five_bar(hand: Hand) -> list[Stroke]:
    """The bar is added last, and may miss the stem."""
    top, y = hand.between(0.12, 0.4), hand.between(0.34, 0.52)
    x = top - hand.between(-0.02, 0.1)
    start = top + hand.between(-0.08, 0.2)
    return [
        hand.stroke((top, 0.0), *_five_bowl(hand, x, y)),
        hand.stroke(
            (start, hand.about(0.0, 0.05)),
            ((start + 1) / 2, hand.about(0.0, 0.03)),
            (hand.between(0.7, 1.15), hand.about(-0.02, 0.06)),
        ),
    ]


def five_s(hand: Hand) -> list[Stroke]:
    """Like an S: no corner."""
    left = hand.between(0.1, 0.3)
    return [
        hand.stroke(
            (hand.between(0.75, 1.05), hand.between(-0.03, 0.08)),
            (hand.between(0.4, 0.55), hand.between(0.0, 0.06)),
            (left, hand.between(0.2, 0.34)),
            (hand.between(0.45, 0.6), hand.between(0.42, 0.54)),
            (hand.between(0.78, 0.98), hand.between(0.66, 0.76)),
            (hand.between(0.4, 0.55), 1.0),
            (hand.between(-0.05, 0.2), hand.between(0.82, 1.0)),
        )
    ]


def five_curled(hand: Hand) -> list[Stroke]:
    """The bowl bends back towards the stem, almost a 6 with a bar."""
    top, y = hand.between(0.12, 0.35), hand.between(0.36, 0.52)
    x = top - hand.between(-0.02, 0.1)
    left = x + hand.between(-0.1, 0.1)
    return [
        hand.stroke(
            (hand.between(0.75, 1.15), hand.about(0.0, 0.05)),
            (top, hand.about(0.02, 0.02), hand.between(0.5, 1.0)),
            (x, y, hand.between(0.4, 1.0)),
            (hand.between(0.5, 0.6), y - hand.between(0.02, 0.12)),
            (hand.between(0.8, 1.0), hand.between(0.6, 0.72)),
            (hand.between(0.4, 0.6), 1.0),
            (left, hand.between(0.84, 0.95)),
            (left + hand.between(-0.05, 0.15), hand.between(0.6, 0.82)),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (five_joined, 4),
    (five_bar, 3),
    (five_s, 1.5),
    (five_curled, 1.2),
)
"""Each style and how common it is."""
