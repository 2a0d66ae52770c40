"""Fit the projection: the directions in which digits differ, writers' habits damped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from digitsort.recognition.project import UNIT

Floats = npt.NDArray[np.float64]

DAMPING = 0.1
"""Weight of the scatter within the classes against the plain distance. From 0.02 to 0.2 there was
little between them; without any, digits of other writers were read worse."""


def fit_projection(
    features: npt.NDArray[np.float32],
    classes: npt.NDArray[np.intp],
    weights: npt.NDArray[np.float64],
    components: int,
) -> npt.NDArray[np.float32]:
    """Find the projection of vectors (n, d) onto `components` directions.

    Directions in which images of one class differ among each other, which is how hands differ, are
    shrunk by 1 / √(1 + damping · variance): within-class covariance normalization (Hatch, Kajarekar and
    Stolcke 2006), regularized. Of what is left the principal components are kept.

    Parameters
    ----------
    features : ndarray of shape (n, d), float32
    classes : ndarray of shape (n,), intp
    weights : ndarray of shape (n,), float64
    components : int
        1 to d.

    Returns
    -------
    ndarray of shape (d, components), float32
        Whole numbers, `UNIT` times the projection. No vector is longer after it than before.
    """
    values = features.astype(np.float64)
    within = _covariance(_centred(values, classes, weights), weights)
    whole = _covariance(_centred(values, np.zeros_like(classes), weights), weights)
    variance, axes = np.linalg.eigh(within / max(np.trace(within) / len(within), 1e-12))
    shrink = (axes / np.sqrt(1 + DAMPING * np.maximum(variance, 0))) @ axes.T
    _, directions = np.linalg.eigh(shrink @ whole @ shrink)
    projection = shrink @ directions[:, ::-1][:, :components]
    # Eigenvectors have no sign of their own; each is given one, so that every run finds the same.
    signs = np.sign(projection[np.abs(projection).argmax(axis=0), np.arange(components)])
    rounded: npt.NDArray[np.float32] = np.rint(projection * signs * UNIT).astype(np.float32)
    return rounded


def _centred(values: Floats, classes: npt.NDArray[np.intp], weights: Floats) -> Floats:
    """Subtract from each vector the mean of its class."""
    centred = values.copy()
    for index in np.unique(classes):
        mine = classes == index
        centred[mine] -= np.average(values[mine], axis=0, weights=weights[mine])
    return centred


def _covariance(centred: Floats, weights: Floats) -> Floats:
    return np.asarray((centred * weights[:, None]).T @ centred / weights.sum())
