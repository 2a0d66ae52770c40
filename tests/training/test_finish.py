"""Confidence that means what it says."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.recognition.score import Scores, probabilities
from digitsort.training.finish import FAR, calibrate, familiarity_limits


def simulated(temperature: float, n: int = 4000) -> tuple[Scores, np.ndarray]:
    """Margins, and labels drawn with the probabilities that the temperature gives them."""
    rng = np.random.default_rng(3)
    margin = rng.normal(0, 0.5, (n, 4))
    scores = Scores(margin, margin, np.ones(n))
    chances = probabilities(scores, temperature)
    drawn = (rng.random((n, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return scores, np.minimum(drawn, 3)


@pytest.mark.parametrize("temperature", [0.1, 0.3, 1.0])
def test_the_temperature_of_the_data_is_found(temperature: float) -> None:
    assert calibrate(*simulated(temperature)).temperature == pytest.approx(temperature, rel=0.1)


def test_the_confidence_is_the_share_that_is_right() -> None:
    """On labels drawn anew, in five bands of confidence, within three standard errors."""
    scores, truth = simulated(0.3, 20_000)
    chances = probabilities(scores, calibrate(scores, truth).temperature)
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    for low in (0.3, 0.45, 0.6, 0.75, 0.9):
        band = (confidence >= low) & (confidence < low + 0.15)
        error = 3 * np.sqrt(0.25 / band.sum())
        assert right[band].mean() == pytest.approx(confidence[band].mean(), abs=error)


def test_what_is_rarer_than_one_in_two_hundred_is_not_ok() -> None:
    """0.5 % of the training-like images lie below the first limit; the second is farther out still."""
    familiarity = np.exp(-np.linspace(0.1, 1.0, 2001))
    ok, least = familiarity_limits(familiarity)
    assert (familiarity < ok).sum() == 10
    assert -np.log(least) == pytest.approx(-FAR * np.log(ok))
