"""Tell the ink of a digit from the paper and from everything else on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from digitsort.recognition.background import Background, onto_255, otsu, subtract_background
from digitsort.recognition.canvas import SIDE_PX, Box, Gray, to_canvases
from digitsort.recognition.parts import Parts, are_crowded, are_signs, connected_parts

Mask = npt.NDArray[np.bool_]
Canvases = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
_Bits = TypeVar("_Bits", np.uint32, np.uint64)

ZOOM_BELOW = 0.65
"""A digit smaller than this share of the frame, on both axes, is enlarged and read again."""

MOST_ZOOMS = 2

LONG_AT_EDGE = 0.5
"""Share of a side along which ink that lies at the edge only is a piece of a frame or a grid."""

LONG_IF_CUT = 0.16
"""The same share for ink that reaches the edge. Small digits in the corner of a sheet are shorter."""

OF_FIRST_FRAME = ("at_edge", "near_edge", "along_edge", "pieces", "solid_edge", "crowded")
"""Fields of `Ink` that describe the first frame. They are kept when a look zooms in on a digit."""

EDGE_PX = 3
"""Width of the band at an edge of the canvas in which remains of a cell's frame appear."""

LEAST_PIECE_PX = 3

SOLID_PX = 7
"""Side of a square of dark pixels on the canvas that is thicker than most strokes, unless the picture
is cropped to the digit."""

LEAST_SHADED_PX = 20
"""Smallest shorter side of a picture in which such a square counts as a shadow. In a picture of 8x8
pixels, every stroke is that thick."""

NEAR_PX = 3
"""A gap of up to this many canvas pixels is a broken stroke, not the distance to a neighbour."""

SOFT_EDGE_PX = 3
"""Distance on the canvas to which the soft edge of a stroke is followed."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Ink found on each image, with the decisions made on the way.

    Attributes
    ----------
    pixels : ndarray of shape (n, 32, 32), uint8
        Ink on the working canvas: 0 paper, 255 full ink, soft at the edges.
    frame : ndarray of shape (n, 4), float64
        The part of the source image that the canvas shows: left, top, right, bottom in source pixels.
    box : ndarray of shape (n, 4), float64
        Bounding box of the ink in source pixels: left, top, right, bottom.
    light_on_dark : ndarray of shape (n,), bool
    contrast : ndarray of shape (n,), float64
        Largest difference between paper and ink, in gray levels of 0-255.
    separation : ndarray of shape (n,), float64
        How cleanly the darkness falls into ink and paper (Otsu's criterion), 0-1.
    share : ndarray of shape (n,), float64
        Ink as a share of the canvas, 0-1.
    parts : ndarray of shape (n,), intp
        Connected parts that were kept; 0 where there is no ink.
    lined : ndarray of shape (n,), bool
        Printed lines were taken out.
    at_edge : ndarray of shape (n,), bool
        All ink lies in the outer fifth of the first frame looked at, along more than half a side of it.
    near_edge : ndarray of shape (n,), bool
        Something dark, kept or not, lies near an edge of the first frame.
    along_edge : ndarray of shape (n,), float64
        Largest share of a row or column so near an edge that is dark, 0-1.
    sign : ndarray of shape (n,), bool
        The parts, kept or not, lie as those of a face or of a question mark.
    pieces : ndarray of shape (n,), intp
        Connected parts on the first frame, kept or not, specks aside.
    solid_edge : ndarray of shape (n,), bool
        A dark square of `SOLID_PX`, part of a shadow or a table, lies at an edge of the first frame.
    crowded : ndarray of shape (n,), bool
        Two connected parts of the first frame, kept or not, look like digits side by side.
    touches_change : ndarray of shape (n,), bool
        The ink lies beside pixels that `Look.prepare` changed.
    """

    pixels: npt.NDArray[np.uint8]
    frame: Floats
    box: Floats
    light_on_dark: Mask
    contrast: Floats
    separation: Floats
    share: Floats
    parts: npt.NDArray[np.intp]
    lined: Mask
    at_edge: Mask
    near_edge: Mask
    along_edge: Floats
    sign: Mask
    pieces: npt.NDArray[np.intp]
    solid_edge: Mask
    crowded: Mask
    touches_change: Mask

    @classmethod
    def concatenate(cls, inks: Sequence[Ink]) -> Ink:
        """Join the decisions of several stacks."""
        return cls(*(np.concatenate([getattr(i, name) for i in inks]) for name in cls.__slots__))

    def of(self, images: npt.NDArray[np.intp]) -> Ink:
        """Return the ink and decisions for some of the images."""
        return Ink(*(getattr(self, name)[images] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A way to look for ink.

    Attributes
    ----------
    prepare : callable, optional
        Changes the canvases (n, side, side) before their paper is looked for.
    choose : callable, optional
        Of the parts, of those (n_parts,) that would be kept, and of the darkness (n, side, side): those
        that are kept instead.
    zoom : float
        Side of the square that a small digit is looked at in again, as a share of the digit's longer
        side.
    """

    prepare: Callable[[Canvases], Canvases] | None = None
    choose: Callable[[Parts, Mask, Canvases], Mask] | None = None
    zoom: float = 1.5


FIRST_LOOK = Look()


def find_ink(grays: Sequence[Gray]) -> Ink:
    """Find the ink of one digit on each image.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
        uint8, uint16, bool, or float within 0-1; dark on light or light on dark.
    """
    frames = [(0.0, 0.0, gray.shape[1], gray.shape[0]) for gray in grays]
    return look_for_ink(grays, frames, [FIRST_LOOK] * len(grays))


def look_for_ink(grays: Sequence[Gray], frames: Sequence[Box], looks: Sequence[Look]) -> Ink:
    """Find the ink of one digit in a frame of each image, and enlarge the frame if the ink is small.

    Each image has its own look, so that images with different looks share a stack: a small stack costs
    nearly as much as a large one.
    """
    ink = _find_in_frames(grays, frames, looks)
    for _ in range(MOST_ZOOMS):
        small = np.flatnonzero(_is_small(ink))
        if not len(small):
            break
        again = small.tolist()
        frames = [_zoomed_frame(ink, i, grays[i].shape, looks[i].zoom) for i in again]
        of_first = {name: getattr(ink, name)[small] for name in OF_FIRST_FRAME}
        some_looks = [looks[i] for i in again]
        _put(ink, small, _find_in_frames([grays[i] for i in again], frames, some_looks, of_first))
    return ink


def _find_in_frames(
    grays: Sequence[Gray],
    frames: Sequence[Box],
    looks: Sequence[Look],
    of_first: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Ink:
    """Find the ink in these frames; `of_first` has the `OF_FIRST_FRAME` fields of an earlier frame."""
    alike = _alike(looks)
    canvases = to_canvases(grays, frames)
    prepared, changed = _prepared(canvases, alike)
    background = subtract_background(prepared)
    threshold, separation = otsu(np.cumsum(background.counts, axis=1))
    masks = background.darkness > threshold[:, None, None]
    masks &= background.contrast[:, None, None] > 0
    parts = connected_parts(masks)
    keep = _choose(parts, background)
    seen = np.ones(len(keep), np.bool_)
    for look, images in alike.items():
        if look.choose is not None:
            mine = np.isin(parts.image, images)
            keep[mine] = look.choose(parts.of(images), keep[mine], background.darkness[images])
            seen[mine] = keep[mine]
    if of_first is None:
        of_first = _describe_frame(masks, parts, seen, frames)
    # A remnant of a shadow's edge can be placed like the dot of a question mark.
    is_prepared = np.array([look.prepare is not None for look in looks], np.bool_)
    with_dropped = np.unique(parts.image[~keep])
    dropped = parts.of(with_dropped).select(~keep[np.isin(parts.image, with_dropped)])
    masks[with_dropped] &= ~dropped
    pixels = _soft_ink(background.darkness, threshold, masks, with_dropped, dropped)
    ink = _describe(background, separation, pixels, masks, parts, keep, frames, of_first)
    touches_change = _touch_changes(masks, alike, changed)
    return replace(ink, sign=ink.sign & ~is_prepared, touches_change=touches_change)


def _describe_frame(
    masks: Mask, parts: Parts, seen: Mask, frames: Sequence[Box]
) -> dict[str, npt.NDArray[Any]]:
    """Return the `OF_FIRST_FRAME` fields but `at_edge`; `seen` (n_parts,) marks parts not left out."""
    near_edge, along_edge = _near_and_along_edge(masks)
    corners = np.array(frames, np.float64).reshape(-1, 4)
    shorter_px = (corners[:, 2:] - corners[:, :2]).min(axis=1)
    return {
        "near_edge": near_edge,
        "along_edge": along_edge,
        "pieces": np.bincount(parts.image[parts.area >= LEAST_PIECE_PX], minlength=len(masks)),
        "solid_edge": _have_solid_edge(masks) & (shorter_px >= LEAST_SHADED_PX),
        "crowded": are_crowded(parts, seen),
    }


def _alike(looks: Sequence[Look]) -> dict[Look, npt.NDArray[np.intp]]:
    """Return the images, ascending, of each look except the first."""
    numbers: dict[Look, list[int]] = {}
    for index, look in enumerate(looks):
        if look is not FIRST_LOOK:
            numbers.setdefault(look, []).append(index)
    return {look: np.array(images) for look, images in numbers.items()}


def _prepared(
    canvases: Canvases, alike: dict[Look, npt.NDArray[np.intp]]
) -> tuple[Canvases, dict[Look, Mask]]:
    """Prepare the canvases for the looks that need it; also return which pixels each look changed."""
    changed = {}
    for look, images in alike.items():
        if look.prepare is not None:
            before = canvases[images]
            canvases[images] = look.prepare(before)
            changed[look] = canvases[images] != before
    return canvases, changed


def _touch_changes(
    masks: Mask, alike: dict[Look, npt.NDArray[np.intp]], changed: dict[Look, Mask]
) -> Mask:
    """Tell which masks (n, side, side) have ink on or beside a pixel that was changed."""
    touch = np.zeros(len(masks), np.bool_)
    for look, where in changed.items():
        touch[alike[look]] = (grow(masks[alike[look]], 1) & where).any(axis=(1, 2))
    return touch


def _are_signs(parts: Parts, scale: Floats) -> Mask:
    """Find images (n,) whose parts are arranged like those of a sign."""
    found = np.zeros(parts.shape[0], np.bool_)
    several = np.flatnonzero(np.bincount(parts.image, minlength=len(found)) > 1)
    if len(several):
        found[several] = are_signs(parts.of(several), scale[several])
    return found


def _choose(parts: Parts, background: Background) -> Mask:
    """Choose the parts (n_parts,) that belong to the digit: the most central one and its like."""
    keep = np.ones(len(parts.image), np.bool_)  # the only part of an image belongs to it
    several = np.bincount(parts.image, minlength=len(background.darkness)) > 1
    images = np.flatnonzero(several)
    if len(images):
        keep[several[parts.image]] = _choose_of_several(parts.of(images), background.darkness[images])
    return keep


def _choose_of_several(parts: Parts, darkness: npt.NDArray[np.uint8]) -> Mask:
    n = len(darkness)
    score = parts.total(centrality() * darkness)
    sides = parts.sides()
    at_rim = sides > 0
    # A part that never leaves the outer fifth is a neighbour's stroke or the edge of a form, unless
    # there is nothing else.
    marginal = at_rim & ~parts.touch(np.broadcast_to(_inner(), darkness.shape))
    has_other = np.zeros(n, np.bool_)
    has_other[parts.image[~marginal]] = True
    candidate = ~(marginal & has_other[parts.image])
    rank = np.lexsort((score, candidate, parts.image))
    best = np.zeros(n, np.intp)
    best[parts.image[rank]] = rank  # the last of each image wins: the best candidate
    mine = best[parts.image]
    is_best = mine == np.arange(len(mine))
    near = parts.touch(grow(parts.select(is_best), NEAR_PX))
    stray = at_rim & ~at_rim[mine] & (score < 0.5 * score[mine])
    large = parts.area >= np.where(near, 0.01, 0.08) * parts.area[mine]
    # A digit that is cut tight has parts of its own at the rim; one with a margin has none.
    own = (near & at_rim[mine]) | (sides[mine] >= 2)
    return np.asarray(large & (own | ~(marginal | stray)))


@cache
def centrality() -> Floats:
    """Return exp(-2 (x² + y²)) of every pixel, x and y within -1…1; shape (side, side)."""
    axis = (2 * np.arange(SIDE_PX) + 1) / SIDE_PX - 1
    return np.exp(-2 * (axis[:, None] ** 2 + axis[None, :] ** 2))


@cache
def _inner() -> Mask:
    """Return a mask (side, side) of all but the outer fifth."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.bool_)
    band = SIDE_PX // 5
    mask[band:-band, band:-band] = True
    return mask


def _soft_ink(
    darkness: npt.NDArray[np.uint8],
    threshold: npt.NDArray[np.uint8],
    mask: Mask,
    with_dropped: npt.NDArray[np.intp],
    dropped: Mask,
) -> npt.NDArray[np.uint8]:
    """Return ink from 0 at half of the threshold to 255 at one and a half, around the kept parts.

    The soft edge of a blurred or enlarged stroke is part of its shape; a mask cut at the threshold cost
    5 points on MNIST with a model of `load_digits`.
    """
    low = threshold // 2
    high = low + np.minimum(threshold, 255 - low)
    soft = np.maximum(darkness, low[:, None, None])
    np.minimum(soft, high[:, None, None], out=soft)
    soft -= low[:, None, None]
    pixels = onto_255(soft, threshold)
    zone = grow(mask, SOFT_EDGE_PX)
    zone[with_dropped] &= ~grow(dropped, 1)
    return pixels * zone


def grow(mask: Mask, by_px: int) -> Mask:
    """Dilate by a square of `by_px` pixels to each side."""
    rows = packed(mask)
    for shift in (1, 2, 4, 8):
        step = min(shift, by_px - shift + 1)
        if step <= 0:
            break
        rows |= (rows << np.uint32(step)) | (rows >> np.uint32(step))
        grown = rows.copy()
        grown[:, step:] |= rows[:, :-step]
        grown[:, :-step] |= rows[:, step:]
        rows = grown
    return unpacked(rows)


def packed(mask: Mask) -> npt.NDArray[np.uint32]:
    """Return a whole number for each row of 32 pixels (n, side), its first pixel the highest bit."""
    return np.packbits(mask, axis=2).view(">u4")[:, :, 0].astype(np.uint32)


def unpacked(rows: npt.NDArray[np.uint32]) -> Mask:
    """Return the 32 bits of each number, along a further axis."""
    return np.unpackbits(rows.astype(">u4")[..., None].view(np.uint8), axis=-1).view(np.bool_)


def _describe(
    background: Background,
    separation: Floats,
    pixels: npt.NDArray[np.uint8],
    mask: Mask,
    parts: Parts,
    keep: Mask,
    frames: Sequence[Box],
    of_first: Mapping[str, npt.NDArray[Any]],
) -> Ink:
    frame = np.array(frames, np.float64).reshape(-1, 4)
    rows = packed(mask)
    box = _bounding_boxes(rows, frame)
    return Ink(
        pixels=pixels,
        frame=frame,
        box=box,
        light_on_dark=background.light_on_dark,
        contrast=background.contrast,
        separation=separation,
        share=np.bincount(parts.image, parts.area * keep, len(mask)) / SIDE_PX**2,
        parts=np.bincount(parts.image[keep], minlength=len(mask)),
        lined=background.lined,
        sign=_are_signs(parts, (frame[:, 2:] - frame[:, :2]) / SIDE_PX),
        touches_change=np.zeros(len(mask), np.bool_),
        **({"at_edge": _lie_at_edge(rows, box, frame, of_first["along_edge"])} | dict(of_first)),
    )


def _is_near_edge(mask: Mask) -> Mask:
    """Tell masks (n, side, side) with something in the outermost rows and columns."""
    rows = packed(mask)
    top_and_bottom = rows[:, :EDGE_PX].any(axis=1) | rows[:, -EDGE_PX:].any(axis=1)
    band = (1 << EDGE_PX) - 1
    sides = np.uint32(band << (SIDE_PX - EDGE_PX) | band)
    return np.asarray(top_and_bottom | (rows & sides).any(axis=1))


def _near_and_along_edge(masks: Mask) -> tuple[Mask, Floats]:
    """Find masks (n, side, side) with ink near an edge; also return how much lies along one."""
    near = _is_near_edge(masks)
    along = np.zeros(len(masks))
    along[near] = _share_along_edge(masks[near])
    return near, along


def _have_solid_edge(masks: Mask) -> Mask:
    """Find masks (n, side, side) with a dark square of `SOLID_PX` at an edge."""
    corners = upper_left_of_squares(packed(masks), SOLID_PX)
    last = SIDE_PX - SOLID_PX
    columns = np.bitwise_or.reduce(corners, axis=1)
    sides = np.uint32(1 << (SIDE_PX - 1) | 1 << (SOLID_PX - 1))
    return np.asarray((corners[:, 0] | corners[:, last] | (columns & sides)) != 0)


def upper_left_of_squares(rows: npt.NDArray[_Bits], side: int) -> npt.NDArray[_Bits]:
    """Return packed masks (n, height) of the upper left corners of all squares that are full."""
    across, covered = rows, 1
    while covered < side:
        step = min(covered, side - covered)
        across = across & (across << rows.dtype.type(step))
        covered += step
    down, covered = across, 1
    while covered < side:
        step = min(covered, side - covered)
        further = np.zeros_like(down)
        further[:, :-step] = down[:, step:]
        down, covered = down & further, covered + step
    return down


def _share_along_edge(mask: Mask) -> Floats:
    """Return the largest share of ink in an outermost row or column of each mask (n, side, side)."""
    rows = np.concatenate([mask[:, :EDGE_PX], mask[:, -EDGE_PX:]], axis=1)
    columns = np.concatenate([mask[:, :, :EDGE_PX], mask[:, :, -EDGE_PX:]], axis=2)
    longest = np.maximum(rows.sum(axis=2, dtype=np.uint8), columns.sum(axis=1, dtype=np.uint8))
    return np.asarray(longest.max(axis=1) / SIDE_PX)


def _lie_at_edge(
    rows: npt.NDArray[np.uint32], boxes: Floats, frame: Floats, along_edge: Floats
) -> Mask:
    """Tell which packed masks (n, side) have ink only in the outer fifth that can't be a small digit.

    It is too long for a small digit in the corner of a sheet, or something long lies along that edge.
    """
    is_inside = (rows & packed(_inner()[None])).any(axis=1)
    size = (boxes[:, 2:] - boxes[:, :2]) / (frame[:, 2:] - frame[:, :2])
    is_cut = (boxes == frame).any(axis=1)
    long = np.where(is_cut, LONG_IF_CUT, LONG_AT_EDGE)
    return np.asarray(~is_inside & ((size.max(axis=1) > long) | (along_edge > LONG_AT_EDGE)))


def _bounding_boxes(rows: npt.NDArray[np.uint32], frame: Floats) -> Floats:
    """Return boxes (n, 4) around packed masks (n, side) in source pixels; empty for empty masks."""
    boxes = np.empty_like(frame)
    across = unpacked(np.bitwise_or.reduce(rows, axis=1))  # (n, side): some pixel of the column is set
    for low, high, along in ((0, 2, across), (1, 3, rows != 0)):
        step: Floats = (frame[:, high] - frame[:, low]) / SIDE_PX
        first: Floats = along.argmax(axis=1).astype(np.float64)
        end: Floats = np.where(along.any(axis=1), SIDE_PX - along[:, ::-1].argmax(axis=1), 0.0)
        boxes[:, low] = frame[:, low] + first * step
        boxes[:, high] = frame[:, low] + end * step
    return boxes


def _is_small(ink: Ink) -> Mask:
    frame, box = ink.frame, ink.box
    share = (box[:, 2:] - box[:, :2]) / (frame[:, 2:] - frame[:, :2])
    return np.asarray((ink.parts > 0) & (share < ZOOM_BELOW).all(axis=1))


def _zoomed_frame(ink: Ink, index: int, shape: tuple[int, ...], zoom: float) -> Box:
    """Return a square of `zoom` times the ink's longer side around it, within the image."""
    left, top, right, bottom = ink.box[index]
    half = zoom / 2 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    height, width = shape
    return max(x - half, 0), max(y - half, 0), min(x + half, width), min(y + half, height)


def _put(ink: Ink, where: npt.NDArray[np.intp], part: Ink) -> None:
    for name in Ink.__slots__:
        getattr(ink, name)[where] = getattr(part, name)
