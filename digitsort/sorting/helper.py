"""A second process. It copies a share of each batch, or prepares the next one while this one is moved.

Threads would not do: they hand the interpreter's lock to and fro at every call, and take twice as long.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from digitsort.execute.orphan import end_with_parent
from digitsort.execute.processors import usable_processors
from digitsort.files.disk import DISK, HAS_UNNAMED_FILES, Disk
from digitsort.files.interrupts import deaf_to_interrupts
from digitsort.garbage import garbage_waits
from digitsort.sorting.copying import Stop, copy_files
from digitsort.sorting.look import look
from digitsort.sorting.plan import Mode
from digitsort.sorting.preparing import Order, Packed, Preparer, Ready, packed, unpacked
from digitsort.sorting.task import NotDeliveredError, Results, Status, Task
from digitsort.sorting.transfer import remove_ours

MANY = 4096
"""Files from which on a second process is worth its start."""

PATIENCE_S = 0.05
"""Between two looks at whether a person wants the run to end."""

STEP = 1 / 32
"""Of a batch, that goes over to the process that had to wait for the other one."""

LEAST, MOST = 0.25, 0.9


@contextmanager
def second_process(disk: Disk, files: int) -> Iterator[Helper | None]:
    """One that helps with so many files; None where it is not worth it.

    There is one where a copy has no name before it is whole: a process that dies leaves nothing half
    done. It is started as `multiprocessing` does it: a script that is run as ``__main__`` is imported
    there once more.
    """
    if disk is not DISK or files < MANY or not HAS_UNNAMED_FILES or usable_processors() < 2:
        yield None
        return
    helper = Helper()
    try:
        yield helper
    finally:
        helper.close()


class Helper:
    """The second process. It stops where this one wants it to, and ends with it."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with deaf_to_interrupts():
            self._process.start()
        theirs.close()
        self._is_ready = False
        self._share = 0.5
        self._run: tuple[str, str, Sequence[str]] = ("", Mode.MOVE, ())
        self._thread = ThreadPoolExecutor(1)

    def close(self) -> None:
        """End it, which has nothing in hand that would have a name."""
        self._thread.shutdown()
        self._connection.close()
        self._process.terminate()
        self._process.join()

    def copy(self, disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
        """Copy a batch together; alone until the second process has started, or after it died."""
        return self.share(disk, tasks)(stop)

    def share(self, disk: Disk, tasks: Sequence[Task]) -> Callable[[Stop], Results]:
        """Let it begin with its share of a batch; what comes back does the rest when it is called."""
        ordered = sorted(tasks, key=lambda task: task.folder)  # the system lets no two at one folder
        end = round(len(ordered) * (1 - self._share))
        mine, others = ordered[:end], ordered[end:]
        sent = [(t.number, t.source, t.target, t.sha256, t.token) for t in others]
        if not (self._has_started() and self._send(_copy, sent)):
            return partial(copy_files, disk, tasks)
        return partial(self._copy_mine, disk, mine, others)

    def _copy_mine(
        self, disk: Disk, mine: Sequence[Task], others: Sequence[Task], stop: Stop
    ) -> Results:
        try:
            results = copy_files(disk, mine, stop)
            self._weigh()
        finally:
            copied: Results | None = self._received(stop)
        results.add(copied or Results())
        # What it has not done it was stopped before, or it died; this one may go on all the same.
        left = [t for t in others if t.number not in results.done and t.number not in results.failed]
        if copied is None or not (stop or results.error):
            results.add(_copy_rest(disk, left, stop))
        return results

    def _weigh(self) -> None:
        """Share more with it where it has done its part already, and less where it has not."""
        step = STEP if self._connection.poll() else -STEP
        self._share = min(MOST, max(LEAST, self._share + step))

    def will_prepare(self, dest: str, mode: Mode, columns: Sequence[str]) -> None:
        """Say what `Preparer` has to know."""
        self._run = dest, mode, columns

    def prepare(self, orders: Iterable[Order]) -> bool:
        """Let it prepare files; False where it can't, or there are none."""
        return self._has_started() and self._send(_prepare, self._run, packed(orders))

    def prepared(self, stop: Stop) -> Sequence[Ready | str]:
        """What it was last asked for, in the same order; ends early where it did."""
        answer: list[tuple[Any, ...] | str] = self._received(stop) or []
        return [made if isinstance(made, str) else _ready(*made) for made in answer]

    def meanwhile(self, action: Callable[[], object]) -> Callable[[], object]:
        """Do what is mostly waiting for the disk in a thread; what comes back waits for its end."""
        return self._thread.submit(action).result

    def _has_started(self) -> bool:
        if not self._is_ready and self._connection.poll():
            self._is_ready = self._received() is not None
        return self._is_ready

    def _send(self, work: Callable[..., object], *arguments: object) -> bool:
        try:
            self._connection.send((work, arguments))
        except OSError:
            self._is_ready = False
        return self._is_ready

    def _received(self, stop: Stop = ()) -> Any:
        """An answer; None of a process that died."""
        told = False
        try:
            while not self._connection.poll(PATIENCE_S):
                if stop and not told and self._process.pid is not None:
                    os.kill(self._process.pid, signal.SIGUSR1)
                    told = True
            return self._connection.recv()
        except (EOFError, OSError):
            self._is_ready = False
            return None


def _ready(sha256: str, status: tuple[int, ...] | None, entry: str, row: str) -> Ready:
    return Ready(sha256, None if status is None else Status(*status), entry, row)


def _copy_rest(disk: Disk, tasks: Sequence[Task], stop: Stop) -> Results:
    """Copy what the other process has not, and remove what it left half done."""
    results = Results()
    rest = []
    for task in tasks:
        try:
            seen = look(disk, task.target, task.sha256, follow=False) if task.sha256 else None
        except NotDeliveredError:
            seen = None
        if seen is None:
            with suppress(OSError):
                remove_ours(disk, task.temporary)
            rest.append(task)
        else:
            results.done[task.number] = seen.status.size
    results.add(copy_files(disk, rest, stop))
    return results


def _serve(connection: Connection) -> None:
    pressed: list[int] = []  # Ctrl-C is the first process's, which tells this one what it makes of it
    signal.signal(signal.SIGUSR1, lambda number, _: pressed.append(number))
    threading.Thread(target=end_with_parent, daemon=True).start()
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(connection, waiting), daemon=True).start()
    with suppress(ConnectionError), garbage_waits():  # the first process has come to its end
        connection.send(True)
        while (taken := waiting.get()) is not None:
            work, arguments = taken
            connection.send(work(*arguments, pressed))


def _take_in(connection: Connection, waiting: queue.SimpleQueue[Any]) -> None:
    """Take in what there is to do, so that the first process never waits until that is sent."""
    with suppress(EOFError, OSError):
        while True:
            waiting.put(connection.recv())
    waiting.put(None)


def _copy(sent: Sequence[tuple[int, str, str, str, str]], stop: Stop) -> Results:
    return copy_files(DISK, [Task(*values) for values in sent], stop)


def _prepare(run: tuple[str, Mode, Sequence[str]], sent: Packed, stop: Stop) -> list[object]:
    made = Preparer(DISK, *run).prepare(list(unpacked(sent)), stop)
    return [ready if isinstance(ready, str) else _bare(ready) for ready in made]


def _bare(ready: Ready) -> tuple[object, ...]:
    """As it is sent: without its class, which takes longer than all else."""
    sha256, status, entry, row = ready
    return sha256, None if status is None else tuple(status), entry, row
