"""A form that adds up is its own proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.errors import UsageError
from digitsort.pages.check_sums import Check, Direction, Entry, SumState, check_sum
from digitsort.pages.table_csv import PageSums, PageTable, check_sums

BOTH = [Check(Direction.ROW), Check(Direction.COLUMN)]

GOLDEN = {
    # A dot is a blank cell; ? marks a doubtful cell, and its second label follows.
    "41 6?8 49": "doubtful (sum 47, written 49; right if column 2 is 8)",
    "3 9 17?12": "doubtful (sum 12, written 17; right if column 3 is 12)",
    "1?3 2?4 5": "doubtful (sum 3, written 5)",  # either would do
    "1?2 2?4 5": "doubtful (sum 3, written 5; right if column 2 is 4)",
    "1 2 ?3": "doubtful",
    "48 8 57": "wrong (sum 56, written 57)",
    ". . 57": "wrong (sum 0, written 57)",
    "7 x 7": "doubtful (column 2 is no number)",
    "7 x?0 7": "doubtful",
    ". 007 7": "ok",
    "5?6 6 11": "ok",  # they prove each other
    "-3 +9 6": "ok",
    "1 2 .": "no total",
    ". . .": "None",
}


def test_each_kind_of_line() -> None:
    said = {text: str(check_sum(_line(text.split()), 3, "column")) for text in GOLDEN}
    assert said == GOLDEN


def test_a_line_of_one_cell_has_no_sum() -> None:
    assert check_sum(_line(["7"]), 1, "column") is None


NUMBERS = st.lists(
    st.lists(st.none() | st.integers(0, 10**9), min_size=3, max_size=3), min_size=1, max_size=4
)


@given(NUMBERS, st.integers(0, 11), st.integers(1, 99), st.booleans())
def test_a_changed_number_makes_the_sums_of_its_row_and_column_wrong(
    numbers: list[list[int | None]], place: int, error: int, is_doubtful: bool
) -> None:
    rows = [[*row, _sum(row)] for row in numbers]
    rows.append([_sum([row[column] for row in rows]) for column in range(4)])
    words = [["." if number is None else str(number) for number in row] for row in rows]
    assert set(_states(check_sums(_table(words), BOTH)).values()) == {"ok"}
    row, column = place % len(numbers), place % 3
    old = rows[row][column] or 0
    words[row][column] = f"{old + error}?{old}" if is_doubtful else f"{old + error}"
    found = _states(check_sums(_table(words), BOTH))
    wrong = {place: text for place, text in found.items() if text != "ok"}
    assert wrong.keys() == {f"row {row + 1}", f"column {column + 1}"}
    right_if = [f"right if column {column + 1} is {old})", f"right if row {row + 1} is {old})"]
    for text, hint in zip(wrong.values(), right_if, strict=True):
        assert text.startswith("doubtful" if is_doubtful else "wrong")
        assert text.endswith(hint) == is_doubtful


def test_counts_and_pages_without_cells() -> None:
    table = _table([["1", "2", "3"], ["1", "2", "4"], ["2", "4", "7"]])
    table.rows["q.png", 1, 0, 0] = {}
    sums = check_sums(table, BOTH)
    assert sums.counts() == {SumState.OK: 4, SumState.WRONG: 2}
    assert [line[7] for line in table.lines("/", sums)][-1] == ""


def test_only_the_sums_of_named_blocks_are_checked() -> None:
    table = _table([["1", "2", "3"]])
    table.rows["p.png", 1, 2, 1] = _line(["1", "2", "4"])
    table.fields["p.png", 1, 2] = "scores"
    for block in ("2", "scores"):
        sums = check_sums(table, [Check.of(f"row:{block}")])
        assert sums.counts() == {SumState.WRONG: 1}
    with pytest.raises(UsageError, match="row:3 names no block"):
        check_sums(table, [Check.of("row:3")])


def _sum(row: Sequence[int | None]) -> int:
    return sum(number or 0 for number in row)


def _line(words: Sequence[str]) -> dict[int, Entry]:
    parts = [word.strip(".").partition("?") for word in words]
    return {n: Entry(label, bool(doubt), second) for n, (label, doubt, second) in enumerate(parts, 1)}


def _table(rows: Sequence[Sequence[str]]) -> PageTable:
    return PageTable({("p.png", 1, 1, row): _line(words) for row, words in enumerate(rows, 1)})


def _states(sums: PageSums) -> Mapping[str, str]:
    """Return what is said of each row, and then of each column."""
    (columns,) = sums.columns.values()
    rows = {f"row {place[-1]}": str(checked) for place, checked in sums.rows.items()}
    return {**rows, **{f"column {column}": str(checked) for column, checked in columns.items()}}
