"""Tell from the ink alone that an image holds no single digit."""

from __future__ import annotations

import numpy as np

from digitsort.recognition.ink import Ink

LEAST_CONTRAST = 8.0
"""Gray levels of 0-255 between paper and ink; a pale pencil has 30 and more, scanned paper 2-6."""

MOST_PARTS = 10
"""Connected parts; of 63,000 handwritten digits none fell into more than 6, noise falls into dozens."""

MOST_INK = 0.75
"""Share of the frame; the fullest digit, cropped to its box, covers 0.55."""

BLANK = "blank"
NOISE = "noise"
SOLID = "solid"


def why_no_digit(ink: Ink) -> list[str]:
    """The reason why each image can't be a digit, in one word; empty where it can."""
    reasons = np.full(len(ink.parts), "", dtype=object)
    reasons[ink.share > MOST_INK] = SOLID
    reasons[ink.parts > MOST_PARTS] = NOISE
    reasons[(ink.contrast < LEAST_CONTRAST) | (ink.parts == 0)] = BLANK
    return list(reasons)
