"""A threshold that rests on scans of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.errors import TrainingDataError
from digitsort.evaluation.certification import (
    LEAST_THRESHOLD,
    certified_copy,
    certify,
    certify_on,
    lowest_threshold,
    needed_images,
    upper_bound,
)
from digitsort.model.reading import load_model, parse_model, verify_model
from digitsort.outcomes import Outcome, Status
from tests.conftest import digit_png, invoke, make_tree

if TYPE_CHECKING:
    from digitsort.model.reading import Model


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


def outcomes(count: int, label: str = "3", confidence: float = 0.99) -> list[Outcome]:
    return [Outcome("x.png", Status.OK, label, confidence)] * count


def test_the_threshold_lies_above_the_mistakes() -> None:
    found = [*outcomes(700), *outcomes(100, "8", 0.95)]
    certificate = certify_on(found, ["3"] * 800, 0.005).certificate
    assert (certificate.threshold, certificate.accepted, certificate.errors) == (0.99, 700, 0)


def test_what_can_never_be_accepted_does_not_count() -> None:
    """Rejected, unreadable and unfamiliar images are no evidence for accepted ones."""
    others = [
        Outcome("a.png", Status.REJECTED, reason="blank"),
        Outcome("b.png", Status.ERROR, reason="empty file"),
        Outcome("c.png", Status.UNCERTAIN, "3", 0.99, reason="unfamiliar"),
    ]
    with pytest.raises(TrainingDataError, match="0 of 597 that could be accepted were wrong"):
        certify_on([*outcomes(597), *others], ["3"] * 600, 0.005)


def test_the_copy_says_what_it_rests_on(model: Model) -> None:
    certificate = certify_on(outcomes(700), ["3"] * 700, 0.005).certificate
    copy = parse_model(certified_copy(model, certificate, 0.005, "ward 7"))
    verify_model(copy)
    assert copy.card.data == (*model.card.data, "certified on ward 7")
    assert (copy.card.certified_accepted, copy.card.max_error) == (700, 0.005)
    assert copy.card.min_confidence == certificate.threshold
    assert copy.card.splits == model.card.splits
    assert copy.known_margins == pytest.approx(model.known_margins)


def test_on_the_command_line(tmp_path: Path, model_file: Path) -> None:
    """60 scans certify an error of 5 % (59 are needed); the original model stays as it is."""
    scans = {str(d): {f"{i}.png": digit_png(d, example=i) for i in range(6)} for d in range(10)}
    make_tree(tmp_path / "scans", scans)
    before = model_file.read_bytes()
    copy = tmp_path / "mine.pkl"
    done = invoke(
        "evaluate", tmp_path / "scans", "-m", model_file, "--certify", copy, "--max-error", "0.05"
    )
    assert done.exit_code == 0, done.output
    assert "Certified: at or above confidence" in done.output
    assert load_model(copy).card.max_error == 0.05
    assert model_file.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--max-error", "0.005"), 4), (("--max-error", "2"), 2)],
    ids=["too few scans", "no share"],
)
def test_what_cannot_be_certified(
    tmp_path: Path, model_file: Path, options: tuple[str, ...], code: int
) -> None:
    make_tree(tmp_path / "scans", {"7": {"a.png": digit_png(7)}})
    copy = tmp_path / "mine.pkl"
    done = invoke("evaluate", tmp_path / "scans", "-m", model_file, "--certify", copy, *options)
    assert done.exit_code == code
    assert not copy.exists()
