"""Make the sample scans: `python sample_images/make_samples.py` writes them beside this file.

The shapes are digits of scikit-learn's load_digits that the default model is never trained on
(`digitsort.training.reserved`), and strokes drawn here. They are put on paper as people have it: white,
cream with a shadow, squared, ruled, dark; with pen, pencil and chalk.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from digitsort.training.reserved import RESERVED_DIGITS

HERE = Path(__file__).parent
SEED = 7

Ink = npt.NDArray[np.float64]
"""How much ink each pixel has, 0-1; shape (height, width)."""

STROKES = {
    "0": [[(50, 8), (22, 25), (20, 62), (45, 92), (75, 78), (80, 35), (52, 8)]],
    "1": [[(30, 30), (54, 8), (54, 93)]],
    "2": [[(24, 28), (40, 9), (68, 12), (74, 36), (48, 66), (22, 90), (80, 89)]],
    "3": [[(26, 14), (60, 9), (72, 28), (46, 46), (74, 62), (66, 88), (24, 88)]],
    "4": [[(58, 8), (20, 62), (82, 62)], [(62, 40), (60, 94)]],
    "5": [[(72, 10), (34, 10), (30, 44), (62, 44), (74, 68), (54, 91), (24, 86)]],
    "6": [[(66, 8), (36, 38), (26, 70), (46, 92), (70, 78), (62, 58), (32, 64)]],
    "7": [[(22, 12), (76, 12), (52, 52), (44, 92)], [(36, 50), (68, 50)]],
    "8": [[(66, 20), (46, 8), (32, 26), (68, 66), (54, 92), (30, 76), (66, 34), (66, 20)]],
    "9": [[(68, 28), (46, 10), (30, 30), (44, 48), (68, 30), (66, 66), (56, 93)]],
}
"""Corners of each drawn digit's strokes on a square of 100."""


def load_digits_shapes() -> dict[str, list[Ink]]:
    """Give the reserved digits, by label, as 8x8 ink."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    shapes: dict[str, list[Ink]] = {str(label): [] for label in range(10)}
    for index in sorted(RESERVED_DIGITS):
        shapes[str(digits.target[index])].append(digits.images[index] / 16)
    return shapes


def enlarged(ink: Ink, size: tuple[int, int]) -> Ink:
    """Enlarge 8x8 ink to (width, height) with a clear edge, as a felt pen leaves it."""
    image = Image.fromarray((ink * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(np.clip((np.asarray(image) / 255 - 0.36) / 0.28, 0, 1))


def drawn(label: str, height: int, pen_px: float) -> Ink:
    """Draw a digit's strokes with a round pen, four times too large and averaged."""
    scale = 4 * height / 100
    image = Image.new("L", (4 * height, 4 * height))
    draw = ImageDraw.Draw(image)
    for stroke in STROKES[label]:
        points = [(x * scale, y * scale) for x, y in _rounded(stroke)]
        draw.line(points, fill=255, width=round(4 * pen_px), joint="curve")
        for x, y in (points[0], points[-1]):
            r = 2 * pen_px
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return np.asarray(image.reduce(4)) / 255


def _rounded(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut the corners three times (Chaikin 1974); the ends stay."""
    for _ in range(3):
        points = [corners[0]]
        for (x0, y0), (x1, y1) in pairwise(corners):
            points += [(0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1)]
            points += [(0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1)]
        corners = [*points, corners[-1]]
    return list(corners)


def placed(ink: Ink, size: tuple[int, int], corner: tuple[int, int]) -> Ink:
    """Put ink onto an empty sheet of (width, height) at (left, top)."""
    sheet = np.zeros((size[1], size[0]))
    left, top = corner
    sheet[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return sheet


Color = tuple[int, int, int]


def paper(size: tuple[int, int], color: Color, shadow: float, rng: np.random.Generator) -> Ink:
    """Paper (height, width, 3), 0-255, darker by `shadow` gray levels in a corner, a bit grainy."""
    y, x = np.indices((size[1], size[0])) / max(size)
    shade = shadow * (x + y) ** 2 / 2
    grain = rng.integers(-2, 3, (size[1], size[0]))
    return np.asarray(np.array(color, np.float64) - (shade + grain)[:, :, None])


def lined(sheet: Ink, spacing: int, color: Color, *, squared: bool) -> Ink:
    """Print lines onto paper, one pixel in `spacing`."""
    sheet = sheet.copy()
    sheet[spacing // 2 :: spacing] = color
    if squared:
        sheet[:, spacing // 3 :: spacing] = color
    return sheet


def written(sheet: Ink, ink: Ink, color: Color) -> Image.Image:
    """Write on paper; RGB."""
    mixed = sheet * (1 - ink[:, :, None]) + np.array(color) * ink[:, :, None]
    return Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


class Samples:
    """Collects pictures under their names, with the truth."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.shapes = load_digits_shapes()
        self.truth: list[tuple[str, str]] = []

    def real(self, label: str, size: tuple[int, int]) -> Ink:
        """Take the next reserved digit of that label, enlarged."""
        return enlarged(self.shapes[label].pop(), size)

    def save(self, image: Image.Image, path: str, label: str, **how: object) -> None:
        """Write a picture and note its label."""
        target = HERE / path
        target.parent.mkdir(exist_ok=True)
        image.save(target, **how)  # type: ignore[arg-type]
        self.truth.append((path, label))


def office(samples: Samples) -> None:
    """A flat-bed scanner's folder: white paper, pen and pencil, and a few odd file formats."""
    rng, white = samples.rng, (250, 250, 248)
    for number, label in enumerate("0123456789"):
        ink = placed(samples.real(label, (80, 110)), (129, 172), (22 + number, 28))
        image = written(paper((129, 172), white, 0, rng), ink, (40, 40, 45))
        samples.save(image.convert("L"), f"office/form_{number + 1}.png", label)
    for number, label in enumerate("3582"):
        ink = placed(samples.real(label, (70, 96)), (110, 140), (20, 22)) * 0.75
        image = written(paper((110, 140), (244, 244, 242), 4, rng), ink, (160, 160, 165))
        samples.save(image.convert("L"), f"office/pencil_{number + 1}.png", label)
    for number, label in enumerate("02389"):
        ink = placed(drawn(label, 120, 5 + number), (129, 172), (4 + number, 24))
        image = written(paper((129, 172), white, 0, rng), ink, (30, 32, 38))
        samples.save(image.convert("L"), f"office/pen_{number + 1}.png", label)
    small = np.rint(255 * placed(drawn("4", 20, 2.2), (28, 28), (4, 4))).astype(np.uint8)
    samples.save(Image.fromarray(small), "office/tiny_1.png", "4")
    small = np.rint(255 * placed(drawn("9", 20, 2.2), (28, 28), (4, 4))).astype(np.uint8)
    samples.save(Image.fromarray(small), "office/tiny_2.png", "9")
    ink = placed(drawn("6", 90, 7), (120, 130), (14, 18))
    deep = np.rint((0.95 - 0.8 * ink) * 65535).astype(np.uint16)
    samples.save(Image.fromarray(deep), "office/deep_16bit.png", "6")
    alpha = Image.fromarray(
        np.rint(255 * placed(drawn("5", 100, 8), (120, 120), (10, 10))).astype(np.uint8)
    )
    clear = Image.merge("RGBA", [Image.new("L", alpha.size, c) for c in (20, 20, 90)] + [alpha])
    samples.save(clear, "office/transparent.png", "5")
    ink = placed(samples.real("7", (60, 90)), (100, 120), (20, 15))
    samples.save(Image.fromarray(ink < 0.5), "office/one_bit.png", "7")
    blank = written(paper((120, 150), white, 3, rng), np.zeros((150, 120)), (0, 0, 0))
    samples.save(blank.convert("L"), "office/empty.png", "_none")


def phone(samples: Samples) -> None:
    """A phone's folder: cream, squared and ruled paper, a board, a large sheet."""
    rng, cream, blue = samples.rng, (246, 238, 214), (42, 62, 150)
    for number, label in enumerate("0369"):
        sheet = paper((140, 150), cream, 60, rng)
        ink = placed(samples.real(label, (76, 104)), (140, 150), (30, 20))
        samples.save(_soft(written(sheet, ink, blue)), f"phone/cream_{number + 1}.png", label)
    for number, label in enumerate("124"):
        sheet = lined(paper((150, 150), (240, 241, 238), 30, rng), 24, (196, 208, 222), squared=True)
        ink = placed(drawn(label, 104, 6), (150, 150), (20, 24))
        samples.save(_soft(written(sheet, ink, (38, 40, 60))), f"phone/squared_{number + 1}.png", label)
    for number, label in enumerate("78"):
        sheet = lined(paper((150, 160), (244, 243, 235), 20, rng), 36, (200, 206, 226), squared=False)
        ink = placed(drawn(label, 110, 7), (150, 160), (18, 22))
        samples.save(_soft(written(sheet, ink, (30, 50, 120))), f"phone/ruled_{number + 1}.png", label)
    for number, label in enumerate("158"):
        ink = placed(samples.real(label, (80, 110)), (140, 150), (28, 22)) * 0.9
        image = written(paper((140, 150), (46, 62, 52), -20, rng), ink, (232, 232, 222))
        samples.save(_soft(image), f"phone/board_{number + 1}.png", label)
    for number, label in enumerate("27"):
        ink = placed(drawn(label, 90, 6), (640, 480), (90 + 330 * number, 120 + 130 * number))
        sheet = np.rint(paper((640, 480), (238, 236, 230), 40, rng) / 4) * 4
        image = written(sheet, ink, (35, 40, 70)).filter(ImageFilter.GaussianBlur(0.8))
        samples.save(image.convert("L"), f"phone/large_sheet_{number + 1}.jpg", label, quality=80)
    ink = placed(samples.real("4", (80, 110)), (140, 150), (30, 20))
    image = _soft(written(paper((140, 150), cream, 40, rng), ink, blue))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side; to be turned clockwise
    turned = image.transpose(Image.Transpose.ROTATE_90)
    samples.save(turned.convert("RGB"), "phone/turned.jpg", "4", quality=85, exif=exif)


def _soft(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(0.7)).quantize(64)


def main() -> None:
    """Write all pictures, and truth.csv."""
    samples = Samples()
    parts: tuple[Callable[[Samples], None], ...] = (office, phone)
    for part in parts:
        part(samples)
    with (HERE / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label"))
        writer.writerows(samples.truth)


if __name__ == "__main__":
    main()
