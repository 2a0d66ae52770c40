"""Find out which side of a gray image is paper, and how dark each pixel is against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.canvas import SIDE_PX
from digitsort.recognition.levels import (
    counts_after,
    every_level,
    histogram,
    look_up,
    onto_255,
    otsu,
    stretch,
)
from digitsort.recognition.lines import LEAST_LINE, dark_at_both_ends, without_lines
from digitsort.recognition.parts import connected_parts
from digitsort.recognition.uneven import SURE_SEPARATION, below_uneven_paper

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

UNSURE = 0.15
"""Distance of the share of light from one half up to which the number of parts decides."""

LEAST_PART_PX = 16
"""Of the canvas; smaller parts are specks."""


@dataclass(frozen=True, slots=True)
class Background:
    """The paper of a stack of images, and what is darker than it.

    Attributes
    ----------
    darkness : ndarray of shape (n, side, side), uint8
        Difference between paper and pixel, stretched so that each image's largest is 255.
    counts : ndarray of shape (n, 256), int64
        Histograms of `darkness`.
    light_on_dark : ndarray of shape (n,), bool
        The ink is lighter than the paper (and was inverted).
    contrast : ndarray of shape (n,), float64
        Largest difference between paper and pixel, in gray levels of 0-255.
    separation : ndarray of shape (n,), float64
        Otsu's criterion of the gray values, 0-1.
    """

    darkness: Bytes
    counts: Counts
    light_on_dark: Mask
    contrast: Floats
    separation: Floats


def subtract_background(canvases: Bytes) -> Background:
    """Estimate the paper of each canvas (n, side, side) and subtract it.

    Where paper and ink are two clear populations (Otsu's criterion) the paper has one shade, elsewhere
    it is modelled as a surface. What depends on a pixel's level alone is looked up in tables.
    """
    stretched, gray_range = stretch(canvases)
    counts = histogram(stretched)
    threshold, separation = otsu(counts)
    light_share = _light_share(stretched, counts, threshold)
    inverted = light_share < 0.5
    upright = stretched ^ np.where(inverted, np.uint8(255), np.uint8(0))[:, None, None]
    clear = separation >= SURE_SEPARATION
    paper = _flat_paper(counts, threshold, inverted)

    lined = np.flatnonzero(clear & _may_have_lines(upright, paper))
    uneven = np.flatnonzero(~clear)
    below, inverted[uneven] = below_uneven_paper(
        stretched[uneven], light_share[uneven], separation[uneven]
    )
    others = np.concatenate([lined, uneven])
    flat = _below(upright[lined], paper[lined, None, None])
    difference = np.concatenate([flat, below.astype(np.float32)])
    difference = without_lines(difference)
    deepest = paper.astype(np.float64)
    deepest[others] = difference.max(axis=(1, 2))

    tables = onto_255(_below(every_level(), paper[:, None]), paper)
    darkness = look_up(upright, tables)
    darkness[others] = onto_255(difference, deepest[others])
    counts = counts_after(np.where(inverted[:, None], counts[:, ::-1], counts), tables)
    counts[others] = histogram(darkness[others])
    return Background(darkness, counts, inverted, deepest * gray_range / 255, separation)


def _below(upright: npt.NDArray[np.generic], paper: Bytes) -> npt.NDArray[np.float32]:
    """How much darker than its paper's one shade each pixel is."""
    return np.asarray(paper - np.minimum(upright, paper), np.float32)


def _may_have_lines(upright: Bytes, paper: Bytes) -> Mask:
    """Tell images (n,) of even paper in which `without_lines` might find something."""
    dark = _below(every_level(), paper[:, None]) > np.float32(LEAST_LINE) * paper[:, None]
    limit = dark.sum(axis=1).astype(np.uint8)  # levels below it are dark
    return dark_at_both_ends(upright < limit[:, None, None])


def _light_share(
    stretched: Bytes, counts: npt.NDArray[np.int64], threshold: npt.NDArray[np.intp]
) -> Floats:
    """Evidence for light paper, 0-1: how much of the frame and of its rim is light; shape (n,)."""
    light = stretched > threshold.astype(np.uint8)[:, None, None]
    edges = light[:, 0], light[:, -1], light[:, 1:-1, 0], light[:, 1:-1, -1]
    of_rim = np.concatenate(edges, axis=1).mean(axis=1)
    of_all = np.where(np.arange(256) > threshold[:, None], counts, 0).sum(axis=1) / SIDE_PX**2
    share = np.asarray(0.35 * of_rim + 0.65 * of_all)
    unsure = np.flatnonzero(np.abs(share - 0.5) < UNSURE)
    # Where a thick digit fills half of the frame: ink hangs together, the paper around it does not.
    more = np.sign(_count_parts(light[unsure]) - _count_parts(~light[unsure]))
    share[unsure] = np.where(more == 0, share[unsure], 0.5 + 0.01 * more)
    return share


def _count_parts(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Number of connected parts in each mask (n,), specks aside."""
    parts = connected_parts(masks)
    return np.bincount(parts.image[parts.area >= LEAST_PART_PX], minlength=len(masks))


def _flat_paper(
    counts: npt.NDArray[np.int64], threshold: npt.NDArray[np.intp], inverted: npt.NDArray[np.bool_]
) -> Bytes:
    """Shade (n,) of even paper, upright: the median of its class, from the histograms (n, 256)."""
    light = np.arange(256) > threshold[:, None]
    paper = np.where(light ^ inverted[:, None], counts, 0)
    paper[inverted] = paper[inverted, ::-1]
    below = np.cumsum(paper, axis=1)
    return np.asarray((below * 2 < below[:, -1:]).sum(axis=1), np.uint8)
