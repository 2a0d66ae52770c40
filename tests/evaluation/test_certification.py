"""A threshold that rests on scans of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from digitsort.errors import TrainingDataError
from digitsort.evaluation.certification import certified_copy, certify_on
from digitsort.model.reading import load_model, parse_model, verify_model
from digitsort.outcomes import Outcome, Status
from tests.conftest import digit_png, invoke, make_tree

if TYPE_CHECKING:
    from digitsort.model.reading import Model


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
