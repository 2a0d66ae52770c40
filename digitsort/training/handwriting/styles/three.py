"""How people write a 3."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Hand, Knot, Stroke, Style


def _three_end(hand: Hand) -> list[Knot]:
    """How a 3 ends: from a stub to a long flat tail, some bent up again."""
    left, up = hand.between(-0.1, 0.4), hand.between(0.0, 0.2)
    return [
        (hand.between(0.4, 0.6), hand.between(0.97, 1.02)),
        (left, 1.0 - up * hand.between(0.3, 1.2)),
    ]


def three_bowls(hand: Hand) -> list[Stroke]:
    """Two bowls and a waist."""
    waist_x, waist_y = hand.between(0.2, 0.68), hand.between(0.36, 0.54)
    top, bottom = hand.between(0.65, 0.98), hand.between(0.75, 1.02)
    mid = (waist_y + 1) / 2
    return [
        hand.stroke(
            (hand.between(-0.05, 0.28), hand.between(0.03, 0.26)),
            (hand.between(0.3, 0.5), hand.between(0.0, 0.03)),
            (top, waist_y * hand.between(0.35, 0.55)),
            (waist_x, waist_y, hand.between(0.0, 1.0)),
            (bottom, mid + hand.about(0.0, 0.03)),
            *_three_end(hand),
        )
    ]


def three_flat(hand: Hand) -> list[Stroke]:
    """A flat top and a diagonal."""
    waist_x, waist_y = hand.between(0.25, 0.55), hand.between(0.34, 0.5)
    right = hand.between(0.7, 1.0)
    return [
        hand.stroke(
            (hand.between(0.0, 0.25), hand.between(-0.02, 0.06)),
            (0.45, hand.about(0.02, 0.02)),
            (right, hand.between(-0.02, 0.05), 1.0),
            (waist_x, waist_y, hand.between(0.4, 1.0)),
            (hand.between(0.8, 1.0), hand.between(0.66, 0.76)),
            *_three_end(hand),
        )
    ]


def three_loop(hand: Hand) -> list[Stroke]:
    """A small loop at the waist."""
    x, y = hand.between(0.25, 0.5), hand.between(0.38, 0.54)
    size = hand.between(0.02, 0.09)
    return [
        hand.stroke(
            (hand.between(0.0, 0.22), hand.between(0.03, 0.16)),
            (hand.between(0.35, 0.5), 0.0),
            (hand.between(0.7, 0.95), y * hand.between(0.38, 0.5)),
            (x + size, y + size * 0.4),
            (x - size, y + size * 0.3),
            (x, y - size * 0.8),
            (x + size * 2.2, y),
            (hand.between(0.8, 1.02), (1 + y) / 2 + 0.02),
            *_three_end(hand),
        )
    ]


def three_curled(hand: Hand) -> list[Stroke]:
    """Both ends curl inwards, the lower one almost back to the bowl."""
    waist_x, waist_y = hand.between(0.3, 0.6), hand.between(0.36, 0.5)
    low, left = (waist_y + 1) / 2, hand.between(-0.05, 0.2)
    rise = hand.between(0.1, 0.3)
    return [
        hand.stroke(
            (hand.between(0.0, 0.25), hand.between(0.14, 0.36)),
            (hand.between(0.1, 0.3), hand.between(0.04, 0.12)),
            (hand.between(0.4, 0.6), 0.0),
            (hand.between(0.65, 0.9), waist_y * hand.between(0.4, 0.55)),
            (waist_x, waist_y, hand.between(0.0, 1.0)),
            (hand.between(0.8, 1.02), low + hand.about(0.0, 0.03)),
            (hand.between(0.4, 0.55), 1.0),
            (left, 1.0 - rise * 0.6),
            (left + hand.between(0.02, 0.22), 1.0 - rise),
        )
    ]


def three_shallow(hand: Hand) -> list[Stroke]:
    """Two small bulges on the way down, and a short tail."""
    waist_y = hand.between(0.38, 0.52)
    waist_x = hand.between(0.5, 0.7)
    return [
        hand.stroke(
            (hand.between(0.0, 0.35), hand.between(0.0, 0.14)),
            (0.5, hand.about(0.0, 0.02)),
            (hand.between(0.75, 0.95), waist_y * hand.between(0.3, 0.5)),
            (waist_x, waist_y, hand.between(0.0, 1.0)),
            (hand.between(0.75, 0.95), (1 + waist_y) / 2 - hand.between(0.0, 0.06)),
            (hand.between(0.45, 0.65), hand.between(0.96, 1.02)),
            (hand.between(0.15, 0.45), hand.between(0.92, 1.02)),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (three_bowls, 5),
    (three_flat, 2),
    (three_loop, 2),
    (three_curled, 1.5),
    (three_shallow, 1),
)
"""Each style and how common it is."""
