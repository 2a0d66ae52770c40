"""Accuracy, precision, recall and confusion."""

from __future__ import annotations

import math

from digitsort.evaluation.metrics import evaluate


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
