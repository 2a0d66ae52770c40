"""Find the straight lines of a page's ruling, and the cells between those that cross."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

import cv2
import numpy as np
import numpy.typing as npt

from digitsort.pages.ruling import Pixels

Floats = npt.NDArray[np.float64]

SLOPES = np.linspace(-0.09, 0.09, 37)
"""Slopes of lines that are looked for; the page's tilt is undone before."""

LEAST_COVERED = 0.6
"""Share of a line that is ink."""

BESIDE_PX = 4
"""Distance, in working pixels, from the edge of a line at which the paper beside it is looked at."""

LEAST_DARKER = 4.0
"""Gray levels by which a line is darker than the paper on both sides, in the middle of its length."""

MOST_THICK = 14
"""Thickness, in working pixels, of the thickest line."""

TOUCH_PX = 8.0
"""Distance, in working pixels, of the end of a line from another that it may touch."""

JOIN_PX, JOIN_SHARE = 14.0, 0.35
"""Gap in a line, in working pixels and by the shorter of both parts."""

SEEN, PREDICTED = 0.6, 0.3
"""Share of a cell's side that is ink: to be a line, and to be one where other lines say that it is."""

ALIGNED_PX = 3.5
"""Distance, in working pixels, of the ends of teeth from the line through them."""

OFF_STEP = 0.1
"""Distance of a line from its place among evenly spaced ones, by their distance."""

LEAST_STEP, MOST_STEP = 0.4, 2.6
"""Smallest and largest distance of evenly spaced lines, by their height."""

LEAST_LONG = 0.45
"""Length of the shortest line, by that of the longest one that it is connected with."""

PART = 0.8
"""Length, by that of the longest line, from which a line of a grid may end anywhere; strokes do."""

END_PX = 6.0
"""Distance, in working pixels, of the end of a line from the one it ends on."""

LEAST_CELLS = 3
"""Cells in the smallest block."""

EVEN, LEAST_EVEN = 0.4, 0.75
"""Darkness of a line, by its usual one, that most of it has, and the share that has it."""

MOST_PIECES = 500
"""Connected pieces of ruling, the longest ones, in which lines are looked for; noise has more."""

MOST_LINES_IN_ONE = 3
"""Largest number of straight lines in one connected piece of ruling."""

USUAL, RARE, CERTAIN = 0.5, 0.34, 0.85
"""Share of a grid's other rows from which a faint line goes on in this one, and up to which a line is
no stroke; and the share of its length that a line in a single row has to be seen on."""

LEAST_FAINT = 0.35
"""Share of a line in a single row that has to be seen if evenly spaced lines are looked for."""

EVEN_ROW, EVEN_GRID = 0.4, 0.9
"""Share of the lines that has to be evenly spaced for the others to be left out: in a single row, where
nothing else tells strokes from lines, and in a grid."""

MISSING, STRAY = 0.8, 0.7
"""What a missing line takes from evenly spaced ones, and one that is not in its place."""

MOST_STEPS = 13
"""Number of steps between two lines, from which none is looked for."""

LEAST_WIDE_PX = 14.0
"""Smallest distance of neighbouring lines, in working pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    """Nearly straight line of ruling: at `at + slope * x`, for x from `low` to `high`.

    For a line that runs down the page, x and y change places.

    Attributes
    ----------
    at, slope, low, high : float
    thick : float
        In pixels; 0 for a line that is not drawn: through the ends of other lines.
    """

    at: float
    slope: float
    low: float
    high: float
    thick: float

    def __call__(self, x: float) -> float:
        """Return where the line is at a place along it."""
        return self.at + self.slope * x

    @property
    def length(self) -> float:
        """Length along its axis."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class _Strip:
    """Row between two lines: their numbers."""

    top: int
    bottom: int


class Ruling:
    """Lines of a page, and how dark they are.

    Parameters
    ----------
    across, down : ndarray of shape (height, width), uint8
        Masks of the nearly horizontal and nearly vertical ruling.
    ink, soft : ndarray of shape (height, width), uint8
        Mask of the ink, and the page without its grain.
    """

    def __init__(self, across: Pixels, down: Pixels, ink: Pixels, soft: Pixels) -> None:
        self.soft = soft
        self.soft_down = np.ascontiguousarray(soft.T)
        self.across = _merged(_lines_of(across, ink, soft))
        self.down = _merged(
            _lines_of(np.ascontiguousarray(down.T), np.ascontiguousarray(ink.T), self.soft_down)
        )

    def is_seen(self, line: Line, low: float, high: float, is_down: bool) -> float:
        """Return the share of a part of a line that is dark."""
        soft = self.soft_down if is_down else self.soft
        return _covered(line, low, high, soft)


def _lines_of(mask: Pixels, ink: Pixels, soft: Pixels) -> list[Line]:
    _, areas, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    lines = []
    longest = np.argsort(-stats[1:, cv2.CC_STAT_WIDTH], kind="stable")[:MOST_PIECES] + 1
    for number in sorted(longest.tolist()):
        left, top, wide, high = (int(value) for value in stats[number, :4])
        if wide < 2 * high and wide < 3 * MOST_THICK:
            continue
        box = slice(top, top + high), slice(left, left + wide)
        step = max(1, wide // 200)
        inked = (areas[box][:, ::step] == number) & (ink[box][:, ::step] > 0)
        for one in _straight(inked, left, top, step):
            line = _refined(one, ink, soft)
            if line is None:
                break  # text: no other line through it is better
            lines.append(line)
    return lines


def _straight(inked: npt.NDArray[np.bool_], left: int, top: int, step: int) -> Iterator[Line]:
    """Yield the straight lines through pixels, the longest first."""
    y, x = np.nonzero(inked)
    x = x * step
    wide = inked.shape[1] * step
    for _ in range(MOST_LINES_IN_ONE):
        if len(x) * step < 20:
            return
        best = 0.0, 0.0, 0.0
        for slope in SLOPES:
            places = np.rint(y - slope * (x - wide / 2)).astype(int)
            low = int(places.min())
            counts = np.bincount(places - low)
            peak = int(counts.argmax())
            best = max(best, (float(counts[peak]), slope, float(peak + low)))
        covered, slope, middle = best
        near = np.abs(y - slope * (x - wide / 2) - middle) <= 3
        along = x[near]
        if covered * step < 0.4 * (np.ptp(along) + 1) or np.ptp(along) < 14:
            return
        yield Line(
            top + middle - slope * (left + wide / 2),
            slope,
            left + float(along.min()),
            left + float(along.max()) + step,
            1.0,
        )
        y, x = y[~near], x[~near]


def _refined(line: Line, ink: Pixels, soft: Pixels) -> Line | None:
    """Return a line where it is darkest, with its thickness and its ends; None if there is none."""
    x = np.linspace(
        line.low, min(line.high, ink.shape[1]) - 1, int(np.clip(line.length, 16, 200))
    ).astype(int)
    around = np.arange(-MOST_THICK, MOST_THICK + 1)
    y = np.rint(line.at + line.slope * x).astype(int)
    rows = np.clip(y[:, None] + around, 0, len(ink) - 1)
    is_ink = ink[rows, x[:, None]] > 0
    thick = _thickness(is_ink)
    if not 0 < thick <= MOST_THICK:
        return None
    levels = soft[rows, x[:, None]].astype(np.float64)
    reach = 3
    middle = MOST_THICK
    near = levels[:, middle - reach : middle + reach + 1]
    weight = np.clip(near.max(axis=1, keepdims=True) - near - 2, 0, None)
    total = weight.sum(axis=1)
    some = total > 0
    if some.sum() < 8:
        return None
    offset = (weight * np.arange(-reach, reach + 1)).sum(axis=1)[some] / total[some]
    place = x[some].astype(np.float64)
    found = y[some] + offset
    keep = np.ones(len(found), bool)
    slope = at = 0.0
    for _ in range(3):
        if keep.sum() < 6 or np.ptp(place[keep]) < 10:
            return None
        slope, at = np.polyfit(place[keep], found[keep], 1)
        off = np.abs(found - at - slope * place)
        keep = off <= max(0.7, 2 * float(np.median(off)))
    fitted = replace(line, at=float(at), slope=float(slope), thick=float(thick))
    ended = _with_ends(fitted, ink)
    return ended if ended and _covered(ended, ended.low, ended.high, soft) >= LEAST_EVEN else None


def _thickness(is_ink: npt.NDArray[np.bool_]) -> float:
    """Return the median length of the runs of ink through the middle column."""
    middle = is_ink.shape[1] // 2
    up = np.cumprod(is_ink[:, middle::-1], axis=1).sum(axis=1)
    down = np.cumprod(is_ink[:, middle:], axis=1).sum(axis=1)
    lengths = up + down - 1
    lengths = lengths[lengths > 0]
    return float(np.median(lengths)) if len(lengths) else 0.0


def _with_ends(line: Line, ink: Pixels) -> Line | None:
    """Return a line from the first to the last of its ink."""
    x = np.arange(max(0, int(line.low) - 12), min(ink.shape[1], int(line.high) + 13))
    y = np.rint(line.at + line.slope * x).astype(int)
    is_ink = np.any([ink[np.clip(y + by, 0, len(ink) - 1), x] > 0 for by in (-1, 0, 1)], axis=0).astype(
        np.int8
    )
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_ink, [0]])))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 5]
    if not runs:
        return None
    joined = [runs[0]]
    for low, high in runs[1:]:
        if low - joined[-1][1] <= JOIN_PX:
            joined[-1] = joined[-1][0], high
        else:
            joined.append((low, high))
    low, high = max(joined, key=lambda run: run[1] - run[0])
    if high - low < 14 or is_ink[low:high].mean() < LEAST_COVERED:
        return None
    return replace(line, low=float(x[0] + low), high=float(x[0] + high))


def _darkness(line: Line, low: float, high: float, soft: Pixels) -> Floats:
    """Return how much darker a line is than the darker of its sides, at places along it."""
    count = int(np.clip((high - low) / 2, 12, 160))
    pad = 0.06 * (high - low)
    x = np.linspace(low + pad, high - pad, count)
    half = round(line.thick / 2)
    out = half + BESIDE_PX
    offsets = np.arange(-out - 2, out + 3)
    y = np.rint((line.at + line.slope * x)[:, None] + offsets).astype(int)
    columns = np.clip(np.rint(x).astype(int), 0, soft.shape[1] - 1)
    levels = soft[np.clip(y, 0, len(soft) - 1), columns[:, None]].astype(np.float64)
    middle = len(offsets) // 2
    here = levels[:, middle - 1 : middle + 2].min(axis=1)
    before = levels[:, :5].max(axis=1)
    after = levels[:, -5:].max(axis=1)
    return np.asarray(np.minimum(before, after) - here)


def _covered(line: Line, low: float, high: float, soft: Pixels) -> float:
    """Return the share of a part of a line that is about as dark as most of it."""
    darkness = _darkness(line, low, high, soft)
    return float((darkness >= max(LEAST_DARKER, EVEN * float(np.median(darkness)))).mean())


def _merged(lines: list[Line]) -> list[Line]:
    """Join the parts of broken lines."""
    parts: list[Line] = []
    for line in sorted(lines, key=lambda line: line.low):
        for number, part in enumerate(parts):
            if abs(part(line.low) - line(line.low)) <= ALIGNED_PX and _continues(part, line):
                parts[number] = _joint(part, line)
                break
        else:
            parts.append(line)
    return parts


def _continues(one: Line, other: Line) -> bool:
    """Return whether a line goes on where another ends, or lies on it."""
    if one.low > other.low:
        return False
    gap = other.low - one.high
    if gap > max(JOIN_PX, JOIN_SHARE * min(one.length, other.length)):
        return False
    longer = one if one.length >= other.length else other
    shorter = other if longer is one else one
    ends = shorter.low, shorter.high
    off = max(abs(longer(x) - shorter(x)) for x in ends)
    far = max(0.0, gap) + shorter.length
    return off <= 2.5 + 0.02 * min(far, 60)


def _joint(one: Line, other: Line) -> Line:
    low, high = min(one.low, other.low), max(one.high, other.high)
    points, weights = [], []
    for line in (one, other):
        points += [(line.low, line(line.low)), (line.high, line(line.high))]
        weights += [line.length, line.length]
    x, y = np.array(points).T
    slope, at = np.polyfit(x, y, 1, w=np.sqrt(weights))
    thick = max((one, other), key=lambda line: line.length).thick
    return Line(float(at), float(slope), low, high, thick)


def crossing(across: Line, down: Line) -> tuple[float, float]:
    """Return where two lines cross, as x and y."""
    x = (down.at + down.slope * across.at) / (1 - down.slope * across.slope)
    return x, across(x)


def _touches(across: Line, down: Line, room: float = TOUCH_PX) -> bool:
    x, y = crossing(across, down)
    return across.low - room <= x <= across.high + room and down.low - room <= y <= down.high + room


def cells_of(ruling: Ruling) -> list[Floats]:
    """Return the corners of the cells between lines, inside them; each has the shape (4, 2)."""
    cells = []
    for across, down in _crossing(ruling):
        across += _through_ends(across, down)
        strips = _strips(across, down)
        for group in _groups(strips):
            found = _cells_in(group, strips, across, down, ruling)
            cells += found if len(found) >= LEAST_CELLS else []
    return cells


def _crossing(ruling: Ruling) -> Iterator[tuple[list[Line], list[Line]]]:
    """Yield lines that touch each other, without those that are much shorter than the others."""
    waiting = list(_clusters(ruling.across, ruling.down))
    while waiting:
        some, others = waiting.pop()
        if len(some) + len(others) < 4 or not some or not others:
            continue
        kept = _long(some, others), _long(others, some)
        if (len(kept[0]), len(kept[1])) == (len(some), len(others)):
            kept = [line for line in some if _is_drawn(line, others, ruling)], others
        if (len(kept[0]), len(kept[1])) == (len(some), len(others)):
            yield some, others
        else:
            waiting += _clusters(*kept)


def _long(lines: list[Line], others: list[Line]) -> list[Line]:
    longest = max(line.length for line in lines)
    is_row = len(others) <= 2
    return [
        line
        for line in lines
        if line.length >= (LEAST_LONG if is_row else PART) * longest
        or (not is_row and all(_is_at(end, line, others) for end in (line.low, line.high)))
    ]


def _is_drawn(line: Line, others: list[Line], ruling: Ruling) -> bool:
    """Return whether a line is there between most of those that it touches."""
    places = sorted(crossing(line, other)[0] for other in others if _touches(line, other))
    shares = [
        ruling.is_seen(line, here, there, False)
        for here, there in pairwise(places)
        if there - here >= LEAST_WIDE_PX
    ]
    return bool(shares) and float(np.mean(np.array(shares) >= SEEN)) >= 0.6


def _is_at(end: float, line: Line, others: list[Line]) -> bool:
    """Return whether a line ends on another."""
    place = line(end)
    return any(
        abs(other(place) - end) <= END_PX and other.low - TOUCH_PX <= place <= other.high + TOUCH_PX
        for other in others
    )


def _clusters(across: list[Line], down: list[Line]) -> Iterator[tuple[list[Line], list[Line]]]:
    beside = [[n for n, other in enumerate(down) if _touches(line, other)] for line in across]
    left = set(range(len(across)))
    while left:
        waiting = [left.pop()]
        some: set[int] = set()
        others: set[int] = set()
        while waiting:
            here = waiting.pop()
            some.add(here)
            new = set(beside[here]) - others
            others |= new
            near = {n for n in left if new & set(beside[n])}
            left -= near
            waiting += near
        yield [across[n] for n in sorted(some)], [down[n] for n in sorted(others)]


def _through_ends(across: list[Line], down: list[Line]) -> list[Line]:
    """Return lines through the free ends of lines that stand on a line, as the teeth of a comb do."""
    found: list[Line] = []
    for base, is_top in product(across, (True, False)):
        standing = [line for line in down if _touches(base, line)]
        ends = [_free_end(line, base, [*across, *found], is_top) for line in standing]
        points = np.array([end for end in ends if end is not None]).reshape(-1, 2)
        line = _line_through(points, base.slope)
        if line is not None:
            found.append(line)
    return found


def _free_end(line: Line, base: Line, others: list[Line], is_top: bool) -> tuple[float, float] | None:
    """Return where a line ends above or below another one; None if a third one is there or between."""
    _, y = crossing(base, line)
    end = line.low if is_top else line.high
    if abs(end - y) < LEAST_WIDE_PX or (end < y) != is_top:
        return None
    beyond = (end - TOUCH_PX, y) if is_top else (y, end + TOUCH_PX)
    for other in others:
        x, its = crossing(other, line)
        is_there = other.low - TOUCH_PX <= x <= other.high + TOUCH_PX
        if other is not base and is_there and beyond[0] < its < beyond[1]:
            return None
    return line(end), end


def _line_through(ends: Floats, slope: float) -> Line | None:
    """Return the line through most of some points; None if fewer than three are on one."""
    best: npt.NDArray[np.bool_] = np.zeros(len(ends), bool)
    for one, other in product(range(len(ends)), repeat=2):
        wide = ends[other, 0] - ends[one, 0]
        if wide < LEAST_WIDE_PX:
            continue
        its = (ends[other, 1] - ends[one, 1]) / wide
        if abs(its - slope) > 0.06:
            continue
        near = np.abs(ends[:, 1] - ends[one, 1] - its * (ends[:, 0] - ends[one, 0])) <= ALIGNED_PX
        if near.sum() > best.sum():
            best = near
    if best.sum() < 3:
        return None
    x, y = ends[best].T
    its, at = np.polyfit(x, y, 1)
    return Line(float(at), float(its), float(x.min()), float(x.max()), 0.0)


def _strips(across: list[Line], down: list[Line]) -> list[_Strip]:
    """Return the rows between lines that at least two lines connect."""
    counts: Counter[tuple[int, int]] = Counter()
    for line in down:
        hit = sorted(
            (crossing(other, line)[1], number)
            for number, other in enumerate(across)
            if _touches(other, line)
        )
        for (here, top), (there, bottom) in pairwise(hit):
            if there - here >= LEAST_WIDE_PX:
                counts[top, bottom] += 1
    return [_Strip(*pair) for pair, count in sorted(counts.items()) if count >= 2]


def _groups(strips: list[_Strip]) -> list[list[int]]:
    """Return the numbers of strips that share a line, together."""
    by_line = defaultdict(list)
    for number, strip in enumerate(strips):
        by_line[strip.top].append(number)
        by_line[strip.bottom].append(number)
    left = set(range(len(strips)))
    groups = []
    while left:
        waiting = [min(left)]
        group = []
        left.discard(waiting[0])
        while waiting:
            here = waiting.pop()
            group.append(here)
            for line in (strips[here].top, strips[here].bottom):
                for other in by_line[line]:
                    if other in left:
                        left.discard(other)
                        waiting.append(other)
        groups.append(sorted(group))
    return groups


def _cells_in(
    group: list[int], strips: list[_Strip], across: list[Line], down: list[Line], ruling: Ruling
) -> list[Floats]:
    rows = [(across[strips[n].top], across[strips[n].bottom]) for n in group]
    low = min(min(a.low, b.low) for a, b in rows)
    high = max(max(a.high, b.high) for a, b in rows)
    top = min(min(a(low), a(high)) for a, _ in rows)
    bottom = max(max(b(low), b(high)) for _, b in rows)
    near = [
        line
        for line in down
        if line.high > top
        and line.low < bottom
        and low - TOUCH_PX <= line((line.low + line.high) / 2) <= high + TOUCH_PX
    ]
    seen = np.zeros((len(rows), len(near)))
    for r, (above, below) in enumerate(rows):
        for c, line in enumerate(near):
            seen[r, c] = _seen_between(above, below, line, ruling)
    cells = []
    for r, (above, below) in enumerate(rows):
        others = [n for n in range(len(rows)) if n != r]
        is_in = seen[r] >= SEEN
        if others:
            usual = (seen[others] >= SEEN).mean(axis=0)
            is_in |= (usual >= USUAL) & (seen[r] >= PREDICTED)
            fits = np.array([_fits(above, below, line) for line in near], bool)
            is_in &= (usual >= RARE) | ((seen[r] > CERTAIN) & fits)
        lines = [line for line, keep in zip(near, is_in, strict=True) if keep]
        strong = [line for line, share in zip(near, seen[r], strict=True) if share > LEAST_FAINT]
        lines = _distinct(lines, above)
        even = (
            _even(above, below, _distinct(strong, above), ruling, EVEN_ROW)
            if len(rows) == 1
            else _even(above, below, lines, ruling, EVEN_GRID)
        )
        if even is not None:
            lines = even
        for left, right in pairwise(lines):
            quad = _cell(above, below, left, right, ruling)
            if quad is not None:
                cells.append(quad)
    return cells


def _fits(above: Line, below: Line, line: Line) -> bool:
    """Return whether a line goes from one to the other, and no further or over both."""
    (_, y), (_, y2) = crossing(above, line), crossing(below, line)
    return (abs(line.low - y) <= END_PX or line.low < y - LEAST_WIDE_PX) and (
        abs(line.high - y2) <= END_PX or line.high > y2 + LEAST_WIDE_PX
    )


def _seen_between(above: Line, below: Line, line: Line, ruling: Ruling) -> float:
    (x, y), (_, y2) = crossing(above, line), crossing(below, line)
    lows = min(above.low, below.low), max(above.high, below.high)
    if not lows[0] - TOUCH_PX <= x <= lows[1] + TOUCH_PX or y2 - y < LEAST_WIDE_PX:
        return 0.0
    return ruling.is_seen(line, y, y2, True)


def _distinct(lines: list[Line], above: Line) -> list[Line]:
    """Order lines from left to right, and leave out the shorter of two in one place."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: crossing(above, line)[0]):
        if kept and crossing(above, line)[0] - crossing(above, kept[-1])[0] < LEAST_WIDE_PX:
            kept[-1] = max(kept[-1], line, key=lambda one: one.length)
        else:
            kept.append(line)
    return kept


def _even(
    above: Line, below: Line, lines: list[Line], ruling: Ruling, least: float
) -> list[Line] | None:
    """Return evenly spaced lines, with those that are faint; None if most lines are not."""
    if len(lines) < 3:
        return None
    tops = np.array([crossing(above, line)[0] for line in lines])
    feet = np.array([crossing(below, line)[0] for line in lines])
    height = float(np.median([below(x) - above(x) for x in tops]))
    seen = np.array([_seen_between(above, below, line, ruling) for line in lines])
    leaning = feet - tops
    is_parallel = np.abs(leaning - np.median(leaning)) <= max(3.0, 0.05 * height)
    weights = np.clip((seen - 0.5) / 0.5, 0, 1) * np.where(is_parallel, 1.0, 0.3)
    numbers = _numbers(tops, weights, height, least)
    if numbers is None:
        return None
    is_on = numbers >= 0
    known: dict[int, int] = {}
    for index in np.argsort(weights, kind="stable").tolist():
        if is_on[index]:
            known[int(numbers[index])] = index  # the strongest last
    if len(known) < 3:
        return None
    places = _curve(numbers[is_on], tops[is_on]), _curve(numbers[is_on], feet[is_on])
    strip = _EvenStrip(above, below, *places, lines[0].thick, ruling)
    inner = {
        n: lines[known[n]] if n in known else strip.line(n) for n in range(min(known), max(known) + 1)
    }
    before = list(strip.beyond(min(known), -1))
    return [*reversed(before), *inner.values(), *strip.beyond(max(known), 1)]


def _numbers(
    places: Floats, weights: Floats, height: float, least: float
) -> npt.NDArray[np.int_] | None:
    """Return the number of each place among evenly spaced ones, and -1 for others.

    None if lines with less than a share of the weights are evenly spaced.
    """
    best, numbers = least * float(weights.sum()), None
    for one, other in product(range(len(places)), repeat=2):
        for steps in range(1, MOST_STEPS):
            step = (places[other] - places[one]) / steps
            if step < max(LEAST_WIDE_PX, LEAST_STEP * height):
                break
            if step > MOST_STEP * height:
                continue
            at = (places - places[one]) / step
            nearest = np.rint(at).astype(int)
            is_on = np.abs(at - nearest) <= OFF_STEP
            taken = np.unique(nearest[is_on])
            missing = taken[-1] - taken[0] + 1 - len(taken)
            score = float(weights[is_on].sum() - MISSING * missing - STRAY * weights[~is_on].sum())
            if score > best + 1e-6:
                best, numbers = score, np.where(is_on, nearest - taken[0], -1)
    return numbers


@dataclass(frozen=True, slots=True)
class _EvenStrip:
    """Row of evenly spaced lines between two others, and where the n-th one is on each of them."""

    above: Line
    below: Line
    top: np.poly1d
    foot: np.poly1d
    thick: float
    ruling: Ruling

    def line(self, number: int) -> Line:
        """Return the line that is expected at a number, moved to where it is darkest."""
        top, foot = float(self.top(number)), float(self.foot(number))
        y, y2 = self.above(top), self.below(foot)
        slope = (foot - top) / (y2 - y)
        line = Line(top - slope * y, slope, y, y2, self.thick)
        moved = [replace(line, at=line.at + by) for by in (0, -1, 1, -2, 2, -3, 3)]
        return max(moved, key=lambda one: self.ruling.is_seen(one, y, y2, True))

    def beyond(self, number: int, by: int) -> Iterator[Line]:
        """Yield the lines beyond a number, as far as they are seen or the rows end there."""
        low = by < 0
        drawn = [line for line in (self.above, self.below) if line.thick]
        ends = [line.low if low else line.high for line in drawn]
        end = max(ends) if low else min(ends)
        step = abs(float(self.top(number + by) - self.top(number)))
        while True:
            number += by
            line = self.line(number)
            place = float(self.top(number) + self.foot(number)) / 2
            is_end = abs(place - end) <= max(END_PX, OFF_STEP * step)
            is_seen = _seen_between(self.above, self.below, line, self.ruling) >= SEEN
            if not (is_seen or is_end) or by * (place - end) > OFF_STEP * step:
                return
            yield line


def _curve(numbers: npt.NDArray[np.int_], places: Floats) -> np.poly1d:
    return np.poly1d(np.polyfit(numbers, places, 2 if len(set(numbers.tolist())) >= 5 else 1))


def _cell(above: Line, below: Line, left: Line, right: Line, ruling: Ruling) -> Floats | None:
    """Return the corners inside four lines; None if the upper or the lower one is not there."""
    outer = [
        crossing(above, left),
        crossing(above, right),
        crossing(below, right),
        crossing(below, left),
    ]
    for line, (start, end) in ((above, outer[:2]), (below, (outer[3], outer[2]))):
        if line.thick and ruling.is_seen(line, start[0], end[0], False) < PREDICTED:
            return None
    inner = [
        replace(line, at=line.at + sign * (line.thick / 2 + 1))
        for line, sign in ((above, 1), (right, -1), (below, -1), (left, 1))
    ]
    a, r, b, lf = inner
    quad = np.array([crossing(a, lf), crossing(a, r), crossing(b, r), crossing(b, lf)])
    return np.asarray(quad, np.float64)
