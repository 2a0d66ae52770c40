"""One command makes the shipped model: calibrated by source, the same twice."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from digitsort import load_model
from digitsort.model.inert_pickle import scan
from digitsort.model.reading import DEFAULT_FILE, default_model, parse_model
from digitsort.progress import silent
from digitsort.recognition.score import Scores, predict, score
from digitsort.recognition.vectorize import vectorize
from digitsort.training.examples import KNOWN_FILE, Examples, known_to_default, parse_known
from digitsort.training.fit import fit_beside
from digitsort.training.release import (
    PARAMETERS,
    Release,
    calibrate_by_family,
    fit_cascade,
    train_release,
)
from digitsort.training.sources import DataSource, Images, sources
from digitsort.training.trial import ScoredExamples
from tests.conftest import REPOSITORY
from tests.drawing import digit_inks


def part(start: int, step: int, name: str, family: str) -> DataSource:
    """Some of load_digits as a source of its own."""

    def load() -> Images:
        inks, labels = digit_inks()
        return inks[start:900:step], labels[start:900:step]

    return DataSource(name, "own", family, 1.0, load, on_paper=4)


SMALL = [part(0, 3, "a", "one"), part(1, 3, "b", "two"), part(2, 3, "c", "")]


@pytest.fixture(scope="module")
def release() -> Release:
    return train_release(silent, SMALL)


@pytest.mark.slow
def test_the_same_command_makes_the_same_files(release: Release) -> None:
    again = train_release(silent, SMALL)
    assert again.trained.card.fingerprint == release.trained.card.fingerprint
    assert again.known == release.known


@pytest.mark.slow
def test_the_card_names_sources_with_licences_and_the_families_left_out(release: Release) -> None:
    card = release.trained.card
    assert card.data == ("a (own)", "b (own)", "c (own)")
    assert card.folds == 2  # the source without a family is never left out
    assert card.splits["temperature"] + card.splits["certification"] < card.splits["fit"]


@pytest.mark.slow
def test_what_it_knows_gives_the_machine_again(release: Release) -> None:
    known = parse_known(parse_model(release.trained.data), release.known)
    again = fit_beside(known, known.held_out[np.arange(0)]).machine()
    features = known.held_out.features
    was, now = (score(features, machine).margin for machine in (known.model.machine, again))
    assert len(features) == sum(known.model.card.splits[name] for name in ("test",)) * 2
    assert np.abs(was - now).max() < 0.02


@pytest.mark.slow
def test_a_quarter_of_the_support_vectors_reads_almost_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimator that is fitted to a quarter of them reads many other digits otherwise."""
    inks, labels = digit_inks()
    vectors = vectorize(inks[:1200])
    every = Examples(vectors.features, vectors.normal, np.array(labels[:1200]), np.ones(1200))
    seen, unseen = every[np.arange(0, 1200, 2)], every.features[1::2]
    no_person = np.zeros(len(seen), np.bool_)

    def read(count: int, epochs: int) -> tuple[int, npt.NDArray[np.float64]]:
        monkeypatch.setattr("digitsort.training.release.VECTORS", count)
        monkeypatch.setattr("digitsort.training.condense.EPOCHS", epochs)
        machine = fit_cascade(seen, no_person, unseen[:0], PARAMETERS).estimator.machine()
        # The others only make ink familiar.
        deciding = int(np.count_nonzero(machine.dual_coef.any(axis=0)))
        return deciding, score(unseen, machine).margin.max(axis=1)

    count, whole = read(10_000, 0)
    few, start = read(count // 4, 0)
    _, condensed = read(count // 4, 100)
    assert few <= count // 4
    assert np.abs(condensed - whole).mean() < 0.5 * np.abs(start - whole).mean()


def judged(
    margin: Callable[[int], float], right: Callable[[int], bool], count: int = 1000
) -> ScoredExamples:
    """Readings of two classes, some of them wrong."""
    truth = np.array([0 if right(index) else 1 for index in range(count)], np.intp)
    margins = np.array([(margin(index), -margin(index)) for index in range(count)])
    return ScoredExamples(Scores(margins, margins, np.full(count, 0.5)), truth)


def test_every_family_weighs_the_same_however_large_it_is() -> None:
    """A large family that is always right does not hide a small one that is often wrong."""
    sure = judged(lambda _: 1.0, lambda _: True, 10_000)
    doubtful = judged(lambda _: 1.0, lambda i: i % 5 > 0, 100)
    both, _ = calibrate_by_family({"sure": sure, "doubtful": doubtful})
    alone, _ = calibrate_by_family({"sure": sure})
    # 10 % of the weight is wrong: exp(2 / T) = 9
    assert both.temperature == pytest.approx(2 / np.log(9), rel=0.25)
    assert alone.temperature < both.temperature / 3


def test_the_threshold_holds_for_every_family() -> None:
    """In one family a tenth of the less sure readings is wrong: none of these is accepted anywhere."""
    sure = judged(lambda i: 1.0 + i % 2, lambda _: True, 10_000)
    doubtful = judged(lambda i: 1.0 + i % 2, lambda i: i % 20 > 0)
    calibration, certificate = calibrate_by_family({"sure": sure, "doubtful": doubtful})
    less_sure = 1 / (1 + np.exp(-2 / calibration.temperature))
    assert certificate.threshold > round(float(less_sure), 4)
    assert certificate.errors == 0
    assert certificate.accepted == pytest.approx(5500 / 2, rel=0.05)


def test_every_source_has_a_licence_and_people_a_family() -> None:
    """Names and families of the shipped model's sources, without reading any."""
    assert [source.family for source in sources()] == [
        "mnist",
        "optdigits",
        "optdigits",
        "semeion",
        "",
        "",
    ]
    assert all(source.licence for source in sources())


MOST_BYTES = 10 * 2**20
"""Of what the wheel carries for the default model."""


def package_bytes(name: str) -> bytes:
    return files("digitsort.model").joinpath(name).read_bytes()


def test_it_is_read_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cache is looked at, and none is made."""
    monkeypatch.setenv("DIGITSORT_CACHE", str(tmp_path / "cache"))
    assert default_model() == load_model(REPOSITORY / "digitsort" / "model" / DEFAULT_FILE)
    assert not (tmp_path / "cache").exists()


def test_it_is_small() -> None:
    assert len(package_bytes(DEFAULT_FILE)) + len(package_bytes(KNOWN_FILE)) <= MOST_BYTES


def test_its_card_names_its_data_with_their_licences() -> None:
    data = default_model().card.data
    assert all("(" in source for source in data)
    assert any(source.startswith("mnist") for source in data)
    assert len(scan(package_bytes(DEFAULT_FILE))) < 1000


def test_what_it_knows_fits_to_it() -> None:
    """A weight for each support vector, and held-out images of all classes that it reads well."""
    known = known_to_default()
    assert len(known.weights) == known.model.card.support_vectors
    assert set(known.held_out.labels) == set(known.model.class_names)
    best = predict(score(known.held_out.features, known.model.machine))
    assert (np.array(known.model.class_names)[best] == known.held_out.labels).mean() > 0.985


def test_its_support_vectors_alone_give_it_again() -> None:
    """Fitted to nothing but what it knows, the machine answers alike."""
    known = known_to_default()
    again = fit_beside(known, known.held_out[np.arange(0)]).machine()
    features = known.held_out.features[::10]
    was, now = (score(features, machine).margin for machine in (known.model.machine, again))
    assert np.abs(was - now).max() < 0.02
