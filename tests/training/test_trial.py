"""Judged images are never among those that the judging machine was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.model.estimator import DigitClassifier
from digitsort.training import trial
from digitsort.training.examples import Examples
from digitsort.training.trial import try_out

PARAMETERS = {"C": 10.0, "gamma": 1.0}


def numbered(count: int) -> Examples:
    """Two classes of vectors that carry their own number."""
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b"])[np.arange(count) % 2]
    features = rng.integers(0, 50, (count, 392)) + 80 * (labels == "b")[:, None]
    features[:, 0] = np.arange(count)
    normal = rng.integers(0, 256, (count, 32, 32)).astype(np.uint8)
    return Examples(features.astype(np.float32), normal, labels, np.ones(count))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[int], set[int]]]:
    """Numbers that a machine was fitted to, and those that it judged."""
    pairs: list[tuple[set[int], set[int]]] = []
    fitted: dict[int, set[int]] = {}
    fit, judge = Examples.fit, trial.judge_examples

    def noting_fit(self: Examples, estimator: DigitClassifier) -> DigitClassifier:
        result = fit(self, estimator)
        fitted[id(result)] = set(self.features[:, 0].astype(int).tolist())
        return result

    def noting_judge(estimator: DigitClassifier, examples: Examples) -> trial.ScoredExamples:
        judged = set(examples.features[:, 0].astype(int).tolist())
        pairs.append((fitted[id(estimator)], judged))
        return judge(estimator, examples)

    monkeypatch.setattr(Examples, "fit", noting_fit)
    monkeypatch.setattr(trial, "judge_examples", noting_judge)
    return pairs


def test_few_images_are_judged_in_folds(seen: list[tuple[set[int], set[int]]]) -> None:
    done = try_out(numbered(40), PARAMETERS, seed=1)
    assert [len(judged) for _, judged in seen] == [8] * 5
    assert all(not (fitted & judged) for fitted, judged in seen)
    assert set().union(*(judged for _, judged in seen)) == set(range(40))
    assert (done.folds, len(done.fitted)) == (5, 40)
    assert (len(done.temperature), len(done.certification)) == (20, 20)


def test_many_images_have_splits_of_their_own(
    seen: list[tuple[set[int], set[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "OWN_SPLITS_FROM", 100)
    done = try_out(numbered(100), PARAMETERS, seed=1)
    (fitted, temperature), (again, certification) = seen
    assert fitted == again
    assert sum(map(len, (fitted, temperature, certification))) == 100
    assert len(fitted | temperature | certification) == 100
    assert (done.folds, len(temperature), len(certification), len(fitted)) == (1, 10, 20, 70)
