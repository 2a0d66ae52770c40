"""Search C and gamma, fit a machine, and have it judge images that it was not fitted to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.model.estimator import DigitClassifier
from digitsort.progress import Progress
from digitsort.recognition.score import Scores, score
from digitsort.training.examples import Examples

OWN_SPLITS_FROM = 5_000
"""With fewer images, cross-validation replaces separate splits for temperature and certification, so
that all images are in the fit."""

TEMPERATURE_SHARE, MOST_TEMPERATURE = 0.1, 1_000
CERTIFICATION_SHARE, MOST_CERTIFICATION = 0.2, 4_000

FOLDS = 5


@dataclass(frozen=True, slots=True)
class ScoredExamples:
    """Scores of n images, and the index of the right class of each."""

    scores: Scores
    truth: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, where: npt.NDArray[np.intp]) -> ScoredExamples:
        return ScoredExamples(self.scores[where], self.truth[where])


@dataclass(frozen=True, slots=True)
class Trial:
    """Fitted estimator, and scores of images from models like it that were not fitted to these.

    Attributes
    ----------
    fitted : Examples
        What the estimator was fitted to.
    temperature, certification : ScoredExamples
        Disjoint.
    folds : int
        1 where both are splits of their own, disjoint from `fitted`.
    unseen : Examples
        The images that were judged.
    judged : ScoredExamples
        Scores of `unseen`, by machines that were not fitted to them.
    """

    estimator: DigitClassifier
    fitted: Examples
    temperature: ScoredExamples
    certification: ScoredExamples
    folds: int
    unseen: Examples
    judged: ScoredExamples


def try_out(
    examples: Examples, parameters: dict[str, Any], seed: int, taught: Examples | None = None
) -> Trial:
    """Fit to the examples, without those in the splits, and to all of `taught`."""
    classes = np.unique(examples.labels)
    taught = examples[np.arange(0)] if taught is None else taught
    if len(examples) < OWN_SPLITS_FROM:
        return _with_folds(examples, parameters, seed, taught)
    temperature_count = min(round(TEMPERATURE_SHARE * len(examples)), MOST_TEMPERATURE)
    certification_count = min(round(CERTIFICATION_SHARE * len(examples)), MOST_CERTIFICATION)
    rest, temperature = examples.split(max(temperature_count, len(classes)), seed)
    rest, certification = rest.split(max(certification_count, len(classes)), seed)
    rest += taught
    estimator = rest.fit(DigitClassifier(**parameters))
    first, second = judge_examples(estimator, temperature), judge_examples(estimator, certification)
    unseen = temperature + certification
    return Trial(estimator, rest, first, second, 1, unseen, joined_of([first, second]))


def judge_examples(estimator: DigitClassifier, examples: Examples) -> ScoredExamples:
    """Score examples that were not used to fit the estimator."""
    truth = np.searchsorted(estimator.classes_, examples.labels)
    return ScoredExamples(score(examples.features, estimator.machine()), truth)


def joined_of(judged: Sequence[ScoredExamples]) -> ScoredExamples:
    """Return scores of several sets of images as one."""
    return ScoredExamples(
        Scores.concatenate([each.scores for each in judged]),
        np.concatenate([each.truth for each in judged]),
    )


def _with_folds(examples: Examples, parameters: dict[str, Any], seed: int, taught: Examples) -> Trial:
    from sklearn.model_selection import StratifiedKFold

    folds = min(FOLDS, min(Counter(examples.labels.tolist()).values()))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    judged, rows = [], []
    for fit_rows, judged_rows in splitter.split(examples.features, examples.labels):
        estimator = (examples[fit_rows] + taught).fit(DigitClassifier(**parameters))
        judged.append(judge_examples(estimator, examples[judged_rows]))
        rows.append(judged_rows)
    joined = joined_of(judged)
    order = np.random.default_rng(seed).permutation(len(joined))
    half = len(joined) // 2
    return Trial(
        (examples + taught).fit(DigitClassifier(**parameters)),
        examples + taught,
        joined[order[:half]],
        joined[order[half:]],
        folds,
        examples[np.concatenate(rows)],
        joined,
    )


C_VALUES = (1.0, 3.0, 10.0, 30.0)
GAMMA_VALUES = (0.5, 0.7, 1.0, 1.5, 2.0)
"""In units of scikit-learn's "scale"."""

MOST_IMAGES = 6_000
"""Largest number of images for the search, which takes minutes with them instead of hours."""

SEARCH_FOLDS = 5


def tune_parameters(examples: Examples, seed: int, progress: Progress) -> dict[str, float]:
    """Return the pair of C and gamma with the best mean accuracy over stratified folds.

    Of equally good pairs, it takes the smaller C, then the smaller gamma: the smoother model.
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
    """Return the share of examples that are read right by models that were not fitted to them."""
    from sklearn.model_selection import StratifiedKFold

    fewest = int(np.unique(examples.labels, return_counts=True)[1].min())
    folds = StratifiedKFold(min(SEARCH_FOLDS, fewest), shuffle=True, random_state=seed)
    right = 0
    for fit_rows, judged_rows in folds.split(examples.features, examples.labels):
        machine = examples[fit_rows].fit(DigitClassifier(C=C, gamma=gamma))
        judged = examples[judged_rows]
        right += int((machine.predict_features(judged.features) == judged.labels).sum())
    return right / len(examples)


def _thinned(examples: Examples, seed: int) -> Examples:
    return examples if len(examples) <= MOST_IMAGES else examples.split(MOST_IMAGES, seed)[1]
