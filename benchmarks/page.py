"""Lay digits out on simulated paper, and draw beside them.

A page is gray, 0 (black) to 1 (white), with margins wide enough for whatever is drawn around the digit;
a picture is cut out of it at the end. Lengths are in pixels of the page unless they say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Ink = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Rng = np.random.Generator

DIGIT_PX = (60, 110)
"""Longer side of a digit on the page, from and up to: a digit 5 mm high scanned at 300 to 600 dpi."""

MARGIN = 1.7
"""Margin of the page on each side, as a share of the digit's longer side."""

FINE = 3
"""Strokes are drawn on a mask so many times larger, and reduced."""

FONT_PX = 64
FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSansMono.ttf")
"""Used where Pillow finds them, else its own font: figures vary a little with what is installed."""

GRAIN_TILE_PX = 1024


class Box(NamedTuple):
    """A rectangle: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        """Return the position of the middle: x, y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return the box with each side moved outwards."""
        return Box(self.left - left, self.top - top, self.right + right, self.bottom + bottom)

    def joined(self, *others: Box) -> Box:
        """Return the smallest box around this one and the others."""
        every = np.array([self, *others])
        return Box(*every[:, :2].min(axis=0).tolist(), *every[:, 2:].max(axis=0).tolist())


@dataclass(frozen=True, slots=True)
class Page:
    """A digit in the middle of a sheet of paper.

    Attributes
    ----------
    pixels : ndarray of shape (height, width), uint8
        The page as it was scanned, with a little grain.
    box : Box
        Of the digit's ink.
    size : float
        Longer side of the digit.
    pen : float
        Mean width of its strokes.
    paper, ink : float
        Gray of the paper and of the ink.
    behind : ndarray of shape (height, width), float32
        Amounts of ink, 0-1, of another digit of the same size, not on the page.
    """

    pixels: Ink
    box: Box
    size: float
    pen: float
    paper: float
    ink: float
    behind: Floats

    @property
    def gray(self) -> Floats:
        """A new array of the pixels as 0-1, which may be drawn on."""
        return np.asarray(self.pixels, np.float32) * np.float32(1 / 255)

    def amount(self, gray: Floats) -> Floats:
        """Return how much ink there is, 0-1, in a part of the page."""
        return np.asarray(np.clip((self.paper - gray) / (self.paper - self.ink), 0, 1), np.float32)


def lay_out(ink: Ink, other: Ink, rng: Rng, smooth: float = 0.35) -> Page:
    """Put a digit on a page.

    Parameters
    ----------
    ink, other : ndarray of shape (height, width), uint8
        255 where there is ink. `other` is the digit on the back.
    rng : numpy.random.Generator
    smooth : float
        Sigma of the blur before the edge is made sharp again, in pixels of `ink`.
    """
    size = float(rng.uniform(*DIGIT_PX))
    paper, level = float(rng.uniform(0.86, 0.98)), float(rng.uniform(0.06, 0.38))
    amount = enlarged(ink, size, smooth)
    height, width = amount.shape
    margin = round(MARGIN * size)
    gray = np.full((height + 2 * margin, width + 2 * margin), paper, np.float32)
    gray[margin : margin + height, margin : margin + width] -= amount * (paper - level)
    gray += grain(gray.shape, float(rng.uniform(0.5, 2.0)) / 255, rng)
    box = Box(margin, margin, margin + width, margin + height)
    return Page(
        to_bytes(gray), box, size, pen_width(amount), paper, level, enlarged(other, size, smooth)
    )


def to_bytes(picture: Floats) -> Ink:
    """Return a picture of 0-1 as a file has it: whole levels of 0-255."""
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def enlarged(ink: Ink, size: float, smooth: float) -> Floats:
    """Cut ink to its box and enlarge it smoothly, with edges as sharp as a scan's; amounts of 0-1."""
    image = Image.fromarray(ink)
    image = image.crop(image.getbbox())
    scale = size / max(image.size)
    large = (max(3, round(image.width * scale)), max(3, round(image.height * scale)))
    pad = round(2 * scale)
    sheet = Image.new("L", (large[0] + 2 * pad, large[1] + 2 * pad))
    sheet.paste(image.resize(large, Image.Resampling.BICUBIC), (pad, pad))
    soft = sheet.filter(ImageFilter.GaussianBlur(smooth * scale))
    steep = (np.asarray(soft, np.float32) / 255 - 0.4) * 2.5 + 0.5
    amount: Floats = np.clip(steep, 0, 1).astype(np.float32)
    ys, xs = np.nonzero(amount > 0.5)
    if not len(ys):
        return amount
    return amount[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]


def pen_width(amount: Floats) -> float:
    """Estimate the width of strokes: twice their area by the length of their edges."""
    padded = np.pad(amount, 1)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    edges = float(np.hypot(down, right).sum())
    return max(2.0, 2 * float(amount.sum()) / max(edges, 1.0))


def grain(shape: tuple[int, ...], sigma: float, rng: Rng) -> Floats:
    """Cut noise of a standard deviation out of one large tile, which is quicker than drawing it."""
    height, width = shape
    noise = _tile()
    if height > GRAIN_TILE_PX or width > GRAIN_TILE_PX:
        noise = np.tile(noise, (-(-height // GRAIN_TILE_PX), -(-width // GRAIN_TILE_PX)))
    top = int(rng.integers(noise.shape[0] - height + 1))
    left = int(rng.integers(noise.shape[1] - width + 1))
    return noise[top : top + height, left : left + width] * np.float32(sigma)


@lru_cache(maxsize=1)
def _tile() -> Floats:
    side = GRAIN_TILE_PX
    return np.random.default_rng(0).standard_normal((side, side), np.float32)


def cut(gray: Floats, box: Box) -> Floats:
    """Cut a picture out of a page; at least two pixels a side."""
    left, top = (max(0, round(value)) for value in box[:2])
    right, bottom = max(left + 2, round(box.right)), max(top + 2, round(box.bottom))
    return gray[top:bottom, left:right]


def with_margins(
    page: Page, rng: Rng, box: Box | None = None, share: tuple[float, float] = (0.12, 0.4)
) -> Box:
    """Grow a box, by default the digit's, by a margin for each side as a share of the digit's size."""
    return (box or page.box).grown(*(rng.uniform(*share, 4) * page.size).tolist())


def draw_stroke(gray: Floats, points: Points, width: float, level: float) -> None:
    """Draw a line through points (n, 2) with round ends, in place; nothing gets lighter."""
    pad = width / 2 + 2
    height, breadth = gray.shape
    left, top = np.maximum(np.floor(points.min(axis=0) - pad), 0).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0) + pad).astype(int).tolist()
    right, bottom = min(right, breadth), min(bottom, height)
    if right <= left or bottom <= top:
        return
    mask = Image.new("L", ((right - left) * FINE, (bottom - top) * FINE))
    pen = ImageDraw.Draw(mask)
    fine = (points - (left, top)) * FINE
    pen.line(fine.ravel().tolist(), fill=255, width=max(1, round(width * FINE)), joint="curve")
    radius = width * FINE / 2
    for x, y in (fine[0], fine[-1]):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    _darken(gray, mask.reduce(FINE), left, top, level)


def draw_segment(
    gray: Floats, start: tuple[float, float], end: tuple[float, float], width: float, level: float
) -> None:
    """Draw a straight line."""
    draw_stroke(gray, np.array([start, end], np.float64), width, level)


def draw_text(
    gray: Floats, text: str, place: tuple[float, float], height: float, level: float, rng: Rng
) -> Box:
    """Print text so high with its lower left corner at a place, in place; return its box."""
    fonts = _fonts()
    mask = _text_mask(text, fonts[int(rng.integers(len(fonts)))])
    scale = height / mask.height
    size = (max(1, round(mask.width * scale)), max(1, round(height)))
    left, bottom = (round(value) for value in place)
    top = bottom - size[1]
    _darken(gray, mask.resize(size, Image.Resampling.BICUBIC), left, top, level)
    return Box(left, top, left + size[0], bottom)


def text_width(text: str, height: float) -> float:
    """Return about how wide text is that is printed so high."""
    mask = _text_mask(text, _fonts()[0])
    return mask.width * height / mask.height


def _darken(gray: Floats, mask: Image.Image, left: int, top: int, level: float) -> None:
    """Mix a level into a page where a mask of 0-255 says so; parts beyond the page are left out."""
    amount = np.asarray(mask, np.float32) / 255
    skip_y, skip_x = max(0, -top), max(0, -left)
    top, left = max(0, top), max(0, left)
    region = gray[top : top + amount.shape[0] - skip_y, left : left + amount.shape[1] - skip_x]
    amount = amount[skip_y : skip_y + region.shape[0], skip_x : skip_x + region.shape[1]]
    np.minimum(region, region * (1 - amount) + np.float32(level) * amount, out=region)


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    return tuple(name for name in FONTS if _is_installed(name)) or ("",)


def _is_installed(name: str) -> bool:
    try:
        ImageFont.truetype(name, FONT_PX)
    except OSError:
        return False
    return True


@lru_cache(maxsize=4096)
def _text_mask(text: str, font_name: str) -> Image.Image:
    font = ImageFont.truetype(font_name, FONT_PX) if font_name else ImageFont.load_default(FONT_PX)
    sheet = Image.new("L", (FONT_PX * (len(text) + 2), 2 * FONT_PX))
    ImageDraw.Draw(sheet).text((FONT_PX // 2, FONT_PX // 4), text, fill=255, font=font)
    return sheet.crop(sheet.getbbox())
