"""Make the confidence mean what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.score import Scores, predict, probabilities

Counts = npt.NDArray[np.intp]

DEFAULT_MAX_ERROR = 0.005
"""Share of wrong labels among the accepted ones that the default threshold keeps to."""

UNUSUAL = 0.005
FAR = 1.6

LEAST_THRESHOLD = 0.9
"""What a model finds in data like its own is too rosy for a stranger's scans: a bound of 0.2 % from one
set was seen to become 1.25 % on another. Labels less sure than this are for a person to look at."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns scores into a decision.

    Attributes
    ----------
    temperature : float
        Of the softmax.
    min_confidence : float
        A label less sure is uncertain.
    ok_familiarity : float
        An image less familiar is uncertain.
    min_familiarity : float
        An image less familiar still is rejected.
    """

    temperature: float
    min_confidence: float
    ok_familiarity: float
    min_familiarity: float


def calibrate(
    scores: Scores, truth: npt.NDArray[np.intp], max_error: float = DEFAULT_MAX_ERROR
) -> Calibration:
    """Fit the temperature to scores of images that the machine was not fitted to.

    The temperature minimizes the log loss (Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern
    neural networks").

    Parameters
    ----------
    scores : Scores
    truth : ndarray of shape (n,), intp
        Index of the right class.
    max_error : float
        The threshold is the lowest one with at most this share of errors among what lies above it.
    """
    temperature = _best_temperature(scores, truth)
    chances = probabilities(scores, temperature)
    label = predict(scores)
    confidence = chances[np.arange(len(truth)), label]
    return Calibration(
        temperature,
        lowest_threshold(confidence, label == truth, max_error),
        *familiarity_limits(scores.familiarity),
    )


def familiarity_limits(familiarity: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Familiarity from which on an image is ok, and below which it is rejected.

    Familiarity is exp(-gamma distance²) to the nearest support vector. What is farther away than all
    but 0.5 % of digits like the training data is not ok; at 1.6 times that squared distance it is
    rejected. On simulated scans this kept 99.6 % of unseen digits; 2 % of pairs of digits passed as
    ok. At 1.4 times 0.7 % of the digits were rejected, and half of those had been read right.
    """
    usual = -np.log(max(float(np.quantile(familiarity, UNUSUAL)), 1e-300))
    return float(np.exp(-usual)), float(np.exp(-FAR * usual))


def lowest_threshold(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], max_error: float
) -> float:
    """Lowest confidence from which on upwards at most `max_error` of the labels are wrong.

    Confidences count as they are printed, with four decimals. Never below `LEAST_THRESHOLD`; 1 where
    none will do.
    """
    printed = np.round(confidence, 4)
    candidates = np.unique([LEAST_THRESHOLD, *printed[printed > LEAST_THRESHOLD]])
    accepted = _count_from(printed, candidates)
    wrong = _count_from(printed[~right], candidates)
    good = candidates[wrong <= max_error * accepted]
    return float(good[0]) if len(good) else 1.0


def _count_from(values: npt.NDArray[np.float64], limits: npt.NDArray[np.float64]) -> Counts:
    """How many values are at each limit or above."""
    return np.asarray(len(values) - np.searchsorted(np.sort(values), limits, side="left"))


def _best_temperature(scores: Scores, truth: npt.NDArray[np.intp]) -> float:
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        chances = probabilities(scores, float(np.exp(log_temperature)))[rows, truth]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    # Margins lie within about ±2: at a temperature of 0.02 they are all or nothing, at 5 nothing.
    best = minimize_scalar(loss, bounds=(np.log(0.02), np.log(5.0)), method="bounded")
    return float(np.exp(best.x))
