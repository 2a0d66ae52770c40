"""Tell a face, a question mark or an exclamation mark by how the parts of a picture lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.parts import Parts

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

LEAST_PART_PX = 2
"""Of the canvas; smaller parts are specks."""

FEATURES_OF_A_FACE = 2
"""Parts within a ring from which on it is a face: a zero has a dot or a stroke in it, or nothing."""

SMALLEST_DOT, LARGEST_DOT = 0.015, 0.3
"""Area of a dot, as shares of the main part's."""

WIDEST_DOT = 0.35
"""Width and height of a dot, as shares of the main part's height."""

LONGEST_DOT = 2.5
"""Longer to shorter side of a dot; a piece of a stroke, or a line, is longer."""

FARTHEST_DOT = 0.45
"""Gap between a stroke and the dot below it, as a share of the main part's height."""

BESIDE_THE_END = 0.2
"""How far beside the lower end of the stroke the dot's middle may lie, as a share of that height."""


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Boxes of the parts of a stack, and the largest part of the image that each lies in.

    Attributes
    ----------
    left, top, right, bottom, end : ndarray of shape (n_parts,), float64
        Sides, and where the lowest run of each part is across, in source pixels.
    area : ndarray of shape (n_parts,), int64
        In canvas pixels.
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
    """Tell images (n,) of a ring with several parts in it, or of a stroke with a dot below it.

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
    """Tell parts within the box of the largest one, well within its sides."""
    g, main = geometry, geometry.main
    inside = (g.left > g.left[main]) & (g.right < g.right[main])
    inside &= (g.top > g.top[main]) & (g.bottom < g.bottom[main])
    return np.asarray(inside & (g.area >= LEAST_PART_PX))


def _are_dots_below(geometry: _Geometry) -> Mask:
    """Tell parts that are small, round, and below the end of the largest one."""
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
    """Middle of the lowest run of each part (n_parts,), across."""
    x = parts.starts % (parts.shape[2] + 1) + parts.lengths / 2
    ends = np.zeros(len(parts.image))
    ends[parts.part] = x  # runs go from top to bottom: the last of each part stays
    return ends
