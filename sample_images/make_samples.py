"""Make the sample scans: `python sample_images/make_samples.py` writes them beside this file.

All of them are generated: in the handwriting of `digitsort.training.handwriting`, with seeds that the
default model does not learn from, or printed with the font that comes with Pillow (Aileron, CC0). They
appear on white, cream, squared, ruled and dark paper, in cells, on meters and on displays.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitsort.training.handwriting.generate import STYLES
from digitsort.training.handwriting.hand import Hand, write

HERE = Path(__file__).parent
SEED = 20_261

FINE = 4
"""Factor by which everything is drawn larger, before it is averaged down."""

WIDEST = 0.72
"""Largest width of a digit, as a share of the width of the sheet."""

Ink = npt.NDArray[np.float64]
"""How much ink each pixel has, 0-1; shape (height, width)."""

Paper = npt.NDArray[np.float64]
"""Shape (height, width, 3), 0-255."""

Color = tuple[int, int, int]
Size = tuple[int, int]
"""Width and height."""

WHITE: Color = (250, 250, 248)
CREAM: Color = (246, 238, 214)
BLACK: Color = (34, 34, 40)
BLUE: Color = (38, 58, 148)
PENCIL: Color = (92, 92, 98)

SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
}
"""Lit segments of each digit: a at the top, then clockwise to f, with g in the middle."""

PLACES = {
    "a": ((0, 0), (1, 0)),
    "b": ((1, 0), (1, 1)),
    "c": ((1, 1), (1, 2)),
    "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)),
    "f": ((0, 0), (0, 1)),
    "g": ((0, 1), (1, 1)),
}
"""Ends of each segment, on a grid of one by two."""


def written(label: str, size: Size, height: int, pen_px: float, rng: np.random.Generator) -> Ink:
    """Write a digit in the middle of a sheet, in a style of its own."""
    styles = [style for style, weight in STYLES[label] if weight >= 1]
    hand = Hand(rng, 1)
    strokes = [curve[0] for curve in write(hand, styles[rng.integers(len(styles))](hand))]
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    width, tall = (high - low).tolist()
    scale = FINE * min(height / tall, WIDEST * size[0] / width)
    shift = FINE * np.array(size) / 2 - scale * (low + high) / 2
    image = Image.new("L", (FINE * size[0], FINE * size[1]))
    draw, radius = ImageDraw.Draw(image), FINE * pen_px / 2
    for stroke in strokes:
        placed = stroke * scale + shift
        draw.line([tuple(p) for p in placed.tolist()], fill=255, width=round(2 * radius), joint="curve")
        for x, y in placed.tolist():
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image.reduce(FINE)) / 255


def printed(text: str, size: Size, height: int) -> Ink:
    """Print text in the middle of a sheet."""
    image = Image.new("L", (FINE * size[0], FINE * size[1]))
    font = ImageFont.load_default(FINE * height * 1.35)  # digits are 0.74 of the size of the font
    middle = (image.width / 2, image.height / 2)
    ImageDraw.Draw(image).text(middle, text, fill=255, font=font, anchor="mm")
    return np.asarray(image.reduce(FINE)) / 255


def displayed(label: str, size: Size, height: int, slant: float) -> Ink:
    """Light the segments of a display in the middle of a sheet."""
    image = Image.new("L", (FINE * size[0], FINE * size[1]))
    draw, unit = ImageDraw.Draw(image), FINE * height / 2
    for segment in SEGMENTS[label]:
        ends = np.array(PLACES[segment], np.float64)
        ends += (ends[::-1] - ends) * 0.09  # they do not touch
        ends = (ends - (0.5, 1.0)) * (1.05 * unit, unit)
        ends[:, 0] -= slant * ends[:, 1]
        places = [tuple(p) for p in (ends + np.array(image.size) / 2).tolist()]
        draw.line(places, fill=255, width=round(0.23 * unit))
    return np.asarray(image.reduce(FINE)) / 255


def outline(shape: str, size: Size, box: tuple[float, float, float, float], pen_px: float) -> Ink:
    """Draw a `rectangle`, an `ellipse` or a `line` from corner to corner of a box."""
    image = Image.new("L", (FINE * size[0], FINE * size[1]))
    draw, scaled = ImageDraw.Draw(image), tuple(FINE * c for c in box)
    width = round(FINE * pen_px)
    if shape == "line":
        draw.line(scaled, fill=255, width=width)
    else:
        getattr(draw, shape)(scaled, outline=255, width=width)
    return np.asarray(image.reduce(FINE)) / 255


def paper(size: Size, color: Color, shadow: float, rng: np.random.Generator) -> Paper:
    """Draw slightly grainy paper that is darker by `shadow` gray levels in one corner."""
    y, x = np.indices((size[1], size[0])) / max(size)
    shade = shadow * (x + y) ** 2 / 2
    grain = rng.integers(-2, 3, (size[1], size[0]))
    return np.asarray(np.array(color, np.float64) - (shade + grain)[:, :, None])


def lined(sheet: Paper, spacing: int, color: Color, *, squared: bool) -> Paper:
    """Print lines onto paper, one pixel in `spacing`."""
    sheet = sheet.copy()
    sheet[spacing // 2 :: spacing] = color
    if squared:
        sheet[:, spacing // 3 :: spacing] = color
    return sheet


def mixed(sheet: Paper, *inks: tuple[Ink, Color]) -> Image.Image:
    """Put inks on paper, one after the other; RGB."""
    for ink, color in inks:
        sheet = sheet * (1 - ink[:, :, None]) + np.array(color) * ink[:, :, None]
    return Image.fromarray(np.clip(np.rint(sheet), 0, 255).astype(np.uint8))


def soft(image: Image.Image, blur_px: float = 0.7) -> Image.Image:
    """Blur the image like a camera, and reduce its colors."""
    return image.filter(ImageFilter.GaussianBlur(blur_px)).quantize(64)


class Samples:
    """Collects pictures under their names, with the truth."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.truth: list[tuple[str, str]] = []

    def save(self, image: Image.Image, path: str, label: str, **how: object) -> None:
        """Write a picture and note its label."""
        target = HERE / path
        target.parent.mkdir(exist_ok=True)
        image.save(target, **how)  # type: ignore[arg-type]
        self.truth.append((path, label))


def office(samples: Samples) -> None:
    """A flat-bed scanner's folder: white paper, pen and pencil, and a few odd file formats."""
    rng = samples.rng
    for number, label in enumerate("0123456789"):
        size = (129, 172)
        ink = written(label, size, 104 + 2 * number, 6 + number % 4, rng)
        image = mixed(paper(size, WHITE, 0, rng), (ink, BLACK))
        samples.save(image.convert("L"), f"office/pen_{number + 1}.png", label)
    for number, label in enumerate("3582"):
        size = (110, 140)
        ink = written(label, size, 92, 4.5, rng) * 0.8
        image = mixed(paper(size, (244, 244, 242), 4, rng), (ink, PENCIL))
        samples.save(image.convert("L"), f"office/pencil_{number + 1}.png", label)
    for number, label in enumerate("49"):
        small = np.rint(255 * written(label, (28, 28), 20, 2.4, rng)).astype(np.uint8)
        samples.save(Image.fromarray(small), f"office/tiny_{number + 1}.png", label)
    formats(samples)
    blank = mixed(paper((120, 150), WHITE, 3, rng))
    samples.save(blank.convert("L"), "office/empty.png", "_none")


def formats(samples: Samples) -> None:
    """Make samples with 16 bits, with transparency and with 1 bit."""
    rng = samples.rng
    deep = np.rint((0.95 - 0.8 * written("6", (120, 130), 90, 7, rng)) * 65535).astype(np.uint16)
    samples.save(Image.fromarray(deep), "office/deep_16bit.png", "6")
    ink = written("5", (120, 120), 92, 8, rng)
    alpha = Image.fromarray(np.rint(255 * ink).astype(np.uint8))
    clear = Image.merge("RGBA", [Image.new("L", alpha.size, c) for c in (20, 20, 90)] + [alpha])
    samples.save(clear, "office/transparent.png", "5")
    samples.save(Image.fromarray(written("7", (100, 120), 88, 7, rng) < 0.5), "office/one_bit.png", "7")


def phone(samples: Samples) -> None:
    """A phone's folder: cream, squared and ruled paper, a board, a large sheet."""
    rng = samples.rng
    for number, label in enumerate("0369"):
        size = (140, 150)
        ink = written(label, size, 104, 7, rng)
        image = mixed(paper(size, CREAM, 60, rng), (ink, BLUE))
        samples.save(soft(image), f"phone/cream_{number + 1}.png", label)
    for number, label in enumerate("124"):
        size = (150, 150)
        sheet = lined(paper(size, (240, 241, 238), 30, rng), 24, (196, 208, 222), squared=True)
        image = mixed(sheet, (written(label, size, 104, 6, rng), (38, 40, 60)))
        samples.save(soft(image), f"phone/squared_{number + 1}.png", label)
    for number, label in enumerate("78"):
        size = (150, 160)
        sheet = lined(paper(size, (244, 243, 235), 20, rng), 36, (200, 206, 226), squared=False)
        image = mixed(sheet, (written(label, size, 110, 7, rng), (30, 50, 120)))
        samples.save(soft(image), f"phone/ruled_{number + 1}.png", label)
    for number, label in enumerate("158"):
        size = (140, 150)
        ink = written(label, size, 106, 8, rng) * 0.9
        image = mixed(paper(size, (46, 62, 52), -20, rng), (ink, (232, 232, 222)))
        samples.save(soft(image), f"phone/board_{number + 1}.png", label)
    large_and_turned(samples)


def large_and_turned(samples: Samples) -> None:
    """Make small digits on large sheets, and a photo that lies on its side."""
    rng = samples.rng
    for number, label in enumerate("27"):
        ink = np.zeros((480, 640))
        left, top = 90 + 330 * number, 120 + 130 * number
        ink[top : top + 110, left : left + 100] = written(label, (100, 110), 90, 6, rng)
        sheet = np.rint(paper((640, 480), (238, 236, 230), 40, rng) / 4) * 4
        image = mixed(sheet, (ink, (35, 40, 70))).filter(ImageFilter.GaussianBlur(0.8))
        samples.save(image.convert("L"), f"phone/large_sheet_{number + 1}.jpg", label, quality=80)
    image = soft(
        mixed(paper((140, 150), CREAM, 40, rng), (written("4", (140, 150), 104, 7, rng), BLUE))
    )
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side; to be turned clockwise
    turned = image.transpose(Image.Transpose.ROTATE_90)
    samples.save(turned.convert("RGB"), "phone/turned.jpg", "4", quality=85, exif=exif)


def cells(samples: Samples) -> None:
    """Make cuttings from forms: cells with frames, circled answers, a tick and an empty cell."""
    rng, size = samples.rng, (96, 96)
    for number, label in enumerate("2574"):
        frame = outline("rectangle", size, (4 + number, 5, 90 - number, 91), 1.6)
        image = mixed(paper(size, WHITE, 2, rng), (frame, (70, 70, 70)), (_in_cell(label, rng), BLUE))
        samples.save(image.convert("L"), f"cells/framed_{number + 1}.png", label)
    for number, label in enumerate("38"):
        ring = outline("ellipse", size, (5, 7 + number, 91, 90), 3)
        ink = np.maximum(ring, written(label, size, 46, 5, rng))
        samples.save(
            mixed(paper(size, WHITE, 2, rng), (ink, PENCIL)).convert("L"),
            f"cells/circled_{number + 1}.png",
            label,
        )
    line = outline("line", size, (18, 84, 78, 80), 4)
    ink = np.maximum(line, written("6", size, 60, 5, rng))
    samples.save(soft(mixed(paper(size, CREAM, 10, rng), (ink, BLUE))), "cells/underlined.png", "6")
    for number, label in enumerate("91"):
        frame = outline("rectangle", size, (-3, -3, 93, 94), 4)
        ink = np.maximum(frame, printed(label, size, 50))
        image = mixed(paper(size, (228, 226, 220), 20, rng), (ink, (40, 40, 40)))
        samples.save(soft(image, 0.9), f"cells/sudoku_{number + 1}.png", label)
    frame = outline("rectangle", size, (4, 5, 90, 91), 1.6)
    sheet = mixed(paper(size, WHITE, 2, rng), (frame, (70, 70, 70)))
    samples.save(sheet.convert("L"), "cells/empty.png", "_none")
    tick = np.maximum(
        outline("line", size, (26, 50, 42, 68), 5), outline("line", size, (41, 69, 74, 24), 5)
    )
    image = mixed(paper(size, WHITE, 2, rng), (frame, (70, 70, 70)), (tick, BLUE))
    samples.save(image.convert("L"), "cells/tick.png", "_none")


def _in_cell(label: str, rng: np.random.Generator) -> Ink:
    return written(label, (96, 96), 58, 5, rng)


def printed_things(samples: Samples) -> None:
    """Make the wheels of a meter, a number plate and displays."""
    rng = samples.rng
    for number, label in enumerate("36"):
        size = (56, 84)
        y = np.abs(np.arange(size[1]) / size[1] - 0.5)[:, None, None]
        wheel = paper(size, (40, 40, 42), 0, rng) * (1 - y)
        image = mixed(wheel, (printed(label, size, 48), (228, 228, 222)))
        samples.save(soft(image, 0.8), f"printed/meter_{number + 1}.png", label)
    for number, label in enumerate("48"):
        size = (60, 96)
        image = mixed(paper(size, (236, 232, 210), 30, rng), (printed(label, size, 66), (24, 24, 28)))
        samples.save(soft(image, 0.9), f"printed/plate_{number + 1}.png", label)
    for number, label in enumerate("2659"):
        size = (70, 110)
        ink = displayed(label, size, 78, 0.09)
        lit = number % 2 == 0
        colors: tuple[Color, Color] = (
            ((24, 16, 18), (250, 70, 50))
            if lit
            else (
                (172, 182, 160),
                (48, 56, 50),
            )
        )
        image = mixed(paper(size, colors[0], 0 if lit else 20, rng), (ink, colors[1]))
        samples.save(soft(image, 1.1), f"printed/display_{number + 1}.png", label)


def main() -> None:
    """Write all pictures, and truth.csv."""
    samples = Samples()
    parts: tuple[Callable[[Samples], None], ...] = (office, phone, cells, printed_things)
    for part in parts:
        part(samples)
    with (HERE / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label"))
        writer.writerows(samples.truth)


if __name__ == "__main__":
    main()
