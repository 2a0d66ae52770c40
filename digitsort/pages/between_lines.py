"""Find the cells between straight lines that cross."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt

from digitsort.pages.lines import ALIGNED_PX, TOUCH_PX, Floats, Line, Ruling, crossing, touches

SEEN, PREDICTED = 0.6, 0.3
"""Share of a cell's side that is ink: to be a line, and to be one where other lines say that it is."""

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
class _Strip:
    """Row between two lines: their numbers."""

    top: int
    bottom: int


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
    places = sorted(crossing(line, other)[0] for other in others if touches(line, other))
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
    beside = [[n for n, other in enumerate(down) if touches(line, other)] for line in across]
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
        standing = [line for line in down if touches(base, line)]
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
            if touches(other, line)
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
