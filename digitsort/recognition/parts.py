"""Split a mask into connected parts, measure them, and recognize signs by their arrangement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Parts:
    """Connected parts (8-neighbourhood) of a stack of masks, sorted by image.

    Attributes
    ----------
    shape : tuple of int
        Of the stack: n, height, width.
    starts, lengths, part : ndarray of shape (n_runs,), intp
        Each run of pixels in a row: where it starts in the stack with an empty column and row added to
        each image, how long it is, and which part it is of.
    image : ndarray of shape (n_parts,), intp
        The image that each part lies in, ascending.
    area : ndarray of shape (n_parts,), int64
        Pixels of each part.
    """

    shape: tuple[int, int, int]
    starts: Ints
    lengths: Ints
    part: Ints
    image: Ints
    area: npt.NDArray[np.int64]

    @cached_property
    def labels(self) -> Ints:
        """0 where there is no ink, else the number of the part + 1, over the whole stack."""
        n, height, width = self.shape
        labels = np.zeros(n * (height + 1) * (width + 1), np.intp)
        labels[_expand(self.starts, self.lengths)] = np.repeat(self.part + 1, self.lengths)
        return labels.reshape(n, height + 1, width + 1)[:, :height, :width]

    def of(self, images: Ints) -> Parts:
        """The parts of some images, ascending; they are the stack's images then."""
        n, height, width = self.shape
        number = np.full(n, -1)
        number[images] = np.arange(len(images))
        chosen = number[self.image] >= 0  # (n_parts,)
        runs = chosen[self.part]
        size = (height + 1) * (width + 1)
        starts, before = self.starts[runs], self.starts[runs] // size
        return Parts(
            shape=(len(images), height, width),
            starts=starts + (number[before] - before) * size,
            lengths=self.lengths[runs],
            part=(np.cumsum(chosen) - 1)[self.part[runs]],
            image=number[self.image[chosen]],
            area=self.area[chosen],
        )

    def total(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum of `weights` (n, side, side) over each part; shape (n_parts,)."""
        sums = np.bincount(self.labels.ravel(), weights.ravel(), len(self.image) + 1)
        return np.asarray(sums[1:], np.float64)

    def boxes(self) -> Ints:
        """Left, top, right, bottom of each part, the last two exclusive; shape (n_parts, 4)."""
        _, height, width = self.shape
        y, left = np.divmod(self.starts, width + 1)
        y %= height + 1
        low = np.full((2, len(self.image)), max(height, width))
        high = np.zeros_like(low)
        for axis, (first, end) in enumerate(((left, left + self.lengths), (y, y + 1))):
            np.minimum.at(low[axis], self.part, first)
            np.maximum.at(high[axis], self.part, end)
        return np.concatenate([low, high]).T

    def sides(self) -> npt.NDArray[np.int64]:
        """Count the sides of the image that each part touches, 0-4; shape (n_parts,)."""
        count = np.zeros(len(self.image) + 1, np.int64)
        for edge in (
            self.labels[:, 0],
            self.labels[:, -1],
            self.labels[:, :, 0],
            self.labels[:, :, -1],
        ):
            touched = np.zeros(len(count), np.bool_)
            touched[edge.ravel()] = True
            count += touched
        return count[1:]

    def best(self, score: npt.NDArray[np.float64]) -> Ints:
        """Return the part with the highest `score` (n_parts,) of each image; the first of equals."""
        ascending = np.lexsort((-np.arange(len(score)), score, self.image))
        is_last = np.ones(len(score), np.bool_)
        is_last[:-1] = self.image[1:] != self.image[:-1]  # they are sorted by image
        return np.asarray(ascending[is_last])

    def pairs(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield the indices of all ordered pairs of parts of one image."""
        first = np.arange(len(self.image))
        for distance in range(1, len(self.image)):  # the parts of an image are adjacent
            first = first[first + distance < len(self.image)]
            first = first[self.image[first] == self.image[first + distance]]
            if not len(first):
                return
            yield first, first + distance
            yield first + distance, first

    def touch(self, where: Mask) -> Mask:
        """Tell which parts have a pixel in `where` (n, side, side); shape (n_parts,)."""
        touched = np.zeros(len(self.image) + 1, np.bool_)
        touched[self.labels[where]] = True
        return touched[1:]

    def select(self, keep: Mask) -> Mask:
        """Mask (n, side, side) of the parts for which `keep` (n_parts,) is true."""
        return np.concatenate(([False], keep))[self.labels]


def connected_parts(masks: Mask) -> Parts:
    """Label the connected parts of each mask.

    Works on runs of a row instead of pixels: runs that touch a run of the next row are linked, and
    the links are followed to their smallest member by pointer jumping (Shiloach & Vishkin 1982), for
    the whole stack at once.

    Parameters
    ----------
    masks : ndarray of shape (n, height, width), bool
    """
    n, height, width = masks.shape
    # One empty column and row: no run continues in the next row, no part in the next image.
    padded = np.zeros((n, height + 1, width + 1), np.bool_)
    padded[:, :height, :width] = masks
    stride = width + 1
    line = np.concatenate(([False], padded.ravel()))
    edges = np.flatnonzero(line[1:] != line[:-1])
    starts, ends = edges[::2], edges[1::2]  # rows end with an empty column: they take turns
    root = _join(len(starts), *_links(starts, ends, stride))
    is_root = root == np.arange(len(root))
    roots, part = np.flatnonzero(is_root), (np.cumsum(is_root) - 1)[root]
    run_lengths = ends - starts
    return Parts(
        shape=(n, height, width),
        starts=starts,
        lengths=run_lengths,
        part=part,
        image=starts[roots] // (stride * (height + 1)),
        area=np.bincount(part, weights=run_lengths, minlength=len(roots)).astype(np.int64),
    )


def _links(starts: Ints, ends: Ints, stride: int) -> tuple[Ints, Ints]:
    """Pairs of runs that touch, each with one of the row below, corners included."""
    first = np.searchsorted(ends, starts + stride, side="left")
    last = np.searchsorted(starts, ends + stride, side="right")
    count = np.maximum(last - first, 0)
    return np.repeat(np.arange(len(starts)), count), _expand(first, count)


def _expand(first: Ints, count: Ints) -> Ints:
    """Count up from each of `first`, `count` of them, all in one array."""
    before = np.cumsum(count) - count
    return np.asarray(np.arange(count.sum()) + np.repeat(first - before, count))


def _join(n_runs: int, above: Ints, below: Ints) -> Ints:
    """Smallest run that each run is connected with."""
    root = np.arange(n_runs)
    while True:
        first, second = root[above], root[below]
        apart = np.flatnonzero(first != second)
        if not len(apart):
            return root
        # What has met stays together: it is no longer looked at.
        above, below, first, second = above[apart], below[apart], first[apart], second[apart]
        lowest = np.minimum(first, second)
        np.minimum.at(root, first, lowest)
        np.minimum.at(root, second, lowest)
        root = _shortened(root)


def _shortened(root: Ints) -> Ints:
    """Return the same trees, with every run directly below its root."""
    while not np.array_equal(further := root[root], root):
        root = further
    return root


Floats = npt.NDArray[np.float64]

LEAST_PART_PX = 2
"""Smallest part, in canvas pixels; smaller ones are specks."""

FEATURES_OF_A_FACE = 2
"""Smallest number of parts inside a ring that make it a face: a zero contains at most one."""

SMALLEST_DOT, LARGEST_DOT = 0.015, 0.3
"""Smallest and largest area of a dot, as shares of the area of the main part."""

WIDEST_DOT = 0.35
"""Largest width and height of a dot, as shares of the height of the main part."""

LONGEST_DOT = 2.5
"""Largest ratio of the longer to the shorter side of a dot; lines and pieces of strokes exceed it."""

FARTHEST_DOT = 0.45
"""Largest gap between a stroke and the dot below it, as a share of the height of the main part."""

BESIDE_THE_END = 0.2
"""Largest sideways distance of a dot's middle from the end of the stroke, as a share of that height."""


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Boxes of the parts in a stack, and the largest part of each one's image.

    Attributes
    ----------
    left, top, right, bottom, end : ndarray of shape (n_parts,), float64
        Sides of each part, and horizontal middle of its lowest run, in source pixels.
    area : ndarray of shape (n_parts,), int64
        Area in canvas pixels.
    main : ndarray of shape (n_parts,), intp
    """

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats
    end: Floats
    area: npt.NDArray[np.int64]
    main: Ints

    @classmethod
    def of(cls, parts: Parts, scale: Floats) -> _Geometry:
        counts = np.bincount(parts.image, minlength=parts.shape[0])
        main = np.repeat(parts.best(parts.area.astype(np.float64)), counts[counts > 0])
        left, top, right, bottom = (parts.boxes() * np.tile(scale, 2)[parts.image]).T
        end = _lower_ends(parts) * scale[parts.image, 0]
        return cls(left, top, right, bottom, end, parts.area, main)


def are_signs(parts: Parts, scale: Floats) -> Mask:
    """Find images (n,) of a ring with several parts inside, or of a stroke with a dot below it.

    `scale` (n, 2) says how wide and high a canvas pixel is in the source.
    """
    found = np.zeros(parts.shape[0], np.bool_)
    if len(parts.image):
        geometry = _Geometry.of(parts, scale)
        inside = np.bincount(parts.image[_are_inside(geometry)], minlength=len(found))
        found |= inside >= FEATURES_OF_A_FACE
        found[parts.image[_are_dots_below(geometry)]] = True
    return found


def _are_inside(geometry: _Geometry) -> Mask:
    """Find parts well inside the box of the largest part."""
    g, main = geometry, geometry.main
    inside = (g.left > g.left[main]) & (g.right < g.right[main])
    inside &= (g.top > g.top[main]) & (g.bottom < g.bottom[main])
    return np.asarray(inside & (g.area >= LEAST_PART_PX))


def _are_dots_below(geometry: _Geometry) -> Mask:
    """Find parts that are small, round, and below the end of the largest part."""
    g, main = geometry, geometry.main
    height = (g.bottom - g.top)[main]
    wide, high = g.right - g.left, g.bottom - g.top
    size = np.maximum(wide, high)
    is_dot = g.area >= np.maximum(LEAST_PART_PX, SMALLEST_DOT * g.area[main])
    is_dot &= g.area <= LARGEST_DOT * g.area[main]
    is_dot &= (size <= WIDEST_DOT * height) & (size <= LONGEST_DOT * np.minimum(wide, high))
    gap = g.top - g.bottom[main]
    is_dot &= (gap >= 0) & (gap <= FARTHEST_DOT * height)
    aside = np.abs((g.left + g.right) / 2 - g.end[main])
    return np.asarray(is_dot & (aside <= BESIDE_THE_END * height))


def _lower_ends(parts: Parts) -> Floats:
    """Return the horizontal middle of the lowest run of each part (n_parts,)."""
    x = parts.starts % (parts.shape[2] + 1) + parts.lengths / 2
    ends = np.zeros(len(parts.image))
    ends[parts.part] = x  # runs are sorted from top to bottom, so the last one of each part wins
    return ends


TALL = 0.6
"""Smallest height of a part, as a share of the tallest part's, that may be a digit of its own."""

NOT_SMALL = 0.2
"""Smallest area of such a part, as a share of the largest part's."""

MOST_OVERLAP = 0.1
"""Largest overlap of two digits side by side, as a share of the narrower one's width."""

LINE_PX, STRAIGHT = 3, 0.8
"""Largest thickness of a printed line on the canvas, and smallest share of its box that it fills."""


def are_crowded(parts: Parts, seen: Mask) -> Mask:
    """Tell which images (n,) have two parts that look like digits side by side.

    Only the parts in `seen` (n_parts,) are considered. Lines, and parts that enclose others, do not
    count.
    """
    found = np.zeros(parts.shape[0], np.bool_)
    largest = np.zeros(len(found), np.int64)
    np.maximum.at(largest, parts.image[seen], parts.area[seen])
    large = seen & (parts.area >= NOT_SMALL * largest[parts.image])
    several = np.flatnonzero(np.bincount(parts.image[large], minlength=len(found)) >= 2)
    if not len(several):
        return found
    some = parts.of(several)
    left, top, right, bottom = some.boxes().T
    wide, high = right - left, bottom - top
    is_line = (np.minimum(wide, high) <= LINE_PX) & (some.area >= STRAIGHT * wide * high)
    usable = large[np.isin(parts.image, several)] & ~is_line
    for first, second in some.pairs():
        within = (left[second] >= left[first]) & (right[second] <= right[first])
        within &= (top[second] >= top[first]) & (bottom[second] <= bottom[first])
        usable[first[within & usable[second]]] = False
    tallest = np.zeros(len(several), np.int64)
    np.maximum.at(tallest, some.image[usable], high[usable])
    usable &= high >= TALL * tallest[some.image]
    for first, second in some.pairs():
        overlap = np.minimum(right[first], right[second]) - np.maximum(left[first], left[second])
        apart = overlap <= MOST_OVERLAP * np.minimum(wide[first], wide[second])
        apart &= usable[first] & usable[second]
        found[several[some.image[first[apart]]]] = True
    return found
