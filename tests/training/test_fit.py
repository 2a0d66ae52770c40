"""Training: what goes in, what comes out, and that it is the same twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digitsort.errors import TrainingDataError, UsageError
from digitsort.model.reading import parse_model, verify_model
from digitsort.training.examples import Dataset, LabelledGray
from digitsort.training.finish import Trained, TrainingOptions
from digitsort.training.fit import train
from tests.drawing import digit_inks


def some(counts: dict[str, int], names: dict[str, str] | None = None) -> Dataset:
    """The first digits of each label, so many of each, under other names if need be."""
    inks, labels = digit_inks()

    def load() -> Iterator[LabelledGray]:
        left = dict(counts)
        for ink, label in zip(inks, labels, strict=True):
            if left.get(label, 0):
                left[label] -= 1
                yield ink, (names or {}).get(label, label)

    return Dataset("some", sum(counts.values()), load)


SMALL = {"0": 30, "1": 30, "4": 30}


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train([some(SMALL)], TrainingOptions(seed=3))


def test_the_card_tells_what_happened(trained: Trained) -> None:
    card = trained.card
    assert card.classes == ("0", "1", "4")
    assert card.data == ("some",)
    assert card.counts == {"0": 24, "1": 24, "4": 24}
    assert (card.seed, card.held_out_count, card.folds) == (3, 18, 5)
    assert card.splits == {"fit": 72, "temperature": 36, "certification": 36, "test": 18}
    assert (card.certified_bound, card.min_confidence) == (1, 0.9)
    assert card.held_out_accuracy == trained.evaluation.accuracy >= 0.9
    assert set(card.versions) == {"python", "digitsort", "scikit-learn", "numpy", "pillow"}


def test_the_file_is_one_that_digitsort_takes(trained: Trained) -> None:
    model = parse_model(trained.data)
    verify_model(model)
    assert model.card == trained.card


def test_the_same_command_gives_the_same_fingerprint(trained: Trained) -> None:
    again = train([some(SMALL)], TrainingOptions(seed=3))
    other = train([some(SMALL)], TrainingOptions(seed=4))
    assert again.card.fingerprint == trained.card.fingerprint != other.card.fingerprint


def test_other_class_names() -> None:
    """Nothing but the card knows that there are ten digits."""
    model = parse_model(train([some(SMALL, {"0": "O", "1": "plus", "4": "ä"})]).data)
    assert model.class_names == ("O", "plus", "ä")


def test_two_classes() -> None:
    model = parse_model(train([some({"0": 20, "1": 20})]).data)
    verify_model(model)
    assert model.machine.dual_coef.shape[0] == 1


@pytest.mark.slow
def test_tuning_searches_and_reports_progress() -> None:
    seen = []
    tuned = train(
        [some(SMALL)],
        TrainingOptions(tune=True),
        lambda stage, done, total: seen.append((stage, done, total)),
    )
    steps = [(done, total) for stage, done, total in seen if stage == "tune C and gamma"]
    assert steps[0] == (0, 20)
    assert steps[-1] == (20, 20)
    assert tuned.card.C in (1, 3, 10, 30)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"3": 30}, "only one class, '3'"),
        ({"3": 30, "5": 1}, "Class '5' has one image"),
        ({"3": 30, "5": 4}, "Class '5' has 4 images"),
        ({}, "no images"),
    ],
    ids=["one class", "class of one image", "class of four", "nothing"],
)
def test_data_of_no_use_is_named(counts: dict[str, int], says: str) -> None:
    with pytest.raises(TrainingDataError, match=says):
        train([some(counts)])


def test_an_error_that_cannot_be_certified_is_refused_with_the_number() -> None:
    with pytest.raises(TrainingDataError, match="at least 598 accepted images"):
        train([some(SMALL)], TrainingOptions(max_error=0.005))


@pytest.mark.parametrize("error", [0.0, 1.0, -1.0])
def test_an_error_is_a_share(error: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        train([some(SMALL)], TrainingOptions(max_error=error))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2, 3.0])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        train([some(SMALL)], TrainingOptions(held_out=share))


@pytest.mark.slow
def test_accuracy_on_load_digits() -> None:
    """Held out over ten seeds: 99.4 % at least (seen: 99.69 %), where the tutorial has 96 %."""
    from digitsort.training.choose_dataset import open_datasets

    datasets = open_datasets(["digits"])
    accuracy = [train(datasets, TrainingOptions(seed=s)).card.held_out_accuracy for s in range(10)]
    assert sum(accuracy) / len(accuracy) >= 0.994
