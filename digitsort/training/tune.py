"""Search C and gamma by cross-validation."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from digitsort.progress import Progress

C_VALUES = (1.0, 3.0, 10.0, 30.0)
GAMMA_VALUES = (0.5, 0.7, 1.0, 1.5, 2.0)
"""In units of scikit-learn's "scale"."""

MOST_IMAGES = 6_000
"""More are thinned out for the search: it then takes minutes instead of hours."""

FOLDS = 5


def tune_parameters(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.str_],
    seed: int,
    progress: Progress,
) -> dict[str, float]:
    """The pair of C and gamma with the best mean accuracy over stratified folds.

    Of equally good pairs the one with the smaller C, then the smaller gamma: the smoother machine.
    """
    features, labels = _thinned(features, labels, seed)
    grid = list(product(C_VALUES, GAMMA_VALUES))
    accuracy = []
    for done, (C, gamma) in enumerate(grid):
        progress("tune C and gamma", done, len(grid))
        accuracy.append(_cross_validated(features, labels, seed, C, gamma))
    progress("tune C and gamma", len(grid), len(grid))
    C, gamma = grid[int(np.argmax(np.round(accuracy, 12)))]
    return {"C": C, "gamma": gamma}


def _cross_validated(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.str_],
    seed: int,
    C: float,
    gamma: float,
) -> float:
    """Share read right by machines that did not see it."""
    from sklearn.model_selection import StratifiedKFold

    from digitsort.model.estimator import DigitClassifier

    fewest = int(np.unique(labels, return_counts=True)[1].min())
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    right = 0
    for fit_rows, judged_rows in folds.split(features, labels):
        machine = DigitClassifier(C=C, gamma=gamma).fit_features(features[fit_rows], labels[fit_rows])
        right += int((machine.predict_features(features[judged_rows]) == labels[judged_rows]).sum())
    return right / len(labels)


def _thinned(
    features: npt.NDArray[np.float32], labels: npt.NDArray[np.str_], seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    if len(labels) <= MOST_IMAGES:
        return features, labels
    from sklearn.model_selection import train_test_split

    kept, _ = train_test_split(
        np.arange(len(labels)), train_size=MOST_IMAGES, random_state=seed, stratify=labels
    )
    return features[kept], labels[kept]
