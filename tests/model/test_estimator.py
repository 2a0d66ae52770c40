"""The estimator keeps scikit-learn's habits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from digitsort import DigitClassifier
from tests.drawing import digit_inks


@pytest.fixture(scope="module")
def parts() -> list[list]:  # type: ignore[type-arg]
    inks, labels = digit_inks()
    chosen = [i for i, label in enumerate(labels) if label in "013"][:300]
    images = [inks[i] for i in chosen]
    numbers = [int(labels[i]) for i in chosen]
    return train_test_split(images, numbers, test_size=0.2, random_state=0, stratify=numbers)  # type: ignore[no-any-return]


def test_fit_predict_score(parts: list[list]) -> None:  # type: ignore[type-arg]
    """The tutorial's steps, on images instead of rows, with numbers as labels."""
    train_x, test_x, train_y, test_y = parts
    model = DigitClassifier().fit(train_x, train_y)
    assert model.classes_.tolist() == [0, 1, 3]
    assert accuracy_score(test_y, model.predict(test_x)) == model.score(test_x, test_y) >= 0.98
    chances = model.predict_proba(test_x)
    assert chances.shape == (60, 3)
    assert chances.sum(axis=1) == pytest.approx(np.ones(60))
    assert (model.classes_[chances.argmax(axis=1)] == model.predict(test_x)).all()


def test_it_is_a_classifier_that_can_be_cloned() -> None:
    model = DigitClassifier(C=3.0, gamma=0.5, temperature=0.3, components=64)
    assert is_classifier(model)
    asked = {"C": 3.0, "gamma": 0.5, "temperature": 0.3, "components": 64}
    assert clone(model).get_params() == asked


def test_an_unfitted_one_says_so() -> None:
    with pytest.raises(NotFittedError):
        DigitClassifier().predict([np.zeros((8, 8), np.uint8)])


def test_the_range_of_load_digits_is_refused(parts: list[list]) -> None:  # type: ignore[type-arg]
    """0-16 as floats is neither 0-1 nor uint8: better asked than guessed."""
    with pytest.raises(ValueError, match="0-1"):
        DigitClassifier().fit([x / 16.0 for x in parts[0]], parts[2])
