"""Draw digits made of dots, like those of matrix displays, dot-matrix printers and pixel fonts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Ink = npt.NDArray[np.uint8]
Rng = np.random.Generator

FIVE_BY_SEVEN = {
    "0": ("01110 10001 10001 10001 10001 10001 01110", "01110 10001 10011 10101 11001 10001 01110"),
    "1": ("00100 01100 00100 00100 00100 00100 01110", "00100 01100 10100 00100 00100 00100 11111"),
    "2": ("01110 10001 00001 00010 00100 01000 11111", "01110 10001 00001 01110 10000 10000 11111"),
    "3": ("01110 10001 00001 00110 00001 10001 01110", "11111 00010 00100 00010 00001 10001 01110"),
    "4": ("00010 00110 01010 10010 11111 00010 00010", "10001 10001 10001 11111 00001 00001 00001"),
    "5": ("11111 10000 11110 00001 00001 10001 01110", "11111 10000 10000 11110 00001 00001 11110"),
    "6": ("00110 01000 10000 11110 10001 10001 01110", "01110 10000 10000 11110 10001 10001 01110"),
    "7": ("11111 00001 00010 00100 01000 01000 01000", "11111 00001 00001 00010 00100 00100 00100"),
    "8": ("01110 10001 10001 01110 10001 10001 01110",),
    "9": ("01110 10001 10001 01111 00001 00010 01100", "01110 10001 10001 01111 00001 00001 01110"),
}

THREE_BY_FIVE = {
    "0": ("111 101 101 101 111",),
    "1": ("010 110 010 010 111", "010 110 010 010 010"),
    "2": ("111 001 111 100 111", "110 001 010 100 111"),
    "3": ("111 001 111 001 111", "110 001 010 001 110"),
    "4": ("101 101 111 001 001",),
    "5": ("111 100 111 001 111", "111 100 110 001 110"),
    "6": ("111 100 111 101 111",),
    "7": ("111 001 010 010 010", "111 001 001 001 001"),
    "8": ("111 101 111 101 111",),
    "9": ("111 101 111 001 111",),
}

GRIDS = (FIVE_BY_SEVEN, FIVE_BY_SEVEN, THREE_BY_FIVE)

PITCH_PX = 16


def draw_dots(label: str, rng: Rng) -> Ink:
    """Draw a digit made of dots: 255 where it is lit."""
    choices = GRIDS[rng.integers(len(GRIDS))][label]
    rows = choices[rng.integers(len(choices))].split()
    size = float(rng.uniform(0.75, 1.1)) if rng.random() < 0.6 else 1.1
    is_round = size < 1.1 and rng.random() < 0.7
    stretch = float(rng.uniform(0.8, 1.3))
    sheet = Image.new("L", (PITCH_PX * (len(rows[0]) + 2), PITCH_PX * (len(rows) + 2)))
    draw = ImageDraw.Draw(sheet)
    shape = draw.ellipse if is_round else draw.rectangle
    for y, row in enumerate(rows):
        for x, bit in enumerate(row):
            if bit == "1":
                shape(_box(x, y, size), fill=255)
    height = max(8, round(sheet.height * stretch))
    return np.asarray(sheet.resize((sheet.width, height), Image.Resampling.BILINEAR))


def _box(x: int, y: int, size: float) -> tuple[float, float, float, float]:
    half = size * PITCH_PX / 2
    centre_x, centre_y = (x + 1.5) * PITCH_PX, (y + 1.5) * PITCH_PX
    return centre_x - half, centre_y - half, centre_x + half, centre_y + half
