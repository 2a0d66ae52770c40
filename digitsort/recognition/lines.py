"""Take printed lines out of a picture: those of ruled and squared paper."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

LINE_END_PX = 4
"""How far in from both ends of a row a printed line has to be seen."""

LINE_COVERAGE = 0.9
"""Share of the row in which it has to be seen."""

LEAST_LINE = 0.02
"""Darkness of a line worth removing, as a share of the darkest ink."""

THICKEST_LINE_PX = 2
"""Of 32; a dark region that is wider is no line."""

FRINGE = 0.25
"""Share of a line's darkness below which the row beside it is its blurred edge and does not count."""

PALEST_INK = 0.6
"""Printed lines are paler than this share of the darkest ink."""


def take_out_lines(difference: npt.NDArray[np.float32]) -> Mask:
    """Take printed lines out: what is equally dark at both ends of a row or column, and paler than ink.

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
    """As `dark_at_both_ends`, for rows (1) or columns (2)."""
    if axis == 1:
        eights = np.packbits(dark, axis=2)  # a byte of the whole is read faster than eight pixels of it
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


def _without_lines_along(
    difference: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.float32], Mask]:
    """The differences without lines along one axis, and whether there were any (n,)."""
    rows = np.moveaxis(difference, axis, 1)  # (n, lines, across)
    ends = [rows[:, :, :LINE_END_PX], rows[:, :, -LINE_END_PX:]]
    ink = rows.max(axis=(1, 2))[:, None, None]
    level = np.minimum(*(_median_of_each(end) for end in ends))[:, :, None]  # (n, lines, 1)
    through = (rows > 0.5 * level).mean(axis=2, keepdims=True) > LINE_COVERAGE
    is_line = through & (level > LEAST_LINE * ink) & (level < PALEST_INK * ink)
    thin = _of_thin_lines(is_line, level)
    printed = thin & (rows < 1.5 * level)
    cleaned = np.where(printed, np.maximum(rows - 1.2 * level, 0), rows)
    return np.moveaxis(cleaned, 1, axis), np.asarray(thin.any(axis=(1, 2)))


def _median_of_each(ends: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """`np.median` along the last axis, of an even number of values."""
    ordered = np.sort(ends, axis=-1)
    half = ordered.shape[-1] // 2
    return np.asarray((ordered[..., half - 1] + ordered[..., half]) / 2)


def _of_thin_lines(is_line: Mask, level: npt.NDArray[np.float32]) -> Mask:
    """Tell lines (n, lines, 1) that are thin, or the fringe of one that is."""
    beside = np.pad(level, ((0, 0), (1, 1), (0, 0)))
    core = is_line & (level >= FRINGE * np.maximum(beside[:, :-2], beside[:, 2:]))
    thin = np.pad(core & _is_thin(core), ((0, 0), (1, 1), (0, 0)))
    return np.asarray(thin[:, 1:-1] | (is_line & ~core & (thin[:, :-2] | thin[:, 2:])))


def _is_thin(is_line: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell lines (n, lines, 1) of at most `THICKEST_LINE_PX` from darker regions."""
    wide = THICKEST_LINE_PX + 1
    padded = np.pad(is_line[:, :, 0], ((0, 0), (wide - 1, wide - 1)))
    # (n, lines + wide - 1): a run longer than allowed ends here
    ends = np.asarray(np.lib.stride_tricks.sliding_window_view(padded, wide, axis=1).all(axis=2))
    thick = np.asarray(np.lib.stride_tricks.sliding_window_view(ends, wide, axis=1).any(axis=2))
    return ~thick[:, :, None]
