"""A bound on the error among the accepted that can be relied on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.evaluation.certification import (
    LEAST_THRESHOLD,
    certify,
    lowest_threshold,
    needed_images,
    upper_bound,
)


@pytest.mark.parametrize(("error", "needed"), [(0.005, 598), (0.001, 2995), (0.05, 59)])
def test_images_it_takes_without_an_error(error: float, needed: int) -> None:
    """0.95 = 1 - (1 - error)^n, rounded up; one image less is not enough."""
    assert needed_images(error) == needed
    assert upper_bound(0, needed) <= error < upper_bound(0, needed - 1)


def test_the_bound_holds_what_it_says() -> None:
    """Of 2,000 simulated samples with an error of 2 %, about 5 % at the most exceed the bound."""
    rng = np.random.default_rng(8)
    errors = rng.binomial(400, 0.02, 2000)
    missed = np.mean([upper_bound(int(k), 400) < 0.02 for k in errors])
    assert missed <= 0.06


def sample(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and labels that are right as often as those say, but never below 0.9."""
    confidence = 1 - 0.3 * rng.random(n) ** 3
    return confidence, rng.random(n) < confidence


@pytest.mark.slow
def test_certified_thresholds_are_rarely_too_low() -> None:
    """Of 200 samples the true error above the threshold exceeds the bound in about 5 % at most."""
    rng = np.random.default_rng(9)
    fresh_confidence, fresh_right = sample(200_000, rng)
    failures = found = 0
    for _ in range(200):
        certificate = certify(*sample(1500, rng), 0.02)
        if certificate is not None:
            found += 1
            accepted = fresh_confidence >= certificate.threshold
            failures += bool((~fresh_right[accepted]).mean() > 0.02)
    assert found > 150
    assert failures <= 0.08 * found


def test_too_few_images_give_no_certificate() -> None:
    confidence, right = np.full(597, 0.99), np.ones(597, np.bool_)
    assert certify(confidence, right, 0.005) is None
    one_more = certify(np.full(598, 0.99), np.ones(598, np.bool_), 0.005)
    assert one_more is not None
    assert (one_more.threshold, one_more.accepted, one_more.errors) == (LEAST_THRESHOLD, 598, 0)


def test_it_stops_at_the_first_failure() -> None:
    """Many errors at 0.95 end the sequence, although below them it would look good again."""
    confidence = np.repeat([0.99, 0.95, 0.92], [1000, 100, 100_000])
    right = np.repeat([True, False, True], [1000, 100, 100_000])
    certificate = certify(confidence, right, 0.005)
    assert certificate is not None
    assert certificate.threshold == 0.99


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 0.3),
)
def test_above_the_threshold_the_errors_are_few(pairs: list[tuple[float, bool]], most: float) -> None:
    """Whatever the data: at the threshold or above, the share of errors is at most what was asked."""
    confidence = np.array([c for c, _ in pairs])
    right = np.array([r for _, r in pairs])
    threshold = lowest_threshold(confidence, right, most)
    accepted = np.round(confidence, 4) >= threshold
    assert threshold >= LEAST_THRESHOLD
    if threshold < 1:
        assert (~right[accepted]).sum() <= most * accepted.sum()
