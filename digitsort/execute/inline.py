"""Work in this process, one batch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from digitsort.execute.engine import Death, Done, InHand, Job


class InlineExecutor(Executor):
    """An executor whose work is done when `submit` returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call at once; what the call raises is raised here, so that Ctrl-C is never late."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Inline:
    """The engine without workers: quick to start, and no shelter from a file that kills or hangs."""

    def __init__(self, job: Job) -> None:
        self.executor: Executor = InlineExecutor()
        self.window = 1
        self._job = job

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:  # noqa: ARG002
        """Do the batch."""
        return self.executor.submit(perform, self._job, items)

    def death(self, future: Future[Done]) -> Death | None:  # noqa: ARG002
        """Nobody dies here."""
        return None


def perform(job: Job, items: Sequence[str], in_hand: InHand = lambda _: None) -> Done:
    """Do a batch and take the time."""
    start = time.perf_counter()
    results = job(items, in_hand)
    return Done(results, time.perf_counter() - start)
