"""The numpy scorer says what scikit-learn's SVC says."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn.svm import SVC

from digitsort.model.estimator import fit_projection, support_vectors
from digitsort.recognition.score import (
    LARGEST_WEIGHT,
    LONGEST_COLUMN,
    UNIT,
    Layers,
    Likeness,
    Scores,
    predict,
    probabilities,
    project,
    score,
    to_whole_numbers,
)
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


@cache
def projected(components: int = 128) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of load_digits, their classes, and the projection fitted to them."""
    inks, labels = digit_inks()
    features, classes = vectorize(list(inks)).features, np.array(labels).astype(np.intp)
    return features, classes, fit_projection(features, classes, np.ones(len(classes)), components)


def test_products_are_exact_in_any_order() -> None:
    """What float32 gives is what whole numbers give, and it does not depend on the batch."""
    features, _, projection = projected()
    whole = features.astype(np.int64) @ projection.astype(np.int64)
    assert (features @ projection == whole).all()
    expected = np.rint(whole.astype(np.float32) / np.float32(UNIT))
    assert (project(features, projection) == expected).all()
    assert (project(features[5:6], projection) == expected[5:6]).all()


def test_no_vector_is_stretched_and_no_column_too_long() -> None:
    """The two bounds that keep every partial sum below 2**24."""
    features, _, projection = projected()
    before, after = (np.linalg.norm(v, axis=1) for v in (features, project(features, projection)))
    assert (after <= before + np.sqrt(128) / 2).all()
    assert np.linalg.norm(projection, axis=0).max() <= LONGEST_COLUMN


def test_the_widest_difference_within_a_class_counts_for_less() -> None:
    """Its share of all scatter within the classes falls by a third and more."""
    features, classes, projection = projected()

    def widest(vectors: np.ndarray) -> float:
        means = np.stack([vectors[classes == c].mean(axis=0) for c in range(10)])
        spread = np.linalg.eigvalsh(np.cov((vectors - means[classes]).T))
        return float(spread[-1] / spread.sum())

    assert widest(project(features, projection)) < 0.67 * widest(features)


def test_fewer_images_than_directions() -> None:
    """A model of a few images has all its components still, and they are whole numbers."""
    features, classes, _ = projected()
    projection = fit_projection(features[:30], classes[:30], np.ones(30), 128)
    assert projection.shape == (392, 128)
    assert (projection == np.rint(projection)).all()


def test_none_changes_nothing() -> None:
    features = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (project(features, None) == features).all()


@pytest.fixture(scope="module")
def real() -> tuple[Layers, Layers]:
    """Weights and biases of a network of real numbers."""
    rng = np.random.default_rng(0)
    first, second, third = (rng.normal(0, 0.3, s) for s in ((20, 12), (12, 5), (5, 1)))
    return (first * 1e-3, second, third), (
        rng.normal(0, 0.3, 12),
        rng.normal(0, 0.3, 5),
        np.full(1, -0.25),
    )


@pytest.fixture(scope="module")
def whole(real: tuple[Layers, Layers]) -> Likeness:
    return to_whole_numbers(*real)


def components(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rng = np.random.default_rng(1)
    return np.rint(rng.normal(0, 800, (count, 20))).astype(np.float32)


def test_whole_numbers_decide_as_the_real_ones_do(real: tuple[Layers, Layers], whole: Likeness) -> None:
    hidden = components(2000).astype(np.float64)
    for layer, bias in zip(real[0][:2], real[1][:2], strict=True):
        hidden = np.maximum(hidden @ layer + bias, 0)
    output = (hidden @ real[0][2] + real[1][2])[:, 0]
    clear = np.abs(output) > 0.01 * np.abs(output).mean()
    assert clear.mean() > 0.9
    assert 0.1 < (output[clear] >= 0).mean() < 0.9
    assert (whole.are_digits(components(2000)) == (output >= 0))[clear].all()


def test_they_are_as_a_model_file_wants_them(whole: Likeness) -> None:
    for array in (*whole.weights, *whole.biases):
        assert (array == np.rint(array)).all()
    assert np.linalg.norm(whole.weights[0].astype(np.float64), axis=0).max() <= LONGEST_COLUMN
    assert max(np.abs(layer).max() for layer in whole.weights[1:]) <= LARGEST_WEIGHT


def test_a_picture_does_not_depend_on_the_others(whole: Likeness) -> None:
    some = components(64)
    alone = [bool(whole.are_digits(some[i : i + 1])[0]) for i in range(64)]
    assert alone == whole.are_digits(some).tolist()
