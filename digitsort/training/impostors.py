"""Draw pictures that are not digits but may look like one, so that a fit can learn to refuse them.

They are drawn in other ways than those of `benchmarks.nondigits`, which measure a model. Signs and
letters are drawn with the pen of the invented handwriting; printed characters are in the fonts of the
printed digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from digitsort.training.handwriting.generate import draw
from digitsort.training.handwriting.hand import Hand, Stroke, write
from digitsort.training.paper import draw_look, put_on_paper
from digitsort.training.printed import Face, draw_font, on_screen, plain, thresholded

Gray = npt.NDArray[np.uint8]
Rng = np.random.Generator

SIDE_PX = 120
"""Height in pixels of a digit that is put together with others."""

LARGEST_PX = 160.0
"""Largest height in pixels on simulated paper; larger pictures take longer and show nothing new."""

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYacdefhkmnprtuvwxy"
"""Without those that are printed like a digit: I, l, i, j, O, o, S, s, Z, z, q, g, b."""

SYMBOLS = "?#&%@$+=*!<>~^?!#&%@$+=:;."
"""The commonest are there twice."""

NO_LETTERS = ("dseg", "3270")
"""Parts of the names of font families that draw letters like digits, or boxes."""

_CIRCLE = "1,.5 .85,.85 .5,1 .15,.85 0,.5 .15,.15 .5,0 .85,.15 1,.5"

_SIGNS: dict[str, str] = {
    "tick": "0,.6 .35,1! 1,0",
    "long tick": "0,.75 .2,1! 1,.3",
    "steep tick": "0,.6 .3,1! .75,0",
    "soft tick": "0,.6 .15,.8 .3,1 .6,.5 1,0",
    "plus": "0,.5 1,.5 / .5,0 .5,1",
    "low plus": "0,.6 1,.6 / .5,0 .5,1",
    "cross": ".1,0 .9,1 / .9,0 .1,1",
    "equals": "0,.3 1,.3 / 0,.7 1,.7",
    "three lines": "0,.2 1,.2 / 0,.5 1,.5 / 0,.8 1,.8",
    "divided by": "0,.5 1,.5 / .5,.2 .52,.22 / .5,.8 .52,.82",
    "two bars": ".3,0 .3,1 / .7,0 .7,1",
    "three bars": ".1,0 .1,1 / .5,0 .5,1 / .9,0 .9,1",
    "tally": "0,0 0,1 / .3,0 .3,1 / .6,0 .6,1 / .9,0 .9,1",
    "exclamation": ".5,0 .5,.7 / .5,.95 .52,.97",
    "stout exclamation": ".45,0 .5,.65 .55,0 .48,0 / .48,.95 .52,.95 .5,.98",
    "question": ".2,.25 .25,.08 .5,0 .75,.1 .75,.3 .55,.48 .5,.72 / .5,.95 .52,.97",
    "wide question": "0,.3 .15,.08 .5,0 .85,.1 .85,.35 .5,.55 .5,.75 / .5,.97 .52,.98",
    "hooked question": ".2,.15 .5,0 .75,.2 .6,.4 .4,.5 .45,.62 .55,.75 / .5,.97 .52,.98",
    "smile": f"{_CIRCLE} / .33,.33 .34,.4 / .66,.33 .66,.4 / .25,.62 .4,.78 .6,.78 .75,.62",
    "sad": f"{_CIRCLE} / .33,.33 .34,.36 / .66,.33 .66,.36 / .28,.75 .42,.65 .58,.65 .72,.75",
    "straight mouth": f"{_CIRCLE} / .33,.35 .35,.35 / .66,.35 .68,.35 / .3,.68 .7,.68",
    "nose": f"{_CIRCLE} / .33,.3 .34,.34 / .66,.3 .67,.34 / .5,.42 .5,.55 / .3,.72 .5,.8 .7,.72",
    "crossed circle": f"{_CIRCLE} / .5,0 .5,1 / 0,.5 1,.5",
    "x in a circle": f"{_CIRCLE} / .2,.2 .8,.8 / .8,.2 .2,.8",
    "wide box": "0,.2! 1,.2! 1,.8! 0,.8! 0,.2",
    "box with a tick": "0,0! 1,0! 1,1! 0,1! 0,0 / .2,.5 .4,.8! .85,.15",
    "crossed box": "0,0! 1,0! 1,1! 0,1! 0,0 / 0,0 1,1 / 1,0 0,1",
    "triangle": ".5,0! 1,1! 0,1! .5,0",
    "diamond": ".5,0! 1,.5! .5,1! 0,.5! .5,0",
    "heart": ".5,.3! .25,.02 0,.25 .5,1! 1,.25 .75,.02 .5,.3",
    "star": ".5,0! .8,1! 0,.38! 1,.38! .2,1! .5,0",
    "asterisk": ".5,0 .5,1 / .05,.25 .95,.75 / .95,.25 .05,.75",
    "arrow right": "0,.5 1,.5 / .7,.2 1,.5! .7,.8",
    "arrow left": "0,.5 1,.5 / .3,.2 0,.5! .3,.8",
    "arrow up": ".5,0 .5,1 / .2,.3 .5,0! .8,.3",
    "arrow down": ".5,0 .5,1 / .2,.7 .5,1! .8,.7",
    "slender arrow up": ".5,0 .5,1 / .35,.2 .5,0! .65,.2",
    "slender arrow down": ".5,0 .5,1 / .35,.8 .5,1! .65,.8",
    "two-headed arrow": ".5,0 .5,1 / .25,.25 .5,0! .75,.25 / .25,.75 .5,1! .75,.75",
    "arrow in one stroke": "0,.5 1,.5! .7,.2! 1,.5! .7,.8",
    "slanting arrow": "0,1 1,0 / .5,0 1,0! 1,.5",
    "falling arrow": "0,0 1,1 / .5,1 1,1! 1,.5",
    "hash": ".3,0 .3,1 / .7,0 .7,1 / 0,.3 1,.3 / 0,.7 1,.7",
    "percent": "0,.2 .15,.05 .3,.2 .15,.35 0,.2 / .9,0 .1,1 / .7,.8 .85,.65 1,.8 .85,.95 .7,.8",
    "and": "1,1 .3,.3 .3,.08 .5,0 .65,.12 .6,.3 .1,.65 .15,.95 .5,1 .95,.6",
    "at": ".65,.35 .4,.4 .4,.65 .65,.6 .65,.3 .7,.65 .95,.6 .9,.15 .5,0 .1,.2 .05,.75 .4,1 .8,.95",
    "dollar": ".85,.2 .5,.1 .15,.25 .3,.45 .75,.6 .8,.8 .5,.9 .1,.8 / .5,0 .5,1",
    "euro": ".95,.15 .6,0 .25,.25 .2,.5 .25,.8 .6,1 .95,.88 / 0,.4 .7,.4 / 0,.6 .7,.6",
    "infinity": ".5,.5 .2,.3 0,.5 .2,.7 .5,.5 .8,.3 1,.5 .8,.7 .5,.5",
    "fish": "1,.1 .4,.85 .1,.7 .05,.4 .3,.2 .6,.4 1,.9",
    "spiral": ".5,.5 .6,.55 .55,.7 .35,.65 .3,.4 .55,.2 .85,.4 .85,.75 .5,1 .1,.8 0,.4 .3,0",
    "zigzag": "0,.3! .25,.7! .5,.3! .75,.7! 1,.3",
    "upright zigzag": ".3,0! .7,.25! .3,.5! .7,.75! .3,1",
    "wave": "0,.5 .2,.3 .4,.5 .6,.7 .8,.5 1,.3",
    "flash": ".6,0! .2,.55! .6,.5! .3,1",
    "angle": "0,0! 0,1! 1,1",
    "upper angle": "0,1! 0,0! 1,0",
    "less": "1,0! 0,.5! 1,1",
    "more": "0,0! 1,.5! 0,1",
    "hat": "0,1! .5,0! 1,1",
    "house": "0,.4! .5,0! 1,.4! 1,1! 0,1! 0,.4",
    "flag": ".1,1 .1,0! .9,.2! .1,.45",
    "root": "0,.5 .15,.45! .35,1! .55,0! 1,0",
    "sum": ".9,.1! .1,0! .5,.5! .1,1! .9,.9",
    "pi": "0,.1 1,.05 / .3,.1 .25,1 / .7,.1 .75,.9 .9,1",
    "omega": ".0,1 .3,.95! .05,.5 .3,.05 .7,.05 .95,.5 .7,.95! 1,1",
    "brace": ".7,0 .45,.1 .45,.4 .2,.5! .45,.6 .45,.9 .7,1",
    "loop": "0,1 .6,.5 .7,.1 .5,0 .35,.15 .5,.55 1,1",
    "flower": ".5,.5 .3,.1 .7,.1 .5,.5 .9,.3 .9,.7 .5,.5 .7,.9 .3,.9 .5,.5 .1,.7 .1,.3 .5,.5",
    "sun": ".7,.5 .5,.7 .3,.5 .5,.3 .7,.5 / .5,.2 .5,0 / .5,.8 .5,1 / .2,.5 0,.5 / .8,.5 1,.5",
    "A": "0,1 .5,0! 1,1 / .2,.6 .8,.6",
    "round A": "0,1 .1,.3 .5,0 .9,.3 1,1 / .1,.6 .9,.6",
    "C": ".95,.15 .6,0 .15,.2 0,.5 .15,.85 .6,1 1,.85",
    "E": ".9,0! 0,0! 0,1! .9,1 / 0,.5 .7,.5",
    "round E": ".9,.1 .4,0 .1,.2 .5,.48! .1,.6 .05,.9 .5,1 .95,.9",
    "F": ".9,0! 0,0! 0,1 / 0,.5 .7,.5",
    "H": "0,0 0,1 / 1,0 1,1 / 0,.5 1,.5",
    "J": ".2,0 1,0 / .65,0 .65,.8 .4,1 .05,.8",
    "K": "0,0 0,1 / .9,0 0,.55! .95,1",
    "L": "0,0! 0,1! .8,1",
    "M": "0,1 .1,0! .5,.7! .9,0! 1,1",
    "N": "0,1! 0,0! 1,1! 1,0",
    "P": "0,1 0,0 / 0,0 .8,.05 .85,.4 .1,.55",
    "Q": f"{_CIRCLE} / .6,.65 1,1.1",
    "R": "0,1 0,0 / 0,0 .8,.05 .8,.4 0,.5! .9,1",
    "T": "0,0 1,0 / .5,0 .5,1",
    "V": "0,0 .5,1! 1,0",
    "W": "0,0 .25,1! .5,.3! .75,1! 1,0",
    "X": "0,0 1,1 / 1,0 0,1",
    "Y": "0,0 .5,.5! 1,0 / .5,.5 .5,1",
    "a": ".9,.2 .4,.05 .05,.5 .3,.95 .85,.6 .9,.1! .9,.8 1,1",
    "printed a": ".1,.2 .5,0 .85,.2 .85,1 / .85,.45 .3,.5 .05,.75 .3,1 .85,.8",
    "d": ".7,.55 .35,.45 .05,.75 .3,1 .7,.85 .75,0! .75,.85 .9,1",
    "e": ".05,.55 .9,.5 .8,.1 .4,0 .05,.4 .15,.9 .6,1 .95,.8",
    "f": ".9,.1 .65,0 .45,.2 .45,1 / .1,.45 .85,.45",
    "h": "0,0 0,1 / 0,.65 .4,.42 .75,.6 .75,1",
    "k": "0,0 0,1 / .7,.4 0,.75! .8,1",
    "m": "0,1 0,.3 / 0,.6 .3,.3 .45,.5 .45,1 / .45,.6 .75,.3 .95,.5 1,1",
    "n": "0,1 0,.1 / 0,.5 .5,.1 .9,.4 .95,1",
    "p": "0,.1 .05,1 / 0,.2 .5,0 .85,.3 .5,.6 .05,.5",
    "r": "0,1 0,.1 / 0,.5 .3,.15 .8,.15",
    "t": ".4,0 .4,.85 .6,1 .9,.9 / 0,.35 .85,.35",
    "u": "0,.1 .05,.8 .4,1 .8,.7 .85,.1! .85,.8 1,1",
    "w": "0,.2 .15,.9 .45,.9 .5,.3 .6,.9 .9,.85 1,.2",
    "alpha": "1,.05 .7,.7 .3,.95 .02,.6 .2,.1 .6,.35 .95,.95",
    "psi": "0,.1 .1,.5 .5,.65 .9,.5 1,.1 / .5,0 .5,1",
    "lambda": ".2,0 1,1 / .55,.45 0,1",
}
"""Strokes in the unit square, separated by slashes; an exclamation mark stands for a sharp corner."""

Points = npt.NDArray[np.float64]


def drawn_signs(rng: Rng, count: int) -> Iterator[Gray]:
    """Draw signs and letters by hand, light on dark."""
    names = list(_SIGNS)
    chosen = np.bincount(rng.integers(0, len(names), count), minlength=len(names)).tolist()
    for name, number in zip(names, chosen, strict=True):
        if number:
            hand = Hand(rng, number)
            for gray in draw(hand, write(hand, _strokes_of(_SIGNS[name], hand))):
                yield np.asarray(255 - gray)


def _strokes_of(text: str, hand: Hand) -> list[Stroke]:
    """Read the strokes of a sign, and let each hand move and stretch each of them a little."""
    strokes = []
    loose = hand.between(0.0, 0.05)[:, None, None]
    for part in text.split("/"):
        words = part.split()
        sharp = np.array([word.endswith("!") for word in words], np.float64)
        knots = np.array([[float(x) for x in word.rstrip("!").split(",")] for word in words])
        middle = knots.mean(axis=0)
        size = np.exp(hand.rng.normal(0, 0.12, (hand.n, 1, 2)))
        shift = hand.rng.normal(0, 0.04, (hand.n, 1, 2))
        moved = middle + (knots - middle) * size + shift
        moved += hand.rng.standard_normal(moved.shape) * loose
        strokes.append(Stroke(moved, np.broadcast_to(sharp, moved.shape[:2])))
    return strokes


def scribbles(rng: Rng, count: int) -> Iterator[Gray]:
    """Draw long smooth or jagged strokes through random points."""
    for _ in range(count):
        hand = Hand(rng, 1)
        strokes = []
        for _ in range(int(rng.integers(1, 4))):
            knots = rng.uniform(0, 1, (1, int(rng.integers(5, 13)), 2)) * rng.uniform(0.5, 1.2, 2)
            strokes.append(Stroke(knots, np.full(knots.shape[:2], float(rng.random() < 0.3))))
        for gray in draw(hand, write(hand, strokes)):
            yield np.asarray(255 - gray)


@dataclass(frozen=True, slots=True)
class Material:
    """Material that pictures are made from.

    Attributes
    ----------
    digits : sequence of ndarray of shape (height, width), uint8
        Light on dark.
    labels : sequence of str
        What each of the digits is.
    faces : sequence of Face
        Fonts.
    """

    digits: Sequence[Gray]
    labels: Sequence[str]
    faces: Sequence[Face]

    def draw(self, rng: Rng, only: str = "0123456789") -> tuple[Gray, str]:
        """Draw one digit, a third of them printed, among these labels."""
        while True:
            index = int(rng.integers(len(self.digits)))
            if self.labels[index] in only:
                break
        label = self.labels[index]
        if rng.random() < 0.3:
            return draw_font(label, self.faces, rng), label
        return self.digits[index], label


def printed_characters(material: Material, rng: Rng, count: int) -> Iterator[Gray]:
    """Print letters and symbols."""
    faces = [f for f in material.faces if not any(part in f.family for part in NO_LETTERS)]
    made = 0
    while made < count:
        choice = LETTERS if rng.random() < 0.5 else SYMBOLS
        ink = draw_font(choice[rng.integers(len(choice))], faces, rng)
        if (ink > 127).sum() >= 30:
            made += 1
            yield ink


UPSIDE_DOWN, LYING, MIRRORED = "347", "2345679", "23479"
"""Digits that turned by 180°, turned by 90°, and mirrored look like no other digit. Such a 2 or 5 is
one again, and 6 and 9 are each other."""


def turned_digits(material: Material, rng: Rng, count: int) -> Iterator[Gray]:
    """Turn digits by 90° or 180°, or mirror them."""
    for _ in range(count):
        way = rng.random()
        if way < 0.4:
            ink, _ = material.draw(rng, UPSIDE_DOWN)
            yield np.ascontiguousarray(ink[::-1, ::-1])
        elif way < 0.8:
            ink, _ = material.draw(rng, LYING)
            yield np.ascontiguousarray(np.rot90(ink, 1 + 2 * int(rng.integers(2))))
        else:
            ink, _ = material.draw(rng, MIRRORED)
            yield np.ascontiguousarray(ink[:, ::-1])


def _scaled(ink: Gray, height: float, width: float = 1.0) -> Image.Image:
    image = Image.fromarray(ink)
    image = image.crop(image.getbbox())
    scale = height / image.height
    size = (max(3, round(image.width * scale * width)), max(3, round(height)))
    return image.resize(size, Image.Resampling.BICUBIC)


def several_digits(material: Material, rng: Rng, count: int) -> Iterator[Gray]:
    """Write two or three digits close together; some touch, some are narrow, some are in a box."""
    for _ in range(count):
        narrow = float(rng.uniform(0.6, 1.1))
        number = 2 if rng.random() < 0.8 else 3
        parts = [
            _scaled(material.draw(rng)[0], SIDE_PX * float(rng.uniform(0.85, 1)), narrow)
            for _ in range(number)
        ]
        sheet = Image.new("L", (sum(p.width for p in parts) + 160, SIDE_PX + 100))
        x = left = 40
        for part in parts:
            y = 40 + int(rng.integers(-8, 9))
            sheet.paste(255, (x, y), part)
            x += part.width + round(float(rng.uniform(-0.12, 0.25)) * SIDE_PX)
            right = x
        if rng.random() < 0.5:
            _draw_box(sheet, (left - 20, 20, min(right + 20, sheet.width - 8), SIDE_PX + 60), rng)
        yield np.asarray(sheet)


def _draw_box(sheet: Image.Image, box: tuple[int, int, int, int], rng: Rng) -> None:
    """Draw a box with uneven gaps, or only some of its sides."""
    left, top, right, bottom = (int(v + rng.integers(-12, 13)) for v in box)
    pen, width = ImageDraw.Draw(sheet), int(rng.integers(2, 8))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for ends in pairwise(corners):
        if rng.random() < 0.9:
            pen.line(ends, fill=255, width=width)


def halfway_wheels(material: Material, rng: Rng, count: int) -> Iterator[Gray]:
    """Show the lower half of a printed or written digit above the upper half of another one."""
    for _ in range(count):
        narrow = float(rng.uniform(0.7, 1.1))
        upper, lower = (_scaled(material.draw(rng)[0], SIDE_PX, narrow) for _ in range(2))
        gap = round(float(rng.uniform(0.06, 0.4)) * SIDE_PX)
        strip = Image.new("L", (max(upper.width, lower.width) + 50, 2 * SIDE_PX + gap))
        for part, top in ((upper, 0), (lower, SIDE_PX + gap)):
            strip.paste(255, ((strip.width - part.width) // 2, top), part)
        window = round(SIDE_PX * float(rng.uniform(1.0, 1.4)))
        middle = SIDE_PX + gap / 2 + float(rng.uniform(-0.12, 0.12)) * SIDE_PX
        top = round(middle - window / 2)
        yield np.asarray(strip.crop((0, top, strip.width, top + window)))


def silhouettes(rng: Rng, count: int) -> Iterator[Gray]:
    """Draw a solid shape with arms, like a hand or a splash, or a few blots."""
    for _ in range(count):
        sheet = Image.new("L", (SIDE_PX * 2, SIDE_PX * 2))
        pen = ImageDraw.Draw(sheet)
        x, y = rng.uniform(0.85, 1.15, 2) * SIDE_PX
        a, b = rng.uniform(0.1, 0.45, 2) * SIDE_PX
        if rng.random() < 0.8:
            pen.ellipse((x - a, y - b, x + a, y + b), fill=255)
        middle, spread = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.3, 2.5))
        for _ in range(int(rng.integers(2, 7))):
            angle = middle + spread * float(rng.uniform(-1, 1))
            length = SIDE_PX * float(rng.uniform(0.3, 1.0))
            end = x + length * np.cos(angle), y + length * np.sin(angle)
            width = round(SIDE_PX * float(rng.uniform(0.08, 0.3)))
            pen.line((x, y, *end), fill=255, width=width)
            pen.ellipse(
                (end[0] - width / 2, end[1] - width / 2, end[0] + width / 2, end[1] + width / 2),
                fill=255,
            )
        if rng.random() < 0.5:
            w = round(SIDE_PX * float(rng.uniform(0.2, 0.5)))
            pen.line((x, y, x + float(rng.normal(0, 40)), 2 * SIDE_PX), fill=255, width=w)
        soft = sheet.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 8))))
        yield np.asarray(soft.point(lambda v: min(255, max(0, (v - 90) * 3))))


def blots(rng: Rng, count: int) -> Iterator[Gray]:
    """Draw smooth noise above a level: stains, clouds and pieces of letters."""
    for _ in range(count):
        cells = int(rng.integers(3, 8))
        coarse = Image.fromarray((rng.random((cells, cells)) * 255).astype(np.uint8))
        smooth = np.asarray(coarse.resize((100, 100), Image.Resampling.BICUBIC), np.float64)
        y, x = np.indices(smooth.shape) / 99 - 0.5
        smooth -= 300 * np.maximum(np.hypot(x, y) - float(rng.uniform(0.2, 0.45)), 0)
        level = float(np.quantile(smooth, rng.uniform(0.6, 0.9)))
        steep = float(rng.uniform(2, 12))
        ink = np.clip((smooth - level) * steep, 0, 255).astype(np.uint8)
        ink[0, 0] = max(int(ink[0, 0]), 1)
        yield ink


def grid_remains(rng: Rng, count: int) -> Iterator[Gray]:
    """Cut an empty cell out of a grid, in such a way that pieces of its lines are left; no paper."""
    for _ in range(count):
        height = int(rng.integers(20, 110))
        width = max(12, round(height * float(rng.uniform(0.6, 1.7))))
        sheet = Image.new("L", (width, height))
        pen = ImageDraw.Draw(sheet)
        thick = max(1, round(min(width, height) * float(rng.uniform(0.01, 0.1))))
        for side in rng.permutation(4)[: int(rng.integers(2, 5))].tolist():
            length, across = (height, width) if side % 2 else (width, height)
            low, high = sorted(rng.uniform(-0.4, 1.4, 2).tolist())
            start, end = low * length, max(high, low + 0.25) * length
            at = float(rng.exponential(0.05)) * across
            near = at if side < 2 else across - 1 - at
            far = near + float(rng.normal(0, 0.03)) * across
            line = (near, start, far, end) if side % 2 else (start, near, end, far)
            pen.line(line, fill=255, width=thick)
        for _ in range(int(rng.poisson(0.8))):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            r = float(rng.uniform(0.5, 2))
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
        yield _cell_photo(np.asarray(sheet), rng)


def _cell_photo(ink: Gray, rng: Rng) -> Gray:
    """Give paper under the lines, or nothing, and grain; the frame of the picture stays as it is."""
    if rng.random() < 0.4:
        small = Image.fromarray(ink).resize((28, 28), Image.Resampling.BOX)
        return np.where(np.asarray(small) > 80, 255, 0).astype(np.uint8)
    paper = float(rng.uniform(180, 255))
    level = paper * float(rng.uniform(0.05, 0.6))
    soft = Image.fromarray(ink).filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1))))
    amount = np.asarray(soft, np.float64) / 255
    values = paper - (paper - level) * amount + rng.normal(0, float(rng.uniform(0, 4)), ink.shape)
    gray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return 255 - gray if rng.random() < 0.15 else gray


def finished(ink: Gray, rng: Rng) -> Gray:
    """Put ink on paper or a screen, or leave it bare or small; digits and impostors alike."""
    way = rng.random()
    if way < 0.2:
        return ink if rng.random() < 0.5 else 255 - ink
    if way < 0.4:
        return _small(ink, rng)
    if way < 0.7:
        look = draw_look(rng)
        look = replace(look, digit_px=min(look.digit_px, LARGEST_PX))
        return np.asarray(put_on_paper(ink, look, rng).convert("L"))
    finish = plain if way < 0.8 else thresholded if way < 0.9 else on_screen
    return finish(ink, rng)


def _small(ink: Gray, rng: Rng) -> Gray:
    """Reduce ink to the size of the pictures in a data set, light on dark, some black and white."""
    side = SMALL_PX[rng.integers(len(SMALL_PX))]
    image = Image.fromarray(ink)
    image = image.crop(image.getbbox())
    scale = side / max(image.size)
    size = (max(2, round(image.width * scale)), max(2, round(image.height * scale)))
    if rng.random() < 0.15:
        size = (side, side)
    values = np.asarray(image.resize(size, Image.Resampling.BOX), np.float64)
    values *= 255 / max(values.max(), 1)
    if rng.random() < 0.4:
        values = np.where(values > float(rng.uniform(80, 150)), 255, 0)
    return np.pad(values.astype(np.uint8), int(rng.integers(0, 5)))


SMALL_PX = (8, 12, 16, 20, 20, 28)

SHARES: Mapping[str, float] = {
    "signs": 0.34,
    "characters": 0.16,
    "turned": 0.16,
    "several": 0.10,
    "wheels": 0.06,
    "grid": 0.06,
    "silhouettes": 0.05,
    "blots": 0.03,
    "scribbles": 0.04,
}
"""Share of each kind."""


def invent_impostors(count: int, seed: int, material: Material) -> Iterator[Gray]:
    """Invent pictures that are no digits, kind by kind.

    Parameters
    ----------
    seed : int
        The same seed and material give the same pictures.

    Yields
    ------
    gray : ndarray of shape (height, width), uint8
    """
    makers: dict[str, Callable[[Rng, int], Iterator[Gray]]] = {
        "signs": drawn_signs,
        "characters": lambda rng, n: printed_characters(material, rng, n),
        "turned": lambda rng, n: turned_digits(material, rng, n),
        "several": lambda rng, n: several_digits(material, rng, n),
        "wheels": lambda rng, n: halfway_wheels(material, rng, n),
        "grid": grid_remains,
        "silhouettes": silhouettes,
        "blots": blots,
        "scribbles": scribbles,
    }
    for number, (name, share) in enumerate(SHARES.items()):
        rng = np.random.default_rng([seed, number])
        for ink in makers[name](rng, round(share * count)):
            yield ink if name == "grid" else finished(ink, rng)
