"""Which rows are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.review.choose import Choice, Chooser


def row(status: str, confidence: str = "", label: str = "", human: str = "") -> Row:
    return Row("p", label, Status(status), human=human, cells={"confidence": confidence})


def chosen(rows: list[Row], **options: object) -> Choice:
    chooser = Chooser(**options)  # type: ignore[arg-type]
    for number, each in enumerate(rows):
        chooser.add(number, each)
    return chooser.choose()


def numbers(choice: Choice) -> list[int]:
    return [numbered.number for numbered in choice.cards]


ROWS = [
    row("ok", "0.9990", "1"),
    row("uncertain", "0.8000", "2"),
    row("rejected"),
    row("error"),
    row("uncertain", "0.3000", "3"),
    row("ok", "0.9500", "1"),
]


def test_the_least_certain_come_first_and_unreadable_ones_are_left_out() -> None:
    choice = chosen(ROWS)
    assert numbers(choice) == [4, 1, 2, 5, 0]
    assert (choice.doubtful, choice.shown, choice.sampled, choice.reviewed) == (3, 3, 2, 0)


def test_all_statuses_without_a_limit() -> None:
    choice = chosen(ROWS, statuses=list(Status), sample=0, limit=None)
    assert numbers(choice) == [4, 1, 2, 3, 5, 0]


def test_a_limit_leaves_out_the_most_certain() -> None:
    choice = chosen(ROWS, statuses=list(Status), sample=0, limit=2)
    assert numbers(choice) == [4, 1]
    assert (choice.doubtful, choice.shown) == (6, 2)


def test_rows_labelled_before_are_always_shown_and_beside_the_limit() -> None:
    rows = [*ROWS, row("ok", "1.0000", "7", human="1")]
    choice = chosen(rows, sample=0, limit=1)
    assert numbers(choice) == [4, 6]
    assert choice.reviewed == 1


def test_room_is_reserved_for_rejected_rows() -> None:
    rows = [row("uncertain", "0.5", "1")] * 50 + [row("rejected")] * 10 + [row("error")] * 5
    choice = chosen(rows, statuses=list(Status), sample=0, limit=20)
    statuses = [numbered.row.status for numbered in choice.cards]
    assert (statuses.count(Status.UNCERTAIN), statuses.count(Status.REJECTED)) == (16, 4)


def test_unlike_rows_are_shown_beside_the_sample() -> None:
    rows = [row("ok", "0.9990", str(i % 2)) for i in range(100)]
    chooser = Chooser()
    for number, each in enumerate(rows):
        chooser.add(number, each)
    assert (len(chooser.pool), chooser.most_unlike()) == (100, 10)
    choice = chooser.choose(chooser.pool[:10])
    assert len(choice.drawn) == choice.sampled == 12
    assert choice.unlike == set(range(10)) - choice.drawn
    assert choice.unlike | choice.drawn == set(numbers(choice))


def test_the_sample_is_of_every_label_and_takes_a_fifth_at_most() -> None:
    rows = [row("ok", "0.9990", str(i % 10)) for i in range(1000)]
    rows += [row("uncertain", "0.5", "1") for _ in range(1000)]
    choice = chosen(rows, limit=100)
    labels = [numbered.row.label for numbered in choice.cards if numbered.row.status is Status.OK]
    assert sorted(labels) == sorted("0123456789" * 2)
    assert (choice.shown, len(choice.cards)) == (80, 100)


def test_the_sample_is_drawn_from_the_whole_file_and_always_the_same() -> None:
    rows = [row("ok", "0.9990", "4")._replace(path=str(number)) for number in range(10_000)]
    first, second = (numbers(chosen(rows)) for _ in range(2))
    assert first == second
    assert len(first) == 6
    assert sum(first) / len(first) == pytest.approx(5_000, abs=3_000)


@given(
    st.lists(st.tuples(st.sampled_from(list(Status)), st.floats(0, 1)), max_size=60), st.integers(1, 30)
)
def test_what_is_left_out_is_never_less_certain_than_what_is_shown(
    drawn: list[tuple[Status, float]], limit: int
) -> None:
    rows = [row(status, f"{confidence:.4f}", "1") for status, confidence in drawn]
    every = chosen(rows, statuses=list(Status), sample=0, limit=None)
    shown = chosen(rows, statuses=list(Status), sample=0, limit=limit)
    assert len(shown.cards) == min(limit, len(rows))
    for is_rejected in (False, True):
        kept, whole = (
            [n.number for n in choice.cards if (n.row.status is Status.REJECTED) is is_rejected]
            for choice in (shown, every)
        )
        assert kept == whole[: len(kept)]
