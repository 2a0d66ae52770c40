"""How people write a 7."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Hand, Stroke, Style


def seven_plain(hand: Hand) -> list[Stroke]:
    """Bar and stem; some with a serif at the start."""
    serif = hand.some(0.35) * hand.between(0.05, 0.25)
    right = hand.between(0.8, 1.0)
    left = hand.between(-0.02, 0.35)
    foot = hand.between(0.15, 0.75)
    bend = hand.between(-0.1, 0.04)
    return [
        hand.stroke(
            (left, 0.04 + serif),
            (left + 0.03, 0.03, 1.0),
            ((left + right) / 2, hand.about(0.03, 0.025)),
            (right, hand.between(-0.04, 0.06), hand.between(0.3, 1.0)),
            ((right + foot) / 2 + bend, 0.5),
            (foot, 1.0),
        )
    ]


def seven_round(hand: Hand) -> list[Stroke]:
    """A round shoulder, the bar a wave or a hook."""
    right, foot = hand.between(0.75, 1.0), hand.between(0.2, 0.6)
    return [
        hand.stroke(
            (hand.between(-0.02, 0.15), hand.between(0.05, 0.3)),
            (hand.between(0.15, 0.3), hand.between(0.0, 0.08)),
            (hand.between(0.45, 0.6), hand.between(0.03, 0.12)),
            (right, hand.between(0.0, 0.14)),
            ((right + foot) / 2 + hand.about(0.0, 0.03), 0.55),
            (foot, 1.0),
        )
    ]


def seven_sagging(hand: Hand) -> list[Stroke]:
    """The bar hangs from a serif, and the stem begins with a peak."""
    right, foot = hand.between(0.75, 1.0), hand.between(0.1, 0.6)
    return [
        hand.stroke(
            (hand.between(-0.05, 0.15), hand.between(-0.05, 0.1)),
            (hand.between(0.1, 0.3), hand.between(0.12, 0.28), hand.between(0.0, 0.8)),
            (right, hand.between(0.0, 0.1), hand.between(0.5, 1.0)),
            ((right + foot) / 2 + hand.about(0.0, 0.04), 0.5),
            (foot, 1.0),
        )
    ]


def seven_crossed(hand: Hand) -> list[Stroke]:
    """With a bar across the stem; the start hangs down too little to close a loop with it."""
    right, foot = hand.between(0.75, 1.0), hand.between(0.2, 0.65)
    serif, y = hand.some(0.4) * hand.between(0.03, 0.2), hand.between(0.38, 0.6)
    x = right + (foot - right) * y + hand.about(0.0, 0.04)
    left, tilt = hand.between(0.12, 0.4), hand.about(0.0, 0.05)
    bend = hand.between(-0.06, 0.04)
    stem = hand.stroke(
        (hand.between(-0.05, 0.2), 0.02 + serif),
        (hand.between(0.2, 0.35), hand.about(0.03, 0.03), hand.between(0.0, 1.0)),
        (right, hand.between(-0.03, 0.07), hand.between(0.2, 1.0)),
        ((right + foot) / 2 + bend, 0.5),
        (foot, 1.0),
    )
    return [stem, hand.stroke((x - left, y + tilt), (x + hand.between(0.1, 0.5), y - tilt))]


def seven_hanging(hand: Hand) -> list[Stroke]:
    """A long serif hangs from a flat top, down to a wide crossbar."""
    right, foot = hand.between(0.8, 1.0), hand.between(0.35, 0.7)
    left, y = hand.between(0.0, 0.15), hand.between(0.45, 0.6)
    x = right + (foot - right) * y
    top = hand.about(0.0, 0.03)
    stem = hand.stroke(
        (left + hand.about(0.0, 0.03), hand.between(0.18, 0.36)),
        (left + 0.03, top, 1.0),
        (right, hand.about(0.0, 0.03), hand.between(0.6, 1.0)),
        ((right + foot) / 2 + hand.about(0.0, 0.03), 0.5),
        (foot, 1.0),
    )
    tilt = hand.about(0.0, 0.04)
    start = x - hand.between(0.25, 0.6)
    return [stem, hand.stroke((start, y + tilt), (x + hand.between(0.15, 0.4), y - tilt))]


def seven_drooping(hand: Hand) -> list[Stroke]:
    """A short bar that falls to the left, less steeply than the flag of a 1."""
    right, foot = hand.between(0.75, 0.95), hand.between(0.35, 0.75)
    left = hand.between(0.0, 0.35)
    droop = (right - left) * hand.between(0.15, 0.5)
    return [
        hand.stroke(
            (left, droop),
            ((left + right) / 2, droop * hand.between(0.2, 0.6)),
            (right, hand.about(0.0, 0.03), hand.between(0.2, 1.0)),
            ((right + foot) / 2 + hand.between(-0.02, 0.06), 0.5),
            (foot, 1.0),
        )
    ]


def seven_serif(hand: Hand) -> list[Stroke]:
    """A long serif falls from the start of a short bar: no crossbar, else it would be a 4."""
    right, foot = hand.between(0.75, 0.95), hand.between(0.3, 0.65)
    left, top = hand.between(0.0, 0.2), hand.between(-0.02, 0.1)
    return [
        hand.stroke(
            (left + hand.about(-0.03, 0.04), hand.between(0.2, 0.42)),
            (left + hand.between(0.02, 0.12), top, hand.between(0.2, 1.0)),
            ((left + right) / 2, top + hand.between(0.0, 0.12)),
            (right, hand.between(-0.06, 0.06), hand.between(0.2, 1.0)),
            ((right + foot) / 2 + hand.about(0.0, 0.03), 0.5),
            (foot, 1.0),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (seven_plain, 4),
    (seven_round, 2),
    (seven_sagging, 1),
    (seven_crossed, 3),
    (seven_hanging, 0.8),
    (seven_drooping, 0.5),
    (seven_serif, 0.6),
)
"""Each style and how common it is."""
