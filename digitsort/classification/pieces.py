"""Cut the ink of a number into pieces, of which each digit is one or several.

The connected parts of the ink are pieces. A wide part is cut along seams: paths from top to bottom that
cross little ink. They may go sideways between two strokes, so that an overhanging digit can be cut from
its neighbour. A digit has several seams; `numbers` chooses those between digits.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.plural import plural
from digitsort.recognition.background import otsu
from digitsort.recognition.canvas import Gray

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

HEIGHT_PX = 40
"""Height to which the ink of a number is scaled."""

MOST_WIDTH_PX = 4_000
"""Largest width of a number at that height; wider ink is compressed."""

SPECK = 0.015
"""A part with less area than this share of the squared height of the ink is a speck."""

SIGN_HEIGHT = 0.35
"""A part lower than this share of the height of the ink is a dot, a comma or a minus sign."""

SIGN_BELOW = 0.35
"""The middle of such a sign lies further from the top than this share of the height of the ink."""

WIDE = 0.35
"""A part at least this wide, as a share of the height of the ink, may be more than one digit."""

SOFT_PX = 2
"""How far the soft edge of a stroke is followed."""

MOST_PIECES = 8
"""Largest number of pieces in a group."""

WIDEST_DIGIT = 1.1
"""Width of the widest digit, as a share of the height of the ink."""

WIDEST_GAP_PX = 20
"""Gaps between pieces that are wider count as being so wide."""

MOST_ALL = 240
"""Largest number of pieces in a picture. A picture with more is texture: no digits are found."""

MOST_PARTS = 1_000
"""Largest number of parts that are no specks, signs among them; with more, a picture is texture too."""

END_PX = 3
"""Smallest distance of the place where a seam crosses the ink from the ends of the part, in pixels."""

SEAMS_PER_HEIGHT = 6
"""Most seams in a stretch as wide as the ink is high. Of touching digits, 99.8 % overlap with a group
of pieces by 0.9 or more; with 7 as many, with 5 99.4 %. This and the other values for seams were chosen
on numbers of digits from MNIST's first half that the default model has not learned from."""

TRIES_PER_SEAM = 40
"""Most places that are tried for each seam that is wanted."""

MOST_CROSSED = 0.2
"""Largest cost of a seam, as a share of the height of the ink."""

DARKNESS_POWER = 4
"""Exponent of the darkness in the cost of a pixel. Where two strokes only touch, their ink is a
little paler, and the seam should follow that valley even if the way across one stroke is shorter. With
an exponent of 1, 1.0 % of the touching digits of the part `fit` in `benchmarks.numbers` overlap with no
group by 0.85 or more; with 2, 0.6 %; with 4, 0.2 %."""

PRICE_OF_STEP, PRICE_OF_SLANT = 0.02, 0.01
"""What each pixel of a seam costs, and what a diagonal step costs more. A pixel full of ink costs 1."""

LEAST_PX = 20
"""Smallest area of a piece, in pixels."""

APART_PX = 40
"""Smallest area of ink between two seams, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Pieces of the ink of a number, from left to right.

    Attributes
    ----------
    dark : ndarray of shape (height, width), float64
        Darkness, 0 to 255.
    pieces : ndarray of shape (height, width), intp
        Number of the piece of each pixel, from 1; 0 for paper.
    is_cut : ndarray of shape (n + 1,), bool
        Whether there is a cut, not a gap, before each piece and after the last one.
    left, right, top, bottom : ndarray of shape (n,), intp
        First and last column and row of each piece.
    note : str
        What was left out, such as "left out: 1 sign"; empty if nothing was.
    """

    dark: Floats
    pieces: Labels
    is_cut: npt.NDArray[np.bool_]
    left: Labels
    right: Labels
    top: Labels
    bottom: Labels
    note: str = ""

    @classmethod
    def of(cls, dark: Floats, pieces: Labels, is_cut: Sequence[bool], note: str = "") -> Strip:
        """Return the strip of these pieces."""
        from scipy import ndimage

        boxes = ndimage.find_objects(pieces)
        edges = [(x.start, x.stop - 1, y.start, y.stop - 1) for y, x in boxes]
        left, right, top, bottom = np.array(edges, np.intp).reshape(-1, 4).T
        return cls(dark, pieces, np.array(is_cut, np.bool_), left, right, top, bottom, note)

    @classmethod
    def empty(cls, dark: Floats) -> Strip:
        """Return the strip of a picture without pieces."""
        return cls.of(dark, np.zeros(dark.shape, np.intp), [False])

    @property
    def count(self) -> int:
        """Number of pieces."""
        return len(self.is_cut) - 1

    def spans(self) -> list[tuple[int, int]]:
        """Return the groups of pieces that may be one digit, as (first piece, piece after the last)."""
        return [
            (start, stop)
            for start in range(self.count)
            for stop in range(start + 1, min(start + MOST_PIECES, self.count) + 1)
            if stop == start + 1 or self._width_px(start, stop) <= WIDEST_DIGIT * HEIGHT_PX + 1
        ]

    def _width_px(self, start: int, stop: int) -> int:
        return int(self.right[start:stop].max() - self.left[start:stop].min()) + 1

    def cuts(self) -> tuple[Floats, Floats]:
        """Return how many pairs of pixels touch across each boundary of pieces, and how dark they are.

        Returns
        -------
        lengths : ndarray of shape (n + 1,)
        darkness : ndarray of shape (n + 1,)
            Sum over these pairs: 1 for a pair in a dark stroke, much less where strokes only touch.
        """
        lengths, darkness = np.zeros(self.count + 2), np.zeros(self.count + 2)
        levels = (self.dark / 255) ** DARKNESS_POWER
        for pieces, dark in zip(_neighbours(self.pieces), _neighbours(levels), strict=True):
            low, high = np.minimum(*pieces), np.maximum(*pieces)
            is_pair = (low != high) & (low > 0)
            level = np.minimum(*dark)[is_pair]
            for ends, sign in ((low[is_pair], 1), (high[is_pair], -1)):
                lengths += sign * np.bincount(ends, minlength=len(lengths))
                darkness += sign * np.bincount(ends, level, len(darkness))
        # Sums of floats need not end at 0.
        return np.cumsum(lengths)[:-1], np.maximum(np.cumsum(darkness)[:-1].round(9), 0.0)

    def gaps(self) -> Floats:
        """Return the smallest gap along a row before each piece and after the last one; shape (n + 1,).

        It is a share of `WIDEST_GAP_PX`; 1 if there is no ink on one side, or if the gap is wider.
        """
        rows, columns = np.nonzero(self.pieces)
        piece = self.pieces[rows, columns]
        is_pair = (rows[1:] == rows[:-1]) & (piece[1:] != piece[:-1])
        gap = (np.diff(columns) - 1)[is_pair]
        first, second = np.minimum(piece[1:], piece[:-1])[is_pair], np.abs(np.diff(piece))[is_pair]
        smallest = np.full(self.count + 1, float(WIDEST_GAP_PX))
        for further in range(int(second.max(initial=0))):
            is_over = second > further
            np.minimum.at(smallest, first[is_over] + further, gap[is_over])
        return smallest / WIDEST_GAP_PX

    def picture(self, start: int, stop: int) -> Gray:
        """Return a picture of the pieces from `start` up to `stop`, with a margin."""
        from scipy import ndimage

        margin = HEIGHT_PX // 5
        first, end = self.left[start:stop].min(), self.right[start:stop].max() + 1
        near = slice(max(first - SOFT_PX, 0), end + SOFT_PX)
        pieces = self.pieces[:, near]
        is_mine = (pieces > start) & (pieces <= stop)
        rows = np.flatnonzero(is_mine.any(axis=1))
        # The soft edge of a stroke is part of its shape.
        side = 2 * SOFT_PX + 1
        is_soft = ndimage.binary_dilation(is_mine, np.ones((side, side))) & ((pieces == 0) | is_mine)
        ink = np.pad(np.where(is_soft, self.dark[:, near], 0.0), margin)
        left = first - near.start
        inside = ink[
            rows[0] : rows[-1] + 1 + 2 * margin,
            left : left + end - first + 2 * margin,
        ]
        return np.asarray(255 - np.clip(inside, 0, 255), np.uint8)


_Values = TypeVar("_Values", bound=np.generic)


def _neighbours(
    values: npt.NDArray[_Values],
) -> list[tuple[npt.NDArray[_Values], npt.NDArray[_Values]]]:
    """Return the values of all pairs of pixels that touch, also at a corner."""
    return [
        (values[:, :-1], values[:, 1:]),
        (values[:-1], values[1:]),
        (values[:-1, :-1], values[1:, 1:]),
        (values[:-1, 1:], values[1:, :-1]),
    ]


def strip_of(gray: Gray) -> Strip:
    """Cut the ink of a number into pieces."""
    from scipy import ndimage

    dark = _scaled(darkness_of(gray))
    mask = ink_of(dark)
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return Strip.empty(dark)
    boxes = ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    rows, columns = (np.array([(box[axis].start, box[axis].stop) for box in boxes]) for axis in (0, 1))
    heights = rows[:, 1] - rows[:, 0]
    tall = int(heights.max())
    is_ink = areas >= SPECK * tall**2
    if np.count_nonzero(is_ink) > MOST_PARTS:
        return Strip.empty(dark)
    is_low = rows.mean(axis=1) > SIGN_BELOW * len(dark)  # above it is the bar of a 5
    is_short = heights < SIGN_HEIGHT * tall
    is_sign = is_ink & is_low & is_short
    is_sign[is_sign] = ~_overlap_some(columns[is_sign], columns[~is_short])
    signs = int(is_sign.sum())
    kept = np.flatnonzero(is_ink & ~is_sign)
    groups = _side_by_side(columns[kept], kept)
    if len(groups) > MOST_ALL:
        return Strip.empty(dark)
    pieces = np.zeros(labels.shape, np.intp)
    is_cut = [False]
    for group in groups:
        part = np.isin(labels, np.array(group) + 1)
        for number, piece in enumerate(_cut(part, dark)):
            if number:
                is_cut[-1] = True
            pieces[piece] = len(is_cut)
            is_cut.append(False)
    if len(is_cut) > MOST_ALL:
        return Strip.empty(dark)
    return Strip.of(dark, pieces, is_cut, f"left out: {plural(signs, 'sign')}" if signs else "")


def darkness_of(gray: Gray) -> Floats:
    """Return how much darker than the paper each pixel is, 0 to 255."""
    levels = np.asarray(gray, np.float64)
    if gray.dtype == np.uint16:
        levels = levels / 257
    elif gray.dtype != np.uint8:
        levels = levels * 255
    paper = float(np.median(levels))
    if paper < 128:  # light on dark
        levels, paper = 255 - levels, 255 - paper
    dark = np.clip(paper - levels, 0, None)
    most = float(np.percentile(dark, 99.5))
    return np.clip(dark * (255 / max(most, 1.0)), 0, 255) if most >= 20 else np.zeros_like(dark)


def ink_of(dark: Floats) -> Mask:
    """Return which pixels are ink."""
    counts = np.bincount(np.asarray(dark, np.uint8).ravel(), minlength=256)
    if not counts[32:].any():
        return np.zeros(dark.shape, np.bool_)
    threshold, _ = otsu(np.cumsum(counts)[None])
    return dark > max(float(threshold[0]), 32.0)


def _scaled(dark: Floats) -> Floats:
    """Crop to the ink, and scale it to a height of `HEIGHT_PX`."""
    mask = ink_of(dark)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros((HEIGHT_PX, HEIGHT_PX))
    cut = dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = min(MOST_WIDTH_PX, max(1, round(cut.shape[1] * HEIGHT_PX / cut.shape[0])))
    image = Image.fromarray(np.asarray(cut, np.float32)).resize(
        (width, HEIGHT_PX), Image.Resampling.BICUBIC
    )
    return np.pad(np.clip(np.asarray(image, np.float64), 0, 255), 1)


def _overlap_some(columns: Labels, others: Labels) -> npt.NDArray[np.bool_]:
    """Tell which parts lie above or below a taller one: the bar of a 5 is not a minus sign."""
    left, right = columns.T
    overlap = np.minimum(right[:, None], others[:, 1]) - np.maximum(left[:, None], others[:, 0])
    return np.asarray((overlap > 0.3 * (right - left)[:, None]).any(axis=1))


def _side_by_side(columns: Labels, numbers: Labels) -> list[list[int]]:
    """Group the parts from left to right; parts above each other are one group."""
    groups: list[list[int]] = []
    ends: list[tuple[int, int]] = []
    for at in np.argsort(columns[:, 0], kind="stable").tolist():
        left, right = columns[at].tolist()
        if ends:
            start, stop = ends[-1]
            if min(stop, right) - left > 0.5 * min(right - left, stop - start):
                groups[-1].append(int(numbers[at]))
                ends[-1] = start, max(stop, right)
                continue
        groups.append([int(numbers[at])])
        ends.append((left, right))
    return groups


def _cut(part: Mask, dark: Floats) -> list[Mask]:
    """Cut a part along its seams, from left to right."""
    columns = np.flatnonzero(part.any(axis=0))
    left, end = int(columns[0]), int(columns[-1]) + 1
    if end - left < WIDE * HEIGHT_PX:
        return [part]
    near = slice(max(left - 1, 0), end + 1)
    rest = part[:, near]
    across = np.arange(rest.shape[1])
    pieces = []
    for seam in _seams(rest, dark[:, near]):
        is_left = across <= seam[:, None]
        pieces.append(rest & is_left)
        rest = rest & ~is_left
    return [_widened(piece, near, part.shape) for piece in [*pieces, rest]]


def _widened(piece: Mask, near: slice, shape: tuple[int, ...]) -> Mask:
    whole = np.zeros(shape, np.bool_)
    whole[:, near] = piece
    return whole


def _seams(part: Mask, dark: Floats) -> list[Labels]:
    """Return the seams of a part from left to right: the last column to the left of it, per row.

    Each seam is the cheapest path through a pixel of the ink. The pixels are tried in the order of that
    cost, so the first seams cross the thinnest or palest places. A seam that would cross cheaper ones
    follows them instead, so that these cut exactly where they are.
    """
    cost = PRICE_OF_STEP + np.where(part, (dark / 255) ** DARKNESS_POWER, 0.0)
    down, up = _costs_down(cost), _costs_down(cost[::-1])
    places = _places(part, down + up[::-1] - cost)
    inked = np.cumsum(part, axis=1)
    rows = np.arange(len(part))
    is_tried = np.zeros(part.shape, np.bool_)
    lists = cost.tolist(), down.tolist(), cost[::-1].tolist(), up.tolist()
    most = min(max(2, SEAMS_PER_HEIGHT * part.shape[1] // HEIGHT_PX), MOST_ALL)
    # The first and the last one are the sides of the part.
    seams = [np.zeros(len(part), np.intp), np.full(len(part), part.shape[1] - 1, np.intp)]
    inks = [0, int(inked[:, -1].sum())]  # to the left of each seam
    tries = TRIES_PER_SEAM * most
    for row, column in places:
        if is_tried[row, column]:
            continue
        path = _path(lists, row, column)
        for at, (first, last) in enumerate(path):
            is_tried[at, first : last + 1] = True
        is_tried[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
        seam = np.array([last for _, last in path], np.intp)
        at = min(max(bisect(inks, int(inked[rows, seam].sum())), 1), len(seams) - 1)
        seam = seam.clip(seams[at - 1], seams[at])
        ink = int(inked[rows, seam].sum())
        least_left = LEAST_PX if at == 1 else APART_PX
        least_right = LEAST_PX if at == len(seams) - 1 else APART_PX
        if ink - inks[at - 1] >= least_left and inks[at] - ink >= least_right:
            seams.insert(at, seam)
            inks.insert(at, ink)
        tries -= 1
        if len(seams) == most + 2 or not tries:
            break
    return seams[1:-1]


def _places(part: Mask, through: Floats) -> list[tuple[int, int]]:
    """Return the pixels of the ink where a seam may cross it, the cheapest first."""
    inside = part.copy()
    inside[:, : END_PX + 1] = False
    inside[:, -END_PX - 1 :] = False
    rows, columns = np.nonzero(inside & (through <= MOST_CROSSED * HEIGHT_PX))
    order = np.argsort(through[rows, columns], kind="stable")
    return list(zip(rows[order].tolist(), columns[order].tolist(), strict=True))


def _costs_down(cost: Floats) -> Floats:
    """Return the cost of the cheapest path from the top to each pixel: down, slanted or sideways."""
    total = np.empty_like(cost)
    total[0] = cost[0]
    rightwards, leftwards = np.cumsum(cost, axis=1), np.cumsum(cost[:, ::-1], axis=1)[:, ::-1]
    above = np.full(cost.shape[1] + 2, np.inf)
    for row in range(1, len(cost)):
        above[1:-1] = total[row - 1]
        slanted = np.minimum(above[:-2], above[2:]) + PRICE_OF_SLANT
        entry = np.minimum(above[1:-1], slanted) + cost[row]
        right, left = rightwards[row], leftwards[row]
        from_left = right + np.minimum.accumulate(entry - right)
        from_right = left + np.minimum.accumulate((entry - left)[::-1])[::-1]
        total[row] = np.minimum(from_left, from_right)
    return total


_Rows = list[list[float]]


def _path(lists: tuple[_Rows, _Rows, _Rows, _Rows], row: int, column: int) -> list[tuple[int, int]]:
    """Return first and last column, per row, of the cheapest path through a pixel."""
    cost, down, cost_up, up = lists
    above = _path_up(cost, down, row, column)
    below = _path_up(cost_up, up, len(cost) - 1 - row, column)
    first, last = above[0], below[0]  # both of the pixel's own row
    own = min(first[0], last[0]), max(first[1], last[1])
    return [*above[:0:-1], own, *below[1:]]


def _path_up(cost: _Rows, total: _Rows, row: int, column: int) -> list[tuple[int, int]]:
    """Return first and last column of the cheapest path from a pixel to the top, from `row` upwards."""
    path = []
    while True:
        first = last = column
        above = _above(cost, total, row, column)
        while above is None:
            is_from_left = column and total[row][column - 1] + cost[row][column] <= (
                total[row][column] + EXACT
            )
            column += -1 if is_from_left else 1
            first, last = min(first, column), max(last, column)
            above = _above(cost, total, row, column)
        path.append((first, last))
        if not row:
            return path
        row, column = row - 1, above


EXACT = 1e-9
"""Largest difference of two sums of the same costs in another order."""


def _above(cost: _Rows, total: _Rows, row: int, column: int) -> int | None:
    """Return the column above from which the cheapest path comes; None if it comes from the side.

    In the first row, where paths begin, it is the column itself.
    """
    if not row:
        return column
    line = total[row - 1]
    best, at = line[column], column
    for other in (column - 1, column + 1):
        if 0 <= other < len(line) and line[other] + PRICE_OF_SLANT < best:
            best, at = line[other] + PRICE_OF_SLANT, other
    return at if best + cost[row][column] <= total[row][column] + EXACT else None
