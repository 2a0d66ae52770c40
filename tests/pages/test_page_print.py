"""`digitsort.pages.page_print`: doubtful cells, by the print of their page."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.pages.cutout import Levels
from digitsort.pages.page_print import drawn_digit, opinions_of

PRINT = (3, 24.0, 1.05, 2.2)

LABELS = ("1", "4", "6", "8")


def cell(label: str, seed: int = 0) -> Levels:
    """Return a cell with a printed digit, somewhere in its middle."""
    rng = np.random.default_rng(seed)
    patch = rng.uniform(0, 20, (56, 56)).astype(np.float32)
    if label:
        digit = drawn_digit(label, PRINT)
        top, left = (int(value) for value in rng.integers(8, 14, 2))
        patch[top : top + digit.shape[0], left : left + digit.shape[1]] += digit
    return patch


def page(*labels: str) -> dict[int, Levels]:
    return {number: cell(label, number) for number, label in enumerate(labels)}


@pytest.mark.parametrize("label", ["4", "6", "8"])
def test_a_doubtful_cell_is_read_by_the_print_of_its_page(label: str) -> None:
    cells = page("1", "4", "1", "8", label)
    found = opinions_of(cells, {0: "1", 1: "4", 2: "1", 3: "8"}, LABELS)
    assert found[4].label == label
    assert found[4].match > 0.95


def test_a_cell_of_a_printed_page_that_is_like_no_digit_is_empty() -> None:
    found = opinions_of(page("1", "4", "1", "8", ""), {0: "1", 1: "4", 2: "1", 3: "8"}, LABELS)
    assert found[4].label == ""


def test_with_handwriting_on_a_page_a_cell_that_is_like_no_print_stays_as_it_is() -> None:
    cells = page("1", "4", "1", "8", "", "")
    assert 4 not in opinions_of(cells, {0: "1", 1: "4", 2: "1", 3: "8", 5: "6"}, LABELS)


def test_a_page_with_few_accepted_cells_has_no_print() -> None:
    assert opinions_of(page("1", "4", "1", "8"), {0: "1", 1: "4", 2: "1"}, LABELS) == {}
