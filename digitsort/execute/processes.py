"""Worker processes, each with a pool of its own, so that one that dies takes nothing else along."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from digitsort.errors import OutputError
from digitsort.execute import worker
from digitsort.execute.engine import Death, Done, Job
from digitsort.execute.note import Note
from digitsort.execute.server import has_server, start_server
from digitsort.files.interrupts import deaf_to_interrupts, interrupts_wait

BATCHES_PER_WORKER = 3
"""One is worked on, one waits beside it, one is done while an earlier one is still awaited."""

JOB_NAME = "job"
"""Of the file from which workers take their job, beside their notes, whose names are numbers."""

TIME_LIMIT_S = 30.0
"""For one item."""


class Processes:
    """The engine of worker processes.

    Parameters
    ----------
    job : Job
        Pickled once for all processes.
    workers : int
    time_limit_s : float
        A process whose item in hand takes longer is ended.
    """

    def __init__(self, job: Job, workers: int, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._pools = ProcessesExecutor(job, workers, time_limit_s)
        self.executor: Executor = self._pools
        self.window = BATCHES_PER_WORKER * workers

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:  # noqa: ARG002
        """Start on a batch."""
        return self._pools.submit(worker.work, items)

    def death(self, future: Future[Done]) -> Death | None:
        """What the dead process's note says; None where the job itself failed."""
        if not isinstance(future.exception(), BrokenExecutor):
            return None
        return self._pools.death(future)


class ProcessesExecutor(Executor):
    """An executor of a number of processes that are replaced when they die."""

    def __init__(self, job: Job, workers: int, time_limit_s: float) -> None:
        self._folder = _folder_with(job)
        self._numbers = count()
        self._time_limit_s = time_limit_s
        self._dead: list[_Worker] = []
        self._workers: list[_Worker] = []
        try:
            with interrupts_wait():  # nobody else knows yet what would have to be ended
                self._workers += [self._new() for _ in range(workers)]
                for each in self._workers:  # the processes start while the tree is still being walked
                    each.submit(worker.work, ())
        except BaseException:
            self.shutdown(wait=False)
            raise

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` with the number of the batch and the arguments, in the least busy process."""
        index = min(range(len(self._workers)), key=lambda i: self._workers[i].load())
        try:
            return self._workers[index].submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._dead.append(self._workers[index])
            self._workers[index] = self._new()
            return self._workers[index].submit(fn, *args, **kwargs)

    def death(self, future: Future[Any]) -> Death:
        """How the process of a failed batch died."""
        owner = next(w for w in (*self._workers, *self._dead) if future in w.numbers)
        number, index = owner.note.read()
        started = number == owner.numbers.pop(future)
        self._dead = [w for w in self._dead if w.numbers]
        return Death(
            started=started,
            fruitless=number == 0,
            suspect=index if started else None,
            timed_out=owner.note.timed_out(),
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; at once where nobody waits for them."""
        try:
            for each in self._workers:
                each.end(at_once=cancel_futures or not wait)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _new(self) -> _Worker:
        job, note = self._folder / JOB_NAME, self._folder / str(next(self._numbers))
        return _Worker(note, job, self._time_limit_s)


class _Worker:
    """One process, the numbers of the batches that it has, and its note."""

    def __init__(self, note: Path, job: Path, time_limit_s: float) -> None:
        self.note = Note.create(note)
        self.numbers: dict[Future[Any], int] = {}
        self._count = count(1)
        self._pool = ProcessPoolExecutor(
            1, _context(), initializer=worker.begin, initargs=(str(job), str(note), time_limit_s)
        )

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        number = next(self._count)
        with deaf_to_interrupts():  # the first batch starts the process
            future = self._pool.submit(fn, number, *args, **kwargs)
        _leave_results_to_the_process(self._pool)
        self.numbers[future] = number
        future.add_done_callback(self._forget_if_well)
        return future

    def _forget_if_well(self, future: Future[Any]) -> None:
        if future.cancelled() or future.exception() is None:
            self.numbers.pop(future, None)

    def load(self) -> int:
        return sum(not future.done() for future in list(self.numbers))

    def end(self, *, at_once: bool) -> None:
        if at_once:
            for process in list((self._pool._processes or {}).values()):  # `kill_workers` from 3.14 on
                process.kill()
        self._pool.shutdown(cancel_futures=True)


def _leave_results_to_the_process(pool: ProcessPoolExecutor) -> None:
    """Close the end for writing that this process has of the pipe on which results come.

    The pool keeps it open, and would wait for ever for the rest of a result in the midst of which its
    process was killed.
    """
    queue = getattr(pool, "_result_queue", None)
    if queue is not None:
        queue._writer.close()


def _folder_with(job: Job) -> Path:
    """A temporary folder with the job in it: sent to each process, the second would wait for the first.

    Raises
    ------
    OutputError
        If there is no room for it.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="digitsort-"))
        try:
            (folder / JOB_NAME).write_bytes(pickle.dumps(job, protocol=5))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise OutputError(
            f"Worker processes have no room for temporary files: {error.strerror or error}. Set TMPDIR "
            "to a folder that has some; --workers 0 works without."
        ) from error
    return folder


def _context() -> BaseContext:
    """A forkserver where there is one: it has loaded what workers need, once for all of them."""
    if not has_server():
        return get_context("spawn")
    start_server()
    return get_context("forkserver")
