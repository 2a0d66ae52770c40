"""Remove the printed lines of ruled and squared paper."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
_Number = TypeVar("_Number", bound=np.generic)

LINE_END_PX = 4
"""Length at both ends of a row, in pixels, at which a printed line must be visible."""

LINE_COVERAGE = 0.9
"""Smallest visible share of a line."""

LEAST_LINE = 0.02
"""Darkness of a line worth removing, as a share of the darkest ink."""

THICKEST_LINE_PX = 2
"""Largest thickness of a line, of 32 pixels; wider dark regions are not lines."""

FRINGE = 0.25
"""Share of a line's darkness below which the row beside it is its blurred edge and does not count."""

PALEST_INK = 0.6
"""Printed lines are paler than this share of the darkest ink."""


def take_out_lines(difference: Floats) -> Mask:
    """Remove printed lines: rows or columns that are equally dark at both ends, and paler than ink.

    Removing lines by their length alone takes the bars of 2, 5 and 7 with them wherever a digit fills
    its frame.

    Parameters
    ----------
    difference : ndarray of shape (n, side, side)
        How much darker than its paper each pixel is; changed in place.

    Returns
    -------
    ndarray of shape (n,)
        Whether there were any.
    """
    found = np.zeros(len(difference), np.bool_)
    for axis in (1, 2) if len(difference) else ():
        least = (LEAST_LINE * difference.max(axis=(1, 2)))[:, None, None]
        some = np.flatnonzero(dark_along(difference > least, axis))
        difference[some], found_here = _without_lines_along(difference[some], axis)
        found[some] |= found_here
    return found


def dark_at_both_ends(dark: Mask) -> Mask:
    """Tell masks (n, side, side) with a row or column of which half of both ends is set.

    Quick, and true wherever a line is found: its level is the median of the paler end.
    """
    return dark_along(dark, 1) | dark_along(dark, 2)


def dark_along(dark: Mask, axis: int) -> Mask:
    """Do what `dark_at_both_ends` does, for rows (1) or columns (2)."""
    if axis == 1:
        eights = np.packbits(dark, axis=2)  # one byte is read faster than eight pixels
        first = _half_set()[eights[:, :, 0] >> LINE_END_PX]
        second = _half_set()[eights[:, :, -1] & (2**LINE_END_PX - 1)]
    else:
        first, second = (
            end.sum(axis=1, dtype=np.uint8) >= LINE_END_PX // 2
            for end in (dark[:, :LINE_END_PX], dark[:, -LINE_END_PX:])
        )
    return np.asarray((first & second).any(axis=1))


@cache
def _half_set() -> Mask:
    """Tell the numbers (16,) of which half the bits are set or more."""
    bits = np.unpackbits(np.arange(2**LINE_END_PX, dtype=np.uint8)[:, None], axis=1)
    return np.asarray(bits.sum(axis=1) >= LINE_END_PX // 2)


def _without_lines_along(difference: Floats, axis: int) -> tuple[Floats, Mask]:
    """The differences without lines along one axis, and whether there were any (n,); all in place."""
    rows = np.moveaxis(difference, axis, 1)  # (n, lines, across)
    ink = difference.max(axis=(1, 2))[:, None]
    level = np.minimum(_median_of(rows[:, :, :LINE_END_PX]), _median_of(rows[:, :, -LINE_END_PX:]))
    is_line = (level > LEAST_LINE * ink) & (level < PALEST_INK * ink)  # (n, lines), as `level` is
    # Few are left, so only these are examined from end to end.
    is_line[is_line] = (rows[is_line] > 0.5 * level[is_line][:, None]).mean(axis=1) > LINE_COVERAGE
    thin = _of_thin_lines(is_line, level)
    printed, shade = rows[thin], level[thin][:, None]  # (all thin lines, across)
    paler = np.maximum(printed - 1.2 * shade, 0)
    rows[thin] = np.where(printed < 1.5 * shade, paler, printed)
    return difference, np.asarray(thin.any(axis=1))


def _median_of(ends: Floats) -> Floats:
    """`np.median` of the four values along the last axis: the mean of the middle two."""
    a, b, c, d = np.moveaxis(ends, -1, 0)
    lower = np.maximum(np.minimum(a, b), np.minimum(c, d))
    upper = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return np.asarray((lower + upper) / 2)


def _of_thin_lines(is_line: Mask, level: Floats) -> Mask:
    """Tell lines (n, lines) that are thin, or the fringe of one that is."""
    beside = _with_rim(level, 1)
    core = is_line & (level >= FRINGE * np.maximum(beside[:, :-2], beside[:, 2:]))
    thin = _with_rim(core & _is_thin(core), 1)
    return np.asarray(thin[:, 1:-1] | (is_line & ~core & (thin[:, :-2] | thin[:, 2:])))


def _is_thin(is_line: Mask) -> Mask:
    """Tell lines (n, lines) of at most `THICKEST_LINE_PX` from darker regions."""
    wide = THICKEST_LINE_PX + 1
    ends = ~np.logical_and.reduce(_shifted(_with_rim(is_line, wide - 1), wide))
    # (n, lines + wide - 1): no run that is longer than allowed ends here
    return np.asarray(np.logical_and.reduce(_shifted(ends, wide)))


def _with_rim(values: npt.NDArray[_Number], width: int) -> npt.NDArray[_Number]:
    """Zeros at both ends of each row of `values` (n, lines)."""
    n, lines = values.shape
    padded = np.zeros((n, lines + 2 * width), values.dtype)
    padded[:, width:-width] = values
    return padded


def _shifted(values: Mask, count: int) -> list[Mask]:
    """Return the rows (n, m) shifted by 0 to `count` - 1 places; each (n, m - count + 1)."""
    width = values.shape[1] - count + 1
    return [values[:, start : start + width] for start in range(count)]
