"""Styles of handwritten 5 to 9: strokes, with the ranges in which people's handwriting differs."""

from __future__ import annotations

import numpy as np

from digitsort.training.handwriting.hand import Floats, Hand, Knot, Number, Stroke, Style, arc


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


def five_long(hand: Hand) -> list[Stroke]:
    """A long stem that leans, with a small bowl low down; the bar is short, or flies off."""
    top, y = hand.between(0.3, 0.6), hand.between(0.52, 0.68)
    x, right = top - hand.between(0.1, 0.3), hand.between(0.6, 0.85)
    bar = hand.stroke(
        (top + hand.between(-0.04, 0.08), hand.about(0.0, 0.03)),
        (top + hand.between(0.2, 0.6), hand.about(-0.03, 0.05)),
    )
    bowl = hand.stroke(
        (top, hand.about(0.02, 0.02)),
        (x, y, hand.between(0.4, 1.0)),
        ((x + right) / 2 + 0.04, y - hand.between(0.0, 0.06)),
        (right, (1 + y) / 2),
        (hand.between(0.3, 0.45), hand.between(0.97, 1.02)),
        (hand.between(-0.1, 0.2), hand.between(0.85, 1.0)),
    )
    return [bowl, bar]


FIVE: tuple[tuple[Style, float], ...] = (
    (five_joined, 4),
    (five_bar, 3),
    (five_s, 1.5),
    (five_curled, 1.2),
    (five_long, 1),
)
"""Each style and how common it is."""


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


def six_tiny(hand: Hand) -> list[Stroke]:
    """The top curls over to the right, and the bowl is tiny."""
    lip, right = hand.between(0.6, 0.78), hand.between(0.4, 0.7)
    left = hand.between(0.0, 0.08)
    return [
        hand.stroke(
            (hand.between(0.6, 0.95), hand.between(0.1, 0.3)),
            (hand.between(0.45, 0.65), 0.0),
            (hand.between(0.08, 0.22), hand.between(0.25, 0.36)),
            (left, hand.between(0.65, 0.8)),
            (right * 0.5, 1.0),
            (right, (lip + 1) / 2),
            (right * hand.between(0.5, 0.65), lip),
            (left + hand.between(0.0, 0.12), (lip + 1) / 2 + hand.between(-0.02, 0.06)),
        )
    ]


SIX: tuple[tuple[Style, float], ...] = (
    (six_open, 5),
    (six_straight, 2),
    (six_wedge, 1),
    (six_low, 1.5),
    (six_curl, 1.5),
    (six_tiny, 1),
)
"""Each style and how common it is."""


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


def seven_wavy(hand: Hand) -> list[Stroke]:
    """A wave for a bar, begun with a hanging serif; most have a crossbar low on the stem."""
    right, foot = hand.between(0.8, 1.0), hand.between(0.25, 0.6)
    left, wave = hand.between(0.0, 0.12), hand.between(0.02, 0.1)
    y = hand.between(0.55, 0.72)
    x = right + (foot - right) * y
    stem = hand.stroke(
        (left + hand.about(-0.02, 0.03), hand.between(0.12, 0.32)),
        (left + hand.between(0.04, 0.12), hand.about(0.0, 0.03), hand.between(0.0, 0.8)),
        (hand.between(0.35, 0.45), wave),
        (hand.between(0.6, 0.72), wave * hand.between(0.8, 1.4)),
        (right, hand.between(-0.05, 0.03), hand.between(0.0, 1.0)),
        ((right + foot) / 2 + hand.about(0.0, 0.03), 0.5),
        (foot, 1.0),
    )
    reach, tilt = hand.between(0.12, 0.3) * hand.some(0.75), hand.about(0.0, 0.04)
    return [stem, hand.stroke((x - reach, y + tilt), (x + reach * hand.between(0.7, 1.3), y - tilt))]


SEVEN: tuple[tuple[Style, float], ...] = (
    (seven_plain, 4),
    (seven_round, 2),
    (seven_sagging, 1),
    (seven_crossed, 3),
    (seven_hanging, 0.8),
    (seven_drooping, 0.5),
    (seven_serif, 0.6),
    (seven_wavy, 1.5),
)
"""Each style and how common it is."""


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


EIGHT: tuple[tuple[Style, float], ...] = (
    (eight_s, 5),
    (eight_open, 1.2),
    (eight_fork, 1.2),
    (eight_mirrored, 1),
    (eight_rings, 2),
    (eight_middle, 1),
)
"""Each style and how common it is."""


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


def nine_curl(hand: Hand) -> list[Stroke]:
    """A closed loop on an s-like stem that ends in a curl, or in a second, smaller loop."""
    right, low = hand.between(0.7, 0.85), hand.between(0.34, 0.48)
    size, x = hand.between(0.05, 0.12), hand.between(0.15, 0.4)
    return [
        hand.stroke(
            _nine_loop(hand, right, low, -40),
            (right, low * hand.between(0.5, 0.9)),
            (right + hand.between(-0.02, 0.1), hand.between(0.6, 0.72)),
            (hand.between(0.45, 0.6), 1.0),
            (x, 1.0 - size * 0.6),
            (x + size * 0.3, 1.0 - size * 2),
            (x + size * hand.between(1.0, 2.2), 1.0 - size * hand.between(1.0, 2.0)),
        )
    ]


NINE: tuple[tuple[Style, float], ...] = (
    (nine_straight, 4),
    (nine_hook, 3),
    (nine_s, 1.2),
    (nine_wide, 1.5),
    (nine_stem, 1.5),
    (nine_pointed, 1.5),
    (nine_curl, 0.8),
)
"""Each style and how common it is."""
