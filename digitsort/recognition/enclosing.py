"""Remove a frame, a ring or an underline that touches the digit, pixel by pixel.

The functions that change a picture work on a copy of at most `WORKING_PX`. They return the picture
itself if there is nothing to remove, or if nothing would remain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import Gray, shrink
from digitsort.recognition.ink import Ink

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

WORKING_PX = 112
"""Longer side of the copy: a printed line is still one pixel wide, and a picture takes 0.5 ms."""

RAYS, STEPS, REACH = 64, 40, 1.08
"""Number of rays from the middle of the ink, samples per ray, and length of a ray in half box sizes."""

RING_FROM, RING_CLOSED = 0.8, 0.9
"""Smallest distance of a ring from the middle, in half box sizes, and share of rays that meet it."""

SOMETHING_INSIDE = 0.2
"""Smallest share of the rays that meet more ink inside the ring. A 7 or a 6 that runs along its ring
has little more; of bare MNIST digits, 3 of 1,000 pass all tests for a ring."""

LINES_OF_THREE = 4
"""Smallest number of rows and columns with three runs of ink for a ring that may contain something:
those of a zero have two runs."""

LEAST_LEFT, LEAST_AREA = 0.35, 0.03
"""Smallest height and area of the ink that remains, as shares of the box of all ink."""

RING_WIDTH, BESIDE_RING_PX = 0.15, 1.0
"""Quantile of the outermost ink's thickness over all rays that is taken as the ring's thickness: along
most rays the digit may touch the ring. And the margin in pixels that is removed inside the ring."""

CORNER = 0.1
"""Side of a square in a corner, as a share of the picture's: a ring, however bold, leaves it free."""

NEAR_MIDDLE = 0.48
"""Distance from the middle, in half box sizes, within which something in the ring must have ink: the
thicker side of a zero does not come so near, the stem of a 7 along the ring does."""

LINE_COVERAGE = 0.88
"""Smallest share of the ink's width that is dark in a row that belongs to a line."""

SLIMMEST_FRAME = 0.25
"""Smallest ratio of the shorter to the longer side of a frame. Slimmer ink is a stroke, which also has
a full row and a full column."""

LINE_PLACE = 0.3
"""Largest distance of a frame's line from the edge of the ink's box, as a share of the box."""

THICKEST_LINE = 0.09
"""Largest thickness of a line, as a share of the picture's longer side."""

THICKEST_BELOW = 0.14
"""The same for a line below the digit, as a share of the longer side of the ink's box: all strokes of a
small digit on a large sheet are thinner than `THICKEST_LINE`."""

LEAST_SIDES = 3
"""Smallest number of sides with a line that make a frame: a T has one such side, an L two."""

CROSSING = 1.5
"""Ink across a line that is this many times thicker than the line is a stroke that meets it."""


UNDERLINE_FROM, UNDERLINE_COVERAGE, UNDERLINE_CLEAR = 0.6, 0.8, 0.55
"""Height of an underline in the box of the ink, from the top; share of the ink's width that has ink in
two neighbouring rows there; and share of its columns in which the line is the lowest ink, and thin."""

UNDERLINED = 0.72
"""Largest width of a digit, as a share of its underline, at which a sure first look is doubted. Of bare
digits accepted as 1 or 2, MNIST has 1 of 91 below it, Semeion 3 of 111."""

LOOSELY_THIN, LOOSELY_CLEAR = 1.2, 0.44
"""A sure first look is doubted only if the lowest ink on the canvas is so thin, in `THICKEST_LINE`, in
this share of its columns. Of MNIST digits with a line to remove, 3 of 195 fail this test, and 3 of 4 of
the other ones."""

RULED_FROM_PX, RULED, SHARPLY_RULED = 48, 0.0145, 0.0075
"""Smallest height of the ink that shows whether a line is ruled, in pixels, and the largest distance of
nine of ten columns from a straight lower edge, as a share of that height: of a ruled line, and of one
that no hand draws."""

LONGER_BY, LEFT_OF_JOINT, CLEARLY_LONGER_BY = 0.04, 0.1, 0.12
"""A ruled line is no stroke of the digit if it is longer, both ends together, by the first share of the
ink's height, and begins left of all that stands on it by the second: the base of a 2 begins at the
joint. Such a sharp line only has to be longer, by the third: the ruled base of a printed 2 is not.
Chosen together with `RULED` on 2,834 underlined digits of MNIST, Semeion and the generator, on 9,394
bare ones accepted as 1 or 2, and on 1,600 printed 1s and 2s; then `LEFT_OF_JOINT` and
`CLEARLY_LONGER_BY` again on 1,200 underlined MNIST digits and 1,920 printed ones, since printed pages
had more 2s read as 7."""

SOME_COLUMNS, STRAIGHT_PX = 0.8, 0.75
"""Share of the columns in which a ruled line has ink, and share of these in which, on the canvas, its
lower edge is so close to a straight line, in pixels of the canvas."""

LINE_THICKNESS = 0.25
"""Quantile of the lowest ink's thickness over all columns that is taken as a ruled line's thickness:
the digit may stand on most of it."""

BESIDE_LINE_PX = 2
"""Distance above a ruled line, in pixels of the copy, at which what stands on it is looked for: the
edge of a tilted line has steps."""

CLEAR_UPPER = 0.8
"""Smallest share of columns in which the upper one of two underlines is the lowest ink, and thin."""

OFF_THE_LINE_PX = 1.5
"""Largest distance of four of five columns from a straight underline, in pixels of the copy."""


def may_have_ring(ink: Ink) -> Mask:
    """Find images (n,) whose ink is a ring with something inside it."""
    masks = ink.pixels > 127
    some = np.flatnonzero(_lines_of_three(masks) >= LINES_OF_THREE)  # excludes nearly all plain zeros
    scale = (ink.frame[:, 2:] - ink.frame[:, :2]) / masks.shape[1]
    boxes = (ink.box - np.tile(ink.frame[:, :2], 2)) / np.tile(scale, 2)
    outside = _along_rays(masks[some], boxes[some], _radii() >= RING_FROM)
    some = some[outside.any(axis=2).mean(axis=1) >= RING_CLOSED]  # few digits are closed all around
    along = _along_rays(masks[some], boxes[some])
    first, width = _outermost(along)
    beyond = np.arange(STEPS) > (first + width)[:, :, None]
    found = np.zeros(len(masks), np.bool_)
    found[some] = (along & beyond).any(axis=2).mean(axis=1) >= SOMETHING_INSIDE
    return found


def _lines_of_three(masks: Mask) -> Ints:
    """Count the rows and columns of each mask (n,) that meet three or more runs of ink."""
    rows = (masks[:, :, 1:] & ~masks[:, :, :-1]).sum(axis=2, dtype=np.uint8) + masks[:, :, 0]
    columns = (masks[:, 1:] & ~masks[:, :-1]).sum(axis=1, dtype=np.uint8) + masks[:, 0]
    return np.asarray((rows >= 3).sum(axis=1) + (columns >= 3).sum(axis=1))


def may_have_frame(ink: Ink) -> Mask:
    """Find images (n,) with lines of ink from end to end along three sides or more."""
    mask = ink.pixels > 127
    sides = np.zeros(len(mask), np.intp)
    half = mask.shape[1] // 2
    for axis in (1, 2):
        along = mask.any(axis=axis).sum(axis=1)
        full = mask.sum(axis=3 - axis) >= LINE_COVERAGE * np.maximum(along, 1)[:, None]
        sides += full[:, :half].any(axis=1).astype(np.intp) + full[:, half:].any(axis=1)
    found = sides >= LEAST_SIDES
    size = ink.box[:, 2:] - ink.box[:, :2]
    is_slim = size.min(axis=1) < SLIMMEST_FRAME * size.max(axis=1)
    return np.asarray(found & (ink.parts > 0) & ~is_slim)


def may_have_underline(ink: Ink) -> Mask:
    """Find images (n,) whose ink has a long, level part in its lowest rows."""
    return _underline_rows(ink.pixels > 127) > 0


def has_wide_underline(ink: Ink) -> Mask:
    """Tell images (n,) whose lowest ink is thin, and much wider than all above; few digits have it."""
    mask = ink.pixels > 127
    row = _underline_rows(mask)
    above = mask & (np.arange(mask.shape[1]) < (row - 1)[:, None])[:, :, None]
    narrow = np.flatnonzero((row > 0) & (_extent(above) <= UNDERLINED * _extent(mask)))
    found = np.zeros(len(mask), np.bool_)
    found[narrow] = _thin_share(mask[narrow], ink.frame[narrow]) >= LOOSELY_CLEAR
    return found


def may_have_ruled_line(ink: Ink) -> Mask:
    """Find images (n,) that are large enough to show a ruled line, with a straight lower edge."""
    large = np.flatnonzero(ink.box[:, 3] - ink.box[:, 1] >= RULED_FROM_PX)
    mask = ink.pixels[large] > 127
    long = _underline_rows(mask) > 0
    found = np.zeros(len(ink.parts), np.bool_)
    found[large[long]] = _has_straight_edge(mask[long])
    return found


def _has_straight_edge(mask: Mask) -> Mask:
    """Tell which masks (n,) have a lower edge that is close to a straight line, by least squares."""
    end, thickness = _lowest_runs(mask)
    has_ink = thickness > 0
    count = np.maximum(has_ink.sum(axis=1, keepdims=True), 1)
    x = _from_mean(np.broadcast_to(np.arange(mask.shape[2]), end.shape), has_ink, count)
    y = _from_mean(end, has_ink, count)
    slope = (x * y).sum(axis=1, keepdims=True) / np.maximum((x * x).sum(axis=1, keepdims=True), 1)
    is_near = has_ink & (np.abs(y - slope * x) <= STRAIGHT_PX)
    return np.asarray(is_near.sum(axis=1) >= SOME_COLUMNS * count[:, 0])


def _from_mean(values: Ints, counted: Mask, count: Ints) -> Floats:
    """Return the distances of values (n, width) from the mean of the counted ones; 0 of the others."""
    mean = (values * counted).sum(axis=1, keepdims=True) / count
    return np.asarray((values - mean) * counted)


def _thin_share(mask: Mask, frame: Floats) -> Floats:
    """Return the share of columns of each mask (n,) whose lowest ink is about as thin as a line."""
    _, thickness = _lowest_runs(mask)
    size = frame[:, 2:] - frame[:, :2]
    most = LOOSELY_THIN * THICKEST_LINE * size.max(axis=1) / (size[:, 1] / mask.shape[1])
    is_thin = (thickness > 0) & (thickness <= most[:, None])
    return np.asarray(is_thin.sum(axis=1) / np.maximum((thickness > 0).sum(axis=1), 1))


def _underline_rows(mask: Mask) -> Ints:
    """Return the first row of the long, level part in the lowest rows of each mask (n,); 0 if none."""
    rows = mask[:, 1:] | mask[:, :-1]
    is_row = np.asarray(mask.any(axis=2))
    top, bottom = is_row.argmax(axis=1), mask.shape[1] - is_row[:, ::-1].argmax(axis=1)
    is_low = np.arange(rows.shape[1]) >= (top + UNDERLINE_FROM * (bottom - top))[:, None]
    width = np.maximum(mask.any(axis=1).sum(axis=1), 1)
    found = is_low & (rows.sum(axis=2) >= UNDERLINE_COVERAGE * width[:, None])
    return np.asarray(np.where(is_row.any(axis=1), found.argmax(axis=1), 0))


def _extent(mask: Mask) -> Ints:
    """Return the width from the leftmost to the rightmost ink of each mask (n,)."""
    columns = np.asarray(mask.any(axis=1))
    right = mask.shape[2] - columns[:, ::-1].argmax(axis=1)
    return np.asarray(np.where(columns.any(axis=1), right - columns.argmax(axis=1), 0))


def without_ring(gray: Gray) -> Gray:
    """Remove an ellipse around the ink, and everything outside it."""
    small = shrink(gray, WORKING_PX)
    mask, paper = _ink_and_paper(small, _corners(small))
    if not mask.any():
        return gray
    box = _box(mask)
    along = _along_rays(mask[None], box[None].astype(np.float64))
    first, width = (values[0] for values in _outermost(along))
    radius = _radii()[first]
    half = (box[2:] - box[:2]) / 2  # width, height
    is_ring = along[0].any(axis=1) & (radius >= RING_FROM)
    if is_ring.mean() < RING_CLOSED:
        return gray
    outside = np.where(is_ring, radius, np.median(radius[is_ring]))
    thickness = np.quantile(width[is_ring], RING_WIDTH, method="lower") * REACH / STEPS
    y, x = np.indices(mask.shape)
    u, v = ((x + 0.5 - box[0]) / half[0] - 1), ((y + 0.5 - box[1]) / half[1] - 1)
    ray = np.rint(np.arctan2(v, u) / (2 * np.pi) * RAYS).astype(np.intp) % RAYS
    distance = np.sqrt(u * u + v * v)
    lost = distance > outside[ray] - thickness - BESIDE_RING_PX / half.min()
    if not (mask & (distance < NEAR_MIDDLE)).any():
        return gray
    return _erased(small, mask, lost, paper, gray)


def without_frame(gray: Gray) -> Gray:
    """Remove straight lines along the sides of the ink, but keep strokes that cross or touch them."""
    small = shrink(gray, WORKING_PX)
    mask, paper = _ink_and_paper(small, small)
    if not mask.any():
        return gray
    lost = np.zeros_like(mask)
    sides = 0
    for turned in (False, True):
        rest = mask & ~lost
        here = _line_pixels(rest.T if turned else rest, mask.T if turned else mask)
        sides += _sides(here)
        lost |= here.T if turned else here
    return gray if sides < LEAST_SIDES else _erased(small, mask, lost, paper, gray)


def without_underline(gray: Gray) -> Gray:
    """Remove one straight line or two under the digit, and everything below."""
    small = shrink(gray, WORKING_PX)
    mask, paper = _ink_and_paper(small, small)
    line = _underline(mask)
    if line is None:
        return gray
    lost = line.lost
    upper = _underline(mask & ~lost)
    if upper is not None and upper.clear >= CLEAR_UPPER:  # the base of a 2 is not
        lost = lost | upper.lost
    return _erased(small, mask, lost, paper, gray)


def without_ruled_line(gray: Gray) -> Gray:
    """Remove one ruled line or two under the digit that are no stroke of it, and everything below."""
    small = shrink(gray, WORKING_PX)
    mask, paper = _ink_and_paper(small, small)
    lower = _ruled_line(mask)
    if lower is None:
        return gray
    above = mask & ~lower.lost
    upper = _ruled_line(above)
    if upper is not None and _is_no_base(upper, above):
        return _erased(small, mask, lower.lost | upper.lost, paper, gray)
    return _erased(small, mask, lower.lost, paper, gray) if _is_no_base(lower, mask) else gray


@dataclass(frozen=True, slots=True, eq=False)
class _RuledLine:
    """A line below a digit, with a straight lower edge.

    Attributes
    ----------
    lost : ndarray of shape (height, width), bool
        Its pixels, and all below it.
    off : float
        Distance from the straight edge that one of ten columns exceeds, as a share of the ink's height.
    """

    lost: Mask
    off: float


def _ruled_line(mask: Mask) -> _RuledLine | None:
    """Find a line along the lowest ink of a mask, with a lower edge as straight as a ruler's."""
    if not mask.any():
        return None
    left, top, right, bottom = _box(mask)
    height = bottom - top
    ends, runs = _lowest_runs(mask[None, :, left:right])
    x = np.flatnonzero(runs[0])
    is_cut = bottom == len(mask)  # then the edge of the picture is what is straight
    if is_cut or height < RULED_FROM_PX or len(x) < SOME_COLUMNS * (right - left):
        return None
    slope, offset = _straight(x, ends[0, x].astype(np.float64))
    line = slope * np.arange(right - left) + offset
    apart = np.sort(np.abs(ends[0, x] - line[x]))
    off = float(apart[len(apart) * 9 // 10] / height)
    if min(line[0], line[-1]) < top + UNDERLINE_FROM * height or off > RULED:
        return None
    thickness = np.sort(runs[0, x])[int(LINE_THICKNESS * len(x))]
    lost = np.zeros_like(mask)
    lost[:, left:right] = np.arange(len(mask))[:, None] >= line - thickness - 1
    return _RuledLine(lost, off)


def _is_no_base(line: _RuledLine, mask: Mask) -> bool:
    """Tell whether a line is longer than the digit above it, and not joined to it at its left end."""
    left, top, right, bottom = _box(mask)
    above = (mask & ~line.lost)[:, left:right]
    x = np.flatnonzero(above.any(axis=0))
    if not len(x):
        return False
    longer = (right - left - (x[-1] + 1 - x[0])) / (bottom - top)
    if line.off <= SHARPLY_RULED and longer >= CLEARLY_LONGER_BY:
        return True
    edge = line.lost[:, left:right].argmax(axis=0)
    joints = x[above[edge[x] - BESIDE_LINE_PX, x] | above[edge[x] - BESIDE_LINE_PX - 1, x]]
    begins = joints[0] / (bottom - top) if len(joints) else 0.0
    return bool(longer >= LONGER_BY and begins >= LEFT_OF_JOINT)


@dataclass(frozen=True, slots=True, eq=False)
class _Underline:
    """A straight line below a digit.

    Attributes
    ----------
    lost : ndarray of shape (height, width), bool
        Its pixels, and all below it.
    clear : float
        Share of the columns in which it is the lowest ink, and thin.
    """

    lost: Mask
    clear: float


def _underline(mask: Mask) -> _Underline | None:
    """Find a straight line in the lowest ink of a mask."""
    if not mask.any():
        return None
    left, top, right, bottom = _box(mask)
    x = np.arange(left, right)
    ends, runs = _lowest_runs(mask[None, :, left:right])
    end, thickness = ends[0], runs[0]
    most = min(THICKEST_LINE * max(mask.shape), THICKEST_BELOW * max(right - left, bottom - top))
    is_clear = (thickness > 0) & (thickness <= most)
    if is_clear.sum() < UNDERLINE_CLEAR * len(x):
        return None
    middle = end - thickness / 2
    slope, offset = _straight(x[is_clear], middle[is_clear])
    line = slope * x + offset
    apart = np.sort(np.abs(middle - line)[is_clear])
    is_low = min(line[0], line[-1]) >= top + UNDERLINE_FROM * (bottom - top)
    if not is_low or apart[len(apart) * 4 // 5] > OFF_THE_LINE_PX:
        return None
    lost = np.zeros_like(mask)
    upper = line - _median(thickness[is_clear]) / 2 - 1
    lost[:, left:right] = np.arange(len(mask))[:, None] >= upper
    return _Underline(lost, float(is_clear.mean()))


def _lowest_runs(masks: Mask) -> tuple[Ints, Ints]:
    """Return where the lowest run of ink in each column ends, and how thick it is; both (n, width).

    The thickness of an empty column is 0.
    """
    upwards = masks[:, ::-1]
    height = masks.shape[1]
    below = upwards.argmax(axis=1)
    is_over = ~upwards & (np.arange(height)[:, None] > below[:, None])
    above = np.where(is_over.any(axis=1), is_over.argmax(axis=1), height)
    return height - below, np.where(upwards.any(axis=1), above - below, 0)


def _straight(x: Ints, y: Floats) -> tuple[float, float]:
    """Return slope and offset of a line through sorted points, by the medians of both outer thirds."""
    third = max(1, len(x) // 3)
    first, last = ((_median(x[part]), _median(y[part])) for part in (slice(third), slice(-third, None)))
    slope = (last[1] - first[1]) / max(last[0] - first[0], 1.0)
    return slope, _median(y - slope * x)


def _median(values: Ints | Floats) -> float:
    """Return the median; for so few values, this is much faster than numpy's function."""
    ascending = np.sort(values)
    return float(ascending[(len(values) - 1) // 2] + ascending[len(values) // 2]) / 2


def _sides(lines: Mask) -> int:
    """Count the halves of the picture, upper and lower, that have a line along the rows."""
    rows = np.flatnonzero(lines.any(axis=1))
    middle = len(lines) / 2
    return int((rows < middle).any()) + int((rows >= middle).any())


def _line_pixels(rest: Mask, mask: Mask) -> Mask:
    """Return the pixels of lines along the rows of `rest`, with a margin of one pixel."""
    height = _runs_down(rest)
    left, top, right, bottom = _box(mask)
    lost = np.zeros_like(mask)
    inside = LINE_PLACE * (bottom - top)
    for row in np.flatnonzero(mask[:, left:right].mean(axis=1) >= LINE_COVERAGE).tolist():
        of_line = height[row, rest[row]]
        thickness = np.sort(of_line)[len(of_line) // 2] if len(of_line) else np.inf
        at_side = row < top + inside or row >= bottom - inside
        if at_side and thickness <= THICKEST_LINE * max(mask.shape):
            lost[row] |= rest[row] & (height[row] <= CROSSING * thickness + 1)
    beyond = lost.copy()
    beyond[1:] |= lost[:-1]
    beyond[:-1] |= lost[1:]
    is_thin = height <= CROSSING * THICKEST_LINE * max(mask.shape)
    return np.asarray(beyond & (~mask | is_thin))


def _runs_down(mask: Mask) -> Ints:
    """Return the length of the vertical run of ink through each pixel; 0 if the pixel is not ink."""
    height, width = mask.shape
    columns = np.zeros((width, height + 1), np.bool_)
    columns[:, :height] = mask.T
    steps = np.flatnonzero(np.diff(columns.ravel(), prepend=False))
    starts, ends = steps[::2], steps[1::2]
    lengths = np.zeros(columns.size, np.intp)
    lengths[columns.ravel()] = np.repeat(ends - starts, ends - starts)
    return np.asarray(lengths.reshape(columns.shape)[:, :height].T)


def _erased(small: Gray, mask: Mask, lost: Mask, paper: float, gray: Gray) -> Gray:
    """Return the picture without the pixels `lost`, or `gray` if too little ink remains."""
    left = mask & ~lost
    rows = np.flatnonzero(left.any(axis=1))
    box = _box(mask)
    if not len(rows) or rows[-1] + 1 - rows[0] < LEAST_LEFT * (box[3] - box[1]):
        return gray
    if left.sum() < LEAST_AREA * (box[2] - box[0]) * (box[3] - box[1]):
        return gray
    return np.where(lost, np.uint8(round(paper)), small)


def _ink_and_paper(small: Gray, sample: Gray) -> tuple[Mask, float]:
    """Return the ink and the shade of the paper, which is the median of a sample of the picture.

    Ink differs from the paper by more than half of the largest difference.
    """
    low, high = _quantiles(small, (0.01, 0.99))
    (paper,) = _quantiles(sample, (0.5,))
    is_light = paper - low >= high - paper
    values = small.astype(np.int16)
    far = paper - values if is_light else values - paper
    return np.asarray(far > max(float(far.max()) / 2, 4)), float(paper)


def _quantiles(pixels: Gray, shares: tuple[float, ...]) -> list[int]:
    up_to = np.cumsum(np.bincount(pixels.ravel(), minlength=256))
    quantiles: list[int] = np.searchsorted(up_to, np.array(shares) * pixels.size).tolist()
    return quantiles


def _corners(small: Gray) -> Gray:
    """Return the pixels of the four corners."""
    height, width = (max(1, round(CORNER * side)) for side in small.shape)
    upper, lower = small[:height], small[-height:]
    parts = (some[:, at] for some in (upper, lower) for at in (slice(width), slice(-width, None)))
    return np.concatenate([part.ravel() for part in parts])


def _box(mask: Mask) -> Ints:
    """Return the left, top, right and bottom of a mask that is not empty."""
    x, y = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([x[0], y[0], x[-1] + 1, y[-1] + 1])


@cache
def _radii() -> Floats:
    """Return the distances of the samples along a ray, from the outside inwards; shape (STEPS,)."""
    return np.asarray(REACH * (1 - np.arange(STEPS) / STEPS))


@cache
def _directions() -> Floats:
    """Return x and y of the rays' directions; shape (2, RAYS).

    Rounded: the last bit of a sine differs between processors, and a row must not.
    """
    turn = 2 * np.pi * np.arange(RAYS) / RAYS
    return np.asarray(np.rint(np.stack([np.cos(turn), np.sin(turn)]) * 2**20) / 2**20)


def _along_rays(masks: Mask, boxes: Floats, steps: Mask | slice = slice(None)) -> Mask:
    """Sample masks (n, height, width) along rays from the middle of their boxes.

    Return the samples (n, RAYS, STEPS), or only some of the steps.
    """
    circle = _directions()[:, :, None] * _radii()[steps]  # (2, RAYS, steps)
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    place = middle[:, :, None, None] + half[:, :, None, None] * circle  # (n, 2, RAYS, steps)
    x = np.floor(place[:, 0]).astype(np.intp)
    y = np.floor(place[:, 1]).astype(np.intp)
    _, height, width = masks.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    image = np.arange(len(masks))[:, None, None]
    return np.asarray(masks[image, y.clip(0, height - 1), x.clip(0, width - 1)] & inside)


def _outermost(along: Mask) -> tuple[Ints, Ints]:
    """Return where the outermost ink of each ray begins, and its length in samples; both (n, RAYS)."""
    first = along.argmax(axis=2)
    ended = ~along & (np.arange(STEPS) > first[:, :, None])
    end = np.where(ended.any(axis=2), ended.argmax(axis=2), STEPS)
    return first, end - first
