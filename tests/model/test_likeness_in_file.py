"""A model file may hold a network that knows what is no digit; it is checked like the rest."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from digitsort import Model, Status
from digitsort.classification.decide import UNLIKE, decide
from digitsort.errors import ModelError
from digitsort.model.card import fingerprint
from digitsort.model.estimator import DigitClassifier, rebuild, to_bytes
from digitsort.model.reading import parse_model
from digitsort.recognition.score import Likeness, to_whole_numbers
from digitsort.training.examples import Examples, Known
from digitsort.training.fit import keep_likeness
from tests.conftest import digit_image

SCANS = [np.asarray(digit_image(digit)) for digit in range(10)]


def network(model: Model, bias: float) -> Likeness:
    """Return a network that says yes where `bias` is not negative."""
    rng, m = np.random.default_rng(0), model.machine.vectors.shape[1]
    weights = rng.normal(0, 0.1, (m, 6)), rng.normal(0, 0.1, (6, 4)), np.full((4, 1), 1e-3)
    return to_whole_numbers(weights, (np.zeros(6), np.zeros(4), np.array([bias])))


def with_network(model: Model, likeness: Likeness) -> Model:
    """Return the model with a network, and the fingerprint of both."""
    machine, card = replace(model.machine, likeness=likeness), model.card
    mark = fingerprint(machine, card.recipe, card.classes, card.thresholds)
    return replace(model, machine=machine, card=replace(card, fingerprint=mark))


@pytest.fixture(scope="module")
def stern(model: Model) -> Model:
    """A model that finds nothing like a digit."""
    return with_network(model, network(model, -1e3))


def test_what_is_unlike_a_digit_is_uncertain(model: Model, stern: Model) -> None:
    usual, mild = decide(SCANS, model), decide(SCANS, with_network(model, network(model, 1e3)))
    assert mild == usual
    for before, verdict in zip(usual, decide(SCANS, stern), strict=True):
        if before.status is Status.OK:
            assert (verdict.status, verdict.reason) == (Status.UNCERTAIN, UNLIKE)
            assert verdict.label == before.label


def test_a_file_holds_it_for_digitsort_and_for_plain_python(stern: Model) -> None:
    data = to_bytes(rebuild(stern), stern.known_vectors)
    likeness, own = parse_model(data).machine.likeness, stern.machine.likeness
    assert likeness is not None
    assert own is not None
    for name in ("weights", "biases"):
        for array, expected in zip(getattr(likeness, name), getattr(own, name), strict=True):
            assert array.dtype == expected.dtype
            assert np.array_equal(array, expected)
    estimator = pickle.loads(data)
    assert type(estimator.svc_).__name__ == "SVC"
    assert len(estimator.predict(SCANS)) == 10


def test_it_belongs_to_the_fingerprint(model: Model, stern: Model) -> None:
    other = with_network(model, network(model, -2e3))
    assert len({model.card.fingerprint, stern.card.fingerprint, other.card.fingerprint}) == 3


FAULTS: dict[str, Callable[[list[Any]], Any]] = {
    "are not six arrays": lambda arrays: arrays[:5],
    "is of type 'f8'": lambda arrays: [arrays[0].astype(np.float64), *arrays[1:]],
    "the shape that it should": lambda arrays: [arrays[0][1:], *arrays[1:]],
    "no whole numbers, or too large": lambda arrays: [arrays[0], arrays[1] + 0.5, *arrays[2:]],
    "or too large": lambda arrays: [arrays[0], arrays[1] + 2**12, *arrays[2:]],
    "too long": lambda arrays: [np.full_like(arrays[0], 4000), *arrays[1:]],
    "numbers that are none": lambda arrays: [*arrays[:5], np.array([np.inf])],
    "layers of 300": lambda arrays: [
        np.zeros((len(arrays[0]), 300), np.float32),
        np.zeros((300, 4)),
        arrays[2],
        np.zeros(300),
        *arrays[4:],
    ],
}
"""What a refusal says, and what changes the arrays so."""


@pytest.mark.parametrize("says", FAULTS)
def test_another_form_is_refused(stern: Model, says: str) -> None:
    estimator = rebuild(stern)
    estimator.likeness_ = FAULTS[says](estimator.likeness_)
    estimator.known_vectors_ = stern.known_vectors.astype(np.uint16)
    estimator.known_margins_ = stern.known_margins
    with pytest.raises(ModelError, match=says):
        parse_model(pickle.dumps(estimator, protocol=4))


def test_a_model_of_other_classes_has_none(stern: Model) -> None:
    """A rejection of letters would work against a model of letters."""
    card = replace(stern.card, classes=tuple("abcdefghij"))
    mark = fingerprint(stern.machine, card.recipe, card.classes, card.thresholds)
    letters = replace(stern, card=replace(card, fingerprint=mark))
    with pytest.raises(ModelError, match="its classes are not the digits"):
        to_bytes(rebuild(letters), stern.known_vectors)


@pytest.mark.parametrize(
    ("bias", "classes", "kept"),
    [(1e3, "0123456789", True), (-1e3, "0123456789", False), (1e3, "0123456789x", False)],
)
def test_learning_keeps_it_unless_what_is_learned_is_unlike_a_digit(
    model: Model, bias: float, classes: str, kept: bool
) -> None:
    knowing = with_network(model, network(model, bias))
    n = len(model.known_vectors)
    new = Examples(model.known_vectors, np.zeros((n, 32, 32), np.uint8), np.full(n, "7"), np.ones(n))
    estimator = DigitClassifier()
    estimator.classes_ = np.array(list(classes))
    keep_likeness(Known(knowing, np.ones(1), new), estimator, new)
    assert (estimator.likeness is not None) == kept
