"""Reject images that contain no single digit, by the shape of their ink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.ink import Ink
from digitsort.recognition.parts import connected_parts

LEAST_CONTRAST = 8.0
"""Smallest difference between paper and ink, in gray levels of 0-255. A pale pencil has 30 and more,
scanned paper 2-6."""

TEXTURE_CONTRAST, TEXTURE_SEPARATION = 40.0, 0.82
"""Largest contrast and separation (Otsu's criterion) of the texture of rough paper. A pale pencil is as
faint, but separates better."""

MOST_PARTS = 10
"""Largest number of connected parts. None of 63,000 handwritten digits had more than 6; noise has
dozens."""

MOST_INK = 0.75
"""Largest share of the frame that ink covers; the fullest digit, cropped to its box, covers 0.55."""

FULL_LINE = 0.9
"""Smallest share of a row or column that makes it a line, or of a side that makes it a frame."""

MOST_LINE_INK = 0.65
"""Largest share of the ink in such lines, if there are two or more, or if one runs from edge to edge of
a much wider frame."""

SLIM = 0.2
"""Largest width of such a line as a share of the frame; a 1 cut to its height is also cut to its
width."""

FINE_LINES = ((0.125, 0.65), (0.0625, 0.4))
"""Pairs of a width, as a share of the frame, and a share of the ink. A narrower line with more of the
ink is printed if there is other ink, or if lines were removed: a 1 cut to its box has one part, or is
wider."""

SPECKS = ((3, 0.02), (5, 0.03))
"""Pairs of a number of parts and a share of the frame. At least as many parts that cover less are
specks or crossings of faint lines. None of 31,000 digits with several parts covers less than 0.026."""

WIDEST, NARROWEST = 3.0, 0.06
"""Limits for width divided by height of the ink; digits have 0.15 to 1.6."""

TALL = 0.7
"""Smallest height of a part that may be a separate digit, as a share of the height of all ink."""

MOST_OVERLAP = 0.1
"""Largest overlap of two digits side by side, as a share of the narrower one's width. 2 of 20,000 MNIST
digits have two such parts, and 570 of 600 pairs and triples of digits."""

LEAST_PART_PX = 5

BLANK = "blank"
TEXTURE = "paper texture"
NOISE = "noise"
LINES = "lines only"
SOLID = "solid"
SHAPE = "not a digit's shape"
SEVERAL = "several digits"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Measures of the ink's position in its image; each (n,)."""

    line_ink: npt.NDArray[np.float64]
    lines: npt.NDArray[np.int64]
    line_width: npt.NDArray[np.float64]
    slim: npt.NDArray[np.bool_]
    framed: npt.NDArray[np.bool_]
    width_to_height: npt.NDArray[np.float64]


def why_no_digit(ink: Ink, known: npt.NDArray[np.bool_] | None = None) -> list[str]:
    """Return why each image can't be a digit, in a few words; empty if it can.

    Parameters
    ----------
    ink : Ink
    known : ndarray of shape (n,), optional
        Images whose ink a model knows so well that an odd shape or a second part is no reason: the
        model may have learned a dash.
    """
    layout = _measure(ink)
    open_to_doubt = np.ones(len(ink.parts), np.bool_) if known is None else ~known
    odd = (layout.width_to_height > WIDEST) | (layout.width_to_height < NARROWEST)
    texture = (ink.contrast < TEXTURE_CONTRAST) & (ink.separation < TEXTURE_SEPARATION)
    specks = _are_specks(ink)
    rules = (  # the later ones win
        (odd & open_to_doubt, SHAPE),
        (ink.sign, SHAPE),
        (_stand_side_by_side(ink, open_to_doubt), SEVERAL),
        (specks, NOISE),
        (specks & ink.lined, LINES),  # where they crossed
        (_are_printed(layout, ink) | ink.at_edge, LINES),
        (layout.framed | (ink.share > MOST_INK), SOLID),
        (texture, TEXTURE),
        (ink.parts > MOST_PARTS, NOISE),
        ((ink.contrast < LEAST_CONTRAST) | (ink.parts == 0), BLANK),
    )
    reasons = np.full(len(ink.parts), "", dtype=object)
    for applies, reason in rules:
        reasons[applies] = reason
    return list(reasons)


def _are_printed(layout: _Layout, ink: Ink) -> npt.NDArray[np.bool_]:
    """Find images (n,) whose straight lines from edge to edge are not the stem of a 1."""
    full = (layout.line_ink > MOST_LINE_INK) & ((layout.lines >= 2) | layout.slim)
    fine = [(layout.line_width <= width) & (layout.line_ink > share) for width, share in FINE_LINES]
    beside = (ink.parts >= 2) | ink.lined
    return np.asarray(full | (np.logical_or.reduce(fine) & beside))


def _are_specks(ink: Ink) -> npt.NDArray[np.bool_]:
    """Tell images (n,) of many parts that cover next to nothing."""
    few = [(ink.parts >= count) & (ink.share < share) for count, share in SPECKS]
    return np.asarray(np.logical_or.reduce(few))


def _measure(ink: Ink) -> _Layout:
    mask = ink.pixels > 127
    side = mask.shape[1]
    rows, columns = _counts(mask) / side >= FULL_LINE  # (n, side) each
    line_ink = np.zeros(len(mask))
    some = np.flatnonzero(rows.any(axis=1) | columns.any(axis=1))
    in_lines = mask[some] & (rows[some, :, None] | columns[some, None, :])
    line_ink[some] = in_lines.sum(axis=(1, 2)) / np.maximum(mask[some].sum(axis=(1, 2)), 1)
    opposite = (rows[:, 0] & rows[:, -1]) | (columns[:, 0] & columns[:, -1])
    size = ink.box[:, 2:] - ink.box[:, :2]
    share = size / (ink.frame[:, 2:] - ink.frame[:, :2])
    return _Layout(
        line_ink=line_ink,
        lines=_runs(rows) + _runs(columns),
        line_width=(rows.sum(axis=1) + columns.sum(axis=1)) / side,
        slim=(share[:, 0] <= SLIM) & (share[:, 1] == 1),
        framed=opposite,
        width_to_height=np.where(ink.parts > 0, size[:, 0] / np.maximum(size[:, 1], 1e-3), 1.0),
    )


def _counts(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Count the pixels of each row and of each column; shape (2, n, side)."""
    pixels = mask.astype(np.float32)
    ones = np.ones(mask.shape[2], np.float32)  # their product adds up whole numbers, exactly
    return np.stack([pixels @ ones, ones @ pixels])


def _stand_side_by_side(ink: Ink, looked_at: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell images (n,) with two parts or more that are about as high as all ink, one beside another."""
    found = np.zeros(len(ink.parts), np.bool_)
    candidates = np.flatnonzero(looked_at & (ink.parts >= 2) & (ink.parts <= MOST_PARTS))
    parts = connected_parts(ink.pixels[candidates] > 127)
    boxes = parts.boxes()
    for number, index in enumerate(candidates.tolist()):
        own = boxes[(parts.image == number) & (parts.area >= LEAST_PART_PX)]
        found[index] = _some_beside_another(own)
    return found


def _some_beside_another(boxes: npt.NDArray[np.intp]) -> bool:
    """Tell whether two tall neighbours of boxes (n, 4), left to right, hardly overlap."""
    if len(boxes) < 2:
        return False
    left, top, right, bottom = boxes[np.argsort(boxes[:, 0])].T
    tall = bottom - top >= TALL * (bottom.max() - top.min())
    left, right = left[tall], right[tall]
    overlap = right[:-1] - left[1:]
    narrower = np.minimum(right - left, np.roll(right - left, -1))[:-1]
    return bool((overlap <= MOST_OVERLAP * narrower).any())


def _runs(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count the runs of true values in each row."""
    steps = np.diff(flags.astype(np.int8), axis=1, prepend=0)
    return np.asarray((steps == 1).sum(axis=1))
