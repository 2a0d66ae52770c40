"""Draw printed digits in many ways, so that a model learns shapes that nobody writes by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from digitsort.training.paper import draw_look, put_on_paper
from digitsort.training.printed.displays import draw_dots, draw_segments, on_a_wheel
from digitsort.training.printed.fonts import DIGITS, Face, draw_font

Ink = npt.NDArray[np.uint8]
Gray = npt.NDArray[np.uint8]
Rng = np.random.Generator
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
    count_per_digit : int
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
