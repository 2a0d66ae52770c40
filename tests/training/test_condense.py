"""A small machine is moved until it decides like a large one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from digitsort.model.estimator import DigitClassifier, support_vectors
from digitsort.recognition.score import SupportVectors, score_components
from digitsort.training import condense as module
from digitsort.training.condense import KNOWN, Contests, add_vectors, condense, find_odd, owners_of

CLASSES, LENGTH = 4, 6


def points(count: int, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    """Clouds that overlap, of whole numbers like projected images."""
    rng = np.random.default_rng(seed)
    owners = np.arange(count) % CLASSES
    centres = np.random.default_rng(0).normal(0, 300, (CLASSES, LENGTH))
    values = np.rint(centres[owners] + rng.normal(0, 250, (count, LENGTH)))
    return values.astype(np.float32), owners.astype(np.str_)


def fitted(count: int, classes: int = CLASSES) -> SupportVectors:
    values, labels = points(count, 1)
    mine = labels.astype(int) < classes
    estimator = DigitClassifier(C=1.0).fit_components(
        values[mine].astype(np.float64), labels[mine], None, np.eye(LENGTH, dtype=np.float32), 2e-6
    )
    return support_vectors(estimator.svc_)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_contests_have_the_decision_values_and_give_the_machine_again(classes: int) -> None:
    machine = fitted(200, classes)
    contests = Contests.of(machine)
    values = points(50, 2)[0]
    squares = ((values[:, None] - machine.vectors) ** 2).sum(axis=2, dtype=np.float64)
    decided = np.exp(-machine.gamma * squares) @ contests.coefficients + contests.intercepts
    scores = score_components(values, machine)
    chosen = contests.chosen(decided.astype(np.float32))
    votes = (scores.margin > 0).any(axis=1)  # one class wins all its contests
    assert list(chosen[votes]) == list(scores.margin.argmax(axis=1)[votes])
    again = contests.machine(machine.vectors, owners_of(machine), machine)
    assert np.array_equal(again.dual_coef, machine.dual_coef)
    assert np.array_equal(again.intercept, machine.intercept)
    assert np.array_equal(again.n_support, machine.n_support)


def test_a_few_vectors_decide_like_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """On points that neither fit saw, and much better than the same number of vectors at the start."""
    monkeypatch.setattr(module, "EPOCHS", 60)
    large, start = fitted(1000), fitted(60)
    small = condense(large, start, points(2000, 3)[0])
    values = points(500, 4)[0]
    aim, before, after = (score_components(values, one).margin for one in (large, start, small))
    assert len(small.vectors) == len(start.vectors) < len(large.vectors) / 4
    assert np.abs(after - aim).mean() < 0.3 * np.abs(before - aim).mean()
    assert np.array_equal(small.vectors, np.rint(small.vectors))


def test_it_is_the_same_every_time() -> None:
    large, start, values = fitted(400), fitted(60), points(500, 3)[0]
    first, second = (condense(large, start, values) for _ in range(2))
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.dual_coef.tobytes() == second.dual_coef.tobytes()


def test_every_image_of_the_fit_is_known_afterwards() -> None:
    large, start, values = fitted(400), fitted(60), points(500, 3)[0]
    far = values + np.float32(2.5 / np.sqrt(large.gamma)) * np.eye(values.shape[1], dtype=np.float32)[0]
    images = np.concatenate([values, far])
    small = condense(large, start, values)
    odd = find_odd(small, images)
    assert 0 < len(odd) < len(images)
    grown = add_vectors(small, images[odd], np.arange(len(odd)) % CLASSES)
    assert score_components(images, grown).familiarity.min() >= KNOWN


def test_added_vectors_change_no_decision_value() -> None:
    machine, values = fitted(60), points(500, 3)[0]
    grown = add_vectors(machine, values[:7], np.arange(7) % CLASSES)
    before, after = (score_components(values[7:], one) for one in (machine, grown))
    assert np.array_equal(before.decision, after.decision)
    assert np.array_equal(before.margin, after.margin)
    assert np.array_equal(owners_of(grown), np.sort(owners_of(grown)))
    assert (score_components(values[:7], grown).familiarity == 1).all()
