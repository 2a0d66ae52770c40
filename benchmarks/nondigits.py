"""Invent pictures that show no digit, beyond those of `digitsort.training.nondigits`.

No fit sees them: they are for measuring only. Each function takes a generator and returns gray pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from PIL import Image

from benchmarks.page import (
    Floats,
    Ink,
    Points,
    Rng,
    draw_segment,
    draw_stroke,
    draw_text,
    enlarged,
    grain,
    to_bytes,
)
from digitsort.training.paper import ScanLook, draw_look, put_on_paper

Invent = Callable[[Rng], Ink]
Strokes = Sequence[Sequence[tuple[float, float]]]

SIDE_PX = 120
"""Side in pixels of the sheet that is drawn on before it is put on paper."""


def bare_look(rng: Rng) -> ScanLook:
    """Draw a look without lines and foreign strokes, at most 160 px high, which is quick."""
    look = draw_look(rng)
    return replace(look, line_spacing=0.0, foreign=False, digit_px=min(look.digit_px, 160.0))


def on_paper(ink: Ink, rng: Rng) -> Ink:
    """Simulate a scan of light-on-dark ink."""
    return np.asarray(put_on_paper(ink, bare_look(rng), rng).convert("L"))


def by_hand(strokes: Strokes, rng: Rng) -> Ink:
    """Draw strokes in the unit square as a hand does, light on dark: slanted, bent and uneven."""
    angle, slant = float(rng.normal(0, 0.1)), float(rng.normal(0, 0.15))
    stretch = np.exp(rng.normal(0, 0.12, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    change = turn @ np.array([[stretch[0], slant], [0, stretch[1]]]) * SIDE_PX * 0.6
    width = float(rng.uniform(0.03, 0.1)) * SIDE_PX
    sheet = np.ones((2 * SIDE_PX, 2 * SIDE_PX), np.float32)
    for stroke in strokes:
        knots = np.array(stroke, np.float64) - 0.5
        knots += rng.normal(0, 0.02, knots.shape)
        points = _bent(knots, rng) @ change.T + SIDE_PX
        draw_stroke(sheet, points, width * float(rng.uniform(0.9, 1.1)), 0.0)
    return to_bytes(1 - sheet)


def drawn(make: Callable[[Rng], Strokes], rng: Rng) -> Ink:
    """Draw what `make` gives by hand and put it on paper."""
    return on_paper(by_hand(make(rng), rng), rng)


def _bent(knots: Points, rng: Rng) -> Points:
    """Draw out strokes to many points, each part of them a little bent."""
    parts = [knots[:1]]
    for start, end in pairwise(knots):
        t = np.linspace(0, 1, 9)[1:, None]
        across = np.array([-(end - start)[1], (end - start)[0]])
        parts.append(start + (end - start) * t + across * rng.normal(0, 0.04) * np.sin(np.pi * t))
    return np.concatenate(parts)


# Signs


def tick(rng: Rng) -> Strokes:
    """Return a short stroke down and a long one up."""
    low = float(rng.uniform(0.2, 0.45))
    return [[(0.0, float(rng.uniform(0.45, 0.75))), (low, 1.0), (1.0, float(rng.uniform(0, 0.3)))]]


def plus(rng: Rng) -> Strokes:
    """Return a plus sign."""
    del rng
    return [[(0, 0.5), (1, 0.5)], [(0.5, 0), (0.5, 1)]]


def minus(rng: Rng) -> Strokes:
    """Return a minus sign."""
    del rng
    return [[(0, 0.5), (1, 0.5)]]


def times(rng: Rng) -> Strokes:
    """Return a multiplication sign."""
    del rng
    return [[(0, 0), (1, 1)], [(1, 0), (0, 1)]]


def divided(rng: Rng) -> Strokes:
    """Return a division sign."""
    high = float(rng.uniform(0.15, 0.3))
    dots = [[(0.5, y), (0.51, y)] for y in (0.5 - high, 0.5 + high)]
    return [[(0, 0.5), (1, 0.5)], *dots]


def equals(rng: Rng) -> Strokes:
    """Return an equals sign."""
    gap = float(rng.uniform(0.1, 0.22))
    return [[(0, 0.5 - gap), (1, 0.5 - gap)], [(0, 0.5 + gap), (1, 0.5 + gap)]]


def question(rng: Rng) -> Strokes:
    """Return a question mark."""
    t = np.linspace(np.pi, 2.6 * np.pi, 9)
    bow = [(0.5 + 0.28 * float(np.cos(a)), 0.28 + 0.28 * float(np.sin(a))) for a in t]
    dot = float(rng.uniform(0.93, 1.02))
    return [[*bow, (0.5, 0.76)], [(0.5, dot), (0.51, dot)]]


def exclamation(rng: Rng) -> Strokes:
    """Return an exclamation mark."""
    dot = float(rng.uniform(0.92, 1.02))
    return [[(0.5, 0), (0.5, 0.7)], [(0.5, dot), (0.51, dot)]]


def star(rng: Rng) -> Strokes:
    """Return a star of five points in one stroke, or of three crossing lines."""
    if rng.random() < 0.5:
        angles = -np.pi / 2 + np.arange(6) * 4 * np.pi / 5
        return [[(0.5 + 0.5 * float(np.cos(a)), 0.5 + 0.5 * float(np.sin(a))) for a in angles]]
    turns = np.arange(3) * np.pi / 3 + float(rng.uniform(0, 1))
    ends = [(0.5 * float(np.cos(a)), 0.5 * float(np.sin(a))) for a in turns]
    return [[(0.5 - x, 0.5 - y), (0.5 + x, 0.5 + y)] for x, y in ends]


def arrow(rng: Rng) -> Strokes:
    """Return an arrow to any of four sides."""
    barb = float(rng.uniform(0.18, 0.32))
    shaft, head = [(0.0, 0.5), (1.0, 0.5)], [(1 - barb, 0.5 - barb), (1.0, 0.5), (1 - barb, 0.5 + barb)]
    side = int(rng.integers(4))
    if side % 2:
        shaft, head = [(1 - x, y) for x, y in shaft], [(1 - x, y) for x, y in head]
    if side > 1:
        shaft, head = [(y, x) for x, y in shaft], [(y, x) for x, y in head]
    return [shaft, head]


def smiley(rng: Rng) -> Strokes:
    """Return a face: a circle, two eyes and a mouth."""
    t = np.linspace(0, 2 * np.pi, 17) + float(rng.uniform(0, 6))
    face = [(0.5 + 0.5 * float(np.cos(a)), 0.5 + 0.5 * float(np.sin(a))) for a in t]
    apart, up = float(rng.uniform(0.13, 0.2)), float(rng.uniform(0.33, 0.42))
    eyes = [[(0.5 + s * apart, up), (0.5 + s * apart, up + 0.04)] for s in (-1, 1)]
    smile = np.linspace(0.15, 0.85, 6) * np.pi
    mouth = [(0.5 + 0.28 * float(np.cos(a)), 0.48 + 0.25 * float(np.sin(a))) for a in smile]
    return [face, *eyes, mouth]


# Cells


def empty_cell(rng: Rng) -> Ink:
    """Cut an empty cell so that pieces of its grid are left; half of them as small 1-bit pictures."""
    sheet, paper, level = _paper(rng, (40, 140), (0.7, 1.6))
    height, width = sheet.shape
    side = min(height, width)
    thick = float(rng.uniform(0.015, 0.06)) * side
    seen = rng.random(4) < 0.55
    seen[rng.integers(4)] = True
    for number in np.flatnonzero(seen).tolist():
        length = width if number % 2 else height
        off = float(rng.uniform(-0.3, 1.0)) * thick + float(rng.exponential(0.03)) * side
        start, end = _extent(rng, length)
        lean = float(rng.normal(0, 0.01)) * length
        edge = off if number < 2 else (height if number % 2 else width) - off
        points = np.array([(edge, start), (edge + lean, end)])
        draw_stroke(sheet, points[:, ::-1] if number % 2 else points, thick, level)
    for _ in range(int(rng.poisson(0.7))):
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        draw_segment(sheet, (x, y), (x + 1, y), float(rng.uniform(1, 2.5)), level)
    if rng.random() < 0.5:
        return _one_bit(sheet, (paper + level) / 2)
    return to_bytes(sheet + grain(sheet.shape, float(rng.uniform(0.5, 3)) / 255, rng))


def speck(rng: Rng) -> Ink:
    """Give an empty sheet with one speck of two by two pixels."""
    sheet, _, level = _paper(rng, (24, 150), (0.6, 1.6))
    sheet += grain(sheet.shape, float(rng.uniform(0, 2)) / 255, rng)
    top, left = (int(rng.integers(2, n - 4)) for n in sheet.shape)
    sheet[top : top + 2, left : left + 2] = level
    return to_bytes(sheet)


def bar(rng: Rng, *, upright: bool) -> Ink:
    """Draw one thin bar by hand into a wide cell of a score sheet, without the cell's frame."""
    sheet, _, level = _paper(rng, (65, 90), (2.2, 3.2))
    height, width = sheet.shape
    length = float(rng.uniform(0.45, 0.8)) * height * (1.0 if upright else float(rng.uniform(1, 2)))
    lean = float(rng.normal(0, 0.12)) * length
    x, y = width * float(rng.uniform(0.3, 0.7)), height * float(rng.uniform(0.42, 0.58))
    reach = (lean / 2, length / 2) if upright else (length / 2, lean / 2)
    ends = np.array([(x - reach[0], y - reach[1]), (x + reach[0], y + reach[1])])
    draw_stroke(sheet, _bent(ends, rng), float(rng.uniform(0.02, 0.05)) * height, level)
    return to_bytes(sheet + grain(sheet.shape, float(rng.uniform(0.5, 3)) / 255, rng))


def counter_wheel(rng: Rng) -> Ink:
    """Show the wheel of a mechanical counter half-way between two printed digits."""
    height = int(rng.integers(40, 120))
    width = round(height * float(rng.uniform(0.55, 0.8)))
    sheet = np.full((height, width), float(rng.uniform(0.8, 1.0)), np.float32)
    level, size = float(rng.uniform(0.0, 0.3)), height * float(rng.uniform(0.65, 0.8))
    upper = int(rng.integers(10))
    gap = height * float(rng.uniform(0.12, 0.3))
    bottom = height * float(rng.uniform(0.42, 0.58)) - gap / 2
    seed = int(rng.integers(1 << 30))
    for digit, low in ((upper, bottom), ((upper + 1) % 10, bottom + gap + size)):
        same_font = np.random.default_rng(seed)
        left = width / 2 - size * 0.36 + float(rng.normal(0, 0.02)) * width
        draw_text(sheet, str(digit), (left, low), size, level, same_font)
    shade = 1 - float(rng.uniform(0, 0.4)) * np.abs(np.linspace(-1, 1, height, dtype=np.float32)) ** 3
    sheet *= shade[:, None]
    if rng.random() < 0.6:
        sheet = 1 - sheet  # white on black
    return to_bytes(sheet + grain(sheet.shape, float(rng.uniform(0.5, 3)) / 255, rng))


def two_in_a_frame(digits: Sequence[Ink], rng: Rng) -> Ink:
    """Write two digits into one printed box, which lies in the picture or at its edges."""
    sheet, _, level = _paper(rng, (80, 130), (1.7, 2.2))
    height, width = sheet.shape
    size = height * float(rng.uniform(0.45, 0.65))
    x = width * 0.5 - size * float(rng.uniform(0.7, 0.85))
    right = x
    for ink in digits:
        amount = enlarged(ink, size * float(rng.uniform(0.9, 1.0)), 0.35)
        top = round((height - amount.shape[0]) / 2 + float(rng.normal(0, 0.02)) * height)
        left = round(right)
        region = sheet[top : top + amount.shape[0], left : left + amount.shape[1]]
        region -= (region - level) * amount[: region.shape[0], : region.shape[1]]
        right = left + amount.shape[1] + size * float(rng.uniform(0.05, 0.25))
    gaps = rng.uniform(0.06, 0.2, 4) * height
    edges = (x - gaps[0], gaps[1] / 2, min(right + gaps[2], width - 4), height - gaps[3] / 2)
    thick = float(rng.uniform(0.015, 0.04)) * height
    frame = [(edges[0], edges[1]), (edges[2], edges[1]), (edges[2], edges[3]), (edges[0], edges[3])]
    draw_stroke(sheet, np.array([*frame, frame[0]]), thick, level)
    if rng.random() < 0.5:
        top, bottom = round(max(edges[1] - thick / 3, 0)), round(edges[3] + thick / 3)
        sheet = sheet[top:bottom, round(max(edges[0] - thick / 3, 0)) : round(edges[2] + thick / 3)]
    return to_bytes(sheet + grain(sheet.shape, float(rng.uniform(0.5, 3)) / 255, rng))


def turned(ink: Ink, quarters: Sequence[int], rng: Rng) -> Ink:
    """Put a digit on paper, turned by one of the given quarter turns."""
    return on_paper(
        np.ascontiguousarray(np.rot90(ink, quarters[int(rng.integers(len(quarters)))])), rng
    )


KINDS: Mapping[str, Invent] = {
    "empty cell with grid remains": empty_cell,
    "speck of 2 px": speck,
    "thin bar, upright (may be a 1)": partial(bar, upright=True),
    "thin bar, level": partial(bar, upright=False),
    "counter wheel half-way": counter_wheel,
    "smiley": partial(drawn, smiley),
    "tick": partial(drawn, tick),
    "hand-drawn plus": partial(drawn, plus),
    "hand-drawn minus": partial(drawn, minus),
    "hand-drawn times": partial(drawn, times),
    "hand-drawn divided by": partial(drawn, divided),
    "hand-drawn equals": partial(drawn, equals),
    "hand-drawn ?": partial(drawn, question),
    "hand-drawn !": partial(drawn, exclamation),
    "hand-drawn star": partial(drawn, star),
    "hand-drawn arrow": partial(drawn, arrow),
}
"""Kind to its generator; `two_in_a_frame` and `turned` need digits and are called on their own."""


def _paper(
    rng: Rng, height: tuple[int, int], aspect: tuple[float, float]
) -> tuple[Floats, float, float]:
    """Return an empty sheet with a slight shadow, the gray of its paper and of ink for it."""
    rows = int(rng.integers(*height))
    columns = round(rows * float(rng.uniform(*aspect)))
    paper = float(rng.uniform(0.75, 0.99))
    slope = np.linspace(-1, 1, columns, dtype=np.float32) * np.float32(rng.normal(0, 0.02))
    sheet = np.full((rows, columns), paper, np.float32) + slope
    return sheet, paper, float(rng.uniform(0.05, 0.5)) * paper


def _extent(rng: Rng, length: float) -> tuple[float, float]:
    """Draw where a line begins and ends: half of them run from edge to edge."""
    if rng.random() < 0.5:
        return -5.0, length + 5.0
    start, end = np.sort(rng.uniform(-0.2, 1.2, 2)).tolist()
    return start * length, max(end, start + 0.1) * length


def _one_bit(sheet: Floats, limit: float) -> Ink:
    """Reduce to 28x28 and to light on dark, as a program that cuts up a puzzle does."""
    small = Image.fromarray(to_bytes(sheet)).resize((28, 28), Image.Resampling.BOX)
    return np.where(np.asarray(small) < limit * 255, 255, 0).astype(np.uint8)
