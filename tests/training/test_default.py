"""The default model comes with the installation; nothing is trained and nothing is kept."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from digitsort import load_model
from digitsort.model.reading import DEFAULT_FILE, default_model
from digitsort.model.scanning import scan
from digitsort.recognition.score import predict, score
from digitsort.training.known import KNOWN_FILE, known_to_default
from digitsort.training.learn import fit_beside
from tests.conftest import REPOSITORY

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
