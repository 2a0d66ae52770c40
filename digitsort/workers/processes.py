"""Run batches in worker processes, each with its own channel, so that a crash affects only one."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.interrupts import interrupts_wait, temporary
from digitsort.workers.engine import FRUITLESS_DEATHS, Death, Done, Job, fruitless, no_thread
from digitsort.workers.process import PATIENCE_S, Process, start
from digitsort.workers.server import Forked, fork_worker, has_server
from digitsort.workers.worker import Note

BATCHES_PER_WORKER = 3
"""Batches in progress per worker: one running, one waiting, one finished before an earlier one."""

JOB_NAME = "job"
"""Name of the file with the pickled job. The notes of the workers, in the same folder, are numbers."""

TIME_LIMIT_S = 30.0
"""Wall-clock limit per item, in seconds."""


class WorkerDiedError(BrokenExecutor):
    """A worker died before it sent the results of a batch."""


class Processes:
    """Engine with a fixed number of worker processes, which replaces those that die.

    Parameters
    ----------
    job : Job
        Job of all batches, pickled once for all processes.
    workers : int
        Number of processes.
    time_limit_s : float
        Wall-clock limit per item; a process that exceeds it is ended.
    """

    def __init__(self, job: Job, workers: int, time_limit_s: float = TIME_LIMIT_S) -> None:
        self.window = BATCHES_PER_WORKER * workers
        self._closing = ExitStack()
        self._folder = self._closing.enter_context(temporary(lambda: _folder_with(job)))
        self._numbers = count()
        self._time_limit_s = time_limit_s
        self._dead: list[_Worker] = []
        self._workers: list[_Worker] = []
        try:
            with interrupts_wait():  # until they are listed, nothing could end them
                for _ in range(workers):  # they start while the tree is still being walked
                    self._workers.append(self._new())
        except BaseException:
            self.close(at_once=True)
            raise

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:  # noqa: ARG002
        """Start a batch in the least busy process.

        Raises
        ------
        DigitsortError
            If every process that replaces a dead one dies before it gets the batch.
        """
        for _ in range(FRUITLESS_DEATHS):
            index = min(range(len(self._workers)), key=lambda i: self._workers[i].load())
            try:
                return self._workers[index].start_on(items)
            except WorkerDiedError:
                self._dead.append(self._workers[index])
                self._workers[index] = self._new()
        raise fruitless()

    def death(self, future: Future[Done]) -> Death | None:
        """Return what the note of the dead process says; None if the job itself failed."""
        if not isinstance(future.exception(), WorkerDiedError):
            return None
        owner = next(w for w in (*self._workers, *self._dead) if future in w.numbers)
        number, index = owner.note.read()
        started = number == owner.numbers.pop(future)
        timed_out = owner.note.timed_out()
        for worker in [w for w in self._dead if not w.numbers]:
            worker.end(at_once=True)
            self._dead.remove(worker)
        return Death(
            started=started,
            fruitless=number == 0,
            suspect=index if started else None,
            timed_out=timed_out,
            # Systems without a server have nothing that kills processes if memory is short.
            killed=has_server() and not (timed_out or owner.note.crashed()),
        )

    def close(self, *, at_once: bool = False) -> None:
        """End the processes; kill them if nobody waits for their results."""
        try:
            workers = [*self._workers, *self._dead]
            for each in workers:
                each.stop(at_once=at_once)
            for each in workers:
                each.end(at_once=at_once)
        finally:
            self._closing.close()

    def _new(self) -> _Worker:
        try:
            note = Note.create(self._folder / str(next(self._numbers)))
        except OSError as error:
            raise _no_room(error) from error
        return _Worker(self._folder / JOB_NAME, note, self._time_limit_s)


class _Worker:
    """One worker process, with the numbers of its batches and its note."""

    def __init__(self, job: Path, note: Note, time_limit_s: float) -> None:
        self.note = note
        self.numbers: dict[Future[Done], int] = {}
        self._count = count(1)
        self._lock = threading.Lock()
        self._waiting: deque[Future[Done]] = deque()
        self._is_dead = self._is_to_die = False
        self._process: Process | Forked = _started(job.parent)
        with suppress(OSError):  # it died already: the thread that receives will see it
            self._process.channel.send((str(job), str(note.path), time_limit_s, _here()))
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        try:
            self._receiver.start()
        except RuntimeError as error:  # a limit on processes counts threads as well
            self._process.end()
            raise no_thread() from error

    def start_on(self, items: Sequence[str]) -> Future[Done]:
        """Send a batch.

        Raises
        ------
        WorkerDiedError
            If the process is dead.
        """
        future: Future[Done] = Future()
        number = next(self._count)
        with self._lock:
            if self._is_dead:
                raise WorkerDiedError
            self.numbers[future] = number
            self._waiting.append(future)
        try:
            self._process.channel.send((number, items))
        except OSError:  # it died: the thread that receives fails all batches that it had
            self._receiver.join()
        return future

    def load(self) -> int:
        return len(self._waiting)

    def stop(self, *, at_once: bool) -> None:
        """Let the process end by itself, or kill it with `at_once`."""
        if at_once and not self._is_dead:  # after its death, another process may have its pid
            self._is_to_die = True
            self._process.kill()
        self._process.channel.send_no_more()

    def end(self, *, at_once: bool) -> None:
        """Wait until the process has ended."""
        self.stop(at_once=at_once)
        self._receiver.join(PATIENCE_S)
        if self._receiver.is_alive():
            self._process.kill()
            self._process.channel.cut()
            self._receiver.join(PATIENCE_S)
        self._process.end()

    def _receive(self) -> None:
        """Receive results until the process ends; then mark its remaining batches as failed."""
        try:
            self._learn_pid(self._process.channel.receive())
            while True:
                done = self._process.channel.receive()
                self._settle(done)
        except (EOFError, OSError):
            with self._lock:
                self._is_dead = True
            while self._waiting:
                self._settle(WorkerDiedError())

    def _learn_pid(self, pid: int) -> None:
        if isinstance(self._process, Forked):
            self._process.pid = pid
        if self._is_to_die:
            self._process.kill()

    def _settle(self, done: Done | Exception) -> None:
        future = self._waiting.popleft()
        if isinstance(done, Exception):
            if not isinstance(done, WorkerDiedError):
                del self.numbers[future]
            future.set_exception(done)
        else:
            del self.numbers[future]
            future.set_result(done)


def _started(folder: Path) -> Process | Forked:
    """Start a worker, from the fork server if the system supports one."""
    return fork_worker(folder) if has_server() else start("digitsort.workers.worker")


def _folder_with(job: Job) -> Path:
    """Create a temporary folder with the pickled job, which all workers read at the same time.

    Raises
    ------
    OutputError
        If there is no space for it.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="digitsort-"))
        try:
            (folder / JOB_NAME).write_bytes(pickle.dumps(job, protocol=5))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise _no_room(error) from error
    return folder


def _no_room(error: OSError) -> OutputError:
    return OutputError(
        f"No space for the workers' temporary files: {error.strerror or error}. Set TMPDIR to a folder "
        "with free space, or use --workers 0."
    )


def _here() -> str:
    """Return the working folder; empty if it no longer exists."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""
