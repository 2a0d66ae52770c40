"""Search C and gamma by cross-validation."""

from __future__ import annotations

from itertools import product

import numpy as np

from digitsort.progress import Progress
from digitsort.training.examples import Examples

C_VALUES = (1.0, 3.0, 10.0, 30.0)
GAMMA_VALUES = (0.5, 0.7, 1.0, 1.5, 2.0)
"""In units of scikit-learn's "scale"."""

MOST_IMAGES = 6_000
"""More are thinned out for the search: it then takes minutes instead of hours."""

FOLDS = 5


def tune_parameters(examples: Examples, seed: int, progress: Progress) -> dict[str, float]:
    """The pair of C and gamma with the best mean accuracy over stratified folds.

    Of equally good pairs the one with the smaller C, then the smaller gamma: the smoother machine.
    """
    examples = _thinned(examples, seed)
    grid = list(product(C_VALUES, GAMMA_VALUES))
    accuracy = []
    for done, (C, gamma) in enumerate(grid):
        progress("tune C and gamma", done, len(grid))
        accuracy.append(_cross_validated(examples, seed, C, gamma))
    progress("tune C and gamma", len(grid), len(grid))
    C, gamma = grid[int(np.argmax(np.round(accuracy, 12)))]
    return {"C": C, "gamma": gamma}


def _cross_validated(examples: Examples, seed: int, C: float, gamma: float) -> float:
    """Share read right by machines that did not see it."""
    from sklearn.model_selection import StratifiedKFold

    from digitsort.model.estimator import DigitClassifier

    fewest = int(np.unique(examples.labels, return_counts=True)[1].min())
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    right = 0
    for fit_rows, judged_rows in folds.split(examples.features, examples.labels):
        machine = examples[fit_rows].fit(DigitClassifier(C=C, gamma=gamma))
        judged = examples[judged_rows]
        right += int((machine.predict_features(judged.features) == judged.labels).sum())
    return right / len(examples)


def _thinned(examples: Examples, seed: int) -> Examples:
    return examples if len(examples) <= MOST_IMAGES else examples.split(MOST_IMAGES, seed)[1]
