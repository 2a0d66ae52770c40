"""Find lines of a block's ruling that were missed, within it and around it, and drop strokes of digits.

A line of ruling goes through all cells of a row or column. A stroke does not: it ends within its cell.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from digitsort.pages.ruling import Pixels

Floats = npt.NDArray[np.float64]
Index = tuple[int, int]
Lattice = dict[Index, Floats]
"""Corners of cells, shape (4, 2), by row and column; clockwise from the top left."""

LEAST_WIDE_PX = 14
"""Smallest distance of neighbouring lines, in working pixels."""

COVERED, COVERED_IN_ROW, COVERED_BETWEEN = 90, 60, 80
"""Percentage of a line that has to be seen: through a column, where the other cells of a single row say
that it is there, and between two cells."""

LEAST_DARKER = 4.0
"""Gray levels by which a line is darker than what is beside it."""

AS_DARK = 0.35
"""Darkness of a line, by the usual one of the block, from which it is added."""

FAINT, MOST_DARK = 0.35, 0.5
"""Darkness of a stroke that was taken for a line, by the usual one of the block: in a quarter of the
rows, and on average."""

EVEN = 0.25
"""Share by which the width of a column differs at most from the usual one in an even grid."""

BESIDE_PX = (4, 7)
"""Distances, in working pixels, from a line at which the paper beside it is looked at."""

ALONG = 16
"""Places along a cell's side at which a line is looked for."""

ENOUGH_LINES = 8
"""Number of columns' lines that tell how dark a block's lines are; twice as many at most."""

LEAST_OUTER = 3
"""Smallest number of rows and of columns of a block that may get another one at its rim."""

OUTER = 0.2
"""Share of a column's width by which the line around the next column may be off its place."""

LEAST_CROSSED = 0.8
"""Share of the lines between the rows that have to go on to a column that is added at the rim."""


def with_hidden_lines(lattice: Lattice, soft: Pixels) -> Lattice:
    """Split cells through which lines go, in both directions.

    Parameters
    ----------
    lattice : dict of (int, int) to ndarray of shape (4, 2)
    soft : ndarray of shape (height, width), uint8
        The page without its grain.
    """
    turned = _turned(_split(lattice, soft))
    return _turned(_split(turned, soft))


def without_strokes(lattice: Lattice, soft: Pixels) -> Lattice:
    """Join cells between which there is no line in most rows, or columns; halves are left out."""
    turned = _turned(_joined(lattice, soft))
    return _turned(_joined(turned, soft))


def with_outer_lines(lattice: Lattice, soft: Pixels) -> Lattice:
    """Add columns and rows at the rim of an even grid, if its lines go on to one more line there."""
    for _ in range(2):
        lattice = _turned(_mirrored(_wider(_mirrored(_wider(lattice, soft)), soft)))
    return lattice


def _mirrored(lattice: Lattice) -> Lattice:
    """Exchange left and right."""
    return {(row, -column): quad[[1, 0, 3, 2]] for (row, column), quad in sorted(lattice.items())}


def _wider(lattice: Lattice, soft: Pixels) -> Lattice:
    """Return a lattice with all columns that are found to the right of it."""
    while True:
        column = _next_column(lattice, soft)
        if not column:
            return lattice
        lattice = lattice | column


def _next_column(lattice: Lattice, soft: Pixels) -> Lattice:
    """Return the cells of another column to the right; empty if there is none."""
    rows, columns = ({at[axis] for at in lattice} for axis in (0, 1))
    last = max(columns)
    widths = np.array([_width(lattice, column) for column in columns])
    wide, gap = _width(lattice, last), _gap(lattice, last)
    is_even = np.abs(widths - np.median(widths)).max() <= EVEN * np.median(widths)
    is_whole = len(lattice) == len(rows) * len(columns)
    if not (is_even and is_whole and min(len(rows), len(columns)) >= LEAST_OUTER):
        return {}
    shares = np.arange(2 - OUTER, 2 + gap + OUTER, 1 / wide)
    quads = np.array([lattice[row, last] for row in sorted(rows)])
    darkness = _darkness(_levels(quads, shares, soft))
    seen = np.percentile(darkness, 100 - COVERED, axis=1)
    place = int(seen.argmax())
    if seen[place] < LEAST_DARKER or seen[place] < AS_DARK * _usual_darkness(lattice, soft):
        return {}
    right = float(shares[place]) - gap / 2
    column = {(row, last + 1): _part(lattice[row, last], 1 + gap, right) for row in rows}
    crossed = _seen_below(_turned(column), soft)
    least = max(LEAST_DARKER, AS_DARK * _usual_darkness(_turned(lattice), soft))
    return column if (crossed >= least).mean() >= LEAST_CROSSED else {}


def _gap(lattice: Lattice, last: int) -> float:
    """Return the median distance of the last column from the one before, by its width."""
    gaps = [
        quad[[0, 3]] - lattice[row, last - 1][[1, 2]]
        for (row, column), quad in lattice.items()
        if column == last and (row, last - 1) in lattice
    ]
    return float(np.median(np.hypot(*np.concatenate(gaps).T))) / _width(lattice, last) if gaps else 0.0


def _seen_below(row: Lattice, soft: Pixels) -> Floats:
    """Return how dark the lines between the cells of a row are."""
    columns = sorted(column for _, column in row)
    return np.concatenate([_between(row, here, there, soft) for here, there in pairwise(columns)])


def _turned(lattice: Lattice) -> Lattice:
    """Exchange rows and columns; the corners stay clockwise for a mirrored page."""
    return {(c, r): quad[[0, 3, 2, 1]] for (r, c), quad in sorted(lattice.items())}


def _split(lattice: Lattice, soft: Pixels) -> Lattice:
    """Split columns through which upright lines go."""
    columns = sorted({column for _, column in lattice})
    usual = _usual_darkness(lattice, soft)
    widths = {column: _width(lattice, column) for column in columns}
    split: Lattice = {}
    first = 0
    for column in columns:
        cells = {row: quad for (row, c), quad in lattice.items() if c == column}
        others = [widths[c] for c in columns if c != column]
        places = [0.0, *_lines_through(list(cells.values()), soft, usual, others), 1.0]
        for number, (left, right) in enumerate(pairwise(places)):
            for row, quad in cells.items():
                split[row, first + number] = _part(quad, left, right)
        first += len(places) - 1
    return split


def _width(lattice: Lattice, column: int) -> float:
    sides = [quad[[1, 2]] - quad[[0, 3]] for (_, c), quad in lattice.items() if c == column]
    return float(np.median(np.hypot(*np.concatenate(sides).T)))


def _part(quad: Floats, left: float, right: float) -> Floats:
    """Return the part of a cell between two shares of its width."""
    top, foot = quad[1] - quad[0], quad[2] - quad[3]
    return np.array(
        [quad[0] + left * top, quad[0] + right * top, quad[3] + right * foot, quad[3] + left * foot]
    )


def _lines_through(cells: list[Floats], soft: Pixels, usual: float, others: list[float]) -> list[float]:
    """Return where upright lines go through the cells of a column, as shares of its width."""
    quads = np.array(cells)
    wide = float(np.median(np.hypot(*(quads[:, 1] - quads[:, 0]).T)))
    if wide < 2 * LEAST_WIDE_PX:
        return []
    count = int(wide)
    shares = (np.arange(count) + 0.5) / count
    darkness = _darkness(_levels(quads, shares, soft))  # (count, n)
    least = max(LEAST_DARKER, AS_DARK * usual)
    is_row = len(cells) == 1
    seen = np.percentile(darkness, 100 - (COVERED_IN_ROW if is_row else COVERED), axis=1)
    found: list[int] = []
    for place in np.argsort(-seen, kind="stable").tolist():
        if seen[place] < least:
            break
        if all(abs(place - other) >= LEAST_WIDE_PX for other in (-1, count, *found)):
            found.append(place)
    places = sorted(float(shares[place]) for place in found)
    if is_row and not _is_like_others(np.diff([0.0, *places, 1.0]) * wide, others):
        return []
    return places


def _is_like_others(widths: Floats, others: list[float]) -> bool:
    """Return whether all parts of a cell are as wide as the other cells of its row."""
    usual = float(np.median(others)) if len(others) > 1 else 0.0
    return bool((np.abs(widths - usual) <= EVEN * usual).all())


def _levels(quads: Floats, shares: Floats, soft: Pixels) -> Floats:
    """Return the levels of cells on upright lines, shape (shares, n * ALONG)."""
    along = np.linspace(0.06, 0.94, ALONG)
    tops = quads[:, 0, None] + shares[:, None] * (quads[:, 1] - quads[:, 0])[:, None]  # (n, s, 2)
    feet = quads[:, 3, None] + shares[:, None] * (quads[:, 2] - quads[:, 3])[:, None]
    points = tops[:, :, None] + along[:, None] * (feet - tops)[:, :, None]  # (n, s, a, 2)
    whole = np.clip(np.rint(points).astype(int), 0, np.array(soft.shape[::-1]) - 1)
    levels = soft[whole[..., 1], whole[..., 0]].astype(np.float64)
    return np.asarray(np.moveaxis(levels, 0, 1).reshape(len(shares), -1))


def _darkness(levels: Floats) -> Floats:
    """Return how much darker each place is than the darker of its sides; shape as `levels`."""
    near, far = BESIDE_PX
    padded = np.pad(levels, ((far, far), (0, 0)), "edge")

    def moved(by: int) -> Floats:
        return np.asarray(padded[far + by : far + by + len(levels)])

    here = np.minimum.reduce([moved(by) for by in (-1, 0, 1)])
    before = np.maximum.reduce([moved(-by) for by in range(near, far + 1)])
    after = np.maximum.reduce([moved(by) for by in range(near, far + 1)])
    return np.asarray(np.minimum(before, after) - here)


def _usual_darkness(lattice: Lattice, soft: Pixels) -> float:
    """Return the median darkness of lines between neighbours in a row; 0 if there are none."""
    columns = sorted({column for _, column in lattice})
    pairs = list(pairwise(columns))
    some = pairs[:: max(1, len(pairs) // ENOUGH_LINES)]
    seen = [_between(lattice, here, there, soft) for here, there in some]
    return float(np.median(np.concatenate(seen))) if any(map(len, seen)) else 0.0


def _between(lattice: Lattice, here: int, there: int, soft: Pixels) -> Floats:
    """Return how dark the line between two columns is in each row, 0 where a cell is missing."""
    rows = Counter(row for row, column in lattice if column in (here, there))
    alone = np.zeros(sum(count == 1 for count in rows.values()))
    pairs = [
        np.array([quad[1], lattice[row, there][0], lattice[row, there][3], quad[2]])
        for (row, column), quad in lattice.items()
        if column == here and (row, there) in lattice
    ]
    if not pairs:
        return alone[:0]
    gaps = np.array(pairs)  # (n, 4, 2)
    wide = float(np.median(np.hypot(*(gaps[:, 1] - gaps[:, 0]).T)))
    reach = BESIDE_PX[1] + 2
    count = int(wide) + 2 * reach
    shares = np.asarray((np.arange(count) + 0.5 - reach) / max(wide, 1.0), np.float64)
    darkness = _darkness(_levels(gaps, shares, soft))[reach - 2 : count - reach + 2]
    per_row = darkness.reshape(len(darkness), len(gaps), ALONG)
    seen = np.percentile(per_row, 100 - COVERED_BETWEEN, axis=2).max(axis=0)
    return np.concatenate([seen, alone])


def _joined(lattice: Lattice, soft: Pixels) -> Lattice:
    """Join columns between which there is no line."""
    columns = sorted({column for _, column in lattice})
    if len({row for row, _ in lattice}) < 2 or len(columns) < 3:
        return lattice
    widths = [_width(lattice, column) for column in columns]
    typical = float(np.median(widths))
    is_even = [abs(width - typical) <= EVEN * typical for width in widths]
    uneven = [pair for n, pair in enumerate(pairwise(columns)) if not all(is_even[n : n + 2])]
    usual = _usual_darkness(lattice, soft) if uneven else 0.0
    for here, there in uneven:
        if _is_stroke(_between(lattice, here, there, soft), usual):
            return _joined(_without_line(lattice, here, there), soft)
    return lattice


def _is_stroke(seen: Floats, usual: float) -> bool:
    """Return whether a line is faint in most rows, and not there in some."""
    if not len(seen):
        return False
    return bool(np.percentile(seen, 25) < FAINT * usual and seen.mean() < MOST_DARK * usual)


def _without_line(lattice: Lattice, here: int, there: int) -> Lattice:
    joined: Lattice = {}
    for (row, column), quad in lattice.items():
        if column not in (here, there):
            joined[row, column - (column > here)] = quad
        elif column == here and (row, there) in lattice:
            other = lattice[row, there]
            joined[row, here] = np.array([quad[0], other[1], other[2], quad[3]])
    return joined
