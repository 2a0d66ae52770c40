"""Fit an SVM to many images in two steps, with few support vectors.

A first SVM, fitted to a part of the images, shows which images lie near a margin. A second one is
fitted to those (a cascade of two: Graf, Cosatto, Bottou, Durdanovic and Vapnik 2004). Images that lie
far beyond every margin would not become support vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError
from digitsort.model.estimator import DigitClassifier
from digitsort.model.projection import fit_projection
from digitsort.recognition.project import project
from digitsort.recognition.score import score
from digitsort.recognition.threads import one_blas_thread
from digitsort.training.examples import Examples

FIRST_PART = 5
"""Every fifth image goes into the first fit."""

NEAR = 1.2
"""Largest decision margin, in the first SVM, of images for the second fit; 1 is the margin itself."""

HOPELESS = -0.6
"""Invented and printed images with a lower margin look like another digit and are left out."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Fitted estimator with the weights (n,) of its n support vectors."""

    estimator: DigitClassifier
    weights: npt.NDArray[np.float64]


def fit_cascade(
    examples: Examples, invented: npt.NDArray[np.bool_], parameters: dict[str, Any]
) -> Fitted:
    """Fit to examples, and to a distorted copy of each image that a person wrote.

    Parameters
    ----------
    examples : Examples
        Examples of n images.
    invented : ndarray of shape (n,), bool
        Whether each image was not written by a person.
    parameters : dict
        Parameters of `DigitClassifier`.
    """
    real = np.flatnonzero(~invented)
    both = examples[np.flatnonzero(invented)] + examples[real].with_distorted()
    is_invented = np.arange(len(both)) < invented.sum()
    classes, truth = np.unique(both.labels, return_inverse=True)
    blank = DigitClassifier(**parameters)
    with one_blas_thread():
        projection = fit_projection(both.features, truth, both.weights, blank.components)
        values = project(both.features, projection)
        gamma = blank.gamma / (values.shape[1] * float(values.astype(np.float64).var()))

        def fit(rows: npt.NDArray[np.intp]) -> DigitClassifier:
            return DigitClassifier(**parameters).fit_components(
                values[rows].astype(np.float64),
                both.labels[rows],
                both.weights[rows],
                projection,
                gamma,
            )

        first = fit(np.arange(0, len(both), FIRST_PART))
        require_classes(first, classes)
        margin = score(both.features, first.machine()).margin[np.arange(len(both)), truth]
        rows = np.flatnonzero((margin < NEAR) & ~((margin < HOPELESS) & is_invented))
        estimator = fit(rows)
    return Fitted(estimator, both.weights[rows][estimator.svc_.support_])


def require_classes(first: DigitClassifier, classes: npt.NDArray[np.str_]) -> None:
    """Raise TrainingDataError if the first part of the images lacks a class."""
    if list(first.classes_) != list(classes):
        raise TrainingDataError(
            f"The first fit has only {len(first.classes_)} of {len(classes)} classes. Add images."
        )
