"""Make the confidence mean what it says, and know what is unfamiliar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitsort.recognition.score import Scores, probabilities

UNUSUAL = 0.005
FAR = 1.9


@dataclass(frozen=True, slots=True)
class Calibration:
    """Temperature and familiarity limits of a model.

    Attributes
    ----------
    temperature : float
        Of the softmax.
    ok_familiarity : float
        An image less familiar is uncertain.
    min_familiarity : float
        An image less familiar still is rejected.
    """

    temperature: float
    ok_familiarity: float
    min_familiarity: float


def calibrate(scores: Scores, truth: npt.NDArray[np.intp]) -> Calibration:
    """Fit the temperature to scores of images that the machine was not fitted to.

    The temperature minimizes the log loss (Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern
    neural networks").

    Parameters
    ----------
    scores : Scores
    truth : ndarray of shape (n,), intp
        Index of the right class.
    """
    return Calibration(best_temperature(scores, truth), *familiarity_limits(scores.familiarity))


def familiarity_limits(
    familiarity: npt.NDArray[np.float64], unusual: float = UNUSUAL
) -> tuple[float, float]:
    """Familiarity from which on an image is ok, and below which it is rejected.

    Familiarity is exp(-gamma distance²) to the nearest support vector. What is farther away than all
    but 0.5 % of digits like the training data is not ok; at 1.9 times that squared distance it is
    rejected. On simulated scans this kept 99.6 % of unseen digits; at 1.4 times 0.7 % of them were
    rejected, and half of those had been read right.
    """
    usual = -np.log(max(float(np.quantile(familiarity, unusual)), 1e-300))
    return float(np.exp(-usual)), float(np.exp(-FAR * usual))


def best_temperature(
    scores: Scores, truth: npt.NDArray[np.intp], weights: npt.NDArray[np.float64] | None = None
) -> float:
    """Find the temperature with the lowest log loss, with optional weights (n,) of the images."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        chances = probabilities(scores, float(np.exp(log_temperature)))[rows, truth]
        return -float(np.average(np.log(np.maximum(chances, 1e-12)), weights=weights))

    # Margins lie within about ±2: at a temperature of 0.02 they are all or nothing, at 5 nothing.
    best = minimize_scalar(loss, bounds=(np.log(0.02), np.log(5.0)), method="bounded")
    return float(np.exp(best.x))
