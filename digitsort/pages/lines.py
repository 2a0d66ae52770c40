"""Find the straight lines of a page's ruling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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


ALIGNED_PX = 3.5
"""Distance, in working pixels, of the ends of teeth from the line through them."""


EVEN, LEAST_EVEN = 0.4, 0.75
"""Darkness of a line, by its usual one, that most of it has, and the share that has it."""

MOST_PIECES = 500
"""Connected pieces of ruling, the longest ones, in which lines are looked for; noise has more."""

MOST_LINES_IN_ONE = 3
"""Largest number of straight lines in one connected piece of ruling."""


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


def touches(across: Line, down: Line, room: float = TOUCH_PX) -> bool:
    """Return whether two lines cross, or would if each were longer by some pixels at both ends."""
    x, y = crossing(across, down)
    return across.low - room <= x <= across.high + room and down.low - room <= y <= down.high + room
