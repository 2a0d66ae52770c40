"""How people write a 2."""

from __future__ import annotations

from digitsort.training.handwriting.hand import Hand, Knot, Stroke, Style, arc


def _two_top(hand: Hand) -> list[Knot]:
    """Hook, arch and the way down to the right: the knots that most styles of a 2 share."""
    hook, top = hand.between(0.06, 0.42), hand.between(0.0, 0.03)
    right, turn = hand.between(0.55, 0.95), hand.between(0.16, 0.36)
    start = hand.between(0.0, 0.28)
    return [
        (start, hook),
        (start + (right - start) * hand.between(0.1, 0.3), top + hook * 0.25),
        ((start + right) / 2 + 0.05, top),
        (right, turn),
    ]


def two_sharp(hand: Hand) -> list[Stroke]:
    """A sharp corner at the bottom left; the foot straight, rising, or a wave."""
    left, low = hand.between(-0.05, 0.22), hand.between(0.88, 1.0)
    end, wave = hand.between(0.7, 1.35), hand.about(0.0, 0.05)
    bulge = hand.between(-0.05, 0.1)
    return [
        hand.stroke(
            *_two_top(hand),
            (0.45 + bulge, hand.between(0.5, 0.65)),
            (left, low, hand.between(0.6, 1.0)),
            (left + (end - left) * 0.35, low - wave),
            (left + (end - left) * 0.7, low + wave),
            (end, low + hand.about(0.0, 0.06)),
        )
    ]


def two_cusp(hand: Hand) -> list[Stroke]:
    """The foot leaves the corner upwards, crosses the stem and comes down again."""
    left, low = hand.between(-0.05, 0.15), hand.between(0.9, 1.02)
    rise, end = hand.between(0.06, 0.22), hand.between(0.8, 1.3)
    return [
        hand.stroke(
            *_two_top(hand),
            (0.42 + hand.about(0.0, 0.05), 0.62),
            (left, low, hand.between(0.4, 1.0)),
            (left + hand.between(0.15, 0.3), low - rise),
            ((left + end) * 0.55, low - rise * hand.between(0.3, 1.0)),
            (end, low + hand.between(-0.08, 0.1)),
        )
    ]


def two_loop(hand: Hand) -> list[Stroke]:
    """A loop at the bottom left, from a cusp to half of the digit."""
    size = hand.between(0.03, 0.16)
    left, low = hand.between(0.05, 0.25), hand.between(0.82, 0.97)
    end = hand.between(0.7, 1.15)
    return [
        hand.stroke(
            *_two_top(hand),
            (left + 0.25 + size * 0.8, 0.62 + hand.about(0.0, 0.04)),
            (left + size * 0.9, low),
            (left - size * 0.3, low - size * 0.2),
            (left + size * 0.1, low - size * 1.3),
            (left + size * 1.6, low - size * 1.1),
            (left + (end - left) * 0.65, low + hand.between(-0.02, 0.08)),
            (end, low + hand.between(-0.12, 0.12)),
        )
    ]


def two_big_loop(hand: Hand) -> list[Stroke]:
    """A large loop at the bottom, almost a 0 of its own, and a tail or none."""
    rx, ry = hand.between(0.12, 0.3), hand.between(0.09, 0.25)
    x, low = hand.between(0.2, 0.35), hand.between(0.9, 1.05)
    loop = arc((x, low - ry), (rx, ry), (hand.between(0, 50), hand.between(285, 340)), 7)
    end = x + rx + hand.between(-0.02, 0.5)
    return [hand.stroke(*_two_top(hand), loop, (end, low + hand.between(-0.12, 0.12) - 0.3 * ry))]


def two_curl(hand: Hand) -> list[Stroke]:
    """Begins with a small loop at the top left, as Italians do."""
    size = hand.between(0.06, 0.15)
    x, y = hand.between(0.15, 0.35), hand.between(0.15, 0.3)
    right, low, left = hand.between(0.7, 0.95), hand.between(0.88, 1.0), hand.between(0.0, 0.2)
    curl = arc((x, y), (size, size), (hand.between(-60, 30), 270), 7)
    return [
        hand.stroke(
            curl,
            ((x + right) / 2 + 0.05, 0.0 + hand.between(-0.02, 0.04)),
            (right, hand.between(0.18, 0.34)),
            (0.5 + hand.about(0.02, 0.04), 0.6),
            (left, low, hand.between(0.3, 1.0)),
            ((left + 1.0) / 2, low + hand.about(0, 0.04)),
            (hand.between(0.8, 1.1), low + hand.about(0.0, 0.06)),
        )
    ]


def two_z(hand: Hand) -> list[Stroke]:
    """Almost a Z, but with a round shoulder."""
    round_, low = hand.between(0.0, 0.7), hand.between(0.92, 1.0)
    right = hand.between(0.75, 1.0)
    return [
        hand.stroke(
            (hand.between(0.0, 0.25), hand.between(0.02, 0.18)),
            (0.5, hand.between(0.0, 0.06)),
            (right, hand.between(0.08, 0.22), 1 - round_),
            (0.45 + hand.about(0.0, 0.05), 0.6),
            (hand.between(0.0, 0.15), low, 1.0),
            (hand.between(0.8, 1.1), low + hand.about(0.0, 0.04)),
        )
    ]


def two_narrow(hand: Hand) -> list[Stroke]:
    """A small hook on a steep stem and a wide foot."""
    right, low = hand.between(0.45, 0.65), hand.between(0.88, 1.0)
    left = hand.between(0.0, 0.3)
    return [
        hand.stroke(
            (right - hand.between(0.25, 0.45), hand.between(0.1, 0.3)),
            (right - hand.between(0.12, 0.2), 0.0),
            (right, hand.between(0.1, 0.25)),
            (right - hand.between(0.05, 0.15), 0.6),
            (left, low, hand.between(0.3, 1.0)),
            (0.5, low + hand.about(0.0, 0.04)),
            (hand.between(0.8, 1.2), low + hand.about(0.02, 0.06)),
        )
    ]


def two_double(hand: Hand) -> list[Stroke]:
    """A small loop at the start, and another at the foot."""
    size, x, y = hand.between(0.05, 0.13), hand.between(0.2, 0.4), hand.between(0.14, 0.28)
    right, low = hand.between(0.65, 0.9), hand.between(0.86, 1.0)
    left, foot = hand.between(0.0, 0.2), hand.between(0.03, 0.12)
    end = hand.between(0.75, 1.1)
    return [
        hand.stroke(
            arc((x, y), (size, size), (hand.between(-60, 60), 270), 7),
            ((x + right) / 2 + 0.05, hand.between(-0.02, 0.04)),
            (right, hand.between(0.18, 0.32)),
            (0.45 + hand.about(0.02, 0.04), 0.6),
            (left + foot, low),
            (left, low - foot * 0.5),
            (left + foot * 0.6, low - foot * 1.3),
            (left + foot * 2.5, low - foot * 0.8),
            (end, low + hand.between(-0.06, 0.08)),
        )
    ]


STYLES: tuple[tuple[Style, float], ...] = (
    (two_sharp, 2.5),
    (two_cusp, 1.5),
    (two_loop, 2.5),
    (two_big_loop, 2),
    (two_curl, 1.5),
    (two_z, 1),
    (two_narrow, 1),
    (two_double, 0.7),
)
"""Each style and how common it is."""
