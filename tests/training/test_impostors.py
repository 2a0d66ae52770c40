"""Invented pictures that are no digits, and the network that is fitted to them."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.training import fit_likeness as module
from digitsort.training.fit_likeness import Ground, fit_likeness
from digitsort.training.impostors import SHARES, Gray, Material, invent_impostors
from digitsort.training.printed import find_faces
from tests.drawing import digit_inks


@pytest.fixture(scope="module")
def material() -> Material:
    inks, labels = digit_inks()
    return Material(inks[:200], labels[:200], find_faces())


def invented(material: Material, seed: int) -> list[Gray]:
    return list(invent_impostors(20, seed, material))


def test_the_same_seed_invents_the_same_pictures(material: Material) -> None:
    first, again, other = (invented(material, seed) for seed in (1, 1, 2))
    assert len(first) == sum(round(share * 20) for share in SHARES.values())
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert all(gray.dtype == np.uint8 and gray.ndim == 2 for gray in first)
    assert all(gray.min() < gray.max() for gray in first)


def two_clouds(count: int = 400) -> Ground:
    """Vectors of digits and of others, on two sides of the origin."""
    rng = np.random.default_rng(0)
    is_digit = np.arange(count) % 2 == 0
    middle = np.where(is_digit, 300, -300)[:, None]
    features = np.rint(rng.normal(0, 150, (count, 8)) + middle).astype(np.float32)
    return Ground(features, is_digit, np.where(is_digit, "one", "two").astype("U32"))


def test_the_network_learns_what_is_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 40)
    ground = two_clouds()
    found = fit_likeness(ground, None).are_digits(ground.features)
    assert (found == ground.is_digit).mean() > 0.98
    assert not fit_likeness(ground, None, limit=1e6).are_digits(ground.features).any()


def test_a_family_is_left_out_whole() -> None:
    ground = two_clouds(10)
    assert set(ground.without("one").families) == {"two"}
    assert not ground.without("one").is_digit.any()
