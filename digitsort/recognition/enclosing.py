"""Take out a frame or a ring that touches the digit, pixel by pixel.

The functions that change a picture work on a copy of at most `WORKING_PX`, and give back the picture
itself where there is nothing to take out, or where nothing would be left.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import Gray, shrink
from digitsort.recognition.ink import Ink

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

WORKING_PX = 112
"""Longer side of the copy: a printed line is still a pixel wide, and a picture takes half a ms."""

RAYS, STEPS, REACH = 64, 40, 1.08
"""Rays from the middle of the ink, samples along each, and how far they go, in halves of its box."""

RING_FROM, RING_CLOSED = 0.8, 0.9
"""Distance of a ring from the middle, in halves of its box, and share of the rays that meet it."""

SOMETHING_INSIDE = 0.3
"""Share of the rays that meet further ink within the ring. A digit in a ring that it touches is met by
more; half of the few zeros with a curl in them are met by less."""

LINES_OF_THREE = 4
"""Rows and columns that meet three runs of ink, from which on a ring may have something in it: a zero's
meet two."""

LEAST_LEFT, LEAST_AREA = 0.35, 0.03
"""Height of what is left, and its area, as shares of what was taken out's, to be a digit."""

LINE_COVERAGE = 0.88
"""Share of the ink's width along which a row is dark where it is a line."""

SLIMMEST_FRAME = 0.25
"""Shorter to longer side of a frame; a stroke's dot is as wide as all its ink."""

LINE_PLACE = 0.3
"""How far inside the ink's box a line of a frame lies, as a share of it."""

THICKEST_LINE = 0.09
"""Thickness of a line as a share of the picture's longer side."""

CROSSING = 1.5
"""Times a line's thickness from which on the ink across it is a stroke that crosses or touches it."""


def may_have_ring(ink: Ink) -> Mask:
    """Tell images (n,) whose ink is a ring on the outside, and something within it."""
    masks = ink.pixels > 127
    some = np.flatnonzero(_lines_of_three(masks) >= LINES_OF_THREE)  # of bare zeros nearly none
    found = np.zeros(len(masks), np.bool_)
    frame = ink.frame[some]
    scale = (frame[:, 2:] - frame[:, :2]) / masks.shape[1]
    boxes = (ink.box[some] - np.tile(frame[:, :2], 2)) / np.tile(scale, 2)
    along = _along_rays(masks[some], boxes)
    first, width = _outermost(along)
    radius = _radii()[first]
    closed = (along.any(axis=2) & (radius >= RING_FROM)).mean(axis=1) >= RING_CLOSED
    beyond = np.arange(STEPS) > (first + width)[:, :, None]
    found[some] = closed & ((along & beyond).any(axis=2).mean(axis=1) >= SOMETHING_INSIDE)
    return found


def _lines_of_three(masks: Mask) -> Ints:
    """Rows and columns (n,) of each mask that meet three runs of ink or more."""
    rows = (masks[:, :, 1:] & ~masks[:, :, :-1]).sum(axis=2, dtype=np.uint8) + masks[:, :, 0]
    columns = (masks[:, 1:] & ~masks[:, :-1]).sum(axis=1, dtype=np.uint8) + masks[:, 0]
    return np.asarray((rows >= 3).sum(axis=1) + (columns >= 3).sum(axis=1))


def may_have_frame(ink: Ink) -> Mask:
    """Tell images (n,) with a row and a column of ink from end to end of it, or nearly so."""
    mask = ink.pixels > 127
    found = np.ones(len(mask), np.bool_)
    for axis in (1, 2):
        along = mask.any(axis=axis).sum(axis=1)
        found &= mask.sum(axis=3 - axis).max(axis=1) >= LINE_COVERAGE * np.maximum(along, 1)
    size = ink.box[:, 2:] - ink.box[:, :2]
    is_slim = size.min(axis=1) < SLIMMEST_FRAME * size.max(axis=1)
    return np.asarray(found & (ink.parts > 0) & ~is_slim)


def without_ring(gray: Gray) -> Gray:
    """Take out an ellipse around the ink, with all beyond it."""
    small = shrink(gray, WORKING_PX)
    mask, paper = _ink_and_paper(small)
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
    thickness = np.median(width[is_ring]) * REACH / STEPS
    y, x = np.indices(mask.shape)
    u, v = ((x + 0.5 - box[0]) / half[0] - 1), ((y + 0.5 - box[1]) / half[1] - 1)
    ray = np.rint(np.arctan2(v, u) / (2 * np.pi) * RAYS).astype(np.intp) % RAYS
    lost = np.sqrt(u * u + v * v) > outside[ray] - thickness - 1.5 / half.min()
    return _erased(small, mask, lost, paper, gray)


def without_frame(gray: Gray) -> Gray:
    """Take out straight lines along the sides of the ink, but for what crosses or touches them."""
    small = shrink(gray, WORKING_PX)
    mask, paper = _ink_and_paper(small)
    if not mask.any():
        return gray
    lost = np.zeros_like(mask)
    lines = 0
    for turned in (False, True):
        rest = mask & ~lost
        here = _line_pixels(rest.T if turned else rest, mask.T if turned else mask)
        lines += bool(here.any())
        lost |= here.T if turned else here
    return gray if not lines else _erased(small, mask, lost, paper, gray)


def _line_pixels(rest: Mask, mask: Mask) -> Mask:
    """Pixels of the lines along the rows of `rest`, a pixel beyond them included."""
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
    """Length of the run of ink down its column that each pixel is of; 0 where there is none."""
    height, width = mask.shape
    columns = np.zeros((width, height + 1), np.bool_)
    columns[:, :height] = mask.T
    steps = np.flatnonzero(np.diff(columns.ravel(), prepend=False))
    starts, ends = steps[::2], steps[1::2]
    lengths = np.zeros(columns.size, np.intp)
    lengths[columns.ravel()] = np.repeat(ends - starts, ends - starts)
    return np.asarray(lengths.reshape(columns.shape)[:, :height].T)


def _erased(small: Gray, mask: Mask, lost: Mask, paper: float, gray: Gray) -> Gray:
    """The picture without what is lost; `gray` where too little is left."""
    left = mask & ~lost
    rows = np.flatnonzero(left.any(axis=1))
    box = _box(mask)
    if not len(rows) or rows[-1] + 1 - rows[0] < LEAST_LEFT * (box[3] - box[1]):
        return gray
    if left.sum() < LEAST_AREA * (box[2] - box[0]) * (box[3] - box[1]):
        return gray
    return np.where(lost, np.uint8(round(paper)), small)


def _ink_and_paper(small: Gray) -> tuple[Mask, float]:
    """What lies farther from the paper's shade than half of the farthest; the paper has most pixels."""
    up_to = np.cumsum(np.bincount(small.ravel(), minlength=256))
    low, paper, high = np.searchsorted(up_to, np.array([0.01, 0.5, 0.99]) * small.size).tolist()
    is_light = paper - low >= high - paper
    values = small.astype(np.int16)
    far = paper - values if is_light else values - paper
    return np.asarray(far > max(float(far.max()) / 2, 4)), float(paper)


def _box(mask: Mask) -> Ints:
    """Left, top, right, bottom of a mask that is not empty."""
    x, y = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([x[0], y[0], x[-1] + 1, y[-1] + 1])


@cache
def _radii() -> Floats:
    """Distances of the samples along a ray, from without inwards; shape (STEPS,)."""
    return np.asarray(REACH * (1 - np.arange(STEPS) / STEPS))


@cache
def _directions() -> Floats:
    """Return x and y of the rays' directions; shape (2, RAYS).

    Rounded: the last bit of a sine differs between processors, and a row must not.
    """
    turn = 2 * np.pi * np.arange(RAYS) / RAYS
    return np.asarray(np.rint(np.stack([np.cos(turn), np.sin(turn)]) * 2**20) / 2**20)


def _along_rays(masks: Mask, boxes: Floats) -> Mask:
    """Sample masks (n, height, width) along rays from the middle of their boxes: (n, RAYS, STEPS)."""
    circle = _directions()[:, :, None] * _radii()  # (2, RAYS, STEPS)
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    place = middle[:, :, None, None] + half[:, :, None, None] * circle  # (n, 2, RAYS, STEPS)
    x = np.floor(place[:, 0]).astype(np.intp)
    y = np.floor(place[:, 1]).astype(np.intp)
    _, height, width = masks.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    image = np.arange(len(masks))[:, None, None]
    return np.asarray(masks[image, y.clip(0, height - 1), x.clip(0, width - 1)] & inside)


def _outermost(along: Mask) -> tuple[Ints, Ints]:
    """Where the outermost ink of each ray begins, and for how many samples it lasts; both (n, RAYS)."""
    first = along.argmax(axis=2)
    ended = ~along & (np.arange(STEPS) > first[:, :, None])
    end = np.where(ended.any(axis=2), ended.argmax(axis=2), STEPS)
    return first, end - first
