"""Simulate scans: put clean digits on paper."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Ink = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

PAPERS = (
    (255, 255, 255),
    (246, 238, 214),
    (232, 236, 224),
    (214, 220, 170),
    (226, 226, 230),
    (200, 190, 172),
)
"""White, cream, greenish, yellow-green, bluish, brown; RGB."""

INKS = ((25, 25, 30), (20, 30, 110), (40, 60, 170), (110, 20, 30), (70, 70, 75), (20, 90, 50))
"""Black, dark blue, ballpoint blue, red, pencil, green; RGB."""


@dataclass(frozen=True, slots=True)
class ScanLook:
    """Look of a scan; lengths are in units of the digit's height unless they say pixels.

    Attributes
    ----------
    digit_px : float
        Height of the digit in pixels.
    margins : tuple of float
        Of the frame: left, top, right, bottom.
    rotation : float
        Degrees, counter-clockwise.
    contrast : float
        Share of the ink's own darkness that reaches the paper, 0-1.
    shadow : float
        Gray levels by which the light falls off across the frame.
    texture, grain, pressure : float
        Gray levels of the paper's unevenness and of the sensor's noise; share by which the ink varies.
    line_spacing : float
        Of printed lines; 0 for none.
    squared : bool
        Lines both ways.
    line_contrast : float
        Of the lines, as a share of the ink's.
    foreign : bool
        A piece of a neighbour's stroke comes in from the border.
    quality : int
        Of a JPEG on the way; 0 for none.
    inverted : bool
        Light on dark.
    paper, ink : tuple of int
        RGB.
    """

    digit_px: float
    margins: tuple[float, ...]
    rotation: float
    contrast: float
    shadow: float
    texture: float
    grain: float
    pressure: float
    line_spacing: float
    squared: bool
    line_contrast: float
    foreign: bool
    blur_px: float
    quality: int
    inverted: bool
    paper: tuple[int, ...]
    ink: tuple[int, ...]


def draw_look(rng: Rng) -> ScanLook:
    """Draw the look of a scan; most scans have few difficulties."""

    def sometimes(share: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < share else 0.0

    digit_px = float(np.exp(rng.uniform(np.log(16), np.log(160))))
    if rng.random() < 0.06:
        digit_px = float(rng.uniform(160, 700))
    margins = rng.uniform(0.05, 0.4, 4)
    if rng.random() < 0.15:
        margins = rng.uniform(-0.02, 0.08, 4)  # cut tight
    elif rng.random() < 0.08 and digit_px < 120:
        margins = rng.uniform(0.3, 2.0, 4)  # far too wide
    return ScanLook(
        digit_px,
        tuple(float(m) for m in margins),
        rotation=float(np.clip(rng.normal(0, 3), -8, 8)),
        contrast=float(rng.uniform(0.2, 0.5) if rng.random() < 0.15 else rng.uniform(0.5, 1)),
        shadow=sometimes(0.4, 10, 100),
        texture=sometimes(0.5, 1, 12),
        grain=sometimes(0.6, 1, 9),
        pressure=sometimes(0.5, 0.05, 0.5),
        line_spacing=sometimes(0.12, 0.25, 1.1),
        squared=bool(rng.random() < 0.5),
        line_contrast=float(rng.uniform(0.08, 0.45)),
        foreign=bool(rng.random() < 0.08),
        blur_px=sometimes(0.5, 0.3, max(0.5, digit_px / 40)),
        quality=int(sometimes(0.5, 25, 95)),
        inverted=bool(rng.random() < 0.12),
        paper=PAPERS[rng.integers(len(PAPERS))],
        ink=INKS[rng.integers(len(INKS))],
    )


def put_on_paper(ink: Ink, look: ScanLook, rng: Rng) -> Image.Image:
    """Put ink onto paper.

    Parameters
    ----------
    ink : ndarray of shape (height, width), uint8
        255 where there is ink, with any margin.
    rng : numpy.random.Generator
        For texture and noise.

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    amount = _placed(ink, look)
    if look.foreign:
        amount = np.maximum(amount, _foreign_stroke(amount.shape, rng))
    if look.pressure:
        amount = amount * (1 - look.pressure * _clouds(amount.shape, 6, rng))
    return _photographed(_written(amount * look.contrast, look, rng), look, rng)


def empty_paper(look: ScanLook, rng: Rng) -> Image.Image:
    """Return paper like that of `put_on_paper`, with nothing written on it."""
    side = max(12, round(look.digit_px))
    left, top, right, bottom = look.margins
    height = max(8, round(side * (1 + top + bottom)))
    width = max(8, round(side * (0.7 + left + right)))
    return _photographed(_written(np.zeros((height, width)), look, rng), look, rng)


def _placed(ink: Ink, look: ScanLook) -> Floats:
    """Resize, turn and frame the ink; amounts of 0-1."""
    image = Image.fromarray(ink)
    image = image.crop(image.getbbox())
    scale = look.digit_px / max(image.size)
    size = (max(2, round(image.width * scale)), max(2, round(image.height * scale)))
    pad = round(0.2 * look.digit_px) + 2
    sheet = Image.new("L", (size[0] + 2 * pad, size[1] + 2 * pad))
    sheet.paste(image.resize(size, Image.Resampling.BICUBIC), (pad, pad))
    turned = sheet.rotate(look.rotation, Image.Resampling.BICUBIC)
    left, top, right, bottom = turned.getbbox() or (0, 0, *turned.size)
    margin = [round(m * look.digit_px) for m in look.margins]
    box = (left - margin[0], top - margin[1], right + margin[2], bottom + margin[3])
    return np.asarray(turned.crop(box), np.float64) / 255


def _clouds(shape: tuple[int, ...], cells: int, rng: Rng) -> Floats:
    """Smooth noise of 0-1 with about `cells` cells a side."""
    coarse = Image.fromarray((rng.random((cells, cells)) * 255).astype(np.uint8))
    size = (shape[1], shape[0])
    return np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float64) / 255


def _foreign_stroke(shape: tuple[int, ...], rng: Rng) -> Floats:
    """A stroke that lies along or comes in from one side, within its outer eighth."""
    height, width = shape
    y, x = np.indices(shape)
    edge = np.stack([x / width, y / height, 1 - x / width, 1 - y / height])[rng.integers(4)]
    along = (y / height if rng.random() < 0.5 else x / width) + edge * rng.uniform(-2, 2)
    start, length = rng.uniform(0, 0.7), rng.uniform(0.1, 0.5)
    depth = rng.uniform(0.02, 0.12)
    inside = (edge < depth) & (along > start) & (along < start + length)
    return np.asarray(inside, np.float64)


def _written(amount: Floats, look: ScanLook, rng: Rng) -> Floats:
    """Mix paper and ink, (height, width, 3); lines are printed below the ink."""
    lines = _lines(amount.shape, look, rng)
    amount = np.maximum(amount, lines * look.line_contrast * look.contrast)[:, :, None]
    return np.asarray(np.array(look.paper) * (1 - amount) + np.array(look.ink) * amount)


def _lines(shape: tuple[int, ...], look: ScanLook, rng: Rng) -> Floats:
    """1 on the lines of ruled or squared paper."""
    lines = np.zeros(shape)
    spacing = round(look.line_spacing * look.digit_px)
    if spacing >= 5:
        width = max(1, round(look.digit_px / 60))
        for axis in (0, 1) if look.squared else (0,):
            position = (np.arange(shape[axis]) + rng.integers(spacing)) % spacing < width
            lines[position if axis == 0 else (slice(None), position)] = 1
    return lines


def _photographed(colors: Floats, look: ScanLook, rng: Rng) -> Image.Image:
    """Light, texture, blur, noise and compression."""
    shape = colors.shape[:2]
    y, x = np.indices(shape) / max(shape)
    angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1)
    slope = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5) + 0.5
    light = 1 - look.shadow / 255 * ((1 - bend) * slope + bend * slope**2)
    texture = look.texture * (_clouds(shape, max(4, min(shape) // 5), rng) - 0.5)
    colors = colors * light[:, :, None] + texture[:, :, None]
    if look.inverted:
        colors = 255 - colors
    image = _bytes(colors)
    if look.blur_px:
        image = image.filter(ImageFilter.GaussianBlur(look.blur_px))
    if look.grain:
        noise = rng.normal(0, look.grain, (*shape, 1)) + rng.normal(0, look.grain / 3, (*shape, 3))
        image = _bytes(np.asarray(image) + noise)
    return _compressed(image, look.quality) if look.quality else image


def _bytes(colors: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(colors), 0, 255).astype(np.uint8))


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")
