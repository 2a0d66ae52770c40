"""A person's labels: learned from, kept for the test, or too few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from digitsort.model.reading import parse_model
from digitsort.progress import silent
from digitsort.training.examples import Dataset, LabelledGray, gather
from digitsort.training.finish import Trained
from digitsort.training.fit import Change, Comparison, compare, train
from digitsort.training.labelled import teach
from tests.drawing import digit_inks
from tests.training.test_fit import SMALL, some


def by_hand(labels: list[str], digit: str = "4") -> Dataset:
    """The last pictures of a digit, under labels of a person's choice."""
    inks, truths = digit_inks()
    pictures = [ink for ink, truth in zip(inks, truths, strict=True) if truth == digit]

    def load() -> Iterator[LabelledGray]:
        yield from zip(pictures[-len(labels) :], labels, strict=True)

    return Dataset("mine", len(labels), load, weight=4.0, by_hand=True)


@pytest.mark.parametrize(
    ("given", "learned", "kept"),
    [
        (["4"] * 2, {"4": 2}, {}),
        (["4"] * 3, {"4": 2}, {"4": 1}),
        (["4"] * 20, {"4": 16}, {"4": 4}),
        (["0"] * 10 + ["4"] * 5, {"0": 8, "4": 4}, {"0": 2, "4": 1}),
        (["4"] * 5 + ["_none"] * 4, {"4": 4}, {"4": 1}),
        (["4"] * 5 + ["_none"] * 5, {"4": 4, "_none": 4}, {"4": 1, "_none": 1}),
    ],
)
def test_a_fifth_of_each_label_is_kept(
    given: list[str], learned: dict[str, int], kept: dict[str, int]
) -> None:
    """A class that nothing else knows takes five images to be learned."""
    taught = teach([by_hand(given)], gather([some(SMALL)], silent).examples, silent)
    assert Counter(taught.learned.labels.tolist()) == learned
    assert Counter(taught.kept.labels.tolist()) == kept
    assert taught.left.total() == len(given) - sum(learned.values()) - sum(kept.values())
    assert set(taught.learned.weights) == {4.0}


def test_nothing_by_hand_changes_nothing() -> None:
    with_none = train([some(SMALL)])
    assert len(with_none.taught.learned) == len(with_none.taught.kept) == 0


@pytest.fixture(scope="module")
def trained() -> Trained:
    """Taught that a 7, which the rest does not know, is a 0."""
    return train([some(SMALL), by_hand(["0"] * 20, "7")])


def test_all_that_is_learned_is_fitted_to(trained: Trained) -> None:
    plain = train([some(SMALL)])
    assert trained.card.counts["0"] == plain.card.counts["0"] + 16
    assert trained.card.splits["test"] == plain.card.splits["test"]
    assert trained.card.splits["temperature"] == plain.card.splits["temperature"]
    assert trained.card.data == ("some", "mine")
    assert (trained.held_out.features == plain.held_out.features).all()


def test_before_and_after(trained: Trained) -> None:
    before = parse_model(train([some(SMALL)]).data)
    found = compare(before, trained)
    assert found.on_kept == Change(4, 0, 4)
    assert found.on_held_out.count == 18


@pytest.mark.parametrize(
    ("kept", "held_out", "is_worse"),
    [
        ((4, 0, 4), (2000, 1990, 1990), False),
        ((4, 0, 4), (2000, 1990, 1986), False),
        ((4, 0, 4), (2000, 1990, 1985), True),
        ((4, 4, 3), (2000, 1990, 1999), True),
        ((0, 0, 0), (2000, 1990, 1990), False),
    ],
)
def test_what_is_worse(
    kept: tuple[int, int, int], held_out: tuple[int, int, int], is_worse: bool
) -> None:
    """Fewer of the kept labels, or a loss of more than 0.2 points on the old images."""
    assert Comparison(Change(*kept), Change(*held_out)).is_worse is is_worse


def test_labels_by_hand_alone_are_the_data() -> None:
    """Then they are split, weighed and calibrated like any other."""
    alone = replace(some(SMALL), by_hand=True, weight=4.0)
    found = train([alone])
    assert found.card.fingerprint == train([some(SMALL)]).card.fingerprint
    assert np.unique(found.held_out.weights).tolist() == [1.0]
