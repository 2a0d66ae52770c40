"""Work in this process, one batch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from digitsort.execute.engine import Death, Done, InHand, Job


class InlineExecutor(Executor):
    """Executor that does the work within `submit`."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call the function now. Exceptions are raised here, so that Ctrl-C takes effect at once."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Inline:
    """Engine without workers: fast to start, but a file that crashes the decoder ends the run."""

    def __init__(self, job: Job) -> None:
        self.executor: Executor = InlineExecutor()
        self.window = 1
        self._job = job

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:  # noqa: ARG002
        """Run the batch in this process."""
        return self.executor.submit(perform, self._job, items)

    def death(self, future: Future[Done]) -> Death | None:  # noqa: ARG002
        """Return None: there are no workers that could die."""
        return None


def perform(job: Job, items: Sequence[str], in_hand: InHand = lambda _: None) -> Done:
    """Run a batch and measure the time."""
    start = time.perf_counter()
    results = job(items, in_hand)
    return Done(results, time.perf_counter() - start)
