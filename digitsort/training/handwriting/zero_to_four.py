"""Styles of handwritten 0 to 4: strokes, with the ranges in which people's handwriting differs."""

from __future__ import annotations

import numpy as np

from digitsort.training.handwriting.hand import Hand, Knot, Stroke, Style, arc


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


ZERO: tuple[tuple[Style, float], ...] = (
    (zero_oval, 6),
    (zero_stub, 2),
    (zero_curl, 1.5),
    (zero_slashed, 0.25),
)
"""Each style and how common it is."""


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


def one_leaning_foot(hand: Hand) -> list[Stroke]:
    """A stem that leans steeply, with or without a flag, on a base that need not touch it."""
    lean, flag = hand.between(0.2, 0.6), hand.some(0.6)
    reach, drop = flag * hand.between(0.1, 0.35), flag * hand.between(0.08, 0.35)
    foot_x, foot_y = 0.7 - lean, 1.0 + hand.between(-0.02, 0.07)
    left, right = hand.between(0.1, 0.4), hand.between(0.15, 0.5)
    stem = hand.stroke(
        (0.7 - reach, drop),
        (0.7, 0.0, hand.between(0.3, 1.0)),
        (0.7 - lean * 0.5 + hand.about(0.0, 0.02), 0.5),
        (foot_x, 1.0),
    )
    return [
        stem,
        hand.stroke((foot_x - left, foot_y), (foot_x + right, foot_y + hand.about(0.0, 0.03))),
    ]


def one_loop(hand: Hand) -> list[Stroke]:
    """The flag runs up beside the stem and turns over in a narrow loop."""
    drop, reach = hand.between(0.3, 0.75), hand.between(0.08, 0.3)
    width = hand.between(0.02, 0.08)
    return [
        hand.stroke(
            (0.6 - reach, drop),
            (0.6 - reach * 0.3, drop * 0.45),
            (0.6 + width, 0.05),
            (0.6, 0.0),
            (0.6 - width, hand.between(0.08, 0.2)),
            (0.6 + hand.about(0.0, 0.02), 0.55),
            (0.6 + hand.about(0.0, 0.04), 1.0),
        )
    ]


ONE: tuple[tuple[Style, float], ...] = (
    (one_plain, 3),
    (one_flag, 3),
    (one_roof, 2),
    (one_foot, 1.2),
    (one_plain_foot, 0.7),
    (one_roof_foot, 0.8),
    (one_leaning_foot, 0.8),
    (one_loop, 0.4),
)
"""Each style and how common it is."""


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


def two_flat(hand: Hand) -> list[Stroke]:
    """A zigzag, lower than it is wide: a short hook, a slanting stem, a long foot."""
    low, right = hand.between(0.5, 0.85), hand.between(0.6, 0.95)
    left, end = hand.between(-0.05, 0.2), hand.between(0.95, 1.4)
    top = hand.between(0.0, 0.08)
    return [
        hand.stroke(
            (hand.between(0.0, 0.2), low * hand.between(0.08, 0.35)),
            (hand.between(0.25, 0.45), top),
            (right, low * hand.between(0.1, 0.3), hand.between(0.0, 0.8)),
            (left, low, hand.between(0.5, 1.0)),
            ((left + end) / 2, low + hand.about(0.0, 0.03)),
            (end, low + hand.about(0.0, 0.05)),
        )
    ]


TWO: tuple[tuple[Style, float], ...] = (
    (two_sharp, 2.5),
    (two_cusp, 1.5),
    (two_loop, 2.5),
    (two_big_loop, 2),
    (two_curl, 1.5),
    (two_z, 1),
    (two_narrow, 1),
    (two_double, 0.7),
    (two_flat, 0.8),
)
"""Each style and how common it is."""


def _three_end(hand: Hand) -> list[Knot]:
    """End of a 3: from a stub to a long flat tail, sometimes bent up again."""
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
    """Both ends curl inwards, but close no ring."""
    waist_x, waist_y = hand.between(0.35, 0.6), hand.between(0.4, 0.52)
    left, top_curl = hand.between(0.0, 0.15), hand.between(0.06, 0.16)
    low_left, rise = hand.between(-0.05, 0.12), hand.between(0.12, 0.25)
    return [
        hand.stroke(
            (left + hand.between(0.08, 0.22), waist_y * 0.5 + hand.between(-0.02, 0.08)),
            (left, waist_y * 0.5 - top_curl * 0.4),
            (hand.between(0.35, 0.5), 0.0),
            (hand.between(0.7, 0.95), waist_y * hand.between(0.4, 0.55)),
            (waist_x, waist_y, hand.between(0.0, 0.8)),
            (hand.between(0.8, 1.02), (waist_y + 1) / 2),
            (hand.between(0.4, 0.55), 1.0),
            (low_left, 1.0 - rise * 0.6),
            (low_left + hand.between(0.08, 0.22), 1.0 - rise),
        )
    ]


THREE: tuple[tuple[Style, float], ...] = (
    (three_bowls, 5),
    (three_flat, 2),
    (three_loop, 2),
    (three_curled, 1),
)
"""Each style and how common it is."""


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


def four_apart(hand: Hand) -> list[Stroke]:
    """Open at the top, the arms far apart and about equally high; the stem may begin above the bar."""
    bar, left = hand.between(0.4, 0.62), hand.between(-0.05, 0.08)
    stem = hand.between(0.75, 1.05)
    return [
        hand.stroke(
            (left + hand.between(-0.1, 0.12), hand.between(-0.02, 0.2)),
            (left, bar, hand.between(0.2, 1.0)),
            (stem * 0.6, bar + hand.about(0.0, 0.03)),
            (stem + hand.between(-0.02, 0.3), bar + hand.about(-0.02, 0.05)),
        ),
        hand.stroke(
            (stem + hand.between(-0.06, 0.12), hand.between(-0.08, 0.25)),
            (stem + hand.about(0.0, 0.02), bar),
            (stem - hand.between(-0.04, 0.14), hand.between(0.95, 1.15)),
        ),
    ]


FOUR: tuple[tuple[Style, float], ...] = (
    (four_open, 4),
    (four_cup, 2.5),
    (four_narrow, 1.5),
    (four_closed, 2),
    (four_flash, 2),
    (four_continuous, 0.3),
    (four_apart, 1.5),
)
"""Each style and how common it is."""
