"""Save where the cells of a form are, and find them again on other scans of the same form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.files.regular import read_regular
from digitsort.labels.cells import MOST_DIGITS
from digitsort.pages.blocks import Block, Cell
from digitsort.pages.cutout import is_on_page

Points = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

NEAR = 0.25
"""Largest distance between a found cell and its place in the layout, as a share of the cell's shorter
side."""

LEAST_FOUND = 0.5
"""Smallest share of cells that must match for a layout to fit: of the cells found on the page, or of
those in the layout, whichever are fewer."""

ALIKE = 1.5
"""Longer by shorter side of two cells that may be the same."""

USUAL_ERROR = 0.004
"""Error of a found corner, by the distance of the outermost cell from the middle of all."""

BETTER = 0.6
"""Share of the errors of all corners that perspective leaves if the page has some: up to 0.45 in photos
of the sample form, and from 0.78 on flat pages."""

GROWING = 4
"""Times that a layout is fitted to all cells that the last fit matches."""

MOST_OFF, MOST_CELLS_OFF = 0.15, 0.05
"""Distance of a corner from that of the found cell, by the cell's shorter side, from which the layout
has a cell in the wrong place; and the share of such cells from which it fits badly. On scans and photos
of the sample form, no corner is off by more than 0.11. With a layout that keeps the perspective of the
photo, 12 % of the cells are off by more than 0.15."""

MOST_EDGES = 1_000
"""Largest number of edges of a field, across or down."""

MOST_PX = 1e6
"""Largest distance of an edge from the page's corner, in pixels."""

MOST_NAME_CHARS = 200
"""Length of the longest name of a field."""

MOST_SHOWN = 40
"""Characters of a wrong value that a message shows."""

MOST_CELLS = 20_000
"""Largest number of cells of a layout, each counted once for each digit in it. A sheet of A3 that is
squared in 5 mm has 5,000."""

MOST_BYTES = 2**20
"""Size of the largest layout file."""

MOST_DOTS = 1_000
"""Largest number of dots that are not in a number. The parser's memory grows with the square of the
length of a dotted key."""

MOST_PAIRS = 2**20
"""Pairs of cells that are compared at once: 64 MiB for their corners."""

FITS_NOTHING = "the layout does not fit this page"
FITS_BADLY = "the layout fits this page badly"
OFF_THE_PAGE = "a field of the layout is not on this page"

_KEYS = ("name", "kind", "digits", "x", "y")

HEAD = """\
# Where the cells of a form are, from `digitsort cut --save-layout`. You can edit this file:
# name    name of the field, shown in the column `field` of cells.csv
# kind    "digit" (one per cell), "number" (several digits, cut as one picture), "mark" or "ignore"
# digits  number of digits that share a cell without lines between them: each cell is cut into that many
# x, y    edges of the cells, left to right and top to bottom, in pixels of the page without its
#         tilt and perspective
"""


class FieldKind(StrEnum):
    """What is written in a field."""

    DIGIT = "digit"
    NUMBER = "number"
    MARK = "mark"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Field:
    """Rectangular block of cells of a form, given by the edges between its columns and rows.

    Attributes
    ----------
    name : str
    kind : FieldKind
    digits : int
        Digits that share a cell.
    x, y : tuple of float
        Edges of the columns and rows, ascending, in pixels of the page that the layout was made from.
    """

    name: str
    kind: FieldKind
    digits: int
    x: tuple[float, ...]
    y: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns between the ruling."""
        return len(self.y) - 1, len(self.x) - 1

    @property
    def count(self) -> int:
        """Number of cells that are cut."""
        rows, columns = self.shape
        return rows * columns * self.digits

    def ruled(self) -> Points:
        """Return the corners of the cells between the ruling, shape (n, 4, 2), row by row."""
        return _cells(self.x, self.y)

    def cells(self, to_page: Points, inside: float) -> Iterator[Cell]:
        """Yield the cells to cut from a page.

        Parameters
        ----------
        to_page : ndarray of shape (3, 3)
            Homography from the layout to the page.
        inside : float
            Size of a cell inside its ruled lines, divided by its size between the middles of the lines.
        """
        steps = np.arange(self.digits) / self.digits
        x = [left + (right - left) * s for left, right in pairwise(self.x) for s in steps]
        edges = (*x, self.x[-1])
        quads = _scaled(_mapped(_cells(edges, self.y), to_page), inside)
        columns = len(edges) - 1
        for at, quad in enumerate(quads):
            yield Cell(at // columns + 1, at % columns + 1, quad)


def _cells(x: Sequence[float], y: Sequence[float]) -> Points:
    return np.array(
        [
            [[left, top], [right, top], [right, bottom], [left, bottom]]
            for top, bottom in pairwise(y)
            for left, right in pairwise(x)
        ],
        np.float64,
    )


def _mapped(quads: Points, to_page: Points) -> Points:
    flat = quads.reshape(1, -1, 2).astype(np.float64)
    return np.asarray(cv2.perspectiveTransform(flat, to_page), np.float64).reshape(quads.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """Fields of a form.

    Attributes
    ----------
    fields : tuple of Field
    """

    fields: tuple[Field, ...]

    def on_page(self, found: Sequence[Block], shape: tuple[int, ...]) -> tuple[Block, ...]:
        """Return the cells of the layout on a page, a block for each field that is cut.

        The layout is aligned with the cells that were found on the page.

        Parameters
        ----------
        found : sequence of Block
            From `find_blocks`.
        shape : tuple of int
            Height and width of the page.

        Returns
        -------
        tuple of Block

        Raises
        ------
        LayoutError
            If the layout does not fit, or a field that is cut is not on the page.
        """
        to_page = self._registered(found)
        if to_page is None:
            raise LayoutError(FITS_NOTHING)
        inside = 1 / _growth(found)
        blocks = tuple(
            Block(tuple(field.cells(to_page, inside)), field.name, field.kind)
            for field in self.fields
            if field.kind is not FieldKind.IGNORE
        )
        for block in blocks:
            if not all(is_on_page(cell.corners, shape) for cell in block.cells):
                raise LayoutError(f"{OFF_THE_PAGE}: {printable(block.field[:MOST_SHOWN])}")
        return blocks

    def _registered(self, found: Sequence[Block]) -> Points | None:
        """Return the homography to the page that matches most cells; None if they are too few."""
        mine = np.concatenate([field.ruled() for field in self.fields])
        its = _scaled(_corners(found), _growth(found))
        best: tuple[Places, Places] | None = None
        for to_page in self._guesses(found):
            pairs = _grown(mine, its, to_page)
            if best is None or len(pairs[0]) > len(best[0]):
                best = pairs
        if best is None or len(best[0]) < LEAST_FOUND * min(len(mine), len(its)):
            return None
        here, there = mine[best[0]].reshape(-1, 2), its[best[1]].reshape(-1, 2)
        fitted, _ = cv2.findHomography(here, there, cv2.RANSAC, ransacReprojThreshold=_near_px(there))
        return None if fitted is None else np.asarray(fitted, np.float64)

    def _guesses(self, found: Sequence[Block]) -> Iterator[Points]:
        """Yield the homography between each field and each found block of the same shape.

        Also yield the affine map: in a single row, errors of a pixel look like perspective.
        """
        for field in self.fields:
            rows, columns = field.shape
            for block in found:
                if (block.rows, block.columns) != (rows, columns):
                    continue
                quads = {(cell.row - 1, cell.column - 1): cell.corners for cell in block.cells}
                pairs = [
                    (quad, quads[at // columns, at % columns])
                    for at, quad in enumerate(field.ruled())
                    if (at // columns, at % columns) in quads
                ]
                here, there = (np.concatenate(some) for some in zip(*pairs, strict=True))
                guess, _ = cv2.findHomography(here, there, 0)
                if guess is not None:
                    yield np.asarray(guess, np.float64)
                affine, *_ = np.linalg.lstsq(np.column_stack([here, np.ones(len(here))]), there)
                yield np.vstack([affine.T, [0.0, 0.0, 1.0]])


class LayoutError(ValueError):
    """Error of a layout on a page; its text is the reason."""


def fits_badly(cells: Sequence[Block], found: Sequence[Block]) -> bool:
    """Return whether cells of a layout are not where cells were found on the page.

    Cells are compared with the found cell in the same place, if there is one of about the same size.
    """
    mine, its = _corners(cells), _corners(found)
    sides, others = _shorter_sides(mine), _shorter_sides(its)
    middles = its.mean(axis=1)
    compared = off = 0
    for quad, side in zip(mine, sides, strict=True):
        apart = np.hypot(*(middles - quad.mean(axis=0)).T)
        nearest = int(apart.argmin())
        if apart[nearest] > side / 2 or not 1 / ALIKE < others[nearest] / side < ALIKE:
            continue
        compared += 1
        off += bool(np.hypot(*(its[nearest] - quad).T).max() > MOST_OFF * side)
    return off > MOST_CELLS_OFF * compared


def _shorter_sides(quads: Points) -> Points:
    return np.asarray(np.hypot(*np.moveaxis(quads - np.roll(quads, -1, axis=1), -1, 0)).min(axis=1))


def _corners(blocks: Sequence[Block]) -> Points:
    """Return the corners of all cells of the blocks, shape (n, 4, 2)."""
    return np.array([cell.corners for block in blocks for cell in block.cells]).reshape(-1, 4, 2)


def _scaled(quads: Points, factor: float) -> Points:
    """Scale each cell about its middle."""
    middles = quads.mean(axis=1, keepdims=True)
    return np.asarray(middles + (quads - middles) * factor)


def _growth(blocks: Sequence[Block]) -> float:
    """Return the cells' size between the middles of their lines, divided by their size inside them."""
    factors = [1.0]
    for block in blocks:
        quads = {(cell.row, cell.column): cell.corners for cell in block.cells}
        for (row, column), quad in quads.items():
            beside = quads.get((row, column + 1))
            if beside is not None:
                gap = np.hypot(*(beside[[0, 3]] - quad[[1, 2]]).T).mean()
                factors.append(1 + float(gap / np.hypot(*(quad[1] - quad[0]))))
    return float(np.median(factors[1:] or factors))


def _near_px(corners: Points) -> float:
    quads = corners.reshape(-1, 4, 2)
    return float(NEAR / 2 * np.median(np.hypot(*(quads[:, 1] - quads[:, 0]).T)))


def _grown(mine: Points, its: Points, to_page: Points) -> tuple[Places, Places]:
    """Return the cells of a layout, and of a page, that match, after fitting them a few times."""
    pairs = _pairs(_mapped(mine, to_page), its)
    for _ in range(GROWING):
        here, there = pairs
        if len(here) in (0, len(mine)):
            break
        again, _ = cv2.findHomography(mine[here].reshape(-1, 2), its[there].reshape(-1, 2), 0)
        more = pairs if again is None else _pairs(_mapped(mine, np.asarray(again)), its)
        if len(more[0]) <= len(here):
            break
        pairs = more
    return pairs


def _pairs(mine: Points, its: Points) -> tuple[Places, Places]:
    """Return the places of the cells of a layout, and of a page, whose corners are near each other."""
    sides = _shorter_sides(mine)
    nearest = np.zeros(len(mine), np.intp)
    is_near = np.zeros(len(mine), np.bool_)
    step = max(1, MOST_PAIRS // len(its))
    for start in range(0, len(mine), step):
        some = slice(start, start + step)
        apart = np.hypot(*np.moveaxis(mine[some, None] - its, -1, 0)).max(axis=-1)
        nearest[some] = apart.argmin(axis=1)
        is_near[some] = apart.min(axis=1) <= NEAR * sides[some]
    return np.flatnonzero(is_near), nearest[is_near]


def layout_of(blocks: Iterable[Block]) -> Layout:
    """Return the layout of a page: one field for each block, without the page's tilt and perspective.

    The lines of a form are parallel to its edges, so the layout of a photo is that of a flat scan, but
    for the scale of each axis.
    """
    blocks = tuple(blocks)
    flat = _flattened(_scaled(_corners(blocks), _growth(blocks)), blocks)
    fields = []
    start = 0
    for number, block in enumerate(blocks, 1):
        quads = flat[start : start + len(block.cells)]
        start += len(block.cells)
        rows, columns = _numbers_of(block)
        x = _edges(quads[:, :, 0], columns, (0, 3), (1, 2))
        y = _edges(quads[:, :, 1], rows, (0, 1), (2, 3))
        fields.append(Field(f"block {number}", FieldKind.DIGIT, 1, x, y))
    return Layout(tuple(fields))


def _numbers_of(block: Block) -> tuple[Places, Places]:
    """Return the row and the column of each cell."""
    places = np.array([(cell.row, cell.column) for cell in block.cells], np.intp)
    return places[:, 0], places[:, 1]


def _flattened(quads: Points, blocks: Sequence[Block]) -> Points:
    """Map all cells so that the edges of each row are level, and those of each column upright.

    Rotation, shear and perspective are fitted; a page without perspective is only rotated.
    """
    from scipy.optimize import least_squares  # only for the page whose layout is saved

    turned = _upright(quads)
    middle = turned.reshape(-1, 2).mean(axis=0)
    reach = float(np.abs(turned - middle).max())
    places = ((turned - middle) / reach).reshape(-1, 2)
    lines = _lines_of(blocks)

    def apart(warp: Points) -> Points:
        flat = _warped(places, warp)
        return np.concatenate([_off_line(flat[:, axis], lines[axis]) for axis in (0, 1)])

    fitted = least_squares(apart, np.zeros(4), loss="huber", f_scale=USUAL_ERROR)
    if np.abs(fitted.fun).sum() > BETTER * np.abs(apart(np.zeros(4))).sum():
        return turned
    return np.asarray(_warped(places, fitted.x) * reach + middle).reshape(quads.shape)


def _warped(places: Points, warp: Points) -> Points:
    """Return where points are, given shear, rotation and perspective; shape (n, 2)."""
    shear, turn, *perspective = warp
    linear = np.array([[1, turn], [shear, 1]])
    return np.asarray(places @ linear / (1 + places @ np.array(perspective))[:, None])


def _lines_of(blocks: Sequence[Block]) -> tuple[Places, Places]:
    """Return the number of the upright and of the level line that each corner of each cell is on."""
    upright, level = [], []
    for number, block in enumerate(blocks):
        rows, columns = (numbers + number * MOST_EDGES * 2 for numbers in _numbers_of(block))
        upright.append(columns[:, None] + np.array([0, 1, 1, 0]))
        level.append(rows[:, None] + np.array([0, 0, 1, 1]))
    first, second = (
        np.unique(np.concatenate(lines).ravel(), return_inverse=True)[1] for lines in (upright, level)
    )
    return first, second


def _off_line(values: Points, lines: Places) -> Points:
    """Return the distance of each value from the mean of its line."""
    means = np.bincount(lines, values) / np.bincount(lines)
    return np.asarray(values - means[lines])


def _upright(quads: Points) -> Points:
    """Rotate all cells about their common middle so that most upper sides are level."""
    top = quads[:, 1] - quads[:, 0]
    angle = float(np.median(np.arctan2(top[:, 1], top[:, 0])))
    cos, sin = np.cos(-angle), np.sin(-angle)
    middle = quads.reshape(-1, 2).mean(axis=0)
    return np.asarray((quads - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle)


def _edges(
    values: Points, numbers: npt.NDArray[np.int64], low: tuple[int, ...], high: tuple[int, ...]
) -> tuple[float, ...]:
    """Return the edges between rows or columns, each the median of the cell sides that lie along it."""
    count = int(numbers.max())
    edges = []
    for edge in range(count + 1):
        ends = values[numbers == edge][:, high].ravel()
        starts = values[numbers == edge + 1][:, low].ravel()
        edges.append(round(float(np.median(np.concatenate([ends, starts]))), 1))
    return tuple(edges)


def toml_of(layout: Layout) -> str:
    """Return the text of a layout file."""
    return HEAD + "".join(
        f'\n[[field]]\nname = "{field.name}"\nkind = "{field.kind}"\ndigits = {field.digits}\n'
        f"x = {list(field.x)}\ny = {list(field.y)}\n"
        for field in layout.fields
    )


def read_layout(path: Path) -> Layout:
    """Read a layout file.

    Raises
    ------
    UsageError
        If it can't be read, or is not a valid layout; the message names the field.
    """
    name = printable(str(path))
    try:
        return _layout(_parsed(read_regular(path, MOST_BYTES)))
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"Can't read {name}: {reason}. Name a layout file.") from error
    except ValueError as error:
        raise UsageError(
            f"{name} is not a valid layout: {error}. `digitsort cut --save-layout` writes an example."
        ) from error


def _parsed(content: bytes) -> Mapping[str, Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    if len(re.findall(r"\.(?!\d+\s*[,\]\n#])", text)) > MOST_DOTS:
        raise ValueError(f"it has more than {MOST_DOTS:,} dots outside of numbers")
    if re.search(r"\d{100}", text):
        raise ValueError("it has a number with 100 digits")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("its brackets are nested too deep") from error


def _layout(content: Mapping[str, Any]) -> Layout:
    _check_keys(content, ("field",), "the file")
    fields = content.get("field")
    if not isinstance(fields, list) or not fields or not all(isinstance(each, dict) for each in fields):
        raise ValueError("it has no [[field]]")
    layout = Layout(tuple(_field(number, field) for number, field in enumerate(fields, 1)))
    count = sum(field.count for field in layout.fields)
    if count > MOST_CELLS:
        raise ValueError(f"it has {count:,} cells, more than {MOST_CELLS:,}")
    return layout


def _field(number: int, content: Mapping[str, Any]) -> Field:
    where = f"field {number}"
    _check_keys(content, _KEYS, where)
    name = content.get("name", where)
    if not isinstance(name, str):
        raise ValueError(f"the name of {where} is not a text")
    if printable(name) != name or len(name) > MOST_NAME_CHARS:
        raise ValueError(
            f"the name of {where} has control characters or more than {MOST_NAME_CHARS} characters"
        )
    kind = content.get("kind", FieldKind.DIGIT)
    if kind not in tuple(FieldKind):
        raise ValueError(f"the kind of {where} is {_shown(kind)}, not one of {', '.join(FieldKind)}")
    digits = content.get("digits", 1)
    if not isinstance(digits, int) or isinstance(digits, bool) or not 1 <= digits <= MOST_DIGITS:
        raise ValueError(
            f"the digits of {where} are {_shown(digits)}, not a number from 1 to {MOST_DIGITS}"
        )
    x, y = (_numbers(content, axis, where) for axis in "xy")
    return Field(name, FieldKind(kind), digits, x, y)


def _check_keys(content: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    unknown = [key for key in content if key not in known]
    if unknown:
        raise ValueError(
            f"{where} has the unknown key {_shown(unknown[0])}; the keys are {', '.join(known)}"
        )


def _shown(value: object) -> str:
    """Return a value as a message shows it, shortened."""
    if isinstance(value, int) and abs(value) >= MOST_PX:  # its digits may be too many to write
        return "a very large number"
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _numbers(content: Mapping[str, Any], axis: str, where: str) -> tuple[float, ...]:
    values = content.get(axis)
    if not isinstance(values, list) or not 2 <= len(values) <= MOST_EDGES:
        raise ValueError(f"{where} has no list of 2 to {MOST_EDGES:,} edges in {axis}")
    if not all(type(value) in (int, float) and abs(value) < MOST_PX for value in values):
        raise ValueError(f"{axis} of {where} has an edge that is not a number of pixels")
    if any(high - low < 2 for low, high in pairwise(values)):
        raise ValueError(f"{axis} of {where} has edges that do not ascend by 2 pixels or more")
    return tuple(map(float, values))
