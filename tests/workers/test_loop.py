"""The loop gives out every item once, in batches that fit, and small ones near the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.errors import ClusterError
from digitsort.workers.engine import Death, Done
from digitsort.workers.loop import LARGEST_SIZE, MOST_AHEAD, Loop
from digitsort.workers.processes import WorkerDiedError


class Slow:
    """An engine that does a batch at once and says that each item took so many seconds."""

    def __init__(self, window: int, seconds: float) -> None:
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

    def close(self, *, at_once: bool = False) -> None:
        pass


class Dying:
    """An engine whose workers die with every batch that holds the item; nobody knows why.

    By default they do so for ever; with `times` so often, and then the item is done.
    """

    def __init__(
        self, item: str, *, certain: bool, killed: bool = False, times: int | None = None
    ) -> None:
        self.window = 3
        self.deaths = 0
        self._item = item
        self._certain = certain
        self._killed = killed
        self._times = times

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        future: Future[Done] = Future()
        if self._item in items and (self._times is None or self.deaths < self._times):
            future.set_exception(WorkerDiedError())
        else:
            future.set_result(Done(list(items), None))
        return future

    def death(self, future: Future[Done]) -> Death | None:
        self.deaths += 1
        return Death(certain=self._certain, killed=self._killed)

    def close(self, *, at_once: bool = False) -> None:
        pass


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


@pytest.mark.parametrize("count", [8, 64])
def test_workers_that_are_killed_from_outside_are_little_evidence(count: int) -> None:
    """Memory is short, say: those that die before the item is alone are none at all."""
    splits = Dying("7", certain=True)
    list(Loop(splits, lambda _: "given up").run(names(count)))
    engine = Dying("7", certain=True, killed=True, times=splits.deaths + 6)
    loop = Loop(engine, lambda _: "given up")
    assert [*map(str, range(count))] == [r for _, batch in loop.run(names(count)) for r in batch]
    assert engine.deaths == splits.deaths + 6


def test_an_item_that_always_has_its_worker_killed_is_given_up() -> None:
    loop = Loop(Dying("7", certain=True, killed=True), lambda _: "given up")
    results = [result for _, batch in loop.run(names(64)) for result in batch]
    assert [n for n, result in enumerate(results) if result != str(n)] == [7]


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


def test_deaths_that_prove_nothing_end_the_run_and_blame_no_item() -> None:
    """What is set apart can't end its worker: no room, no memory, a cluster that falls apart."""
    engine = Dying("7", certain=False)
    with pytest.raises(ClusterError, match="20 workers died with 7"):
        list(Loop(engine, lambda _: "given up").run(names(10)))
    assert engine.deaths == 20


def test_deaths_with_one_item_in_hand_are_evidence() -> None:
    loop = Loop(Dying("7", certain=True), lambda _: "given up")
    results = [result for _, batch in loop.run(names(10)) for result in batch]
    assert results == [*"0123456", "given up", *"89"]


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
