"""How people write a 9."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Floats, Hand, Stroke, Style, arc


def _nine_loop(hand: Hand, right: Floats, low: Floats, open_: float = -70) -> Floats:
    """The loop of a 9, counter-clockwise from its upper right."""
    half = hand.between(0.18, 0.42)
    last = hand.between(-380, -330) if open_ < -50 else hand.between(-390, -350)
    return arc(
        (right - half, low / 2),
        (half, low / 2),
        (hand.between(open_, -10), last),
        9,
        square=hand.between(0.85, 1.15),
    )


def nine_straight(hand: Hand) -> list[Stroke]:
    """A loop and a straight or slightly bent stem."""
    right, low = hand.between(0.75, 0.9), hand.between(0.3, 0.6)
    foot = right - hand.between(-0.05, 0.35)
    return [
        hand.stroke(
            _nine_loop(hand, right, low),
            (right + hand.about(0.0, 0.02), low * hand.between(0.2, 0.5), hand.between(0.2, 1.0)),
            ((right + foot) / 2 + hand.about(0.03, 0.03), 0.65),
            (foot, 1.0),
        )
    ]


def nine_hook(hand: Hand) -> list[Stroke]:
    """The tail curves to the left: from a hint to a g."""
    right, low = hand.between(0.78, 0.92), hand.between(0.34, 0.56)
    reach, rise = hand.between(0.2, 0.85), hand.between(-0.03, 0.25)
    return [
        hand.stroke(
            _nine_loop(hand, right, low),
            (right, low * hand.between(0.3, 0.6), hand.between(0.0, 1.0)),
            (right - hand.between(-0.02, 0.06), 0.72),
            (right - reach * 0.5, 1.0),
            (right - reach, 1.0 - rise),
        )
    ]


def nine_s(hand: Hand) -> list[Stroke]:
    """An S that begins with a closed loop: an 8 whose lower left is missing."""
    right, low = hand.between(0.65, 0.85), hand.between(0.36, 0.52)
    half, waist = hand.between(0.2, 0.34), right - hand.between(0.15, 0.3)
    return [
        hand.stroke(
            (waist - hand.between(0.0, 0.12), low + hand.between(-0.02, 0.04)),
            (right, low * hand.between(0.4, 0.6)),
            (right - half, 0.0),
            (right - 2 * half, low * 0.5),
            (waist, low + hand.between(-0.02, 0.04)),
            (right + hand.between(0.0, 0.2), hand.between(0.62, 0.75)),
            (right - half * hand.between(0.6, 1.2), 1.0),
            (right - 2 * half - hand.between(-0.15, 0.15), hand.between(0.85, 1.0)),
        )
    ]


def nine_wide(hand: Hand) -> list[Stroke]:
    """A loop at the top and a wide hook along the bottom, like a g."""
    right, low = hand.between(0.75, 0.9), hand.between(0.36, 0.52)
    end, bulge = hand.between(-0.15, 0.2), hand.between(-0.05, 0.15)
    return [
        hand.stroke(
            _nine_loop(hand, right, low, -40),
            (right, low * hand.between(0.5, 0.9), hand.between(0.0, 1.0)),
            (right + bulge, hand.between(0.62, 0.74)),
            ((right + end) / 2, 1.0),
            (end, hand.between(0.85, 1.03)),
        )
    ]


def nine_stem(hand: Hand) -> list[Stroke]:
    """A ring, and a stem of its own beside it."""
    right, low = hand.between(0.7, 0.85), hand.between(0.36, 0.58)
    half = hand.between(0.24, 0.38)
    ring = arc((right - half, low / 2 + 0.02), (half, low / 2), (-30, -390), 9)
    foot = right - hand.between(-0.08, 0.25)
    stem = hand.stroke(
        (right + hand.between(-0.02, 0.05), hand.between(-0.05, 0.15)),
        ((right + foot) / 2 + hand.about(0.02, 0.02), 0.55),
        (foot, 1.0),
    )
    return [hand.stroke(ring), stem]


def nine_pointed(hand: Hand) -> list[Stroke]:
    """An angular loop."""
    right, low = hand.between(0.75, 0.95), hand.between(0.36, 0.55)
    return [
        hand.stroke(
            (right, hand.between(0.0, 0.12)),
            (hand.between(0.35, 0.6), 0.0),
            (hand.between(0.05, 0.2), low * 0.75, hand.between(0.0, 0.8)),
            (hand.between(0.3, 0.5), low),
            (right, hand.between(0.05, 0.2), 1.0),
            (right - 0.05, 0.55),
            (right - hand.between(0.0, 0.3), 1.0),
        )
    ]


def nine_open(hand: Hand) -> list[Stroke]:
    """The loop does not reach the stem at the top: its start bends over, as a 4's does not."""
    right, low = hand.between(0.75, 0.95), hand.between(0.34, 0.55)
    foot = right - hand.between(-0.05, 0.35)
    return [
        hand.stroke(
            (right - hand.between(0.05, 0.25), hand.between(0.03, 0.16)),
            (right - hand.between(0.3, 0.42), hand.between(-0.02, 0.04)),
            (hand.between(0.0, 0.15), low * hand.between(0.5, 0.75)),
            (hand.between(0.2, 0.4), low),
            (right - 0.08, low * hand.between(0.45, 0.8)),
            (right, hand.between(0.0, 0.12), hand.between(0.5, 1.0)),
            ((right + foot) / 2 + hand.about(0.02, 0.03), 0.6),
            (foot, 1.0),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (nine_straight, 4),
    (nine_hook, 3),
    (nine_s, 1.2),
    (nine_wide, 1.5),
    (nine_stem, 1.5),
    (nine_pointed, 1.5),
    (nine_open, 1.5),
)
"""Each style and how common it is."""
