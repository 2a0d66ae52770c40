"""What runs a batch of items, wherever that is, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Protocol

from digitsort.errors import DigitsortError

InHand = Callable[[int | None], None]
"""Told the index of the item that is worked on from now on; None: several, or none."""


GiveUp = Callable[[bool], Any]
"""Gives the result of an item that kills its workers; told whether it did so by taking too long."""


FRUITLESS_DEATHS = 10
"""Workers that died in a row before they began: then it is not the items."""


class Job(Protocol):
    """What is done with a batch: one result for each item, in order.

    A job is pickled once for all workers and must not change. It says through `in_hand` which item it
    works on, so that a worker's death can be told from the item that caused it.
    """

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Any]:
        """Work on a batch."""


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that is done.

    Attributes
    ----------
    results : list
        One for each item.
    seconds : float or None
        What the work took; it steers the size of later batches.
    """

    results: list[Any]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Death:
    """What is known of a worker that died with a batch.

    Attributes
    ----------
    started : bool
        Whether the batch was being worked on; one that only waited in line is done again without blame.
    fruitless : bool
        Whether the worker had not even begun to work on anything.
    certain : bool
        Whether it is known, not only supposed, that the batch was being worked on.
    suspect : int or None
        Index of the item in hand, where that is known.
    timed_out : bool
        The worker was ended because an item took too long.
    """

    started: bool = True
    fruitless: bool = False
    certain: bool = True
    suspect: int | None = None
    timed_out: bool = False


def fruitless() -> DigitsortError:
    """Return the error of a run whose workers die before they begin."""
    return DigitsortError(
        "Worker processes die before they begin to work. Is there memory left, is there room for "
        "temporary files, are more processes allowed? --workers 0 works without them."
    )


def no_thread() -> DigitsortError:
    """Return the error of a process that can start no thread."""
    return DigitsortError(
        "No thread can be started: the system allows no more processes. --workers 0 works without any."
    )


class Engine(Protocol):
    """An executor and what the loop has to know of it.

    Attributes
    ----------
    executor : Executor
    window : int
        Batches that may be under way: worked on, waiting, or done before an earlier one.
    """

    executor: Executor
    window: int

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        """Start on a batch; `blamed` is one that a worker has died with."""

    def death(self, future: Future[Done]) -> Death | None:
        """How the worker of a failed batch died; None where the failure is another."""
