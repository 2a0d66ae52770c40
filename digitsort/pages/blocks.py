"""Find the cells that a page's ruling encloses, and order them in blocks of rows and columns."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitsort.pages.between_lines import LEAST_CELLS, MOST_STEP, cells_of
from digitsort.pages.hidden_lines import with_hidden_lines, with_outer_lines, without_strokes
from digitsort.pages.lines import Ruling
from digitsort.pages.ruling import Matrix, Pixels, Sheet, ink_of, lines_in, ruling_of, sheet_of

Quad = npt.NDArray[np.float64]
"""Corners of a cell: top left, top right, bottom right, bottom left; shape (4, 2), as x and y."""

LEAST_SIDE_PX = 14
"""Shorter side, in working pixels, of the smallest cell: letters enclose smaller areas."""

MOST_SHARE = 0.2
"""Share of the page that the largest cell may have; a larger area is a frame around everything."""

MOST_ASPECT = 6.0
"""Longer side of a cell by its shorter side."""

LEAST_FILLED = 0.8
"""Share of its own four-sided outline that a cell fills; other shapes do not."""

MOST_REGIONS = 20_000
"""Enclosed areas that are looked at; a page with more is texture."""

LENGTHS = (32, 50, 80)
"""Shares of the longer side of a page at which lines of ruling are looked for, each 1/n."""

OFFSETS = (6.0, 3.0, 12.0)
"""Gray levels by which ink is darker than the paper, in the order in which they are tried."""

ENOUGH_CELLS = 20
"""Cells of a full block that ends the search: letters never make so many."""

ALMOST_ALL = 0.98
"""Worth of full blocks, by the number of their cells, at which no other length of lines is tried."""

NEAR, MISPLACED, MOST_MISPLACED = 0.15, 0.4, 0.4
"""Distance from its place up to which a cell says where the others are, and from which it is not in its
place, both by its side; and the share of cells that may be out of place."""

ALIKE = 0.2
"""Share by which widths and heights differ at most where all cells of a block have one size."""

ALMOST_FULL = 0.8
"""Share of a block of cells of one size that has to be found for the others to be there for certain."""

LEAST_CONTRAST = 8.0
"""Gray levels by which ruling is darker than the cells, where it is faintest. Photographed puzzles have
at least 18 (the first half of the pages of `benchmarks.pages`), noise at most 3."""

LEAST_EVEN = 0.8
"""Faintest darkness of a line by its median one, for most sides of a block. Ruling has at least 0.86,
lines of text 0.75 (in pages of `benchmarks.made_pages` with the seeds 101 and 103)."""

LEAST_LIGHT = 170.0
"""Level of the paper in a cell, of 255 for the paper around it."""

STRONG = 0.6
"""Contrast, by that of most sides of a block, from which a side is certainly ruling: thin lines
between thick ones have half of it."""

LEAST_EVIDENCE = 0.45
"""Share of each side of a missing cell that has to lie on ink."""

HALF_AS_MANY, LARGE = 0.5, 0.95
"""Worth and area of a block between straight lines, by those of the areas that the ruling encloses
there, from which it is the better one: strokes split areas, and lines that are broken join them."""

RIM_PX = 10
"""Distance, in working pixels, from its cells up to which a block's own lines are."""

Index = tuple[int, int]
"""Row and column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Cell of a block.

    Attributes
    ----------
    row, column : int
        From 1.
    corners : ndarray of shape (4, 2)
        In pixels of the page, inside the ruling: top left, top right, bottom right, bottom left.
    """

    row: int
    column: int
    corners: Quad


@dataclass(frozen=True, slots=True)
class Block:
    """Cells that belong together: a grid, a table, a comb or a row of boxes.

    Attributes
    ----------
    cells : tuple of Cell
        Row by row.
    field : str
        Name of the field, if the block comes from a layout.
    kind : str
        What is written in its cells: "digit", "number" or "mark" (see `layout.FieldKind`).
    """

    cells: tuple[Cell, ...]
    field: str = ""
    kind: str = "digit"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return max(cell.row for cell in self.cells)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return max(cell.column for cell in self.cells)


def find_blocks(gray: Pixels) -> list[Block]:
    """Find the blocks of cells on a page, from top to bottom and left to right.

    The ruling is looked for in several ways; the one that encloses the most cells is used.

    Parameters
    ----------
    gray : ndarray of shape (height, width), uint8
        The page, ink darker than paper.
    """
    sheet = sheet_of(gray)
    calm = np.asarray(cv2.GaussianBlur(sheet.flat, (0, 0), 1.0), np.uint8)  # grain makes no lines
    soft = np.asarray(cv2.GaussianBlur(sheet.flat, (0, 0), 1.5), np.uint8)
    outlines: Outlines = {}
    longer = max(sheet.flat.shape)
    best: list[dict[Index, Quad]] = []
    most = 0.0
    for offset in OFFSETS:
        ink = ink_of(calm, offset)
        for share in (LENGTHS[-1], *LENGTHS[:-1]):
            lattices = _lattices(ink, soft, longer // share, outlines)
            found = _outermost([lattice for lattice in lattices if _is_ruled(lattice, soft)])
            worth = _worth(found, soft)
            if worth > most:
                best, most = found, worth
            if _is_full(best) and most > ALMOST_ALL * sum(map(len, best)):
                break  # longer lines enclose no more cells than the shortest ones
        if _is_full(best):
            break
    ink = ink_of(calm, OFFSETS[0])
    lines = lines_in(ink, max(9, longer // LENGTHS[-1]))
    best = _with_better(best, _between_lines(lines, ink, soft, best), soft)
    best = _with_rims(_apart(best, ink, soft), soft)
    return [_block(lattice, sheet) for lattice in _in_reading_order(best)]


def _between_lines(
    lines: tuple[Pixels, Pixels], ink: Pixels, soft: Pixels, known: list[dict[Index, Quad]]
) -> list[dict[Index, Quad]]:
    """Return the blocks between straight lines that cross, except for known ones that are complete."""
    across, down = lines
    for lattice in known:
        if _is_full([lattice]) and not _goes_on(lattice, across, down):
            hull = _hull(lattice)
            for mask in (across, down):
                cv2.fillConvexPoly(mask, hull, 0)
                cv2.polylines(mask, [hull], True, 0, 2 * RIM_PX)
    quads = np.array(cells_of(Ruling(across, down, ink, soft))).reshape(-1, 4, 2)
    if len(quads) < LEAST_CELLS:
        return []
    lattices = [lattice for lattice in _joined(quads) if len(lattice) >= LEAST_CELLS]
    thick = _thick(ink)
    lattices = [_relined(lattice, thick, soft) for lattice in lattices if not _is_flat(lattice)]
    lattices = [lattice for lattice in lattices if len(lattice) >= LEAST_CELLS]
    return _outermost([lattice for lattice in lattices if _is_ruled(lattice, soft)])


def _is_flat(lattice: dict[Index, Quad]) -> bool:
    """Return whether this is a single row of wide cells: a frame's rim beside a grid makes some."""
    across, down = np.median([_sides(quad) for quad in lattice.values()], axis=0).tolist()
    return len({row for row, _ in lattice}) == 1 and across > MOST_STEP * down


def _hull(lattice: dict[Index, Quad]) -> npt.NDArray[np.int32]:
    return np.asarray(cv2.convexHull(np.concatenate(list(lattice.values())).astype(np.int32)), np.int32)


def _goes_on(lattice: dict[Index, Quad], across: Pixels, down: Pixels) -> bool:
    """Return whether lines of a block go on beyond its cells."""
    hull = _hull(lattice)
    rim = np.zeros_like(across)
    cv2.polylines(rim, [hull], True, 255, 2 * RIM_PX + 6)
    cv2.polylines(rim, [hull], True, 0, 2 * RIM_PX)
    cv2.fillConvexPoly(rim, hull, 0)
    count, _ = cv2.connectedComponents(cv2.bitwise_and(cv2.bitwise_or(across, down), rim))
    return count - 1 >= LEAST_CELLS


def _with_better(
    best: list[dict[Index, Quad]], others: list[dict[Index, Quad]], soft: Pixels
) -> list[dict[Index, Quad]]:
    """Return blocks, and in place of some of them the ones between lines that have more cells."""
    for other in others:
        there = [lattice for lattice in best if _overlap(lattice, other)]
        worth, known = _worth([other], soft), _worth(there, soft)
        is_larger = _area([other]) >= LARGE * _area(there)
        is_more = worth > known + 1 and len(other) > sum(map(len, there))
        if is_more if _is_full(there) else is_larger and worth >= HALF_AS_MANY * known:
            best = [lattice for lattice in best if not any(lattice is one for one in there)]
            best.append(other)
    return _outermost(best)


def _apart(lattices: list[dict[Index, Quad]], ink: Pixels, soft: Pixels) -> list[dict[Index, Quad]]:
    """Drop cells that lie in cells of a larger block, and join what is left of such blocks."""
    kept: list[dict[Index, Quad]] = []
    for lattice in sorted(lattices, key=len, reverse=True):
        taken = [quad for other in kept for quad in other.values()]
        kept.append({at: quad for at, quad in lattice.items() if not _is_in_one(quad, taken)})
    if sum(map(len, kept)) == sum(map(len, lattices)):
        return lattices
    thick = _thick(ink)
    quads = np.array([quad for lattice in kept for quad in lattice.values()])
    joined = [_relined(_filled(lattice, thick), thick, soft) for lattice in _joined(quads)]
    joined = [one for one in joined if len(one) >= LEAST_CELLS and _is_ruled(one, soft)]
    kept = [lattice for lattice in kept if len(lattice) >= LEAST_CELLS]
    return joined if _worth(joined, soft) > _worth(kept, soft) else kept


def _with_rims(lattices: list[dict[Index, Quad]], soft: Pixels) -> list[dict[Index, Quad]]:
    """Return blocks with rows and columns whose outer line was missed, if no other block is there."""
    wider = [_from_zero(with_outer_lines(lattice, soft)) for lattice in lattices]
    return [
        new if not any(_overlap(new, other) for other in lattices if other is not old) else old
        for old, new in zip(lattices, wider, strict=True)
    ]


def _is_in_one(quad: Quad, others: list[Quad]) -> bool:
    """Return whether the middle of a cell lies in one of some cells."""
    x, y = quad.mean(axis=0).tolist()
    return any(cv2.pointPolygonTest(other.astype(np.float32), (x, y), False) > 0 for other in others)


def _area(lattices: list[dict[Index, Quad]]) -> float:
    return sum(float(cv2.contourArea(_hull(lattice))) for lattice in lattices)


def _overlap(one: dict[Index, Quad], other: dict[Index, Quad]) -> bool:
    """Return whether the middle of a cell of one block lies in the other."""
    return any(
        _surrounds(home, quad.mean(axis=0))
        for home, guest in ((one, other), (other, one))
        for quad in guest.values()
    )


def _is_full(lattices: list[dict[Index, Quad]]) -> bool:
    return bool(lattices) and all(
        len(lattice) >= ENOUGH_CELLS and _fullness(lattice) == 1 for lattice in lattices
    )


def _worth(lattices: list[dict[Index, Quad]], soft: Pixels) -> float:
    """Return the number of cells, less for gaps in a block and for cells with a weak side.

    The strokes of a digit may split a cell in two, but they are not as dark and long as the ruling.
    """
    return sum((_strength(lattice, soft) * _fullness(lattice) for lattice in lattices), 0.0)


def _strength(lattice: dict[Index, Quad], soft: Pixels) -> float:
    sides = _sorted_contrasts(lattice, soft)
    return float(np.clip(sides[:, 0] / (STRONG * np.median(sides)), 0, 1).sum())


def _fullness(lattice: dict[Index, Quad]) -> float:
    rows, columns = zip(*lattice, strict=True)
    return float(len(lattice) / ((max(rows) + 1) * (max(columns) + 1)))


def _lattices(ink: Pixels, soft: Pixels, length: int, outlines: Outlines) -> list[dict[Index, Quad]]:
    ruling = ruling_of(ink, max(9, length))
    enclosed = np.array(_enclosed(ruling, outlines)).reshape(-1, 4, 2)
    quads = enclosed[np.sort(_contrasts(enclosed, soft), axis=1)[:, 1] >= LEAST_CONTRAST / 2]
    if len(quads) < LEAST_CELLS:
        return []
    ruled = [_without_gaps(lattice, soft) for lattice in _joined(quads)]
    thick = _thick(ink)
    lattices = [_straightened(_filled(lattice, thick)) for lattice in ruled]
    lattices = [_relined(lattice, thick, soft) for lattice in lattices if len(lattice) >= 2]
    return [lattice for lattice in lattices if len(lattice) >= LEAST_CELLS]


def _relined(lattice: dict[Index, Quad], thick: Pixels, soft: Pixels) -> dict[Index, Quad]:
    """Drop lines that are only strokes, and add lines that were missed, if all cells are ruled then."""
    joined = without_strokes(lattice, soft)
    if len(joined) < len(lattice):
        joined = _filled(joined, thick)
    split = with_hidden_lines(joined, soft)
    if len(split) > len(joined):
        joined = _filled(split, thick)
    is_changed = joined and joined.keys() != lattice.keys()
    return _from_zero(joined if is_changed and _is_ruled(joined, soft) else lattice)


def _thick(ink: Pixels) -> Pixels:
    return np.asarray(cv2.dilate(ink, np.ones((7, 7), np.uint8)), np.uint8)


Outlines = dict[tuple[int, bytes], Quad | None]
"""Corners of shapes that were seen before on the same page, by their width and pixels: most areas are
enclosed alike, however the ruling is looked for."""


def _enclosed(ruling: Pixels, outlines: Outlines) -> list[Quad]:
    """Return the outline of each four-sided area that the ruling encloses."""
    height, width = ruling.shape
    count, areas, stats, _ = cv2.connectedComponentsWithStats(cv2.bitwise_not(ruling), connectivity=4)
    quads = []
    for number in range(1, min(count, MOST_REGIONS)):
        left, top, across, down, area = (int(value) for value in stats[number])
        touches = left == 0 or top == 0 or left + across == width or top + down == height
        is_sized = min(across, down) >= LEAST_SIDE_PX and area < MOST_SHARE * height * width
        if touches or not is_sized or max(across, down) > MOST_ASPECT * min(across, down) * 1.3:
            continue
        shape = np.asarray(areas[top : top + down, left : left + across] == number, np.uint8)
        key = across, shape.tobytes()
        if key not in outlines:
            outlines[key] = _outline(shape)
        quad = outlines[key]
        if quad is not None:
            quads.append(quad + np.array([left, top]))
    return quads


def _outline(shape: Pixels) -> Quad | None:
    """Return the corners of a shape; None if it is not four-sided.

    Each side is fitted to the outline's points away from the corners, which ink may round.
    """
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)[:, 0, :].astype(np.float64)
    box = _upright_box(outline)
    if min(_sides(box)) < LEAST_SIDE_PX:
        return None
    around = box.mean(axis=0)
    across, down = (box[1] - box[0]) / 2, (box[3] - box[0]) / 2
    place = np.linalg.solve(np.column_stack([across, down]), (outline - around).T).T
    lines = []
    for axis, sign in ((1, -1), (0, 1), (1, 1), (0, -1)):  # top, right, bottom, left
        is_on = (np.abs(place[:, 1 - axis]) < 0.75) & (sign * place[:, axis] > 0.6)
        points = outline[is_on]
        if len(points) < 4:
            return None
        lines.append(_line(points))
    top, right, bottom, left = lines
    corners = [
        _crossing(left, top),
        _crossing(top, right),
        _crossing(right, bottom),
        _crossing(bottom, left),
    ]
    quad = np.array(corners)
    area = cv2.contourArea(quad.astype(np.float32))
    filled = cv2.contourArea(outline.astype(np.float32))
    if not np.isfinite(quad).all() or area <= 0 or not LEAST_FILLED < filled / area < 1.2:
        return None
    return quad


def _upright_box(outline: Quad) -> Quad:
    """Return the smallest rectangle around points: top left corner first, then clockwise."""
    box = np.asarray(cv2.boxPoints(cv2.minAreaRect(outline.astype(np.float32))), np.float64)
    box = box[np.argsort(np.arctan2(*(box - box.mean(axis=0)).T[::-1]), kind="stable")]
    first = int(np.argmin(box.sum(axis=1)))
    return np.roll(box, -first, axis=0)


def _line(points: Quad) -> tuple[Quad, Quad]:
    """Return a point and the direction of the line through most of the points."""
    x, y, at_x, at_y = cv2.fitLine(points.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    return np.array([at_x, at_y], float), np.array([x, y], float)


def _crossing(one: tuple[Quad, Quad], other: tuple[Quad, Quad]) -> Quad:
    (a, u), (b, v) = one, other
    cross = u[0] * v[1] - u[1] * v[0]
    if abs(cross) < 0.3:
        return np.full(2, np.nan)
    along = ((b - a)[0] * v[1] - (b - a)[1] * v[0]) / cross
    return np.asarray(a + along * u)


def _sides(quad: Quad) -> tuple[float, float]:
    """Return the mean width and height of a cell."""
    across = np.hypot(*(quad[1] - quad[0])) + np.hypot(*(quad[2] - quad[3]))
    down = np.hypot(*(quad[3] - quad[0])) + np.hypot(*(quad[2] - quad[1]))
    return float(across) / 2, float(down) / 2


@dataclass(frozen=True, slots=True)
class _Link:
    """Two cells side by side: `there` has the index of `here` plus `step`."""

    here: int
    there: int
    step: Index
    is_alike: bool


def _links(quads: npt.NDArray[np.float64]) -> list[_Link]:
    """Find the right and the lower neighbour of each cell; quads has the shape (n, 4, 2)."""
    sizes = np.array([_sides(quad) for quad in quads])  # (n, 2)
    links = []
    for axis, (mine, its), step in (
        (0, ((1, 2), (0, 3)), (0, 1)),
        (1, ((3, 2), (0, 1)), (1, 0)),
    ):
        ends = quads[:, mine].mean(axis=1)  # (n, 2)
        starts = quads[:, its].mean(axis=1)
        for here in range(len(quads)):
            apart = starts - ends[here]
            least = np.minimum(sizes[:, axis], sizes[here, axis])
            same = sizes[:, 1 - axis] / sizes[here, 1 - axis]
            beside = np.abs(apart[:, 1 - axis]) < 0.25 * sizes[here, 1 - axis]
            near = (apart[:, axis] > -0.2 * least) & (apart[:, axis] < 0.6 * least)
            fits = beside & near & (same > 0.75) & (same < 1 / 0.75)
            fits[here] = False
            if fits.any():
                there = int(np.argmin(np.where(fits, np.abs(apart[:, axis]), np.inf)))
                ratio = sizes[there, axis] / sizes[here, axis]
                links.append(_Link(here, there, step, bool(0.7 < ratio < 1 / 0.7)))
    return links


def _joined(quads: npt.NDArray[np.float64]) -> list[dict[Index, Quad]]:
    """Order cells in lattices: first cells of the same size, then columns and rows of other sizes."""
    links = _links(quads)
    groups = list(_groups(range(len(quads)), [link for link in links if link.is_alike]))
    groups = _merged(groups, [link for link in links if not link.is_alike])
    lattices = []
    for group in groups:
        low = np.array(list(group)).min(axis=0).tolist()
        lattices.append(
            {(r - low[0], c - low[1]): quads[cell] for (r, c), cell in sorted(group.items())}
        )
    return [_without_misfits(lattice) for lattice in lattices if len(lattice) >= 2]


def _groups(cells: Iterable[int], links: list[_Link]) -> Iterator[dict[Index, int]]:
    """Yield the cells that links connect, by row and column; one that would be second is left out."""
    beside = defaultdict(list)
    for link in links:
        beside[link.here].append((link.there, link.step))
        beside[link.there].append((link.here, (-link.step[0], -link.step[1])))
    seen: set[int] = set()
    for first in cells:
        if first in seen:
            continue
        group = {(0, 0): first}
        waiting = deque([(first, (0, 0))])
        seen.add(first)
        while waiting:
            here, (row, column) = waiting.popleft()
            for there, (down, across) in beside[here]:
                at = row + down, column + across
                if there not in seen and at not in group:
                    seen.add(there)
                    group[at] = there
                    waiting.append((there, at))
        yield group


def _merged(groups: list[dict[Index, int]], links: list[_Link]) -> list[dict[Index, int]]:
    """Merge groups that lie side by side, by the offset that most of the links between them name."""
    place = {cell: (number, at) for number, group in enumerate(groups) for at, cell in group.items()}
    votes: Counter[tuple[int, int, Index]] = Counter()
    for link in links:
        (one, here), (other, there) = place[link.here], place[link.there]
        if one != other:
            offset = here[0] + link.step[0] - there[0], here[1] + link.step[1] - there[1]
            votes[one, other, offset] += 1
    moved = {number: (number, (0, 0)) for number in range(len(groups))}
    merged = {number: dict(group) for number, group in enumerate(groups)}
    for (one, other, offset), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        (home, shift), (guest, its) = moved[one], moved[other]
        if home == guest:
            continue
        step = shift[0] + offset[0] - its[0], shift[1] + offset[1] - its[1]
        coming = {(r + step[0], c + step[1]): cell for (r, c), cell in merged[guest].items()}
        if coming.keys() & merged[home].keys():
            continue
        merged[home] |= coming
        del merged[guest]
        for number, (where, by) in moved.items():
            if where == guest:
                moved[number] = home, (by[0] + step[0], by[1] + step[1])
    return list(merged.values())


def _without_misfits(lattice: dict[Index, Quad]) -> dict[Index, Quad]:
    """Leave out cells that reach into their neighbours: two cells between which a line is missing."""
    kept = {}
    lines = _lines_of(lattice)
    for at, quad in lattice.items():
        guess = _guess(at, lattice, lines)
        if guess is None or _distance(quad, guess) < 0.3 * min(_sides(guess)):
            kept[at] = quad
    return kept


def _distance(one: Quad, other: Quad) -> float:
    return float(np.hypot(*(one - other).T).max())


def _lines_of(lattice: dict[Index, Quad]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return the columns of the cells in each row, and the rows of the cells in each column."""
    in_row, in_column = defaultdict(list), defaultdict(list)
    for row, column in lattice:
        in_row[row].append(column)
        in_column[column].append(row)
    return in_row, in_column


def _guess(
    at: Index, lattice: dict[Index, Quad], lines: tuple[dict[int, list[int]], dict[int, list[int]]]
) -> Quad | None:
    """Return where a cell is by those of its row and its column; None if too few of them are known.

    A cell, one beside it, one below it and the one across from it make a parallelogram. `lines` are
    those of the lattice.
    """
    row, column = at
    in_row = sorted((abs(c - column), c) for c in lines[0].get(row, ()) if c != column)[:4]
    in_column = sorted((abs(r - row), r) for r in lines[1].get(column, ()) if r != row)[:4]
    guesses = [
        lattice[row, c] + lattice[r, column] - lattice[r, c]
        for _, c in in_row
        for _, r in in_column
        if (r, c) in lattice
    ]
    return np.median(guesses, axis=0) if guesses else None


def _filled(lattice: dict[Index, Quad], thick: Pixels) -> dict[Index, Quad]:
    """Add missing cells that have ruling around them, until an added cell makes no further one sure."""
    while lattice:
        full = _filled_once(lattice, thick)
        if len(full) == len(lattice):
            return full
        lattice = full
    return lattice


def _straightened(lattice: dict[Index, Quad]) -> dict[Index, Quad]:
    """Move cells that do not lie where most cells of their row and their column do.

    Where a line is broken, two cells are enclosed as one, and all cells behind it may count as those
    of the next row.
    """
    if len(lattice) < ENOUGH_CELLS:
        return lattice
    quads = np.array(list(lattice.values()))
    rows, columns = np.array(list(lattice)).T
    places = np.stack([columns, rows], axis=1)[:, None] + 0.5 + _UNIT
    to_page = _plane(places, quads)
    if to_page is None:
        return lattice
    flat = _mapped(quads, np.asarray(np.linalg.inv(to_page), np.float64))
    is_near = np.abs(flat - places).max(axis=(1, 2)) <= MISPLACED
    usual = flat.copy()
    for axis, groups in ((0, columns), (1, rows)):
        for group in np.unique(groups):
            is_in = groups == group
            votes = is_in & is_near if (is_in & is_near).any() else is_in  # none: a wide column
            usual[is_in, :, axis] = np.median(flat[votes][:, :, axis], axis=0)
    is_off = np.abs(flat - usual).max(axis=(1, 2)) > MISPLACED
    if not 0 < is_off.mean() <= MOST_MISPLACED:
        return lattice
    straight = np.where(is_off[:, None, None], _mapped(usual, to_page), quads)
    return dict(zip(lattice, straight, strict=True))


def _plane(places: Quad, quads: Quad) -> Matrix | None:
    """Return the map from places to cells that fits most cells; None if there is none."""
    side = float(np.median(np.hypot(*(quads[:, 1] - quads[:, 0]).T)))
    fitted, _ = cv2.findHomography(
        places.reshape(-1, 2), quads.reshape(-1, 2), cv2.RANSAC, ransacReprojThreshold=NEAR * side
    )
    if fitted is None or abs(np.linalg.det(found := np.asarray(fitted, np.float64))) < 1e-9:
        return None
    apart = np.hypot(*np.moveaxis(_mapped(places, found) - quads, -1, 0)).max(axis=1)
    return found if (apart <= MISPLACED * side).mean() >= 1 - MOST_MISPLACED else None


def _mapped(quads: Quad, to_page: Matrix) -> Quad:
    return np.asarray(cv2.perspectiveTransform(quads.reshape(1, -1, 2), to_page), np.float64).reshape(
        quads.shape
    )


_UNIT = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
"""Corners of a cell around its middle, as shares of its side."""


def _filled_once(lattice: dict[Index, Quad], thick: Pixels) -> dict[Index, Quad]:
    rows, columns = (range(min(some), max(some) + 1) for some in zip(*lattice, strict=True))
    full, lines = dict(lattice), _lines_of(lattice)
    is_sure = _fullness(_from_zero(lattice)) >= ALMOST_FULL and _is_even(lattice)
    for at in ((row, column) for row in rows for column in columns):
        if at in lattice:
            continue
        guess = _guess(at, lattice, lines)
        if guess is not None and (
            (is_sure and _is_within(at, lattice)) or _evidence(guess, thick) >= LEAST_EVIDENCE
        ):
            full[at] = guess
    return _from_zero(full)


def _is_within(at: Index, lattice: dict[Index, Quad]) -> bool:
    """Return whether at least half of the cells of a row and of a column were found."""
    rows, columns = (max(some) - min(some) + 1 for some in zip(*lattice, strict=True))
    in_row = sum(row == at[0] for row, _ in lattice)
    in_column = sum(column == at[1] for _, column in lattice)
    return bool(2 * in_row >= columns and 2 * in_column >= rows)


def _is_even(lattice: dict[Index, Quad]) -> bool:
    """Return whether all cells have about the same size, so that none spans two columns."""
    sizes = np.array([_sides(quad) for quad in lattice.values()])
    middle = np.median(sizes, axis=0)
    return bool((np.abs(sizes / middle - 1) < ALIKE).mean() > 0.9)


def _from_zero(lattice: dict[Index, Quad]) -> dict[Index, Quad]:
    low = np.array(list(lattice)).min(axis=0).tolist() if lattice else (0, 0)
    return {(r - low[0], c - low[1]): quad for (r, c), quad in sorted(lattice.items())}


def _evidence(quad: Quad, thick: Pixels) -> float:
    """Return the share of ink along the side of a cell that has the least."""
    centre = quad.mean(axis=0)
    outer = centre + (quad - centre) * 1.03
    along = np.linspace(0.05, 0.95, 24)[:, None]
    shares = []
    for here, there in zip(outer, np.roll(outer, -1, axis=0), strict=True):
        points = np.rint(here + along * (there - here)).astype(int)
        inside = ((points >= 0) & (points < thick.shape[::-1])).all(axis=1)
        if not inside.all():
            return 0.0
        shares.append(float((thick[points[:, 1], points[:, 0]] > 0).mean()))
    return min(shares)


def _outermost(lattices: list[dict[Index, Quad]]) -> list[dict[Index, Quad]]:
    """Leave out blocks within larger ones: the strokes of what is written in cells."""
    kept: list[dict[Index, Quad]] = []
    for lattice in sorted(lattices, key=len, reverse=True):
        centre = np.concatenate(list(lattice.values())).mean(axis=0)
        if not any(_surrounds(other, centre) for other in kept):
            kept.append(lattice)
    return kept


def _surrounds(lattice: dict[Index, Quad], point: Quad) -> bool:
    hull = cv2.convexHull(np.concatenate(list(lattice.values())).astype(np.float32))
    return bool(cv2.pointPolygonTest(hull, (float(point[0]), float(point[1])), False) >= 0)


def _without_gaps(lattice: dict[Index, Quad], soft: Pixels) -> dict[Index, Quad]:
    """Leave out cells that have an open side, except in a single row, which may be a comb."""
    if len({row for row, _ in lattice}) <= 1:
        return lattice
    faintest = _contrasts(np.array(list(lattice.values())), soft).min(axis=1)
    is_closed = (faintest >= LEAST_CONTRAST / 2).tolist()
    return {at: quad for (at, quad), keep in zip(lattice.items(), is_closed, strict=True) if keep}


def _is_ruled(lattice: dict[Index, Quad], soft: Pixels) -> bool:
    """Return whether there are even dark lines around light cells; noise and letters have none.

    Cells in a single row may have one open side: combs do.
    """
    sides = _sorted_contrasts(lattice, soft)
    centres = np.array(list(lattice.values())).mean(axis=1)  # (n, 2)
    light = np.median(_at(centres[:, None] + _AROUND, soft).max(axis=1))
    is_even = bool(np.median(_sorted_evenness(lattice, soft)) >= LEAST_EVEN)
    return bool(np.percentile(sides, 15) >= LEAST_CONTRAST and light >= LEAST_LIGHT and is_even)


_AROUND = np.array([[x, y] for x in (-4.0, 0.0, 4.0) for y in (-4.0, 0.0, 4.0)])
"""Points around the centre of a cell, in working pixels."""


def _contrasts(quads: npt.NDArray[np.float64], soft: Pixels) -> npt.NDArray[np.float64]:
    """Return how much darker the lines around each cell are than the cell, where they are faintest.

    Parameters
    ----------
    quads : ndarray of shape (n, 4, 2)

    Returns
    -------
    ndarray of shape (n, 4)
        In gray levels, for the top, right, bottom and left side of each cell.
    """
    return np.concatenate([np.percentile(some, 15, axis=-1) for some in _darker(quads, soft)])


def _sorted_evenness(lattice: dict[Index, Quad], soft: Pixels) -> npt.NDArray[np.float64]:
    """Return the faintest by the median darkness of each side, least even first."""
    quads = np.array(list(lattice.values()))
    shares = []
    for some in _darker(quads, soft):
        faint, usual = np.percentile(some, (15, 50), axis=-1)
        shares.append(faint / np.maximum(usual, 1.0))
    return np.sort(np.concatenate(shares), axis=1)[:, _is_row(lattice) :]


def _is_row(lattice: dict[Index, Quad]) -> bool:
    return len({row for row, _ in lattice}) == 1


def _darker(quads: npt.NDArray[np.float64], soft: Pixels) -> Iterator[npt.NDArray[np.float64]]:
    """Yield how much darker the lines around some cells are than the cells, at places along each."""
    for at in range(0, max(len(quads), 1), CELLS_AT_ONCE):
        yield _some_darker(quads[at : at + CELLS_AT_ONCE], soft)


def _some_darker(quads: npt.NDArray[np.float64], soft: Pixels) -> npt.NDArray[np.float64]:
    sides = np.roll(quads, -1, axis=1) - quads  # (n, 4, 2)
    points = quads[:, :, None] + _ALONG * sides[:, :, None]  # (n, 4, 24, 2)
    outward = np.stack([sides[..., 1], -sides[..., 0]], axis=-1)
    outward /= np.hypot(sides[..., 0], sides[..., 1])[..., None]
    middles = quads + sides / 2 - quads.mean(axis=1, keepdims=True)
    outward *= np.where((outward * middles).sum(axis=-1) < 0, -1.0, 1.0)[..., None]
    across = np.arange(-6, 7)[:, None, None] * outward[:, :, None, None]  # (n, 4, 13, 1, 2)
    levels = _at(points[:, :, None] + across, soft)  # (n, 4, 13, 24)
    return np.asarray(levels[:, :, :5].max(axis=2) - levels[:, :, 6:].min(axis=2))


CELLS_AT_ONCE = 200
"""Cells whose contrasts are measured at a time: 60 kB for each."""

_ALONG = np.linspace(0.08, 0.92, 24)[:, None]
"""Places along a side of a cell, as shares of it."""


def _sorted_contrasts(lattice: dict[Index, Quad], soft: Pixels) -> npt.NDArray[np.float64]:
    """Return the contrasts of each cell's sides, faintest first; for a comb, leave out the faintest."""
    return np.sort(_contrasts(np.array(list(lattice.values())), soft), axis=1)[:, _is_row(lattice) :]


def _at(points: npt.NDArray[np.float64], image: Pixels) -> npt.NDArray[np.float64]:
    """Return the levels of an image at points (..., 2)."""
    whole = np.clip(np.rint(points).astype(int), 0, np.array(image.shape[::-1]) - 1)
    return np.asarray(image[whole[..., 1], whole[..., 0]], np.float64)


def _in_reading_order(lattices: list[dict[Index, Quad]]) -> list[dict[Index, Quad]]:
    """Order lattices from top to bottom; those side by side from left to right."""
    boxes = {}
    for number, lattice in enumerate(lattices):
        corners = np.concatenate(list(lattice.values()))
        boxes[number] = corners.min(axis=0), corners.max(axis=0)
    ordered: list[int] = []
    left = sorted(boxes, key=lambda n: (boxes[n][0][1], boxes[n][0][0]))
    while left:
        top = left[0]
        middle = boxes[top][0][1] + 0.5 * (boxes[top][1][1] - boxes[top][0][1])
        band = [n for n in left if boxes[n][0][1] < middle]
        ordered += sorted(band, key=lambda n: boxes[n][0][0])
        left = [n for n in left if n not in band]
    return [lattices[n] for n in ordered]


def _block(lattice: dict[Index, Quad], sheet: Sheet) -> Block:
    return Block(
        tuple(
            Cell(r + 1, c + 1, _on_page(quad, sheet.to_page))
            for (r, c), quad in sorted(lattice.items())
        )
    )


def _on_page(quad: Quad, to_page: Matrix) -> Quad:
    # Pixel centres are whole numbers in OpenCV's maps; corners are edges of pixels.
    return np.asarray((quad + 0.5) @ to_page[:, :2].T + to_page[:, 2])
