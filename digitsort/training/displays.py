"""Draw digits as machines show them: counter wheels, dots, and seven segments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Ink = npt.NDArray[np.uint8]
Rng = np.random.Generator

LARGEST_SHIFT = 0.18
"""Largest shift of a wheel, as a share of the window; beyond it, the next digit may be right too."""


def on_a_wheel(ink: Ink, rng: Rng) -> Ink:
    """Shift the digit within its window, and cut off what the window hides."""
    image = Image.fromarray(ink)
    image = image.crop(image.getbbox())
    height = round(image.height * 1.25)
    window = Image.new("L", (round(image.width + 0.3 * height), height))
    shift = round(float(rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT)) * height)
    window.paste(image, ((window.width - image.width) // 2, (height - image.height) // 2 + shift))
    return np.asarray(window)


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


Point = tuple[float, float]

SEGMENTS: dict[str, tuple[str, ...]] = {
    "0": ("abcdef",),
    "1": ("bc",),
    "2": ("abdeg",),
    "3": ("abcdg",),
    "4": ("bcfg",),
    "5": ("acdfg",),
    "6": ("acdefg", "acdefg", "cdefg"),
    "7": ("abc", "abc", "abcf"),
    "8": ("abcdefg",),
    "9": ("abcdfg", "abcdfg", "abcfg"),
}
"""Lit segments of each digit, by their usual letters; 6, 7 and 9 exist with and without tails."""

HEIGHT_PX = 120


class Panel(NamedTuple):
    """Style of a display's segments; lengths are shares of the digit's height.

    Attributes
    ----------
    width : float
        Distance between the axes of the upright segments.
    thickness, gap : float
        Thickness of a segment, and gap between two segments.
    bevel : float
        0 for square ends, 1 for pointed ones.
    slant : float
        Horizontal shift from the bottom to the top.
    rounding : float
        Radius of the median filter that rounds the corners.
    """

    width: float
    thickness: float
    gap: float
    bevel: float
    slant: float
    rounding: float


def draw_panel(rng: Rng) -> Panel:
    """Choose the style of a display at random."""
    return Panel(
        width=float(rng.uniform(0.34, 0.62)),
        thickness=float(rng.uniform(0.06, 0.2)),
        gap=float(rng.uniform(0.0, 0.045)) if rng.random() < 0.6 else -0.06,
        bevel=float(rng.choice([0.0, 0.5, 1.0])),
        slant=float(rng.uniform(0, 0.22)) if rng.random() < 0.5 else 0.0,
        rounding=float(rng.uniform(0, 0.06)) if rng.random() < 0.5 else 0.0,
    )


def draw_segments(label: str, rng: Rng) -> Ink:
    """Draw a digit as a display shows it: 255 where it is lit."""
    panel = draw_panel(rng)
    choices = SEGMENTS[label]
    lit = choices[rng.integers(len(choices))]
    side = round(HEIGHT_PX * 1.6)
    sheet = Image.new("L", (side, side))
    draw = ImageDraw.Draw(sheet)
    for segment in lit:
        draw.polygon(_corners(segment, panel), fill=255)
    if panel.rounding:
        radius = max(1, round(panel.rounding * HEIGHT_PX))
        sheet = sheet.filter(ImageFilter.MedianFilter(2 * (radius // 2) + 3))
    return np.asarray(sheet)


def _ends(segment: str, width: float) -> tuple[Point, Point]:
    """Return both ends of a segment's axis, from the upper left corner, in units of the height."""
    left, right, top, middle, bottom = 0.0, width, 0.0, 0.5, 1.0
    axes = {
        "a": ((left, top), (right, top)),
        "b": ((right, top), (right, middle)),
        "c": ((right, middle), (right, bottom)),
        "d": ((left, bottom), (right, bottom)),
        "e": ((left, middle), (left, bottom)),
        "f": ((left, top), (left, middle)),
        "g": ((left, middle), (right, middle)),
    }
    return axes[segment]


def _corners(segment: str, panel: Panel) -> list[Point]:
    """Return the slanted polygon of a segment, in pixels."""
    (x0, y0), (x1, y1) = _ends(segment, panel.width)
    half = panel.thickness / 2
    dx, dy = float(x1 > x0), float(y1 > y0)
    inset = panel.gap / 2 + half * panel.bevel * (panel.gap > 0)
    tip = half * panel.bevel
    along = [(inset - tip, 0.0), (inset, half), (-inset, half), (tip - inset, 0.0)]
    ends = [(x0, y0), (x0, y0), (x1, y1), (x1, y1)]
    upper = [_moved(end, dx, dy, a, s) for end, (a, s) in zip(ends, along, strict=True)]
    lower = [_moved(end, dx, dy, a, -s) for end, (a, s) in zip(ends[::-1], along[::-1], strict=True)]
    return [_placed(point, panel) for point in (*upper, *lower)]


def _moved(point: Point, dx: float, dy: float, along: float, across: float) -> Point:
    x, y = point
    return x + dx * along + dy * across, y + dy * along + dx * across


def _placed(point: Point, panel: Panel) -> Point:
    x, y = point
    margin = 0.25
    return ((x + margin + panel.slant * (1 - y)) * HEIGHT_PX, (y + margin) * HEIGHT_PX)
