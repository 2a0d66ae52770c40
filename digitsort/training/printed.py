"""Print digits as training images: in fonts, in seven segments, in dots, and on counter wheels."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.files.regular import read_regular
from digitsort.training.paper import draw_look, put_on_paper

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

DOT_PITCH_PX = 16


def draw_dots(label: str, rng: Rng) -> Ink:
    """Draw a digit made of dots: 255 where it is lit."""
    choices = GRIDS[rng.integers(len(GRIDS))][label]
    rows = choices[rng.integers(len(choices))].split()
    size = float(rng.uniform(0.75, 1.1)) if rng.random() < 0.6 else 1.1
    is_round = size < 1.1 and rng.random() < 0.7
    stretch = float(rng.uniform(0.8, 1.3))
    sheet = Image.new("L", (DOT_PITCH_PX * (len(rows[0]) + 2), DOT_PITCH_PX * (len(rows) + 2)))
    draw = ImageDraw.Draw(sheet)
    shape = draw.ellipse if is_round else draw.rectangle
    for y, row in enumerate(rows):
        for x, bit in enumerate(row):
            if bit == "1":
                shape(_box(x, y, size), fill=255)
    height = max(8, round(sheet.height * stretch))
    return np.asarray(sheet.resize((sheet.width, height), Image.Resampling.BILINEAR))


def _box(x: int, y: int, size: float) -> tuple[float, float, float, float]:
    half = size * DOT_PITCH_PX / 2
    centre_x, centre_y = (x + 1.5) * DOT_PITCH_PX, (y + 1.5) * DOT_PITCH_PX
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

PANEL_HEIGHT_PX = 120


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
    side = round(PANEL_HEIGHT_PX * 1.6)
    sheet = Image.new("L", (side, side))
    draw = ImageDraw.Draw(sheet)
    for segment in lit:
        draw.polygon(_corners(segment, panel), fill=255)
    if panel.rounding:
        radius = max(1, round(panel.rounding * PANEL_HEIGHT_PX))
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
    return [_put_on_panel(point, panel) for point in (*upper, *lower)]


def _moved(point: Point, dx: float, dy: float, along: float, across: float) -> Point:
    x, y = point
    return x + dx * along + dy * across, y + dy * along + dx * across


def _put_on_panel(point: Point, panel: Panel) -> Point:
    x, y = point
    margin = 0.25
    return ((x + margin + panel.slant * (1 - y)) * PANEL_HEIGHT_PX, (y + margin) * PANEL_HEIGHT_PX)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FONTS_VARIABLE = "DIGITSORT_FONTS"
"""Environment variable that names the folder of fonts."""

DIGITS = "0123456789"
NO_DIGITS = ("Weather", "Biolinum_K", "Sketch")
"""Parts of the names of fonts to skip, because their digits are drawings, keys or hollow."""

HEIGHT_PX = 110

MOST_BYTES = 2**26
"""Largest size of a font file in bytes; those with all Chinese characters have 2**25."""

LEAST_INK = 0.02
"""Smallest share of the sheet that a digit covers; a font without digits draws less, or boxes."""


@dataclass(frozen=True, slots=True)
class Face:
    """Font that has digits, with the family that it belongs to."""

    font: Font
    family: str


def find_faces(folder: Path | None = None) -> list[Face]:
    """Open the fonts in a folder and its subfolders, sorted by name; each subfolder is a family.

    Parameters
    ----------
    folder : Path, optional
        Default: the folder that DIGITSORT_FONTS names; if it is unset, only Pillow's own font is used.

    Raises
    ------
    TrainingDataError
        If the folder has no font with ten different digits.
    """
    named = os.environ.get(FONTS_VARIABLE)
    if folder is None and not named:
        return [Face(ImageFont.load_default(HEIGHT_PX), "Pillow")]
    root = Path(named or "") if folder is None else folder
    paths = sorted(path for path in root.rglob("*") if _is_wanted(path))
    faces = [face for path in _without_copies(paths) if (face := _open(path))]
    if not faces:
        raise TrainingDataError(
            f"{printable(str(root))} has no fonts with ten different digits. Name a folder of .ttf or "
            f".otf files with {FONTS_VARIABLE}, or unset it."
        )
    return faces


def _is_wanted(path: Path) -> bool:
    return path.suffix.lower() in (".ttf", ".otf") and not any(part in path.name for part in NO_DIGITS)


def _without_copies(paths: Sequence[Path]) -> list[Path]:
    """Return the paths without repeated file names: packages repeat fonts in several folders."""
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(path.name, path)
    return list(first.values())


def _open(path: Path) -> Face | None:
    """Open a font; return None if it is damaged or lacks ten different digits."""
    try:
        data = io.BytesIO(read_regular(str(path), MOST_BYTES))  # a pipe would never end
        font = ImageFont.truetype(data, HEIGHT_PX, layout_engine=ImageFont.Layout.BASIC)
        drawn = [_drawn(digit, font) for digit in DIGITS]
    except OSError:
        return None
    different = len({ink.tobytes() for ink in drawn}) == len(DIGITS)
    visible = all((ink > 127).mean() >= LEAST_INK / 2 for ink in drawn)
    return Face(font, path.parent.name) if different and visible else None


def _drawn(text: str, font: Font) -> Ink:
    sheet = Image.new("L", (2 * HEIGHT_PX, 2 * HEIGHT_PX))
    ImageDraw.Draw(sheet).text((HEIGHT_PX // 2, HEIGHT_PX // 4), text, fill=255, font=font)
    return np.asarray(sheet)


def name_of_faces(faces: Sequence[Face]) -> str:
    """Return the number of fonts, with a digest of the digits that they draw."""
    digest = hashlib.sha256()
    for face in faces:
        digest.update(face.family.encode() + b"\0" + _drawn(DIGITS[:5], face.font).tobytes())
    number = "1 font" if len(faces) == 1 else f"{len(faces)} fonts"
    return f"{number}, {digest.hexdigest()[:12]}"


def draw_font(label: str, faces: Sequence[Face], rng: Rng) -> Ink:
    """Render a digit in a random font family, at random bold, slanted, narrow or cut like a stencil."""
    families = sorted({face.family for face in faces})
    family = families[rng.integers(len(families))]
    members = [face for face in faces if face.family == family]
    ink = Image.fromarray(_drawn(label, members[rng.integers(len(members))].font))
    if rng.random() < 0.25:
        ink = ink.filter(ImageFilter.MaxFilter(2 * int(rng.integers(1, 4)) + 1))
    if rng.random() < 0.3:
        ink = _sheared(ink, float(rng.uniform(-0.1, 0.3)))
    if rng.random() < 0.3:
        ink = ink.resize((max(40, round(ink.width * rng.uniform(0.6, 1.2))), ink.height))
    if rng.random() < 0.08:
        ink = _stencilled(ink, rng)
    return np.asarray(ink)


def _sheared(ink: Image.Image, slant: float) -> Image.Image:
    matrix = (1, slant, -slant * ink.height / 2, 0, 1, 0)
    return ink.transform(ink.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _stencilled(ink: Image.Image, rng: Rng) -> Image.Image:
    """Cut a narrow vertical gap through the middle of the digit, like the bridge of a stencil."""
    left, top, right, bottom = ink.getbbox() or (0, 0, *ink.size)
    width = max(2, round(0.06 * (bottom - top)))
    x = round((left + right) / 2 + rng.normal(0, 0.04) * (right - left))
    cut = ink.copy()
    cut.paste(0, (x - width // 2, top, x + width // 2 + 1, bottom))
    return cut


Gray = npt.NDArray[np.uint8]
Finish = Callable[[Ink, Rng], Gray]

SMALLEST_PX, LARGEST_PX = 8, 200


def on_paper(ink: Ink, rng: Rng) -> Gray:
    """Print the digit onto paper and scan it."""
    return np.asarray(put_on_paper(ink, draw_look(rng), rng).convert("L"))


def plain(ink: Ink, rng: Rng) -> Gray:
    """Save the digit as a small or large picture, dark on white or the other way round."""
    sheet = _placed(ink, rng)
    gray = 255 - sheet if rng.random() < 0.5 else sheet
    return np.asarray(gray)


def thresholded(ink: Ink, rng: Rng) -> Gray:
    """Blur the digit and make it black and white, which closes gaps and frays its edge."""
    sheet = _placed(ink, rng).astype(np.float64)
    height, width = sheet.shape
    soft = Image.fromarray(sheet.astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(float(rng.uniform(0.01, 0.04)) * height)
    )
    values = np.asarray(soft).astype(np.float64)
    rough = values / max(values.max(), 1) + _clouds((height, width), rng) * float(rng.uniform(0, 0.2))
    lit = (rough > rng.uniform(0.3, 0.55)) * np.uint8(255)
    return np.asarray(255 - lit if rng.random() < 0.5 else lit, np.uint8)


def on_screen(ink: Ink, rng: Rng) -> Gray:
    """Light the digit on a screen, with glow, glare, rows of pixels and noise."""
    sheet = _placed(ink, rng).astype(np.float64) / 255
    height, width = sheet.shape
    glow = Image.fromarray((sheet * 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(0.08 * height)
    )
    dark, bright = float(rng.uniform(5, 110)), float(rng.uniform(150, 255))
    light = np.maximum(sheet, np.asarray(glow) / 255 * float(rng.uniform(0, 0.5)))
    gray = dark + (bright - dark) * light + _clouds((height, width), rng) * float(rng.uniform(0, 50))
    if rng.random() < 0.2 and height > 40:
        gray[:: max(2, height // 30)] *= float(rng.uniform(0.7, 1))
    seen = _blurred_and_noisy(gray, rng)
    return 255 - seen if rng.random() < 0.4 else seen


def _placed(ink: Ink, rng: Rng) -> Ink:
    """Resize the digit, turn it slightly and place it on an empty sheet."""
    image = Image.fromarray(ink)
    if rng.random() < 0.4:
        image = image.rotate(float(np.clip(rng.normal(0, 3), -8, 8)), Image.Resampling.BICUBIC)
    image = image.crop(image.getbbox())
    longer = float(np.exp(rng.uniform(np.log(SMALLEST_PX), np.log(LARGEST_PX))))
    scale = longer / max(image.size)
    size = (max(2, round(image.width * scale)), max(3, round(image.height * scale)))
    way = Image.Resampling.BOX if rng.random() < 0.5 else Image.Resampling.BICUBIC
    margins = np.rint(rng.uniform(0.02, 0.5, 4) * longer).astype(int).tolist()
    sheet = Image.new(
        "L", (size[0] + margins[0] + margins[2] + 2, size[1] + margins[1] + margins[3] + 2)
    )
    sheet.paste(image.resize(size, way), (margins[0] + 1, margins[1] + 1))
    return np.asarray(sheet)


def _clouds(shape: tuple[int, int], rng: Rng) -> npt.NDArray[np.float64]:
    """Return uneven light from -0.5 to 0.5 that varies smoothly across the picture."""
    coarse = Image.fromarray((rng.random((3, 3)) * 255).astype(np.uint8))
    return np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC)) / 255 - 0.5


def _blurred_and_noisy(gray: npt.NDArray[np.float64], rng: Rng) -> Gray:
    noisy = gray + rng.normal(0, float(rng.uniform(0, 10)), gray.shape)
    image = Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        image = image.filter(
            ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.03 * max(gray.shape) + 0.3)))
        )
    return np.asarray(image)


KINDS = ("font", "segments", "dots", "wheel")
SHARES = (0.58, 0.22, 0.12, 0.08)
"""Share of each kind of printed digit, in the order of `KINDS`."""

FINISHES: dict[str, tuple[Finish, ...]] = {
    "font": (plain, on_paper, on_paper, on_screen, thresholded),
    "segments": (plain, on_screen, on_screen, thresholded, on_paper),
    "dots": (plain, on_screen, thresholded, on_paper),
    "wheel": (on_screen, on_screen, plain),
}


def print_digits(count_per_digit: int, seed: int, faces: Sequence[Face]) -> Iterator[tuple[Gray, str]]:
    """Print each digit `count_per_digit` times, each time in a different way.

    Parameters
    ----------
    seed : int
        The same seed and the same fonts give the same images.
    faces : sequence of Face
        See `find_faces`.

    Yields
    ------
    gray : ndarray of shape (height, width), uint8
        8-700 px per side.
    label : str
        "0" to "9", ascending.
    """
    for label in DIGITS:
        rng = np.random.default_rng([seed, int(label)])
        for _ in range(count_per_digit):
            yield print_digit(label, faces, rng), label


def print_digit(label: str, faces: Sequence[Face], rng: Rng) -> Gray:
    """Print one digit."""
    kind = str(rng.choice(KINDS, p=SHARES))
    ink = _draw(kind, label, faces, rng)
    finishes = FINISHES[kind]
    return finishes[rng.integers(len(finishes))](ink, rng)


def _draw(kind: str, label: str, faces: Sequence[Face], rng: Rng) -> Gray:
    if kind == "segments":
        return draw_segments(label, rng)
    if kind == "dots":
        return draw_dots(label, rng)
    ink = draw_font(label, faces, rng)
    return on_a_wheel(ink, rng) if kind == "wheel" else ink
