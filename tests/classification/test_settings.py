"""`--only-labels`: no other labels than those that are possible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitsort import Model, Settings, classify_files, classify_folder
from digitsort.classification.decide import NOT_A_DIGIT, Verdict, decide
from digitsort.classification.settings import allowed_classes, parse_labels
from digitsort.errors import UsageError
from tests.conftest import digit_image, digit_png, invoke, make_tree

DIGITS = tuple("0123456789")


def verdicts(model: Model, *allowed: str) -> list[Verdict]:
    """What is made of one scan of each digit, where only some labels may be given."""
    grays = [np.asarray(digit_image(digit)) for digit in range(10)]
    return decide(grays, model, 0.0, allowed_classes(allowed or None, model.class_names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-9", "123456789"),
        ("0,1,7", "017"),
        ("7, 1 ,0,1", "017"),
        ("1-3,5", "1235"),
        ("4-4", "4"),
        ("8 - 9,", "89"),
    ],
)
def test_ranges_and_lists_name_labels_in_the_models_order(text: str, expected: str) -> None:
    assert tuple(expected) == parse_labels(text, DIGITS)


def test_labels_of_other_models_are_their_class_names() -> None:
    classes = ("A", "B", "C", "_none", "cross-out", "minus", "plus")
    assert parse_labels("plus,cross-out", classes) == ("cross-out", "plus")
    assert parse_labels("B-minus", classes) == ("B", "C", "cross-out", "minus")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,10", "has no label 10"),
        ("1-A", "has no label A"),
        ("-1", "has no label -1. "),
        ("1-", "has no label 1-. "),
        ("9-1", r"9-1 is in the wrong order\. Write 1-9"),
        ("", "--only-labels is empty"),
        (" , ", "--only-labels is empty"),
    ],
)
def test_what_the_model_does_not_have_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_labels(text, DIGITS)


def test_the_class_none_alone_is_no_label() -> None:
    with pytest.raises(UsageError, match="--only-labels is empty"):
        parse_labels("_none", ("0", "_none"))


def test_no_other_label_is_given_and_the_probabilities_are_of_the_allowed_ones(model: Model) -> None:
    for verdict in verdicts(model, "3", "5", "8"):
        chances = dict(zip(model.class_names, verdict.probabilities, strict=True))
        assert {verdict.label, verdict.second} < {"3", "5", "8"}
        assert {name for name, chance in chances.items() if chance} <= {"3", "5", "8"}
        assert abs(sum(chances.values()) - 1) < 1e-9
        assert (verdict.confidence, verdict.second_confidence) == (
            chances[verdict.label],
            chances[verdict.second],
        )


def test_allowed_labels_are_compared_as_if_there_were_no_others(model: Model) -> None:
    """An SVC of pairs holds the pair's own opinion, which a third class must not blur."""
    every, allowed = verdicts(model), verdicts(model, *"012345678")
    assert [v.label for v in every[:9]] == [v.label for v in allowed[:9]]
    assert allowed[9].label not in ("9", "")
    assert allowed[9].confidence != every[9].second_confidence


def test_all_labels_allowed_changes_nothing(model: Model) -> None:
    assert verdicts(model) == verdicts(model, *DIGITS)


def test_a_single_label_has_no_second(model: Model) -> None:
    for label in ("0", "7"):
        verdict = verdicts(model, label)[7]
        assert (verdict.label, verdict.second, verdict.second_confidence) == (label, "", None)


def test_the_class_none_stays_allowed(model: Model) -> None:
    names = tuple("_none" if name == "3" else name for name in model.class_names)
    none = replace(model, card=replace(model.card, classes=names))
    given = verdicts(none, "4", "5")
    assert given[3].reason == NOT_A_DIGIT
    assert {verdict.label for verdict in given} == {"4", "5", ""}


def test_settings_hold_the_labels(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    settings = Settings(probabilities=True, only_labels=("1", "2"))
    (outcome,) = classify_folder(tmp_path, model=model, settings=settings)
    assert {outcome.label, outcome.second} == {"1", "2"}
    with pytest.raises(UsageError, match="no label A"):
        classify_files([], model, Settings(only_labels=("A",)))


def test_inspect_guesses_among_the_allowed_labels(tmp_path: Path, model_file: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    done = invoke("inspect", tmp_path / "7.png", "-m", model_file, "--only-labels", "1-2")
    assert " 7  0." not in done.stdout
    assert " 1  0." in done.stdout
    assert done.exit_code == 0


def test_evaluate_reads_among_the_allowed_labels(tmp_path: Path, model_file: Path) -> None:
    make_tree(tmp_path / "known" / "7", {"7.png": digit_png(7)})
    evaluate = ("evaluate", tmp_path / "known", "-m", model_file, "-q", "--only-labels")
    assert "(1 of 1 right)" in " ".join(invoke(*evaluate, "7,9").stdout.split())
    assert "(0 of 1 right)" in " ".join(invoke(*evaluate, "1,9").stdout.split())
    assert invoke(*evaluate, "7", "--certify", tmp_path / "c.pkl").exit_code == 2


def test_sort_files_under_the_allowed_labels_only(tmp_path: Path, model_file: Path) -> None:
    make_tree(tmp_path / "in", {"7.png": digit_png(7)})
    options = ("-m", model_file, "--only-labels", "7,1", "-q")
    assert invoke("sort", tmp_path / "in", tmp_path / "out", *options).exit_code == 0
    assert (tmp_path / "out" / "7" / "7.png").exists()
    done = invoke("sort", tmp_path / "out" / "labels.csv", tmp_path / "x", "--only-labels", "1")
    assert done.exit_code == 2
    assert "only with a folder" in " ".join(done.stderr.split())
