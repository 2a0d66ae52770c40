"""Define the interface between the loop and the engines that run batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Protocol

from digitsort.errors import DigitsortError

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
    """

    started: bool = True
    fruitless: bool = False
    certain: bool = True
    suspect: int | None = None
    timed_out: bool = False


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
    """Executor with what the loop needs to know about it.

    Attributes
    ----------
    executor : Executor
    window : int
        Largest number of batches in progress: running, waiting, or finished before an earlier one.
    """

    executor: Executor
    window: int

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        """Start a batch; `blamed` means that a worker has already died with it."""

    def death(self, future: Future[Done]) -> Death | None:
        """Return how the worker of a failed batch died; None if the failure has another cause."""
