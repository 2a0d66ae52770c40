"""The numpy scorer says what scikit-learn's SVC says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import SVC

from digitsort.model.estimator import support_vectors
from digitsort.recognition.score import Scores, predict, probabilities, score
from digitsort.recognition.vectorize import vectorize
from tests.drawing import digit_inks

Features = np.ndarray


@pytest.fixture(scope="module")
def vectors() -> tuple[Features, Features]:
    inks, labels = digit_inks()
    return vectorize(list(inks)).features, np.array(labels).astype(int)


def fitted(features: Features, labels: Features) -> SVC:
    values = features.astype(np.float64)
    return SVC(C=10, gamma=1 / (values.shape[1] * values.var()), break_ties=True).fit(values, labels)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_decisions_are_those_of_the_svc(vectors: tuple[Features, Features], classes: int) -> None:
    """Decision values within 1e-3 (seen: 2e-6), labels equal, on half of load_digits."""
    features, labels = vectors
    features, labels = features[labels < classes], labels[labels < classes]
    svc = fitted(features[::2], labels[::2])
    scores = score(features[1::2], support_vectors(svc))
    expected = svc.decision_function(features[1::2].astype(np.float64))
    if classes == 2:  # scikit-learn gives one value for two classes
        assert scores.margin[:, 1] == pytest.approx(expected, abs=1e-3)
    else:
        assert scores.decision == pytest.approx(expected, abs=1e-3)
    assert (predict(scores) == svc.predict(features[1::2].astype(np.float64))).all()


def test_margins_are_the_smallest_pair_decisions(vectors: tuple[Features, Features]) -> None:
    """Compared with scikit-learn's one-against-one values, pair by pair."""
    features, labels = vectors
    svc = fitted(features[::2], labels[::2])
    margin = score(features[1:200:2], support_vectors(svc)).margin
    svc.decision_function_shape = "ovo"
    pairs = svc.decision_function(features[1:200:2].astype(np.float64))
    upper = [(i, j) for i in range(10) for j in range(i + 1, 10)]
    for k in range(10):
        mine = [p if i == k else -p for (i, j), p in zip(upper, pairs.T, strict=True) if k in (i, j)]
        assert margin[:, k] == pytest.approx(np.min(mine, axis=0), abs=5e-6)


def test_a_support_vector_is_familiar(vectors: tuple[Features, Features]) -> None:
    features, labels = vectors
    machine = support_vectors(fitted(features[::2], labels[::2]))
    assert score(machine.vectors[:5], machine).familiarity == pytest.approx(np.ones(5))


def test_a_score_does_not_depend_on_its_company(vectors: tuple[Features, Features]) -> None:
    """Every number is the same, to the last bit, alone, in small and in large batches."""
    features, labels = vectors
    machine = support_vectors(fitted(features[::2], labels[::2]))
    judged = features[1::2]

    def numbers(size: int) -> list[bytes]:
        scores = [score(judged[i : i + size], machine) for i in range(0, len(judged), size)]
        joined = Scores.concatenate(scores)
        chances = np.concatenate([probabilities(s, 0.2) for s in scores])
        return [a.tobytes() for a in (joined.decision, joined.margin, joined.familiarity, chances)]

    whole = numbers(len(judged))
    assert [numbers(size) == whole for size in (1, 2, 7, 64)] == [True] * 4


@pytest.mark.parametrize("cost", [1e-3, 1, 1e5])
def test_a_score_does_not_depend_on_the_order_of_the_sums(
    vectors: tuple[Features, Features], cost: float
) -> None:
    """The same to the last bit with each class's support vectors the other way round."""
    features, labels = vectors
    svc = SVC(C=cost, gamma=1e-7, break_ties=True).fit(features[:600].astype(np.float64), labels[:600])
    machine = support_vectors(svc)
    ends = np.cumsum(machine.n_support)
    places = [np.arange(e - c, e)[::-1] for e, c in zip(ends, machine.n_support, strict=True)]
    order = np.concatenate(places)
    turned = replace(machine, vectors=machine.vectors[order], dual_coef=machine.dual_coef[:, order])
    one, other = score(features[600:], machine), score(features[600:], turned)
    assert np.array_equal(one.margin, other.margin)
    assert np.array_equal(one.decision, other.decision)


def scores_of(decision: list[float], margin: list[float]) -> Scores:
    return Scores(np.array([decision]), np.array([margin]), np.ones(1))


def test_probabilities_are_a_softmax_of_the_margins() -> None:
    chances = probabilities(scores_of([2.2, 1.0, 0.1], [0.4, -0.4, -0.9]), 0.2)[0]
    powers = np.exp(np.array([0.4, -0.4, -0.9]) / 0.2)
    assert chances == pytest.approx(powers / powers.sum())


def test_the_predicted_class_is_never_less_likely_than_another() -> None:
    """Where votes run in a circle, the votes' winner shares the first place."""
    chances = probabilities(scores_of([1.3, 1.2, 1.1], [-0.3, -0.1, -0.2]), 0.2)[0]
    assert chances[0] == chances.max()
