"""Compare the doubtful cells of a page with the print of the same page.

All printed digits of a page share one typeface, one size and one blur. The cells that the model is sure
of show which. Digits drawn in the same way are then compared with each doubtful cell. This tells a 6
from an 8 even if they are blurred in a way that the model has never seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitsort.pages.blocks import Quad
from digitsort.pages.cutout import Levels, PagePixels
from digitsort.pages.ruling import Pixels

SIDE_PX = 48
"""Shorter side to which cells are scaled before they are compared."""

MOST_ASPECT = 2.0
"""Largest aspect ratio of a cell; the longer side of others is compressed."""

_FONT_PX, _CAP_PX, _GLYPH_PX = 96, 69, 160
"""Size of Pillow's built-in typeface, height of its digits at this size, and side of their picture."""

STROKES = (0, 3, 6, 9)
"""Pixels that are added around the strokes, in the picture of a digit."""

HEIGHTS = (16, 19, 22, 25, 28, 31, 34)
"""Heights of digits in pixels of a cell."""

WIDTHS = (0.85, 1.0, 1.15)
"""Widths of digits, as multiples of the typeface's."""

BLURS = (1.5, 2.5, 3.5)
"""Blur, as sigma in pixels of a cell."""

MOST_PER_LABEL = 5
"""Largest number of accepted cells of a label that the print is fitted to; more would take longer."""

STEPS = ((2, 2.0, 0.08, 0.5), (1, 1.0, 0.04, 0.25))
"""Steps for stroke, height, width and blur. The best of the drawings above is refined by the first
steps, one value at a time, until none helps, and then by the second ones."""

MOST_DRAWN = 10_000
"""Drawn digits that are kept, with all of the first drawings: together some 50 MB."""

LEAST_ACCEPTED = 4
"""Smallest number of accepted cells from which the print of a page is determined."""

LEAST_LIKE = 0.85
"""An accepted cell with at most this correlation with a drawn digit is ignored when the print is
fitted: it may be handwriting."""

ROOM_PX = 4
"""Pixels by which a digit may extend beyond its cell."""

Drawing = tuple[int, float, float, float]
"""Stroke, height, width and blur."""

LEAST_LIKE_PRINT = 0.93
"""Smallest correlation with its drawn digit at which an accepted cell counts as print."""

LEAST_MATCH = 0.93
"""Smallest correlation with a drawn digit at which a doubtful cell gets that digit as its label."""

WEIGHT_OF_CELLS, IF_NO_CELL = 0.35, 0.94
"""Weight of the correlation with accepted cells of the page, and the correlation assumed for a label
that has no such cell.

These values and the limits here were chosen on the first half of the pages of `benchmarks.pages`."""

NO_DIGIT_BELOW = 0.8
"""A cell of a printed page is empty if its correlation with every digit and accepted cell is below
this."""

PRINTED_SHARE = 0.95
"""A page has no handwriting if at least this share of its accepted cells is print."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the print of a page says about a doubtful cell.

    Attributes
    ----------
    label : str
        Empty if there is no digit in the cell.
    match : float
        Largest correlation with a digit, -1 to 1.
    """

    label: str
    match: float


def opinions_on(
    pixels: PagePixels,
    corners: Mapping[int, Quad],
    accepted: Mapping[int, str],
    labels: Sequence[str],
) -> dict[int, Opinion]:
    """Return what the print of a page says about its doubtful cells, as `opinions_of` does.

    Parameters
    ----------
    pixels : PagePixels
    corners : mapping of int to ndarray of shape (4, 2)
        Corners of all cells with ink.
    accepted, labels
        As in `opinions_of`.
    """
    if len(accepted) < LEAST_ACCEPTED or all(number in accepted for number in corners):
        return {}
    patches = {number: patch_of(pixels.flat_cell(quad)) for number, quad in corners.items()}
    return opinions_of(patches, accepted, labels)


def patch_of(picture: Pixels) -> Levels:
    """Return the darkness of a cell, scaled for the comparison to a shorter side of `SIDE_PX`."""
    height, width = picture.shape
    scale = SIDE_PX / min(height, width)
    most = round(SIDE_PX * MOST_ASPECT)
    size = min(most, round(width * scale)), min(most, round(height * scale))
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    darkness = 255 - np.asarray(resized, np.float32)
    room = ROOM_PX
    inked = np.clip(darkness - np.median(darkness), 0, None)
    return np.asarray(cv2.copyMakeBorder(inked, room, room, room, room, cv2.BORDER_CONSTANT, value=0))


def opinions_of(
    patches: Mapping[int, Levels], accepted: Mapping[int, str], labels: Sequence[str]
) -> dict[int, Opinion]:
    """Return what the print of a page says about its doubtful cells.

    Parameters
    ----------
    patches : mapping of int to ndarray
        All cells with ink, from `patch_of`.
    accepted : mapping of int to str
        Labels of the cells that the model is sure of.
    labels : sequence of str
        Digits that may be given as labels.

    Returns
    -------
    dict of int to Opinion
        Empty if the page has no print, or too few accepted cells. Cells without a clear match are left
        out.
    """
    doubtful = [number for number in patches if number not in accepted]
    digits = {number: label for number, label in accepted.items() if label in labels}
    if not doubtful or len(digits) < LEAST_ACCEPTED:
        return {}
    drawing = _fitted([(patches[number], digits[number]) for number in _some_of_each(digits)])
    drawn = {label: drawn_digit(label, drawing) for label in labels}
    cells = [
        (_tight(patches[number]), label)
        for number, label in digits.items()
        if correlation(patches[number], drawn[label]) >= LEAST_LIKE_PRINT
    ]
    if len(cells) < LEAST_ACCEPTED:
        return {}
    is_printed = len(cells) >= PRINTED_SHARE * len(digits)
    opinions = {number: _opinion(patches[number], drawn, cells, is_printed) for number in doubtful}
    return {number: opinion for number, opinion in opinions.items() if opinion is not None}


def _some_of_each(digits: Mapping[int, str]) -> list[int]:
    counts: Counter[str] = Counter()
    chosen = []
    for number, label in digits.items():
        counts[label] += 1
        if counts[label] <= MOST_PER_LABEL:
            chosen.append(number)
    return chosen


def _fitted(pairs: Sequence[tuple[Levels, str]]) -> Drawing:
    """Return the drawing whose digits are most like the accepted cells; handwriting is ignored."""
    best = max(_drawings(), key=lambda drawing: _fit(pairs, drawing))
    fit = _fit(pairs, best)
    for steps in STEPS:
        is_better = True
        while is_better:
            around = [_changed(best, axis, by * steps[axis]) for axis in range(4) for by in (-1, 1)]
            found, drawing = max((_fit(pairs, other), other) for other in around)
            is_better = found > fit
            if is_better:
                best, fit = drawing, found
    return best


def _drawings() -> Iterator[Drawing]:
    for stroke, height, width, blur in product(STROKES, HEIGHTS, WIDTHS, BLURS):
        yield stroke, float(height), width, blur


def _changed(drawing: Drawing, axis: int, by: float) -> Drawing:
    stroke, height, width, blur = (v + by * (axis == at) for at, v in enumerate(drawing))
    return max(0, int(stroke)), max(8.0, height), max(0.5, width), max(0.5, blur)


def _fit(pairs: Sequence[tuple[Levels, str]], drawing: Drawing) -> float:
    found = np.array([correlation(patch, drawn_digit(label, drawing)) for patch, label in pairs])
    return float((np.maximum(found - LEAST_LIKE, 0) ** 2).mean())


def _opinion(
    patch: Levels, digits: Mapping[str, Levels], cells: Sequence[tuple[Levels, str]], is_printed: bool
) -> Opinion | None:
    drawn = {label: correlation(patch, digit) for label, digit in digits.items()}
    like = dict.fromkeys(digits, -1.0)
    for cell, label in cells:
        like[label] = max(like[label], correlation(patch, cell))
    known = {label: IF_NO_CELL if match == -1.0 else match for label, match in like.items()}
    best = max(digits, key=lambda label: drawn[label] + WEIGHT_OF_CELLS * known[label])
    if drawn[best] >= LEAST_MATCH:
        return Opinion(best, drawn[best])
    most = max(*drawn.values(), *like.values())
    return Opinion("", most) if is_printed and most < NO_DIGIT_BELOW else None


def correlation(patch: Levels, digit: Levels) -> float:
    """Return the largest correlation of a cell with a shifted digit; -1 if the digit is larger."""
    if digit.shape[0] > patch.shape[0] or digit.shape[1] > patch.shape[1]:
        return -1.0
    found = cv2.matchTemplate(patch, digit, cv2.TM_CCOEFF_NORMED)
    return float(found.max())


@lru_cache(MOST_DRAWN)
def drawn_digit(label: str, drawing: Drawing) -> Levels:
    """Return a digit as the page may have printed it, cropped to its ink."""
    stroke, height, width, blur = drawing
    scale = height / _CAP_PX
    size = max(8, round(_GLYPH_PX * scale * width)), max(8, round(_GLYPH_PX * scale))
    small = cv2.resize(_glyph(label, stroke), size, interpolation=cv2.INTER_AREA)
    return _tight(np.asarray(cv2.GaussianBlur(small, (0, 0), blur), np.float32), 0.15, 2)


@cache
def _glyph(label: str, stroke: int) -> Levels:
    picture = Image.new("L", (_GLYPH_PX, _GLYPH_PX), 0)
    middle = _GLYPH_PX / 2
    ImageDraw.Draw(picture).text(
        (middle, middle),
        label,
        fill=255,
        font=ImageFont.load_default(_FONT_PX),
        anchor="mm",
        stroke_width=stroke,
    )
    return np.asarray(picture, np.float32)


def _tight(patch: Levels, share: float = 0.2, margin: int = 1) -> Levels:
    """Return the part of a patch that is darker than a share of its darkest pixel, with a margin."""
    least = share * float(patch.max())
    rows = np.flatnonzero(patch.max(axis=1) > least)
    columns = np.flatnonzero(patch.max(axis=0) > least)
    if not len(rows):
        return patch
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return np.ascontiguousarray(patch[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1])
