"""How people write a 6."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Hand, Stroke, Style, arc


def six_open(hand: Hand) -> list[Stroke]:
    """Stem and bowl in one sweep; the stem leans from far left to far right."""
    lip, right = hand.between(0.36, 0.7), hand.between(0.65, 1.1)
    start = hand.between(0.0, 0.9)
    left = hand.between(0.0, 0.12)
    bend = hand.between(0.3, 0.5)
    return [
        hand.stroke(
            (start, 0.0),
            (left + (start - left) * bend, 0.28 + hand.about(0.0, 0.03)),
            (left, hand.between(0.55, 0.75)),
            (hand.between(0.3, 0.5), 1.0),
            (right, (lip + 1) / 2 + hand.between(-0.06, 0.03)),
            (right * hand.between(0.5, 0.75), lip),
            (left + hand.between(-0.15, 0.16), (lip + 1) / 2 + hand.between(-0.06, 0.14)),
        )
    ]


def six_straight(hand: Hand) -> list[Stroke]:
    """A straight stem with a round bowl, like a b without its foot."""
    lip, left = hand.between(0.46, 0.7), hand.between(0.0, 0.15)
    lean, bowl_x = hand.between(-0.08, 0.5), hand.between(0.25, 0.5)
    ring = arc(
        (left + bowl_x, (1 + lip) / 2),
        (bowl_x, (1 - lip) / 2),
        (hand.between(130, 160), hand.between(-240, -130)),
        9,
        drift=hand.between(0.85, 1.15),
    )
    return [hand.stroke((left + lean, 0.0), (left + lean * 0.4, 0.35), ring)]


def six_wedge(hand: Hand) -> list[Stroke]:
    """Narrow and pointed at the bottom left."""
    lip = hand.between(0.45, 0.65)
    return [
        hand.stroke(
            (hand.between(0.3, 0.9), 0.0),
            (0.15, 0.55),
            (hand.between(0.0, 0.15), hand.between(0.85, 0.98), hand.between(0.0, 0.8)),
            (0.5, 1.0),
            (hand.between(0.7, 0.95), (1 + lip) / 2),
            (hand.between(0.5, 0.65), lip),
            (hand.between(0.05, 0.25), hand.between(0.8, 0.95)),
        )
    ]


def six_low(hand: Hand) -> list[Stroke]:
    """A long slanting stem and a small bowl that juts out to the right and closes low."""
    lip, right = hand.between(0.5, 0.72), hand.between(0.7, 1.15)
    start, left = hand.between(0.3, 0.95), hand.between(0.0, 0.1)
    close = hand.between(0.78, 0.92)
    return [
        hand.stroke(
            (start, 0.0),
            (left + (start - left) * hand.between(0.35, 0.55), 0.4),
            (left, hand.between(0.68, 0.8)),
            (left + hand.between(0.1, 0.25), hand.between(0.92, 1.0)),
            (right * hand.between(0.6, 0.75), hand.between(0.9, 1.0)),
            (right, (lip + 1) / 2 - hand.between(0.0, 0.06)),
            (right * hand.between(0.6, 0.8), lip),
            (left + hand.between(0.05, 0.3), close),
        )
    ]


def six_curl(hand: Hand) -> list[Stroke]:
    """The top bends over to the right, almost closed."""
    lip = hand.between(0.42, 0.58)
    return [
        hand.stroke(
            (hand.between(0.7, 0.95), hand.between(0.08, 0.25)),
            (hand.between(0.45, 0.6), 0.0),
            (hand.between(0.1, 0.2), 0.3),
            (hand.between(0.0, 0.08), 0.65),
            (0.42, 1.0),
            (hand.between(0.8, 1.0), (lip + 1) / 2),
            (0.5, lip),
            (hand.between(0.05, 0.2), (lip + 1) / 2 + 0.05),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (six_open, 5),
    (six_straight, 2),
    (six_wedge, 1),
    (six_low, 1.5),
    (six_curl, 1.5),
)
"""Each style and how common it is."""
