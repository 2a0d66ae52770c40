"""How people write a 4."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Hand, Stroke, Style


def four_open(hand: Hand) -> list[Stroke]:
    """An angle and a stem, open at the top."""
    bar, left = hand.between(0.42, 0.64), hand.between(0.0, 0.15)
    stem = hand.between(0.6, 0.85)
    top = hand.between(0.0, 0.3)
    return [
        hand.stroke(
            (left + hand.between(0.0, 0.24), hand.between(-0.05, 0.08)),
            (left, bar, hand.between(0.5, 1.0)),
            (hand.between(0.85, 1.1), bar + hand.about(-0.03, 0.04)),
        ),
        hand.stroke(
            (stem + hand.between(-0.03, 0.12), top),
            (stem + hand.about(0.0, 0.03), 0.6),
            (stem - hand.between(-0.03, 0.1), hand.between(1.0, 1.1)),
        ),
    ]


def four_flash(hand: Hand) -> list[Stroke]:
    """A long slanting arm, a bar, and a short stem: like a flash of lightning."""
    bar, stem = hand.between(0.45, 0.65), hand.between(0.6, 0.85)
    return [
        hand.stroke(
            (hand.between(0.3, 0.65), hand.between(-0.05, 0.05)),
            (hand.between(0.1, 0.3), bar * 0.55),
            (hand.between(-0.05, 0.1), bar, hand.between(0.5, 1.0)),
            (hand.between(0.85, 1.15), bar + hand.about(-0.03, 0.05)),
        ),
        hand.stroke(
            (stem + hand.between(0.0, 0.12), bar - hand.between(0.08, 0.3)),
            (stem - hand.between(0.0, 0.25), 1.0),
        ),
    ]


def four_cup(hand: Hand) -> list[Stroke]:
    """A cup and a long stem in one go or two: the arm curves into the bar."""
    bar, stem = hand.between(0.4, 0.58), hand.between(0.65, 0.85)
    left = hand.between(0.0, 0.12)
    tail = hand.between(-0.08, 0.12)
    return [
        hand.stroke(
            (left + hand.between(0.0, 0.15), hand.between(0.0, 0.15)),
            (left, bar * 0.6),
            (left + 0.15, bar),
            (stem * 0.7, bar - hand.between(-0.02, 0.06)),
            (stem, bar - hand.between(0.0, 0.15)),
        ),
        hand.stroke(
            (stem + hand.between(-0.02, 0.08), hand.between(-0.05, 0.12)),
            (stem, bar),
            (stem - tail, hand.between(1.0, 1.1)),
        ),
    ]


def four_narrow(hand: Hand) -> list[Stroke]:
    """A short angle high up at a long stem, the bar ending at it."""
    bar, left = hand.between(0.35, 0.58), hand.between(0.1, 0.3)
    stem = hand.between(0.6, 0.75)
    return [
        hand.stroke(
            (left + hand.between(0.0, 0.12), hand.between(0.0, 0.1)),
            (left, bar, hand.between(0.2, 1.0)),
            (stem + hand.between(0.0, 0.15), bar + hand.about(-0.02, 0.04)),
        ),
        hand.stroke(
            (stem + hand.between(-0.02, 0.08), hand.between(-0.1, 0.15)),
            (stem - hand.between(-0.05, 0.12), 1.0),
        ),
    ]


def four_closed(hand: Hand) -> list[Stroke]:
    """A triangle and a stem, as in print."""
    stem, bar = hand.between(0.5, 0.8), hand.between(0.5, 0.75)
    gap, end = hand.between(-0.03, 0.06), hand.between(0.02, 0.35)
    return [
        hand.stroke(
            (stem - gap, hand.between(-0.03, 0.04)),
            (stem * hand.between(0.45, 0.6), bar * 0.5),
            (hand.between(-0.05, 0.1), bar, 1.0),
            (stem + end, bar + hand.about(0.0, 0.03)),
        ),
        hand.stroke((stem, 0.0), (stem + hand.about(0, 0.02), 0.5), (stem, 1.0)),
    ]


def four_continuous(hand: Hand) -> list[Stroke]:
    """Without lifting the pen: down, right, a narrow loop up, and down a long stem."""
    bar, stem = hand.between(0.42, 0.58), hand.between(0.6, 0.8)
    return [
        hand.stroke(
            (hand.between(0.1, 0.4), hand.between(-0.05, 0.1)),
            (hand.between(0.0, 0.1), bar, hand.between(0.4, 1.0)),
            (stem + 0.05, bar - 0.02),
            (stem + hand.between(0.08, 0.2), bar - hand.between(0.08, 0.2)),
            (stem + hand.between(0.03, 0.1), hand.between(0.0, 0.15)),
            (stem, bar),
            (stem - hand.between(0.0, 0.1), 1.05),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (four_open, 4),
    (four_cup, 2.5),
    (four_narrow, 1.5),
    (four_closed, 2),
    (four_flash, 2),
    (four_continuous, 0.3),
)
"""Each style and how common it is."""
