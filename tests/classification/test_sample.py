"""Which rows the others are compared with."""

from __future__ import annotations

from itertools import permutations

from digitsort import Outcome, Status
from digitsort.classification.neighbours import Sample, adapted_from


def outcome(sha256: str, label: str = "7", status: Status = Status.OK, reason: str = "") -> Outcome:
    return Outcome(f"/scans/{sha256}.png", status, label, reason=reason, sha256=sha256)


def kept(sample: Sample) -> list[tuple[str, str, bool]]:
    return [(row.label, row.sha256, row.is_accepted) for row in sample.chosen()]


def test_the_smallest_hashes_of_each_label_are_kept_whatever_the_order() -> None:
    rows = [outcome(sha256, label) for sha256, label in ("a7", "b7", "c7", "d1")]
    for order in permutations(rows):
        sample = Sample(most=2)
        assert list(sample.noted(order)) == list(order)
        assert kept(sample) == [("1", "d", True), ("7", "a", True), ("7", "b", True)]


def test_a_picture_counts_once() -> None:
    sample = Sample(most=2)
    for sha256 in "abaab":
        sample.add(outcome(sha256))
    assert kept(sample) == [("7", "a", True), ("7", "b", True)]


def test_doubtful_rows_are_kept_beside_the_accepted_ones_and_others_are_not() -> None:
    sample = Sample()
    sample.add(outcome("a", "7", Status.UNCERTAIN, "low confidence"))
    sample.add(outcome("b", "7", Status.UNCERTAIN, "unfamiliar"))
    sample.add(outcome("c", "", Status.REJECTED, "unfamiliar"))
    sample.add(outcome("d", "", Status.REJECTED, "blank"))
    sample.add(outcome("e", "7", Status.UNCERTAIN, "two readings"))
    sample.add(outcome("f", "", Status.ERROR, "empty file"))
    sample.add(outcome("g"))
    assert kept(sample) == [("", "c", False), ("7", "a", False), ("7", "b", False), ("7", "g", True)]
    assert sample.doubtful == 3


def test_a_changed_row_says_that_it_was_rejected() -> None:
    said = adapted_from(Status.REJECTED, "unfamiliar", "7", 0.41234)
    assert said == "adapted from 7 at 0.4123 (rejected: unfamiliar)"
