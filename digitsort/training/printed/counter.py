"""Draw digits on the wheels of mechanical counters, slightly off-center."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Ink = npt.NDArray[np.uint8]
Rng = np.random.Generator

LARGEST_SHIFT = 0.18
"""Largest shift of a wheel, as a share of the window; beyond it, the next digit may be right too."""


def on_a_wheel(ink: Ink, rng: Rng) -> Ink:
    """Shift the digit within its window, and cut off what the window hides."""
    image = Image.fromarray(ink)
    image = image.crop(image.getbbox())
    height = round(image.height * 1.25)
    window = Image.new("L", (round(image.width + 0.3 * height), height))
    shift = round(float(rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT)) * height)
    window.paste(image, ((window.width - image.width) // 2, (height - image.height) // 2 + shift))
    return np.asarray(window)
