"""Recognize a face, a question mark or an exclamation mark by the arrangement of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.parts import Parts

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
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
