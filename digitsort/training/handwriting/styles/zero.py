"""How people write a 0."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Hand, Stroke, Style, arc


def zero_oval(hand: Hand) -> list[Stroke]:
    """One turn from the top, with a gap, an overlap or a spiral."""
    radius = (hand.between(0.15, 0.45), 0.5)
    start = hand.about(-90, 30)
    turn = (start, start - hand.between(325, 400))
    ring = arc(
        (0.5, 0.5), radius, turn, 12, square=hand.between(0.75, 1.1), drift=hand.between(0.8, 1.1)
    )
    return [hand.stroke(ring)]


def zero_stub(hand: Hand) -> list[Stroke]:
    """An oval whose beginning or end hangs over at the top."""
    rx = hand.between(0.2, 0.45)
    start = hand.between(-120, -60)
    ring = arc((0.5, 0.52), (rx, 0.46), (start, start - hand.between(345, 375)), 11)
    entry = (0.5 + hand.between(-0.35, 0.3), hand.between(-0.12, 0.08))
    leave = (0.5 + rx * hand.between(0.0, 1.0), hand.between(-0.1, 0.2))
    return [hand.stroke(entry, ring, leave)]


def zero_curl(hand: Hand) -> list[Stroke]:
    """A ring that ends with a curl inside its top, or is crossed by it."""
    rx = hand.between(0.25, 0.45)
    ring = arc((0.5, 0.5), (rx, 0.5), (-70, -70 - 330), 10)
    depth = hand.between(0.1, 0.4)
    return [
        hand.stroke(
            ring,
            (0.5 - rx * 0.4, hand.between(0.0, 0.1)),
            (0.5 - rx * hand.between(0.2, 0.6), depth),
            (0.5 + rx * hand.between(0.0, 0.6), depth + hand.between(-0.05, 0.15)),
        )
    ]


def zero_slashed(hand: Hand) -> list[Stroke]:
    """A zero with a stroke through it."""
    rx = hand.between(0.25, 0.42)
    ring = arc((0.5, 0.5), (rx, 0.48), (-90, -450), 11)
    reach = hand.between(0.5, 1.1)
    bar = hand.stroke((0.5 + rx * reach, 0.5 - 0.42 * reach), (0.5 - rx * reach, 0.5 + 0.42 * reach))
    return [hand.stroke(ring), bar]


STYLES: tuple[tuple[Style, float], ...] = (
    (zero_oval, 6),
    (zero_stub, 2),
    (zero_curl, 1.5),
    (zero_slashed, 0.25),
)
"""Each style and how common it is."""
