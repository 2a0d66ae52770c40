"""The loop gives out every item once, in batches that fit, and small ones near the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.execute.engine import Death, Done
from digitsort.execute.inline import InlineExecutor
from digitsort.execute.loop import LARGEST_SIZE, MOST_AHEAD, Loop


class Slow:
    """An engine that does a batch at once and says that each item took so many seconds."""

    def __init__(self, window: int, seconds: float) -> None:
        self.executor: Executor = InlineExecutor()
        self.window = window
        self.sizes: list[int] = []
        self._seconds = seconds

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        self.sizes.append(len(items))
        future: Future[Done] = Future()
        future.set_result(Done([f"{item}!" for item in items], self._seconds * len(items)))
        return future

    def death(self, future: Future[Done]) -> Death | None:
        raise AssertionError("nobody died")


def names(count: int, given_out: list[int] | None = None) -> Iterator[str]:
    for number in range(count):
        if given_out is not None:
            given_out.append(number)
        yield str(number)


@given(st.integers(0, 5000), st.integers(1, 12), st.floats(1e-6, 1))
def test_every_item_once_and_in_order(count: int, window: int, seconds: float) -> None:
    done = [
        pair
        for batch, results in Loop(Slow(window, seconds), lambda _: None).run(names(count))
        for pair in zip(batch, results, strict=True)
    ]
    assert done == [(str(number), f"{number}!") for number in range(count)]


@pytest.mark.parametrize("seconds", [1e-4, 1e-3])
def test_the_last_batches_are_small(seconds: float) -> None:
    """What is left when all others are done is a sixteenth of a whole batch and not more."""
    engine = Slow(6, seconds)
    list(Loop(engine, lambda _: None).run(names(20_000)))
    whole = max(engine.sizes)
    assert whole == min(LARGEST_SIZE, round(0.3 / seconds))
    assert max(engine.sizes[-engine.window :]) <= whole / 16 + 1
    assert len(engine.sizes) < 20_000 / whole + 40


def test_one_batch_at_a_time_stays_whole() -> None:
    engine = Slow(1, 1e-2)
    list(Loop(engine, lambda _: None).run(names(300)))
    assert engine.sizes[-3:-1] == [30, 30]


def test_only_some_items_are_taken_ahead() -> None:
    """A walk through ten million files is never far before the work."""
    given_out: list[int] = []
    engine = Slow(600, 1e-6)
    for done, _ in enumerate(Loop(engine, lambda _: None).run(names(200_000, given_out))):
        submitted = sum(engine.sizes)
        assert len(given_out) <= submitted + MOST_AHEAD
        if done == 20:
            break
    assert engine.sizes
