"""Look in other ways at a picture whose first look was not sure.

Each way is a small function and a line in `ROUNDS`. For each, the model says which digit it sees and
how well it knows it; `decide` chooses one of them, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.background import histogram, otsu
from digitsort.recognition.canvas import SIDE_PX, Box, Gray
from digitsort.recognition.enclosing import (
    has_wide_underline,
    may_have_frame,
    may_have_ring,
    may_have_ruled_line,
    may_have_underline,
    without_frame,
    without_ring,
    without_ruled_line,
    without_underline,
)
from digitsort.recognition.ink import (
    FIRST_LOOK,
    LONG_AT_EDGE,
    Ink,
    Look,
    centrality,
    grow,
    look_for_ink,
    upper_left_of_squares,
)
from digitsort.recognition.parts import Parts, connected_parts
from digitsort.recognition.uneven import SURE_SEPARATION, closing, sharp_closing

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

RING_HEIGHT = 0.35
"""Height of what a ring surrounds, as a share of the ring's, from which on it may be a digit: the dot
or the stroke in a zero is lower, or hangs together with it."""

RING_AREA = 0.08
"""Share of the ring's area that what it surrounds has to have."""

LIKE_THE_MAIN_PART = 0.08
"""Share of the main part's area from which on another part may belong to the same digit."""

LOW = 0.75
"""Height of a part beside the main one, as a share of its, from which on it may be of a digit."""

FLAT = 0.3
"""The same for a part above or below it; a broken 5 has its bar there."""

WIDE = 1.2
"""Width of a part above or below it, as a share of its width, from which on it is a line."""

MOST_OVERLAP = 0.25
"""Share of a part's width or height by which it may overlap the main part and still lie beside it."""

BENT, LOW_PARENTHESIS, LOW_INSIDE = 0.12, 0.3, 0.8
"""Smallest distance of the middle of a parenthesis from its ends, as a share of its width; its smallest
height, as a share of the canvas; and its smallest height, as a share of what it surrounds."""

THICK_PX, BEYOND_PX, LONG_REGION = 5, 4, 0.6
"""A dark region at an edge is covered by full squares: their side, and how much of a square may lie
beyond the edge, both in pixels of the canvas; and the smallest length of the region, as a share of a
side."""

PALE, DARK, DARKEST_PX = 0.45, 0.85, 6
"""Pixels paler than `PALE` disappear, and those darker than `DARK` become full ink. Both are shares of
the darkness of the ink, which at least `DARKEST_PX` pixels reach."""

BETTER_BY = 0.1
"""Usual price of a way, in strength (confidence times familiarity)."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """Another way to look.

    Attributes
    ----------
    words : str
        Text for the reason of a digit that was read in this way.
    helps : callable
        Function of the first look's ink that finds the images (n,) on which this way may see more.
    look : Look
    margin : float
        Share of the picture to leave out at each side.
    redraw : callable, optional
        Function that changes the picture first.
    taken_for : tuple of str, optional
        Labels that the model may give to what is left out. This way skips an image if its first look
        is sure and has another label.
    leaves_out_surroundings : bool
        Whether it leaves out things around the digit (a frame, a ring), not beside or inside it. The
        digit itself is unchanged, and may be accepted.
    may_take_a_stroke : bool
        Whether it may take away a stroke of the digit itself, such as the base of a 2.
    price : float
        Strength by which a reading has to beat the first look. It is below 0 if what is left out
        explains the first look: a ring is read as a 0.
    """

    words: str
    helps: Callable[[Ink], Mask]
    look: Look = FIRST_LOOK
    margin: float = 0.0
    redraw: Callable[[Gray], Gray] | None = None
    taken_for: tuple[str, ...] = ()
    leaves_out_surroundings: bool = False
    may_take_a_stroke: bool = False
    price: float = BETTER_BY


def look_again(grays: Sequence[Gray], ways: Sequence[Way]) -> Ink:
    """Find the ink of each image, each in its own way."""
    return look_at_redrawn(list(map(redrawn, grays, ways)), ways)


def redrawn(gray: Gray, way: Way) -> Gray:
    """Return the picture to look at, which is `gray` itself if the way changes nothing."""
    return gray if way.redraw is None else way.redraw(gray)


def look_at_redrawn(grays: Sequence[Gray], ways: Sequence[Way]) -> Ink:
    """Find the ink of each image, each in its own way, after it was redrawn."""
    frames = [_inner_frame(gray, way.margin) for gray, way in zip(grays, ways, strict=True)]
    return look_for_ink(grays, frames, [way.look for way in ways])


def _inner_frame(gray: Gray, margin: float) -> Box:
    height, width = gray.shape
    return margin * width, margin * height, (1 - margin) * width, (1 - margin) * height


def is_cut(ink: Ink) -> Mask:
    """Tell images (n,) whose ink reaches the edge of the frame that was looked at."""
    half_px = (ink.frame[:, 2:] - ink.frame[:, :2]) / SIDE_PX / 2
    low = ink.box[:, :2] < ink.frame[:, :2] + half_px
    high = ink.box[:, 2:] > ink.frame[:, 2:] - half_px
    return np.asarray((low | high).any(axis=1))


def is_piece(ink: Ink, ways: Sequence[Way]) -> Mask:
    """Tell which images (n,) have ink that may be only a piece of the digit; each has its own way.

    If a way leaves out the surroundings, a piece of the digit may be missing where the ink is cut off,
    or where it lies beside pixels that the look changed. A way that redraws the picture loses no piece,
    even if the digit touched what was removed.
    """
    leaves_out = np.array(
        [way.leaves_out_surroundings and way.redraw is None for way in ways], np.bool_
    )
    return np.asarray(leaves_out & (is_cut(ink) | ink.touches_change))


def has_ring(ink: Ink) -> Mask:
    """Tell images (n,) on which a part that was kept surrounds another one that may be a digit."""
    return _with_some(ink, _are_rings)


def has_neighbour(ink: Ink) -> Mask:
    """Tell images (n,) on which a part was kept that lies beside the digit and may be none of it."""
    return _with_some(ink, lambda parts: ~_without_neighbours(parts, parts.area > 0, None))


def _with_some(ink: Ink, tell: Callable[[Parts], Mask]) -> Mask:
    """Tell images (n,) of several parts of which some are told."""
    found = np.zeros(len(ink.parts), np.bool_)
    several = np.flatnonzero(ink.parts >= 2)
    parts = connected_parts(ink.pixels[several] > 127)
    found[several[parts.image[tell(parts)]]] = True
    return found


def _without_rings(parts: Parts, keep: Mask, _darkness: Bytes) -> Mask:
    """Keep what is not a ring, of the images that have one."""
    rings = _are_rings(parts)
    if not rings.any():
        return keep
    has_one = np.bincount(parts.image[rings], minlength=parts.shape[0]) > 0
    area = np.where(rings, 0, parts.area)
    largest = np.zeros(parts.shape[0], np.int64)
    np.maximum.at(largest, parts.image, area)
    inside = area >= np.maximum(LIKE_THE_MAIN_PART * largest[parts.image], 1)
    return np.where(has_one[parts.image], inside, keep)


def _are_rings(parts: Parts) -> Mask:
    """Tell parts (n_parts,) that surround another one, by their boxes."""
    rings = np.zeros(len(parts.image), np.bool_)
    left, top, right, bottom = parts.boxes().T
    height, area = bottom - top, parts.area
    for outer, inner in parts.pairs():
        within = (left[inner] > left[outer]) & (right[inner] < right[outer])
        within &= (top[inner] > top[outer]) & (bottom[inner] < bottom[outer])
        within &= height[inner] >= RING_HEIGHT * height[outer]
        within &= area[inner] >= RING_AREA * area[outer]
        rings[outer[within]] = True
    return rings


def has_parentheses(ink: Ink) -> Mask:
    """Tell which images (n,) have parentheses among the parts that were kept."""
    return _with_some(ink, lambda parts: _are_parentheses(parts) != 0)


def _without_parentheses(parts: Parts, keep: Mask, _darkness: Bytes) -> Mask:
    """Keep only what lies between the parentheses, in images that have them."""
    side = _are_parentheses(parts)
    if not side.any():
        return keep
    box = parts.boxes()
    low = np.full(parts.shape[0], -1)
    high = np.full(parts.shape[0], -1)
    low[parts.image[side < 0]] = box[side < 0, 2]
    high[parts.image[side > 0]] = box[side > 0, 0]
    middle = (box[:, 0] + box[:, 2]) / 2
    between = (side == 0) & (middle > low[parts.image]) & (middle < high[parts.image])
    area = np.where(between, parts.area, 0)
    largest = np.zeros(parts.shape[0], np.int64)
    np.maximum.at(largest, parts.image, area)
    between &= area >= LIKE_THE_MAIN_PART * largest[parts.image]
    return np.where(high[parts.image] >= 0, between, keep)


def _are_parentheses(parts: Parts) -> npt.NDArray[np.intp]:
    """Return -1 for a left and 1 for a right parenthesis, 0 for any other part; shape (n_parts,).

    A parenthesis is one stroke, with one run of pixels in each row, and its middle is bent outwards.
    There is one on either side of a part that is not much taller.
    """
    bend = _bends(parts)
    box = parts.boxes()
    height = box[:, 3] - box[:, 1]
    runs = np.bincount(parts.part, minlength=len(parts.image))
    slim = (runs == height) & (height >= LOW_PARENTHESIS * parts.shape[1])
    left, right = slim & (bend <= -BENT), slim & (bend >= BENT)
    side = np.zeros(len(parts.image), np.intp)
    for image in np.intersect1d(parts.image[left], parts.image[right]).tolist():
        mine = np.flatnonzero(parts.image == image)
        first = mine[left[mine]][np.argmin(box[mine[left[mine]], 0])]
        last = mine[right[mine]][np.argmax(box[mine[right[mine]], 2])]
        middle = (box[mine, 0] + box[mine, 2]) / 2
        inner = mine[(middle > box[first, 2]) & (middle < box[last, 0])]
        tall = height[inner] >= RING_HEIGHT * height[first]
        low = height[inner] <= height[[first, last]].min() / LOW_INSIDE
        if (tall & low).any():
            side[first], side[last] = -1, 1
    return side


def _bends(parts: Parts) -> npt.NDArray[np.float64]:
    """Return how far right of its ends the middle third of each part lies, as a share of its width."""
    _, height, width = parts.shape
    row, left = np.divmod(parts.starts, width + 1)
    row %= height + 1
    own = parts.boxes()
    box = own[parts.part]
    share = (row + 0.5 - box[:, 1]) / (box[:, 3] - box[:, 1])
    is_middle = np.abs(share - 0.5) < 1 / 6
    middle = left + parts.lengths / 2
    sums = [
        np.bincount(parts.part[chosen], weights[chosen], len(parts.image))
        for chosen in (is_middle, ~is_middle)
        for weights in (middle, np.ones(len(middle)))
    ]
    bend = sums[0] / np.maximum(sums[1], 1) - sums[2] / np.maximum(sums[3], 1)
    return np.asarray(bend / (own[:, 2] - own[:, 0]))


def _main_part(parts: Parts, keep: Mask, darkness: Bytes) -> Mask:
    """Keep the most central part alone."""
    main = np.zeros_like(keep)
    main[parts.best(parts.total(centrality() * darkness))] = True
    return main


def _without_neighbours(parts: Parts, keep: Mask, darkness: Bytes | None) -> Mask:
    """Drop what lies beside, above or below the main part and is no piece of a digit."""
    weights = centrality() if darkness is None else centrality() * darkness
    score, box = parts.total(np.broadcast_to(weights, parts.shape)), parts.boxes()
    size = box[:, 2:] - box[:, :2]  # (n_parts, 2): width and height
    main = parts.best(score * size[:, 1])  # of each image that has a part
    counts = np.bincount(parts.image, minlength=parts.shape[0])
    mine = np.repeat(main, counts[counts > 0])  # (n_parts,): the main part of its image
    overlap = np.minimum(box[:, 2:], box[mine, 2:]) - np.maximum(box[:, :2], box[mine, :2])
    beside, above_or_below = (overlap <= MOST_OVERLAP * size).T
    low = beside & (size[:, 1] < LOW * size[mine, 1])
    flat = (size[:, 1] < FLAT * size[mine, 1]) | (size[:, 0] > WIDE * size[mine, 0])
    is_main = mine == np.arange(len(mine))
    kept = (keep & ~(low | (above_or_below & flat))) | is_main
    return np.where(counts[parts.image] >= 2, kept, keep)


def _without_dark_edges(canvases: Bytes) -> Bytes:
    """Brighten dark regions at the edges (frames, shadows, tables) to the shade of the paper.

    They are long, and thicker than strokes if they are continued beyond the edge. Ink inside them stays
    darker than its surroundings.
    """
    up_to = np.cumsum(histogram(canvases), axis=1)
    threshold, _ = otsu(up_to)
    dark = canvases <= threshold[:, None, None]
    parts = connected_parts(_thick(dark))
    box = parts.boxes()
    size = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    regions = parts.select((parts.sides() > 0) & (size >= LONG_REGION * SIDE_PX))
    found = np.flatnonzero(regions.any(axis=(1, 2)))
    regions, some = regions[found], canvases[found]
    paper = _median_of_light(up_to[found], threshold[found])
    level = (some * regions).sum(axis=(1, 2)) / regions.sum(axis=(1, 2))
    halfway = (paper + level) / 2
    regions |= grow(regions, 1) & (dark[found] | (some < halfway[:, None, None]))
    brighter = np.where(regions, (paper / np.maximum(level, 1))[:, None, None], 1.0)
    evened = canvases.copy()
    evened[found] = np.minimum(np.rint(some * brighter), 255).astype(np.uint8)
    return evened


def _thick(dark: Mask) -> Mask:
    """Keep what is covered by full squares of `THICK_PX`, with the edge pixels repeated outside."""
    width = dark.shape[2]
    beyond = np.pad(
        dark, ((0, 0), (BEYOND_PX, BEYOND_PX), (BEYOND_PX, 64 - width - BEYOND_PX)), mode="edge"
    )
    rows = np.packbits(beyond, axis=2).view(">u8")[:, :, 0].astype(np.uint64)
    covered = upper_left_of_squares(rows, THICK_PX)
    for _ in range(THICK_PX - 1):
        covered |= covered >> np.uint64(1)
    for _ in range(THICK_PX - 1):
        covered[:, 1:] |= covered[:, :-1]
    bits = np.unpackbits(covered.astype(">u8")[..., None].view(np.uint8), axis=-1).view(np.bool_)
    return bits[:, BEYOND_PX:-BEYOND_PX, BEYOND_PX : BEYOND_PX + width]


def _median_of_light(up_to: npt.NDArray[np.int64], threshold: Bytes) -> npt.NDArray[np.intp]:
    """Return the median of the levels above the threshold, from cumulative histograms (n, 256)."""
    dark = up_to[np.arange(len(up_to)), threshold]
    return np.asarray((2 * up_to >= (dark + up_to[:, -1])[:, None]).argmax(axis=1))


def _without_pale(canvases: Bytes) -> Bytes:
    """Bleach what is less than half as dark as the ink: print that shows through from the back."""
    up_to = np.cumsum(histogram(canvases), axis=1)
    threshold, _ = otsu(up_to)
    paper = _median_of_light(up_to, threshold).astype(np.float64)
    darkest = (up_to >= DARKEST_PX).argmax(axis=1)
    depth = (paper[:, None, None] - canvases) / np.maximum(paper - darkest, 1)[:, None, None]
    ink = np.clip((depth - PALE) / (DARK - PALE), 0, 1)
    return np.asarray(np.rint(255 * (1 - ink)), np.uint8)


def _in_even_light(canvases: Bytes) -> Bytes:
    """Divide by the paper's shade nearby, a grey closing, which follows the edge of a shadow."""
    return np.asarray(np.clip(canvases * (255.0 / np.maximum(closing(canvases), 1)), 0, 255), np.uint8)


def _across_hard_shadows(canvases: Bytes) -> Bytes:
    """Divide by a closing that is not smoothed, so that hard shadows disappear."""
    shade = np.maximum(sharp_closing(canvases), 1)
    return np.asarray(np.rint(canvases * (255.0 / shade)), np.uint8)


def _blurred(canvases: Bytes) -> Bytes:
    """Blur by 1 2 1 in both directions: noise and the gaps between dots go."""
    padded = np.pad(canvases.astype(np.uint16), ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    both = rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]
    return np.asarray((both + 8) >> 4, np.uint8)


def _may_be_framed(ink: Ink) -> Mask:
    """Find images (n,) on which the ink near an edge may be more than a stroke of the digit."""
    more = (ink.along_edge >= LONG_AT_EDGE) | (ink.pieces >= 2) | (ink.separation < EVEN_SEPARATION)
    return np.asarray(ink.near_edge & more)


def _has_pieces(ink: Ink) -> Mask:
    return np.asarray(ink.pieces >= 2)


def _has_pieces_near_edge(ink: Ink) -> Mask:
    return np.asarray(ink.near_edge & (ink.pieces >= 2))


def _has_whole_edge(ink: Ink) -> Mask:
    return np.asarray(ink.along_edge >= WHOLE_EDGE)


def _has_dark_edge(ink: Ink) -> Mask:
    return np.asarray(_has_whole_edge(ink) | ink.solid_edge)


def _may_be_shaded(ink: Ink) -> Mask:
    return np.asarray(_may_be_framed(ink) | ink.solid_edge | (ink.separation < SURE_SEPARATION))


def _may_shine_through(ink: Ink) -> Mask:
    return np.asarray((ink.separation < EVEN_SEPARATION) & ~_may_be_noisy(ink))


def _shines_through(ink: Ink) -> Mask:
    return np.asarray((ink.separation < LOW_SEPARATION) & (ink.contrast >= FAINT))


def _may_be_noisy(ink: Ink) -> Mask:
    return np.asarray((ink.contrast < FAINT) | (ink.pieces >= MANY_PIECES))


WHOLE_EDGE = 0.9
"""Smallest dark share of an edge that is a shadow or a table; few digits fill so much of one."""

EVEN_SEPARATION = 0.88
"""Smallest value of Otsu's criterion at which the light is even and nothing shines through. Among MNIST
digits that reach an edge and are not sure, 9 of 10 are above it; with bleed-through, 1 of 10."""

LOW_SEPARATION = 0.84
"""Smallest separation at which a sure first look is believed. Half of the pictures with bleed-through
are below it, 2 % of the simulated scans, and no MNIST digit."""

FAINT = 60.0
"""Contrast in gray levels below which a camera's noise is part of the ink."""

MANY_PIECES = 4

IN_A_FRAME, IN_A_RING = "in a frame", "in a ring"

_RING = Way(IN_A_RING, has_ring, Look(choose=_without_rings, zoom=1.15), leaves_out_surroundings=True)
BESIDE = Way("without what lies beside it", _has_pieces, Look(choose=_without_neighbours, zoom=1.1))
_TOUCHING_RING = Way(
    IN_A_RING,
    may_have_ring,
    redraw=without_ring,
    taken_for=("0", "6", "8", "9"),
    leaves_out_surroundings=True,
    price=-0.2,
)
_TOUCHING_FRAME = Way(IN_A_FRAME, may_have_frame, redraw=without_frame, leaves_out_surroundings=True)
_UNDERLINE = Way(
    "without its underline",
    may_have_underline,
    redraw=without_underline,
    taken_for=("1", "2"),
    may_take_a_stroke=True,
)
_RULED_LINE = Way(
    _UNDERLINE.words,
    may_have_ruled_line,
    redraw=without_ruled_line,
    taken_for=_UNDERLINE.taken_for,
)
_SHADOW = Way("across a shadow", _may_be_shaded, Look(prepare=_across_hard_shadows))

_PARENTHESES = Way(
    "in parentheses",
    has_parentheses,
    Look(choose=_without_parentheses, zoom=1.15),
    leaves_out_surroundings=True,
)

_EDGES = Way(
    IN_A_FRAME, _may_be_framed, Look(prepare=_without_dark_edges), leaves_out_surroundings=True
)

_PALE = Way(
    "without what shines through",
    _may_shine_through,
    Look(prepare=_without_pale),
    price=0.0,
)

ROUNDS = (
    (
        _RING,
        _PARENTHESES,
        _EDGES,
    ),
    (
        Way(IN_A_FRAME, _may_be_framed, margin=0.08, leaves_out_surroundings=True),
        Way(IN_A_FRAME, _may_be_framed, margin=0.16, leaves_out_surroundings=True),
        BESIDE,
        _TOUCHING_RING,
        _TOUCHING_FRAME,
        _UNDERLINE,
        _RULED_LINE,
        _SHADOW,
        _PALE,
    ),
    (
        Way("its main part alone", _has_pieces_near_edge, Look(choose=_main_part, zoom=1.2)),
        Way("in uneven light", _may_be_shaded, Look(prepare=_in_even_light)),
        Way("blurred", _may_be_noisy, Look(prepare=_blurred)),
    ),
)
"""Ways to try, in this order; those of a round share a stack. Frames and rings come first because they
are the most common surroundings. An image that was read in one round is rarely tried in the next."""

IF_OK = {
    _RING: has_ring,
    BESIDE: has_neighbour,
    _EDGES: _has_whole_edge,
    _SHADOW: _has_dark_edge,
    _TOUCHING_RING: may_have_ring,
    _UNDERLINE: has_wide_underline,
    _RULED_LINE: may_have_ruled_line,
    _PALE: _shines_through,
}
"""What is tried even where the first look was sure, and where: a circled digit looks like a 0 or 8,
an underlined one like a 2."""
