"""How people write a 8."""

from __future__ import annotations

import numpy as np

from digitsort.training.handwriting.hand import Hand, Stroke, Style, arc


def eight_s(hand: Hand) -> list[Stroke]:
    """An S, and back up to its start; open at the top for some."""
    waist, gap = hand.between(0.38, 0.56), hand.between(-0.1, 0.26)
    top, bottom = hand.between(0.16, 0.38), hand.between(0.2, 0.42)
    mid, lean = (waist + 1) / 2, hand.about(0.0, 0.04)
    tail = hand.some(0.3) * hand.between(0.0, 0.2)
    return [
        hand.stroke(
            (0.5 + top + tail, waist * 0.4 - gap * 0.3 - tail * 0.6),
            (0.5 + hand.about(0.03, 0.04), 0.0),
            (0.5 - top, waist * 0.5),
            (0.5 + lean, waist),
            (0.5 + bottom, mid),
            (0.5 + hand.about(0.0, 0.04), 1.0),
            (0.5 - bottom, mid),
            (0.5 + lean, waist + hand.about(0.0, 0.03)),
            (0.5 + top * hand.between(0.8, 1.1), waist * 0.5 + gap),
            (0.5 + top * hand.between(0.4, 1.2), gap * 0.6 + 0.04),
        )
    ]


def eight_open(hand: Hand) -> list[Stroke]:
    """An S that comes back to its waist, but no further than a stub of the upper ring."""
    waist, top = hand.between(0.4, 0.56), hand.between(0.2, 0.36)
    bottom, mid = hand.between(0.24, 0.42), (waist + 1) / 2
    return [
        hand.stroke(
            (0.5 + top, hand.between(0.02, 0.2)),
            (0.5 + hand.about(0.05, 0.04), 0.0),
            (0.5 - top, waist * 0.5),
            (0.5, waist),
            (0.5 + bottom, mid),
            (0.5, 1.0),
            (0.5 - bottom, mid),
            (0.5, waist + hand.about(0.02, 0.02)),
            (0.5 + top * hand.between(0.5, 1.0), waist * hand.between(0.5, 0.85)),
        )
    ]


def eight_fork(hand: Hand) -> list[Stroke]:
    """Open at the top, like a ribbon: both ends point upwards and need not meet."""
    waist, bottom = hand.between(0.4, 0.58), hand.between(0.2, 0.4)
    right, left = hand.between(0.68, 1.0), hand.between(0.05, 0.25)
    mid, end = (waist + 1) / 2, hand.between(0.0, 0.35)
    return [
        hand.stroke(
            (right, hand.between(0.0, 0.15)),
            (0.5 + (right - 0.5) * 0.5, waist * hand.between(0.45, 0.6)),
            (0.5, waist),
            (0.5 - bottom, mid),
            (0.5 + hand.about(0.0, 0.04), 1.0),
            (0.5 + bottom, mid),
            (0.5 + hand.about(0.0, 0.03), waist),
            (left, waist * hand.between(0.45, 0.6)),
            (left + end * 0.5, hand.between(0.0, 0.08)),
            (left + end, hand.between(0.0, 0.12)),
        )
    ]


def eight_mirrored(hand: Hand) -> list[Stroke]:
    """Begun the other way round."""
    [stroke] = eight_s(hand)
    flip = np.array([-1.0, 1.0])
    return [Stroke(stroke.knots * flip + np.array([1.0, 0.0]), stroke.sharp)]


def eight_rings(hand: Hand) -> list[Stroke]:
    """Two rings, one upon the other."""
    waist = hand.between(0.38, 0.54)
    top, bottom = hand.between(0.2, 0.38), hand.between(0.24, 0.44)
    shift = hand.about(0.0, 0.05)
    miss = hand.between(-0.03, 0.03)
    upper = arc((0.5 + shift, waist / 2), (top, waist / 2), (90, 90 - 360), 9)
    lower = arc((0.5 - shift, (1 + waist) / 2 + miss), (bottom, (1 - waist) / 2), (-90, -90 + 365), 9)
    return [hand.stroke(upper), hand.stroke(lower)]


def eight_middle(hand: Hand) -> list[Stroke]:
    """From the waist up, round and down."""
    waist = hand.between(0.42, 0.54)
    top, bottom = hand.between(0.2, 0.36), hand.between(0.22, 0.4)
    return [
        hand.stroke(
            (0.5 - top * hand.between(0.0, 0.6), waist - hand.between(0.0, 0.1)),
            (0.5 - top, waist * 0.45),
            (0.5, 0.0),
            (0.5 + top, waist * 0.45),
            (0.5, waist),
            (0.5 - bottom, (1 + waist) / 2),
            (0.5, 1.0),
            (0.5 + bottom, (1 + waist) / 2),
            (0.5 + hand.about(0.0, 0.06), waist + hand.about(0.02, 0.03)),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (eight_s, 5),
    (eight_open, 1.2),
    (eight_fork, 1.2),
    (eight_mirrored, 1),
    (eight_rings, 2),
    (eight_middle, 1),
)
"""Each style and how common it is."""
