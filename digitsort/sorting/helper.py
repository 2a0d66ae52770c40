"""A second process that copies half of each batch: most of a copy is the system's work.

Threads would not do: they hand the interpreter's lock to and fro at every call, and take twice as long.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Protocol

from digitsort.execute.orphan import end_with_parent
from digitsort.execute.processors import usable_processors
from digitsort.files.disk import DISK, HAS_UNNAMED_FILES, Disk
from digitsort.sorting.copying import Stop, copy_files
from digitsort.sorting.transfer import NotDeliveredError, Results, Task, look

MANY = 4096
"""Files from which on a second process is worth its start."""

PATIENCE_S = 0.05
"""Between two looks at whether a person wants the run to end."""


class Copier(Protocol):
    """Copies a batch."""

    def __call__(self, disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
        """What became of it."""


@contextmanager
def copier(disk: Disk, files: int) -> Iterator[Copier]:
    """What copies so many files best: this process, or it and a second one.

    Two where a copy has no name before it is whole: a process that dies leaves nothing half done.
    """
    if disk is not DISK or files < MANY or not HAS_UNNAMED_FILES or usable_processors() < 2:
        yield copy_files
        return
    helper = Helper()
    try:
        yield helper.copy
    finally:
        helper.close()


class Helper:
    """The second process. It stops where a person presses Ctrl-C, and ends with this one."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _interrupts_blocked():
            self._process.start()
        theirs.close()
        self._is_ready = False

    def copy(self, disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
        """Copy a batch together; alone until the second process has started, or after it died."""
        ordered = sorted(tasks, key=lambda task: task.folder)  # the system lets no two at one folder
        mine, others = ordered[: len(tasks) // 2], ordered[len(tasks) // 2 :]
        if not (self._has_started() and self._give(others)):
            return copy_files(disk, tasks, stop)
        try:
            results = copy_files(disk, mine, stop)
        finally:
            copied = self._take(stop)
        results.add(_copy_rest(disk, others, stop) if copied is None else copied)
        return results

    def close(self) -> None:
        """End it, which has nothing in hand."""
        self._connection.close()
        self._process.terminate()
        self._process.join()

    def _has_started(self) -> bool:
        if not self._is_ready and self._connection.poll():
            self._is_ready = self._received() is not None
        return self._is_ready

    def _give(self, tasks: Sequence[Task]) -> bool:
        try:
            self._connection.send([(t.number, t.source, t.target, t.sha256, t.token) for t in tasks])
        except OSError:
            self._is_ready = False
        return self._is_ready

    def _take(self, stop: Stop) -> Results | None:
        told = False
        while not self._connection.poll(PATIENCE_S):
            if stop and not told and self._process.pid is not None:
                os.kill(self._process.pid, signal.SIGINT)
                told = True
        return self._received()

    def _received(self) -> Results | None:
        """An answer; None of a process that died."""
        try:
            answer: Results = self._connection.recv()
        except (EOFError, OSError):
            self._is_ready = False
            return None
        return answer


def _copy_rest(disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
    """Copy what a process that died has not."""
    results = Results()
    rest = []
    for task in tasks:
        try:
            seen = look(disk, task.target, task.sha256, follow=False) if task.sha256 else None
        except NotDeliveredError:
            seen = None
        if seen is None:
            rest.append(task)
        else:
            results.done[task.number] = seen.status.st_size
    results.add(copy_files(disk, rest, stop))
    return results


def _serve(connection: Connection) -> None:
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=end_with_parent, daemon=True).start()
    with suppress(EOFError, ConnectionError):  # the first process has come to its end
        connection.send(Results())
        while True:
            tasks = [Task(*values) for values in connection.recv()]
            connection.send(copy_files(DISK, tasks, pressed))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let a process that is started here see no Ctrl-C before it knows what to do with it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
