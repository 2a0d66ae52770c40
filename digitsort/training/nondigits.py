"""Invent what turns up in a folder of scans and is no digit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitsort.training.paper import ScanLook, draw_look, empty_paper, put_on_paper

Ink = npt.NDArray[np.uint8]
Rng = np.random.Generator


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


def side_by_side(digits: Sequence[Ink], rng: Rng) -> Image.Image:
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
    return put_on_paper(np.asarray(sheet), _bare(rng), rng)


KINDS: dict[str, Callable[[Rng], Image.Image]] = {
    "blank": blank,
    "texture": texture,
    "noise": noise,
    "lines": lines,
    "solid": solid,
    "smear": smear,
    "scribble": scribble,
    "letter": letter,
    "symbol": symbol,
}
"""Kind to its generator; `side_by_side` needs digits and is called on its own."""


def _bare(rng: Rng) -> ScanLook:
    """Draw a look without lines and foreign strokes."""
    return replace(draw_look(rng), line_spacing=0.0, foreign=False)
