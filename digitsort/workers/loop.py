"""Run batches through an engine, and yield their results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from digitsort.errors import ClusterError
from digitsort.files.names import printable
from digitsort.sources.located import Located, carried_bytes
from digitsort.workers.engine import FRUITLESS_DEATHS, Death, Done, Engine, GiveUp, fruitless

FIRST_SIZE, LARGEST_SIZE = 64, 2048
TARGET_S = 0.3
"""Target duration of a batch, in seconds. It hides the cost of sending the batch, and it is soon
repeated if its worker dies."""

MOST_AHEAD = 2**14
"""Largest number of items to read ahead, so that the last batches can be made smaller."""

MOST_CARRIED_BYTES, BATCH_CARRIED_BYTES = 16 * 2**20, 4 * 2**20
"""Bytes of content that items may hold that are taken ahead, and those of a batch (unless it has one
item). Only members of compressed tars hold their content."""

LEAST_SHARE = 1 / 16
"""Smallest fraction of a full batch used near the end of a run, so that no worker is left with a full
batch alone."""

DEATHS_OF_THE_GUILTY = 2
"""Number of crashes after which an item is given up: one with its batch, and one alone."""

DEATHS_WITHOUT_A_TRACE = 9
"""The same number if the workers were killed from outside. If memory is short, the system kills workers
whatever item they are working on, so an item is tried often."""

DEATHS_BEFORE_HALVING, DEATHS_WITHOUT_EVIDENCE = 4, 20
"""Limits for deaths of workers that may not have been working on the batch: workers can die for any
reason. After the first death the batch runs in a process of its own. After 4 deaths it is halved. If
workers die 20 times with one item, the run ends, because the item is not to blame."""


@dataclass(slots=True)
class _Batch:
    items: Sequence[str]
    future: Future[Done]
    deaths: int = 0


@dataclass(slots=True)
class _Waiting:
    """Items that are still to be done."""

    source: Iterator[str]
    ahead: list[str] = field(default_factory=list)
    carried: int = 0
    """Bytes of content that the items ahead hold."""

    def take(self, size: int, window: int) -> list[str]:
        """Return the next `size` items; fewer near the end, so that the rest keeps all workers busy."""
        alone = window == 1  # no other worker could take a share of the last items
        wanted = size if alone else min(size * (window + 1), max(size, MOST_AHEAD))
        is_end = self._take_ahead(wanted)
        if is_end:
            share = -(-len(self.ahead) // window)
            size = min(size, max(share, round(size * LEAST_SHARE), 1))
        if self.carried:
            size = self._fitting(size)
        taken = self.ahead[:size]
        del self.ahead[:size]
        return taken

    def _take_ahead(self, wanted: int) -> bool:
        """Have so many items ahead, or fewer if they hold much content; tell whether these are all."""
        if self.carried >= MOST_CARRIED_BYTES:
            return False
        for item in islice(self.source, max(wanted - len(self.ahead), 0)):
            self.ahead.append(item)
            if type(item) is Located:
                self.carried += carried_bytes(item)
                if self.carried >= MOST_CARRIED_BYTES:
                    return False
        return len(self.ahead) < wanted

    def _fitting(self, size: int) -> int:
        """Return how many items a batch may have for the content that they hold; at least one."""
        held = 0
        for count, item in enumerate(self.ahead[:size]):
            held += (nbytes := carried_bytes(item))
            if count and held > BATCH_CARRIED_BYTES:
                return count
            self.carried -= nbytes
        return size


@dataclass(slots=True)
class Loop:
    """Runs items through an engine.

    Attributes
    ----------
    size : int
        Items in the next batch; adapted as batches come back.
    """

    engine: Engine
    give_up: GiveUp
    size: int = FIRST_SIZE
    _fruitless: int = 0
    _under_way: deque[_Batch] = field(default_factory=deque)

    def run(self, items: Iterable[str]) -> Iterator[tuple[Sequence[str], list[Any]]]:
        """Yield batches of items with their results, in order; few more items are taken than needed."""
        waiting = _Waiting(iter(items))
        self._fill(waiting)
        while self._under_way:
            self._wait()
            self._repair()
            while self._under_way and _is_well(self._under_way[0].future):
                batch = self._under_way.popleft()
                yield batch.items, self._learn(batch.future.result())
                self._fill(waiting)

    def _fill(self, waiting: _Waiting) -> None:
        window = self.engine.window
        while len(self._under_way) < window and (items := waiting.take(self.size, window)):
            self._under_way.append(self._submitted(items))

    def _submitted(self, items: Sequence[str], deaths: int = 0) -> _Batch:
        return _Batch(items, self.engine.submit(items, blamed=deaths > 0), deaths)

    def _learn(self, done: Done) -> list[Any]:
        """Adapt the size of the next batches to the time that this one took; at most double it."""
        count = len(done.results)
        if done.seconds is not None:
            fitting = int(count * TARGET_S / max(done.seconds, 1e-6))
            self.size = max(1, min(fitting, 2 * self.size, LARGEST_SIZE))
        self._fruitless = 0
        return done.results

    def _wait(self) -> None:
        """Wait until the first batch is done, or any batch has failed."""
        while not self._under_way[0].future.done():
            running = [b.future for b in self._under_way if not b.future.done()]
            wait(running, return_when=FIRST_COMPLETED)
            if any(b.future.done() and not _is_well(b.future) for b in self._under_way):
                return

    def _repair(self) -> None:
        """Repeat batches that were lost with their workers; keep the order."""
        for _ in range(len(self._under_way)):
            batch = self._under_way.popleft()
            failed = batch.future.done() and not _is_well(batch.future)
            self._under_way.extend(self._again(batch) if failed else [batch])

    def _again(self, batch: _Batch) -> list[_Batch]:
        death = self.engine.death(batch.future)
        if death is None:
            batch.future.result()  # raises what went wrong
            raise AssertionError("a batch neither failed nor succeeded")
        if not death.started:
            self._count_fruitless(death)
            return [self._submitted(batch.items, batch.deaths)]
        self._fruitless = 0
        deaths = batch.deaths + 1
        parts = _parts(batch.items, death, deaths)
        if parts:
            return [self._submitted(*part) for part in parts]
        if not death.certain:  # it ran in its own process, so it could only kill that one
            raise _unexplained(batch.items[0], deaths)
        given_up: Future[Done] = Future()
        given_up.set_result(Done([self.give_up(death.timed_out)], None))
        return [_Batch(batch.items, given_up)]

    def _count_fruitless(self, death: Death) -> None:
        self._fruitless += death.fruitless
        if self._fruitless >= FRUITLESS_DEATHS:
            raise fruitless()


def _is_well(future: Future[Done]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _unexplained(item: str, deaths: int) -> ClusterError:
    return ClusterError(
        f"{deaths} workers died with {printable(item)}, although a file that crashes the "
        "decoder can't kill them. Check that their machines have free memory."
    )


def _limit(death: Death) -> int:
    """Return how many deaths with one item are enough."""
    if not death.certain:
        return DEATHS_WITHOUT_EVIDENCE
    return DEATHS_WITHOUT_A_TRACE if death.killed else DEATHS_OF_THE_GUILTY


Part = tuple[Sequence[str], int]
"""Items, and the deaths that they are blamed for."""


def _parts(items: Sequence[str], death: Death, deaths: int) -> list[Part]:
    """Return the parts of a batch to do again; none if its one item is guilty."""
    if len(items) == 1:
        return [(items, deaths)] if deaths < _limit(death) else []
    if death.certain:  # whatever the number, none of the items was alone
        deaths = 1
    if death.suspect is not None:
        before, after = items[: death.suspect], items[death.suspect + 1 :]
        parts = [(before, 0), (items[death.suspect : death.suspect + 1], deaths), (after, 0)]
        return [(part, count) for part, count in parts if part]
    if not death.certain and deaths < DEATHS_BEFORE_HALVING:
        return [(items, deaths)]
    half = len(items) // 2
    return [(items[:half], deaths), (items[half:], deaths)]
