"""Turn an opened image of any mode into upright gray pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from digitsort.images.limits import BROKEN, UnreadableError
from digitsort.recognition.canvas import Gray

REDUCE_TO_PX = 512
"""Longer side, in pixels, that larger scans are reduced to by a whole factor (up to twice this
remains). The recognition cannot use more, even for a small digit on a large sheet."""

STRIP_ROWS = 16
"""Number of reduced rows of a large image that are processed at a time."""


class Opened(NamedTuple):
    """A picture that can be decoded.

    Attributes
    ----------
    orientation : int
        By EXIF, 1-8; 1 is upright.
    several : bool
        Whether the file has more pages or frames than this one.
    """

    image: Image.Image
    orientation: int = 1
    several: bool = False


def to_gray(image: Image.Image, orientation: int) -> Gray:
    """Decode an opened image.

    Returns
    -------
    ndarray of shape (height, width)
        uint8 or float 0-1, upright, transparency on white; large images are reduced.
    """
    image.draft("L", (REDUCE_TO_PX, REDUCE_TO_PX))  # JPEG only: decode at a fraction of the size
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        gray = _deep_gray(image)
    else:
        gray = plain_to_gray(image)
    return np.ascontiguousarray(upright(gray, orientation))


def plain_to_gray(image: Image.Image) -> Gray:
    """Return gray pixels of a decoded 8-bit image without rotating it; reduce a large one."""
    factor = _factor(image)
    if factor == 1 or (image.mode == "L" and not image.has_transparency_data):
        return _pixels(_reduced(_eight_bit_gray(image), factor))
    # Strip by strip, so that no copy of the whole is made; each a multiple of what is reduced.
    strips = _strips(image, STRIP_ROWS * factor)
    if image.has_transparency_data:
        return _large_on_white(strips, factor)
    return np.concatenate([_pixels(_reduced(_eight_bit_gray(strip), factor)) for strip in strips])


def _pixels(gray: Image.Image) -> Gray:
    # As `np.asarray` does, without asking for the type of the pixels.
    return np.frombuffer(gray.tobytes(), np.uint8).reshape(gray.height, gray.width)


def _strips(image: Image.Image, rows: int) -> Iterator[Image.Image]:
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _eight_bit_gray(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode == "LAB":
        return image.getchannel("L")
    return image if image.mode == "L" else image.convert("L")


def _on_white(image: Image.Image) -> Image.Image:
    """Composite on white; if nothing remains visible, the ink is white, so return its shape."""
    sheet, alpha = _sheet_and_alpha(image)
    return ImageOps.invert(alpha) if _shows_nothing([_span(sheet)], [_span(alpha)]) else sheet


def _large_on_white(strips: Iterable[Image.Image], factor: int) -> Gray:
    """Do the same as `_on_white`, and reduce the image."""
    sheets, shapes, levels, alphas = [], [], [], []
    for strip in strips:
        sheet, alpha = _sheet_and_alpha(strip)
        levels.append(_span(sheet))
        alphas.append(_span(alpha))
        sheets.append(_pixels(_reduced(sheet, factor)))
        shapes.append(_pixels(_reduced(ImageOps.invert(alpha), factor)))
    return np.concatenate(shapes if _shows_nothing(levels, alphas) else sheets)


def _sheet_and_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    luminance, alpha = image.convert("RGBA").convert("LA").split()
    sheet = Image.new("L", image.size, 255)
    sheet.paste(luminance, mask=alpha)
    return sheet, alpha


_Span = tuple[int, int]
"""Smallest and largest level."""


def _shows_nothing(levels: list[_Span], alphas: list[_Span]) -> bool:
    """Return whether everything is white, although the transparency varies."""
    return _width(levels) < 8 <= _width(alphas)


def _width(spans: list[_Span]) -> int:
    return max(high for _, high in spans) - min(low for low, _ in spans)


def _span(image: Image.Image) -> _Span:
    low, high = image.getextrema()
    return int(low), int(high)  # type: ignore[arg-type]


def _deep_gray(image: Image.Image) -> Gray:
    """Scale values of more than 8 bits to 0-1 by depth; negative and float ones by range."""
    transparent = image.info.get("transparency")
    factor = _factor(image)
    rows = STRIP_ROWS * factor
    level = _leveler([_Levels.of(np.asarray(strip)) for strip in _strips(image, rows)])
    grays = []
    # Strip by strip, so that no copy of the whole is made; each a multiple of what is reduced.
    for strip in _strips(image, rows):
        values = np.asarray(strip)
        gray = level(values)
        if isinstance(transparent, int):
            gray = np.where(values == transparent, np.float32(1), gray)
        grays.append(np.asarray(_reduced(Image.fromarray(gray), factor)))
    return np.asarray(np.clip(np.concatenate(grays), 0, 1))


class _Levels(NamedTuple):
    """Smallest and largest value, and whether they are floats."""

    low: float
    high: float
    floating: bool

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> _Levels:
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):  # the least of values with a NaN is NaN
            raise UnreadableError(BROKEN)
        return cls(low, high, values.dtype.kind == "f")


def _leveler(levels: Sequence[_Levels]) -> Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]:
    """Return the function that scales values to 0-1."""
    low, high = min(each.low for each in levels), max(each.high for each in levels)
    if not levels[0].floating and low >= 0:
        # 12-bit scanners write 12 bits into files of 16: the largest value tells the depth.
        full = np.float32(2 ** max(8, int(high).bit_length()) - 1)
        return lambda strip: strip.astype(np.float32) / full
    span = max(high - low, 1e-300)
    return lambda strip: np.asarray((strip.astype(np.float64) - low) / span, np.float32)


def _factor(image: Image.Image) -> int:
    return max(1, max(image.size) // REDUCE_TO_PX)


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    return image.reduce(factor) if factor > 1 else image


def upright(gray: Gray, orientation: int) -> Gray:
    """Undo an EXIF orientation (CIPA DC-008, table of tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        gray = gray.T
    if orientation in (2, 3, 6, 7):
        gray = gray[:, ::-1]
    if orientation in (3, 4, 7, 8):
        gray = gray[::-1]
    return gray
