"""Invent pictures that show no digit: for measuring only, no fit sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

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
from digitsort.training.paper import ScanLook, draw_look, empty_paper, put_on_paper

Invent = Callable[[Rng], Ink]
Strokes = Sequence[Sequence[tuple[float, float]]]

SIDE_PX = 120
"""Side in pixels of the sheet that is drawn on before it is put on paper."""


def _bare(rng: Rng) -> ScanLook:
    """Draw a look without lines and foreign strokes."""
    return replace(draw_look(rng), line_spacing=0.0, foreign=False)


def bare_look(rng: Rng) -> ScanLook:
    """Draw such a look of at most 160 px, which is quick."""
    look = _bare(rng)
    return replace(look, digit_px=min(look.digit_px, 160.0))


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


# Paper, stains and printed characters


def scanned(make: Callable[[Rng], Image.Image], rng: Rng) -> Ink:
    """Return what `make` draws in gray."""
    return np.asarray(make(rng).convert("L"))


def blank(rng: Rng) -> Image.Image:
    """Give paper with a shadow at most."""
    return empty_paper(replace(_bare(rng), texture=0.0), rng)


def texture(rng: Rng) -> Image.Image:
    """Give paper with texture and grain."""
    return empty_paper(replace(_bare(rng), texture=float(rng.uniform(4, 30))), rng)


def noise(rng: Rng) -> Image.Image:
    """Give nothing but noise."""
    size = rng.integers(20, 200, 2)
    values = rng.normal(rng.uniform(60, 200), rng.uniform(5, 70), size)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")


def lines(rng: Rng) -> Image.Image:
    """Give ruled or squared paper with nothing on it."""
    look = replace(
        _bare(rng),
        digit_px=float(rng.uniform(30, 160)),
        line_spacing=float(rng.uniform(0.15, 0.9)),
        line_contrast=float(rng.uniform(0.2, 0.9)),
    )
    return empty_paper(look, rng)


def solid(rng: Rng) -> Image.Image:
    """Give one dark or bright patch to the edges, or nearly."""
    width, height = (int(n) for n in rng.integers(20, 200, 2))
    margin = int(min(width, height) * rng.uniform(0, 0.06))
    sheet = Image.new("RGB", (width, height), (245, 245, 240))
    dark = tuple(int(v) for v in rng.integers(0, 60, 3))
    sheet.paste(dark, (margin, margin, width - margin, height - margin))
    return sheet


def smear(rng: Rng) -> Image.Image:
    """Give a stain: a few soft blots that run into each other."""
    side = 64
    sheet = Image.new("L", (side, side))
    draw = ImageDraw.Draw(sheet)
    for _ in range(rng.integers(3, 9)):
        x, y = rng.normal(side / 2, side / 7, 2)
        a, b = rng.uniform(side / 14, side / 4, 2)
        draw.ellipse((x - a, y - b, x + a, y + b), fill=int(rng.integers(90, 256)))
    soft = sheet.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 5))))
    return put_on_paper(np.asarray(soft), _bare(rng), rng)


def scribble(rng: Rng) -> Image.Image:
    """Give a pen tried out or a word crossed out: a long stroke to and fro."""
    side = 96
    sheet = Image.new("L", (side, side))
    points = rng.uniform(10, side - 10, (int(rng.integers(9, 22)), 2))
    ImageDraw.Draw(sheet).line(
        [tuple(p) for p in points], fill=255, width=int(rng.integers(2, 6)), joint="curve"
    )
    return put_on_paper(np.asarray(sheet), _bare(rng), rng)


LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabdefghkmnprtwy"
SYMBOLS = "?#&%@$+=*!"
"""Without those that are written like a digit: I, l, O, o, S, s, Z, z, q, /."""


def letter(rng: Rng) -> Image.Image:
    """Give a printed letter, more or less bold and slanting."""
    return _character(LETTERS, rng)


def symbol(rng: Rng) -> Image.Image:
    """Give a printed symbol, more or less bold and slanting."""
    return _character(SYMBOLS, rng)


def _character(choice: str, rng: Rng) -> Image.Image:
    sheet = Image.new("L", (112, 112))
    text, weight = choice[rng.integers(len(choice))], int(rng.integers(0, 5))
    font = ImageFont.load_default(64)
    ImageDraw.Draw(sheet).text((28, 14), text, fill=255, font=font, stroke_width=weight)
    slant = float(rng.uniform(-0.3, 0.3))
    shear = (1, slant, -56 * slant, 0, 1, 0)
    sheet = sheet.transform(sheet.size, Image.Transform.AFFINE, shear, Image.Resampling.BILINEAR)
    return put_on_paper(np.asarray(sheet), _bare(rng), rng)


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


def side_by_side(digits: Sequence[Ink], rng: Rng) -> Ink:
    """Put two or three digits onto one piece of paper, as a number is written."""
    height = 48
    sheet = Image.new("L", (height * 4, height + 16))
    x = 4
    for ink in digits:
        image = Image.fromarray(ink)
        image = image.crop(image.getbbox())
        scale = height * rng.uniform(0.85, 1.0) / image.height
        image = image.resize((max(4, round(image.width * scale)), max(4, round(image.height * scale))))
        sheet.paste(image, (x, 8 + int(rng.integers(-4, 5))), image)
        x += image.width + int(rng.integers(3, 12))
    return scanned(lambda rng: put_on_paper(np.asarray(sheet), _bare(rng), rng), rng)


def turned(ink: Ink, quarters: Sequence[int], rng: Rng) -> Ink:
    """Put a digit on paper, turned by one of the given quarter turns."""
    return on_paper(
        np.ascontiguousarray(np.rot90(ink, quarters[int(rng.integers(len(quarters)))])), rng
    )


KINDS: Mapping[str, Invent] = {
    "blank": partial(scanned, blank),
    "texture": partial(scanned, texture),
    "noise": partial(scanned, noise),
    "lines": partial(scanned, lines),
    "solid": partial(scanned, solid),
    "smear": partial(scanned, smear),
    "scribble": partial(scanned, scribble),
    "letter": partial(scanned, letter),
    "symbol": partial(scanned, symbol),
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
"""Kind to its generator; `side_by_side`, `two_in_a_frame` and `turned` need digits and are called on
their own."""


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
