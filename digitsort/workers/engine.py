"""Define the interface between the loop and the engines that run batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from digitsort.errors import DigitsortError

FEW_FILES = 500
FEW_BYTES = 8 * 2**20
"""A job with fewer files and fewer bytes is finished before workers would have started."""


InHand = Callable[[int | None], None]
"""Callback with the index of the item that the worker begins; None for several items, or none."""


GiveUp = Callable[[bool], Any]
"""Return the result of an item that killed its workers; the argument says whether it timed out."""


FRUITLESS_DEATHS = 10
"""Number of workers in a row that die before they begin a batch, after which no item is to blame."""


class Job(Protocol):
    """Function that turns a batch into one result per item, in order.

    A job is pickled once for all workers and must not change. It calls `in_hand` with the index of each
    item that it begins, so that a crash can be blamed on the right item.
    """

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Any]:
        """Work on a batch."""


@dataclass(frozen=True, slots=True)
class Done:
    """Results of a finished batch.

    Attributes
    ----------
    results : list
        One for each item.
    seconds : float or None
        Duration of the work, which determines the size of later batches.
    """

    results: list[Any]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Death:
    """Facts about a worker that died with a batch.

    Attributes
    ----------
    started : bool
        Whether the worker had begun the batch. A batch that was only waiting is repeated without blame.
    fruitless : bool
        Whether the worker died before it began any batch.
    certain : bool
        Whether `started` is known, not guessed.
    suspect : int or None
        Index of the item that the worker was working on, if known.
    timed_out : bool
        Whether the worker was ended because an item took too long.
    killed : bool
        Whether the worker was ended without a trace, as the system ends one if memory is short. Any
        item can be in its hand then.
    """

    started: bool = True
    fruitless: bool = False
    certain: bool = True
    suspect: int | None = None
    timed_out: bool = False
    killed: bool = False


def fruitless() -> DigitsortError:
    """Return the error for a run whose workers die before they begin a batch."""
    return DigitsortError(
        "Worker processes die before they begin to work. Is there memory left, is there room for "
        "temporary files, are more processes allowed? --workers 0 works without them."
    )


def no_thread() -> DigitsortError:
    """Return the error for a process that cannot start a thread."""
    return DigitsortError(
        "No thread can be started: the system allows no more processes. --workers 0 works without any."
    )


class Engine(Protocol):
    """Runner of batches.

    Attributes
    ----------
    window : int
        Largest number of batches in progress: running, waiting, or finished before an earlier one.
    """

    window: int

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        """Start a batch; `blamed` means that a worker has already died with it."""

    def death(self, future: Future[Done]) -> Death | None:
        """Return how the worker of a failed batch died; None if the failure has another cause."""

    def close(self, *, at_once: bool = False) -> None:
        """End all workers; with `at_once`, nobody waits for the batches in progress."""


class Inline:
    """Engine without workers: fast to start, but a file that crashes the decoder ends the run."""

    def __init__(self, job: Job) -> None:
        self.window = 1
        self._job = job

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:  # noqa: ARG002
        """Run the batch now. Exceptions are raised here, so that Ctrl-C takes effect at once."""
        future: Future[Done] = Future()
        future.set_result(perform(self._job, items))
        return future

    def death(self, future: Future[Done]) -> Death | None:  # noqa: ARG002
        """Return None: there are no workers that could die."""
        return None

    def close(self, *, at_once: bool = False) -> None:
        """Do nothing: there are no workers."""


def perform(job: Job, items: Sequence[str], in_hand: InHand = lambda _: None) -> Done:
    """Run a batch and measure the time."""
    start = time.perf_counter()
    results = job(items, in_hand)
    return Done(results, time.perf_counter() - start)
