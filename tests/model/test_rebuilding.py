"""A model's arrays make the estimator again."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitsort.model.reading import parse_model, verify_model
from digitsort.model.saving import rebuild, to_bytes
from digitsort.training.fit import train
from tests.drawing import digit_inks
from tests.training.test_fit import some

if TYPE_CHECKING:
    from digitsort.model.reading import Model


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
