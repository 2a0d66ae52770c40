"""Make the sample form: `python sample_images/forms/make_form.py` writes form.pdf beside this file.

A form as a phone sees it, in a PDF: tilted, in perspective and in uneven light. The digits are
generated in the handwriting of `digitsort.training.handwriting`, with a seed that the default model has
not learned from; the print is in the font that comes with Pillow (Aileron, CC0).
`NUMBER` and `DEFECTS` are what is written on it; the last digit of each row of `DEFECTS` is the sum of
the others.
"""

from __future__ import annotations

from pathlib import Path
from time import gmtime

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitsort.training.handwriting.generate import STYLES
from digitsort.training.handwriting.hand import Hand, write

HERE = Path(__file__).parent
SEED = 20_262
WIDTH, HEIGHT = 1000, 680
DPI = 120
PAPER, LINE, PRINT, PEN = 246, 70, 50, 40

CELL = 56
DEFECTS = ("4015", "2518", "3 69", "1236", " 527")
NUMBER = "307518"
FINE = 3


def main() -> None:
    """Write the form, with a fixed date, so that the same code writes the same bytes."""
    made = gmtime(0)
    photographed(filled()).save(
        HERE / "form.pdf", resolution=DPI, quality=80, creationDate=made, modDate=made
    )


def filled() -> Image.Image:
    """Return the form, flat and filled in."""
    sheet = Image.new("L", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((120, 90), "Defects per shift", fill=PRINT, font=ImageFont.load_default(40))
    draw.text((120, 195), "Line", fill=PRINT, font=ImageFont.load_default(28))
    rng = np.random.default_rng(SEED)
    _comb(sheet, (320, 180), NUMBER, rng)
    for row, day in enumerate("Mon Tue Wed Thu Fri".split()):
        draw.text((120, 320 + row * CELL), day, fill=PRINT, font=ImageFont.load_default(28))
    for column, shift in enumerate(("early", "late", "night", "sum")):
        middle = 320 + (column + 0.5) * CELL, 290
        draw.text(middle, shift, fill=PRINT, font=ImageFont.load_default(18), anchor="mm")
    for row, digits in enumerate(DEFECTS):
        for column, digit in enumerate(digits):
            left, top = 320 + column * CELL, 310 + row * CELL
            draw.rectangle((left, top, left + CELL, top + CELL), outline=LINE, width=2)
            _put(sheet, digit, (left, top), rng)
    return sheet


def _comb(sheet: Image.Image, at: tuple[int, int], digits: str, rng: np.random.Generator) -> None:
    left, top = at
    draw = ImageDraw.Draw(sheet)
    draw.line((left, top + CELL, left + len(digits) * CELL, top + CELL), fill=LINE, width=2)
    for tooth in range(len(digits) + 1):
        x = left + tooth * CELL
        draw.line((x, top, x, top + CELL), fill=LINE, width=2)
    for column, digit in enumerate(digits):
        _put(sheet, digit, (left + column * CELL, top), rng)


def _put(sheet: Image.Image, digit: str, at: tuple[int, int], rng: np.random.Generator) -> None:
    """Write a digit into a cell."""
    if not digit.strip():
        return
    styles = [style for style, weight in STYLES[digit] if weight >= 1]
    hand = Hand(rng, 1)
    strokes = [curve[0] for curve in write(hand, styles[rng.integers(len(styles))](hand))]
    points = np.concatenate(strokes)
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    scale = FINE * min(0.62 * CELL / size[1], 0.55 * CELL / max(size[0], 1e-6))
    middle = np.array([CELL, CELL]) * FINE / 2 + rng.uniform(-3, 3, 2) * FINE
    fine = Image.new("L", (CELL * FINE, CELL * FINE), 0)
    for stroke in strokes:
        line = [tuple(point) for point in (stroke - low - size / 2) * scale + middle]
        ImageDraw.Draw(fine).line(line, fill=255, width=4 * FINE, joint="curve")
    mask = fine.resize((CELL, CELL), Image.Resampling.BOX)
    sheet.paste(PEN, at, mask)


def photographed(sheet: Image.Image) -> Image.Image:
    """Return the sheet as a phone sees it."""
    corners = (40, 5, -25, HEIGHT + 20, WIDTH + 30, HEIGHT - 15, WIDTH - 30, -35)
    tilted = sheet.transform(
        sheet.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=PAPER
    )
    light = np.linspace(0.62, 1, WIDTH)[None, :] * np.linspace(1, 0.85, HEIGHT)[:, None]
    grain = np.random.default_rng(SEED).normal(0, 2, light.shape)
    return Image.fromarray(np.clip(np.asarray(tilted) * light + grain, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
