"""Names in the order of a person."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.files.names import natural_key, packed_key, unpacked

NAMES = st.text(alphabet=st.sampled_from("aAbß0123456789٣²._- é\udcff"), max_size=8)


@pytest.mark.parametrize(
    "ordered",
    [
        ["scan1", "scan2", "scan10"],
        ["a.png", "B.png", "c.png"],
        ["007.png", "7.png", "8.png", "0009.png"],
        ["1", "1.png", "a", "a1"],
        ["page2-line10", "page10-line2"],
        ["", "0", "A", "a"],
        ["x²", "x٣"],  # digits of other scripts are letters here
    ],
)
def test_names_are_ordered_by_their_numbers_whatever_order_they_come_in(ordered: list[str]) -> None:
    for shuffled in permutations(ordered):
        assert ordered == sorted(shuffled, key=natural_key)


@given(NAMES, NAMES)
def test_only_equal_names_have_equal_keys(one: str, other: str) -> None:
    assert (one == other) == (natural_key(one) == natural_key(other))


@given(NAMES, NAMES, NAMES)
def test_every_two_names_compare_and_the_order_is_transitive(a: str, b: str, c: str) -> None:
    first, second, third = sorted([a, b, c], key=natural_key)
    assert natural_key(first) <= natural_key(second) <= natural_key(third)
    assert natural_key(first) <= natural_key(third)


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_of_any_length_are_ordered_by_value(low: int, high: int) -> None:
    assert (low < high) == (natural_key(f"scan{low}.png") < natural_key(f"scan{high}.png"))


ANY_NAMES = st.text(st.characters(min_codepoint=3, exclude_categories=["Cs"]), max_size=12)


@given(st.lists(ANY_NAMES | st.from_regex(r"[a0-2]{0,6}", fullmatch=True)))
def test_packed_keys_have_the_same_order_and_give_the_name_back(names: list[str]) -> None:
    keys = sorted(map(packed_key, names))
    assert sorted(names, key=natural_key) == [unpacked(key) for key in keys]
