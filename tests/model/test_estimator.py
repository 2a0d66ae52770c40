"""The estimator keeps scikit-learn's habits."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from digitsort import DigitClassifier
from digitsort.errors import OutputError
from digitsort.model.estimator import rebuild, save, to_bytes
from digitsort.model.reading import parse_model, verify_model
from digitsort.training.fit import train
from tests.drawing import digit_inks
from tests.training.test_fit import some

if TYPE_CHECKING:
    from digitsort.model.reading import Model


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


def test_it_predicts_what_the_file_s_own_estimator_does(model: Model, model_file: Path) -> None:
    original = pickle.loads(model_file.read_bytes())
    images = list(digit_inks()[0][:600])
    again = rebuild(model)
    assert (again.predict(images) == original.predict(images)).all()
    assert again.predict_proba(images) == pytest.approx(original.predict_proba(images))
    assert again.decision_function(images) == pytest.approx(original.decision_function(images))


def test_its_file_is_a_model_again(model: Model) -> None:
    once_more = parse_model(to_bytes(rebuild(model), model.known_vectors))
    verify_model(once_more)
    assert once_more.card == model.card
    assert np.array_equal(once_more.machine.vectors, model.machine.vectors)


@pytest.mark.slow
def test_two_classes() -> None:
    """scikit-learn turns the sign of a two-class machine."""
    data = train([some({"0": 20, "1": 20})]).data
    original, images = pickle.loads(data), list(digit_inks()[0][:200])
    assert (rebuild(parse_model(data)).predict(images) == original.predict(images)).all()


def test_save_gives_back_what_the_disk_holds(model_file: Path, tmp_path: Path) -> None:
    data = model_file.read_bytes()
    model = save(data, tmp_path / "m.pkl", force=False)
    assert (tmp_path / "m.pkl").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["m.pkl"]
    assert model.card.classes == tuple("0123456789")


def test_an_existing_model_is_kept(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        save(model_file.read_bytes(), path, force=False)
    assert path.read_bytes() == b"mine"
    save(model_file.read_bytes(), path, force=True)
    assert path.read_bytes() == model_file.read_bytes()
