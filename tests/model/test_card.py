"""The card comes back as it was written, or is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitsort.errors import ModelError
from digitsort.model.card import Card, fingerprint

if TYPE_CHECKING:
    from digitsort.model.reading import Model


def test_round_trip(model: Model) -> None:
    assert Card.from_dict(model.card.to_dict()) == model.card


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes", ["0"]),
        ("classes", ["0", "0"]),
        ("classes", "01"),
        ("counts", {"0": 1.5}),
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("min_confidence", 1.5),
        ("min_familiarity", -0.1),
        ("held_out_accuracy", "good"),
        ("seed", True),
        ("fingerprint", "abc"),
        ("support_vectors", 0),
    ],
)
def test_a_wrong_entry_is_named(model: Model, name: str, value: Any) -> None:
    with pytest.raises(ModelError, match=name):
        Card.from_dict({**model.card.to_dict(), name: value})


@pytest.mark.parametrize("values", [None, [], {}, {"classes": ["0", "1"]}])
def test_what_is_no_card_is_refused(values: Any) -> None:
    with pytest.raises(ModelError, match="card"):
        Card.from_dict(values)


def test_the_fingerprint_is_of_what_decides(model: Model) -> None:
    """It changes with any array, name or threshold, and with nothing else."""
    card, machine = model.card, model.machine
    calibration = card.thresholds

    def of(**changes: Any) -> str:
        changed = replace(machine, **changes)
        return fingerprint(changed, card.recipe, card.classes, calibration)

    assert of() == card.fingerprint
    others = {
        of(vectors=machine.vectors + 1),
        of(dual_coef=machine.dual_coef * 2),
        of(intercept=machine.intercept + 1),
        of(n_support=machine.n_support[::-1]),
        of(gamma=machine.gamma * 2),
        fingerprint(machine, "another/1", card.classes, calibration),
        fingerprint(machine, card.recipe, card.classes[::-1], calibration),
        fingerprint(machine, card.recipe, card.classes, {**calibration, "temperature": 1.0}),
        card.fingerprint,
    }
    assert len(others) == 9
    assert np.isfinite(machine.vectors).all()
