"""ok, uncertain or rejected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digitsort import Model, Status
from digitsort.classification.decide import LOW_CONFIDENCE, NOT_A_DIGIT, UNFAMILIAR, Verdict, decide
from tests.conftest import digit_image


def grays(count: int = 3) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    return [np.asarray(digit_image(d, example=e)) for d in range(10) for e in range(count)]


def with_card(model: Model, **changes: object) -> Model:
    return replace(model, card=replace(model.card, **changes))  # type: ignore[arg-type]


@pytest.fixture
def doubtful(model: Model) -> Model:
    """The model with confidences spread between 0.1 and 1."""
    return with_card(model, temperature=2.0)


def rejected(reason: str) -> Verdict:
    """A verdict without a label."""
    return Verdict(Status.REJECTED, reason=reason)


def without_scores(verdict: Verdict) -> Verdict:
    """A verdict but for what `inspect` shows of rejected images too."""
    return verdict._replace(probabilities=(), familiarity=0.0)


def test_ink_unlike_the_training_data_is_never_ok(model: Model) -> None:
    """Below the first limit a label is uncertain, however sure; below the second it is rejected."""
    ok = with_card(model, ok_familiarity=0.0, min_familiarity=0.0)
    strange = with_card(model, ok_familiarity=1.0, min_familiarity=0.0)
    far = with_card(model, ok_familiarity=1.0, min_familiarity=1.0)
    scans = grays(1)[:1]
    assert decide(scans, ok, 0.5)[0].status is Status.OK
    (verdict,) = decide(scans, strange, 0.5)
    assert (verdict.status, verdict.reason) == (Status.UNCERTAIN, UNFAMILIAR)
    assert verdict.label == decide(scans, ok, 0.5)[0].label
    assert without_scores(decide(scans, far, 0.5)[0]) == rejected(UNFAMILIAR)


def test_the_confidence_that_is_printed_is_compared(doubtful: Model) -> None:
    """A row never says 0.9000 and uncertain at 0.9, nor 0.8999 and ok."""
    verdicts = decide(grays(), doubtful, 0.0)
    turned_up = turned_down = 0
    for gray, verdict in zip(grays(), verdicts, strict=True):
        assert verdict.confidence is not None
        printed = float(f"{verdict.confidence:.4f}")
        turned_up += printed > verdict.confidence
        turned_down += printed < verdict.confidence
        assert decide([gray], doubtful, printed)[0].status is Status.OK
        assert decide([gray], doubtful, round(printed + 0.0001, 4))[0].status is Status.UNCERTAIN
    assert turned_up
    assert turned_down


def test_an_uncertain_verdict_gives_its_best_guess_and_the_reason(doubtful: Model) -> None:
    sure, unsure = decide(grays(1), doubtful, 0.0), decide(grays(1), doubtful, 1.0)
    assert [v._replace(status=Status.UNCERTAIN, reason=LOW_CONFIDENCE) for v in sure] == unsure


def test_the_models_own_threshold_is_the_default(doubtful: Model) -> None:
    strict, lenient = (with_card(doubtful, min_confidence=p) for p in (1.0, 0.0))
    assert {Status.UNCERTAIN} == {verdict.status for verdict in decide(grays(1), strict)}
    assert {Status.OK} == {verdict.status for verdict in decide(grays(1), lenient)}


def test_what_is_taken_for_the_class_none_is_rejected(model: Model) -> None:
    names = tuple("_none" if name == "3" else name for name in model.class_names)
    verdicts = decide(grays(1), with_card(model, classes=names))
    assert rejected(NOT_A_DIGIT) == without_scores(verdicts[3])
    assert [n for n in names if n != "_none"] == [v.label for v in verdicts if v.label]


def test_the_reasons_of_other_classes_do_not_speak_of_digits(model: Model) -> None:
    two = np.hstack([np.asarray(digit_image(d)) for d in (3, 8)])
    for first, reasons in (
        ("_none", {"none of the classes", "several signs"}),
        ("0", {"several digits"}),
    ):
        names = (first, *("ABCDEFGHI" if first == "_none" else "123456789"))
        verdicts = decide([grays(1)[0], two], with_card(model, classes=names))
        assert reasons == {verdict.reason for verdict in verdicts} - {""}


def test_labels_are_the_models_own_class_names(model: Model) -> None:
    names = tuple("ABCDEFGHIJ")
    verdicts = decide(grays(1), with_card(model, classes=names))
    assert names == tuple(verdict.label for verdict in verdicts)


@pytest.mark.parametrize(
    ("gray", "reason"),
    [
        (np.full((64, 64), 255, np.uint8), "blank"),
        (np.zeros((64, 64), np.uint8), "blank"),
        (np.full((1, 1), 7, np.uint8), "blank"),
        (np.tile(np.pad(np.zeros((8, 8), np.uint8), 4, constant_values=255), (4, 4)), "noise"),
    ],
    ids=["white", "black", "one pixel", "16 spots"],
)
def test_what_can_be_no_digit_is_rejected_without_a_label(
    model: Model, gray: np.ndarray[tuple[int, int], np.dtype[np.uint8]], reason: str
) -> None:
    assert rejected(reason) == without_scores(*decide([gray], model, 0.0))


def test_no_pictures_no_verdicts(model: Model) -> None:
    assert decide([], model) == []


def test_a_model_that_knows_a_dash_reads_it(model: Model) -> None:
    """The shape alone rejects only what the model does not know well."""
    dash = np.full((60, 200), 250, np.uint8)
    dash[28:34, 30:170] = 20
    assert decide([dash], model)[0].reason == "not a digit's shape"
    knowing = with_card(model, ok_familiarity=0.0, min_familiarity=0.0)
    assert decide([dash], knowing)[0].label != ""
