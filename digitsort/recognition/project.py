"""Project feature vectors onto the directions in which digits differ, exact to the last bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]

UNIT = 4080.0
"""What 1 is in a projection's whole numbers."""

LONGEST_COLUMN = 4096.0
"""Length that no column of a projection exceeds: times the longest feature vector, a little more than
4,000, it stays below 2**24, so that every partial sum of the product is exact in float32
(Cauchy-Schwarz)."""


def project(features: Features, projection: Features | None) -> Features:
    """Project vectors (n, d) of whole numbers with a matrix (d, m) of whole numbers.

    Parameters
    ----------
    features : ndarray of shape (n, d), float32
        Whole numbers, no vector longer than 4,000 but for rounding.
    projection : ndarray of shape (d, m), float32, or None
        Whole numbers, `UNIT` times the real ones, which stretch no vector; None changes nothing.

    Returns
    -------
    ndarray of shape (n, m), float32
        Whole numbers.
    """
    if projection is None:
        return features
    projected: Features = np.rint((features @ projection) / np.float32(UNIT))
    return projected
