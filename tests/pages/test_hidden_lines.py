"""`digitsort.pages.hidden_lines`: lines that were missed, and strokes that were taken for lines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from digitsort.pages.hidden_lines import (
    Lattice,
    with_hidden_lines,
    with_outer_lines,
    without_strokes,
)
from digitsort.pages.ruling import Pixels

SIDE, LINE, STROKE = 60, 190, 60


def _ruled(widths: tuple[int, ...], heights: tuple[int, ...]) -> Pixels:
    """Return a page with faint ruling from (20, 20) on."""
    x, y = (20 + np.concatenate([[0], np.cumsum(sizes)]) for sizes in (widths, heights))
    page = np.full((y[-1] + 20, x[-1] + 20), 255, np.uint8)
    for here in x.tolist():
        cv2.line(page, (here, 20), (here, int(y[-1])), LINE, 2)
    for here in y.tolist():
        cv2.line(page, (20, here), (int(x[-1]), here), LINE, 2)
    return page


def _lattice(widths: tuple[int, ...], heights: tuple[int, ...]) -> Lattice:
    """Return cells two pixels inside their lines."""
    x, y = (20 + np.concatenate([[0], np.cumsum(sizes)]) for sizes in (widths, heights))
    return {
        (r, c): np.array(
            [
                [x[c] + 2, y[r] + 2],
                [x[c + 1] - 2, y[r] + 2],
                [x[c + 1] - 2, y[r + 1] - 2],
                [x[c] + 2, y[r + 1] - 2],
            ],
            np.float64,
        )
        for r in range(len(heights))
        for c in range(len(widths))
    }


def _soft(page: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(page, (0, 0), 1.5), np.uint8)


def _assert_near(found: Lattice, wanted: Lattice) -> None:
    assert found.keys() == wanted.keys()
    for at, quad in wanted.items():
        assert np.abs(found[at] - quad).max() < 5


@pytest.mark.parametrize("is_row", [False, True])
def test_a_line_that_was_missed_splits_cells(is_row: bool) -> None:
    """In columns and in rows, with a gap; the strokes beside it are darker, but end in their cell."""
    widths, heights = (SIDE,) * 4, (SIDE,) * 4
    page = _ruled(widths, heights)
    page[145:152, 20 + 2 * SIDE - 5 : 20 + 2 * SIDE + 6] = 255
    for row in range(4):
        cv2.line(page, (50, 34 + row * SIDE), (50, 66 + row * SIDE), STROKE, 4)
    missed = (SIDE, 2 * SIDE, SIDE)
    known = _lattice(widths, missed) if is_row else _lattice(missed, heights)
    _assert_near(with_hidden_lines(known, _soft(page)), _lattice(widths, heights))


@pytest.mark.parametrize("has_line", [False, True])
def test_a_missed_tooth_of_a_row_splits_a_cell(has_line: bool) -> None:
    widths = (SIDE,) * 5
    page = _ruled(widths, (SIDE,))
    if not has_line:
        cv2.line(page, (20 + 2 * SIDE, 25), (20 + 2 * SIDE, 15 + SIDE), 255, 4)
    found = with_hidden_lines(_lattice((SIDE, 2 * SIDE, SIDE, SIDE), (SIDE,)), _soft(page))
    assert len(found) == (5 if has_line else 4)


def test_strokes_are_no_lines() -> None:
    """A column is split where the digits of some of its rows have long strokes."""
    widths, heights = (50, 130, 80), (SIDE,) * 4
    page = _ruled(widths, heights)
    for row in range(3):
        cv2.line(page, (110, 36 + row * SIDE), (110, 64 + row * SIDE), STROKE, 4)
    split = _lattice((50, 40, 90, 80), heights)
    _assert_near(without_strokes(split, _soft(page)), _lattice(widths, heights))


def test_lines_that_are_faint_or_broken_stay() -> None:
    """A line that is missing in one row of four stays, and so does one of an even grid."""
    widths, heights = (50, 50, 80, 80), (SIDE,) * 4
    page = _ruled(widths, heights)
    cv2.line(page, (120, 26), (120, 74), 255, 4)
    lattice = _lattice(widths, heights)
    assert without_strokes(lattice, _soft(page)).keys() == lattice.keys()
    even = _lattice((SIDE,) * 4, heights)
    page = _ruled((SIDE, 2 * SIDE, SIDE), heights)
    assert without_strokes(even, _soft(page)).keys() == even.keys()


GRID = (SIDE,) * 5


def _without(lattice: Lattice, axis: int, *numbers: int) -> Lattice:
    return {at: quad for at, quad in lattice.items() if at[axis] not in numbers}


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("missed", [(0,), (4,), (0, 4), (3, 4)])
def test_rows_and_columns_at_the_rim_of_a_grid_are_added(axis: int, missed: tuple[int, ...]) -> None:
    whole = _lattice(GRID, GRID)
    found = with_outer_lines(_without(whole, axis, *missed), _soft(_ruled(GRID, GRID)))
    _assert_near(found, whole)


def test_a_line_beside_a_grid_is_no_part_of_it() -> None:
    """Most lines between the rows end before it."""
    known = _without(_lattice(GRID, GRID), 1, 4)
    page = _ruled(GRID, GRID)
    page[30 : 20 + 5 * SIDE - 30, 20 + 4 * SIDE + 8 : 20 + 5 * SIDE - 8] = 255
    assert with_outer_lines(known, _soft(page)).keys() == known.keys()


def test_nothing_is_added_where_the_outer_line_is_missing_or_columns_are_uneven() -> None:
    known = _without(_lattice(GRID, GRID), 1, 4)
    page = _ruled(GRID, GRID)
    page[:, 20 + 5 * SIDE - 3 :] = 255
    assert with_outer_lines(known, _soft(page)).keys() == known.keys()
    table = (SIDE, 2 * SIDE, SIDE, SIDE)
    known = _without(_lattice(table, GRID), 1, 3)
    assert with_outer_lines(known, _soft(_ruled(table, GRID))).keys() == known.keys()
