"""Distort normalized ink a little, so that a machine knows what normalization leaves over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.recognition.normalize import NORMAL_SIDE_PX

Normal = npt.NDArray[np.uint8]

CORNER_PX, GENTLE_CORNER_PX = 1.6, 1.0
"""Standard deviation of the shift of each corner, along x and y, of 32 pixels. MNIST gains up to 1.5,
invented digits lose nothing at 2, load_digits alone loses from 1.5 on."""

FEW = 5_000
"""Fewer images are distorted gently: each counts for more."""

_CORNERS = (0, 0, 0, NORMAL_SIDE_PX, NORMAL_SIDE_PX, NORMAL_SIDE_PX, NORMAL_SIDE_PX, 0)
"""x and y of the upper left, lower left, lower right and upper right corner, as Pillow takes them."""


def distort(normal: Normal, seed: int) -> Normal:
    """Pull the four corners of each image (n, 32, 32) about.

    Shifts, turns, stretches and shears come out of it, and what is none of them. Virtual examples lower
    the error of an SVM (DeCoste and Schölkopf 2002, "Training invariant support vector machines"); made
    before normalization they would be undone by it.
    """
    rng = np.random.default_rng(seed)
    spread_px = GENTLE_CORNER_PX if len(normal) < FEW else CORNER_PX
    corners = np.array(_CORNERS) + rng.normal(0.0, spread_px, (len(normal), 8))
    distorted = np.empty_like(normal)
    for index, quadrilateral in enumerate(corners.tolist()):
        distorted[index] = _pulled(normal[index], tuple(quadrilateral))
    return distorted


def _pulled(normal: Normal, quadrilateral: tuple[float, ...]) -> Normal:
    side = (NORMAL_SIDE_PX, NORMAL_SIDE_PX)
    image = Image.fromarray(normal)
    return np.asarray(
        image.transform(side, Image.Transform.QUAD, quadrilateral, Image.Resampling.BICUBIC)
    )
