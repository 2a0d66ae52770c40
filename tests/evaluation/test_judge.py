"""Outcomes compared with the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from digitsort.evaluation.judge import Judged, Mistake, evaluate, judge
from digitsort.outcomes import Outcome, Status


def outcome(path: str, status: Status, label: str = "", confidence: float | None = None) -> Outcome:
    return Outcome(path, status, label=label, confidence=confidence)


CASES = [
    (outcome("a", Status.OK, "7", 0.99), "7"),
    (outcome("b", Status.OK, "1", 0.95), "7"),
    (outcome("c", Status.OK, "1", 0.91), "1"),
    (outcome("d", Status.UNCERTAIN, "1", 0.5), "1"),
    (outcome("e", Status.UNCERTAIN, "7", 0.6), "1"),
    (outcome("f", Status.REJECTED), "_none"),
    (outcome("g", Status.REJECTED), "1"),
    (outcome("h", Status.ERROR), "7"),
]


@pytest.fixture
def judged() -> Judged:
    return judge([o for o, _ in CASES], {o.path: truth for o, truth in CASES})


def test_best_guesses_count_as_read_and_rejected_ones_as_none(judged: Judged) -> None:
    assert judged.evaluation.count == 8
    assert judged.evaluation.accuracy == 4 / 8
    names = [report.name for report in judged.evaluation.classes]
    assert names == ["1", "7", "_none", "unread"]
    expected = [[2, 1, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(judged.evaluation.confusion, expected)


def test_precision_and_recall_are_those_of_each_class(judged: Judged) -> None:
    reports = {r.name: (r.count, r.precision, r.recall) for r in judged.evaluation.classes}
    assert reports["1"] == (4, 2 / 3, 2 / 4)
    assert reports["7"] == (3, 1 / 2, 1 / 3)
    assert reports["_none"] == (1, 1 / 2, 1.0)


def test_coverage_and_error_are_those_of_what_is_accepted(judged: Judged) -> None:
    assert (judged.accepted, judged.accepted_wrong) == (3, 1)
    assert judged.coverage == 3 / 8
    assert judged.accepted_error == 1 / 3


def test_mistakes_are_listed_the_most_confident_first(judged: Judged) -> None:
    assert judged.mistakes == (
        Mistake("b", "7", "1", 0.95, accepted=True),
        Mistake("e", "1", "7", 0.6, accepted=False),
        Mistake("g", "1", "_none", None, accepted=False),
        Mistake("h", "7", "unread", None, accepted=False),
    )


def test_where_nothing_is_accepted_nothing_accepted_is_wrong() -> None:
    rejected = judge([outcome("f", Status.REJECTED)], {"f": "7"})
    assert (rejected.coverage, rejected.accepted_error) == (0.0, 0.0)


def test_by_hand() -> None:
    found = evaluate(["1", "1", "7", "10"], ["1", "7", "7", "_none"])
    assert (found.accuracy, found.count) == (0.5, 4)
    assert [report.name for report in found.classes] == ["1", "7", "10", "_none"]
    one, seven, ten, none = found.classes
    assert (one.count, one.precision, one.recall) == (2, 1.0, 0.5)
    assert (seven.count, seven.precision, seven.recall) == (1, 0.5, 1.0)
    assert (ten.recall, none.count) == (0.0, 0)
    assert math.isnan(ten.precision)
    assert math.isnan(none.recall)
    assert found.confusion.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_one_class_all_right() -> None:
    found = evaluate(["3", "3"], ["3", "3"])
    assert (found.accuracy, found.confusion.tolist()) == (1.0, [[2]])
