"""Run batches in a worker process, and end it when one item takes too long."""

from __future__ import annotations

import faulthandler
import mmap
import os
import pickle
import shutil
import signal
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from digitsort.images.limits import limit_decoders
from digitsort.workers.engine import Done, Job, no_thread, perform
from digitsort.workers.process import Channel, to_parent
from digitsort.workers.tuning import collect_seldom, keep_freed_memory, one_blas_thread

SLACK = 30
"""Re-arm the watchdog only every 1/30 of the limit: arming it starts a thread, which is too slow per
item."""

PROCESSOR_LIMIT_S = 5.0
"""Limit of CPU time per item, in seconds. The largest allowed images take 2 s on a usual machine.
Unlike wall-clock time, CPU time does not depend on how busy the machine is."""


class Clock:
    """Watchdog that ends this process, even if it is stuck in C code and holds the GIL.

    Parameters
    ----------
    limit_s : float
        Wall-clock limit per item, for items that wait for a network. The process may end up to 1/30
        earlier.
    file : file
        File that gets the traceback when the process is ended.
    processor_s : float
        CPU time limit per item, over all threads; has no effect on Windows.
    """

    def __init__(
        self, limit_s: float, file: IO[bytes] | IO[str], processor_s: float = PROCESSOR_LIMIT_S
    ) -> None:
        self._limit_s = limit_s
        self._processor_s = processor_s
        self._file = file
        self._set_at = float("-inf")
        if hasattr(signal, "SIGPROF"):
            # The C handler writes the traceback; then the signal's default action ends the process.
            faulthandler.register(signal.SIGPROF, file=file, all_threads=False, chain=True)

    def tick(self) -> None:
        """Restart the limits for the next item.

        Raises
        ------
        DigitsortError
            If no thread can be started.
        """
        now = time.monotonic()
        if now - self._set_at > min(self._limit_s, self._processor_s) / SLACK:
            self._set_at = now
            try:
                faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._file)
            except RuntimeError as error:  # a limit on processes counts threads as well
                raise no_thread() from error
            self._allow(self._processor_s)

    def stop(self) -> None:
        """Disarm the watchdog while there is no work."""
        self._set_at = float("-inf")
        faulthandler.cancel_dump_traceback_later()
        self._allow(0)

    def _allow(self, seconds: float) -> None:
        """Send SIGPROF after `seconds` of CPU time; 0 cancels it."""
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, seconds)


_FIELDS = struct.Struct("<QQ")
"""Number of the batch, and index of the item plus 1 (0 for no particular item)."""


class Note:
    """Small file, written through a memory map to avoid a system call per item."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Note:
        """Create an empty note."""
        path.write_bytes(bytes(_FIELDS.size))
        return cls(path)

    @property
    def late_path(self) -> Path:
        """Path of the file that is not empty if the worker timed out."""
        return self.path.with_suffix(".late")

    @property
    def fault_path(self) -> Path:
        """Path of the file that is not empty if the worker crashed."""
        return self.path.with_suffix(".fault")

    def read(self) -> tuple[int, int | None]:
        """Return the number of the batch and the index of the item that the worker began last."""
        number, index = _FIELDS.unpack(self.path.read_bytes())
        return number, index - 1 if index else None

    def timed_out(self) -> bool:
        """Return whether the worker was ended because it timed out."""
        return _has_text(self.late_path)

    def crashed(self) -> bool:
        """Return whether the worker was ended by a fault of its own, such as a segmentation fault."""
        return _has_text(self.fault_path)


def _has_text(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


class Pen:
    """Writer of a note, on the side of the worker."""

    def __init__(self, note: Note) -> None:
        with note.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FIELDS.size)

    def write(self, number: int, index: int | None) -> None:
        """Record the item that the worker begins."""
        _FIELDS.pack_into(self._map, 0, number, 0 if index is None else index + 1)


class _Station:
    """State of a worker: its job, its note and its watchdog."""

    def __init__(self, job: Job, note: Note, time_limit_s: float) -> None:
        self.job = job
        self.pen = Pen(note)
        # In C, in the signal's handler: a worker that was killed from outside writes nothing there.
        faulthandler.enable(note.fault_path.open("wb"), all_threads=False)
        self.pen.write(0, None)
        self._clock = Clock(time_limit_s, note.late_path.open("wb"))
        self._number = 0

    def work(self, number: int, items: Sequence[str]) -> Done:
        self._number = number
        try:
            return perform(self.job, items, self._in_hand)
        finally:
            self._clock.stop()

    def _in_hand(self, index: int | None) -> None:
        self.pen.write(self._number, index)
        self._clock.tick()


def main() -> None:
    """Run batches for the process that started this one."""
    serve(to_parent())


def serve(channel: Channel) -> None:
    """Run batches until the parent closes the channel or ends."""
    channel.send(os.getpid())
    with suppress(EOFError, OSError):
        job, note, time_limit_s, here = channel.receive()
        if here:
            with suppress(OSError):  # the server may have been started in another folder
                os.chdir(here)
        waiting: SimpleQueue[tuple[int, Sequence[str]]] = SimpleQueue()
        threading.Thread(
            target=_take_in, args=(channel, waiting, Path(job).parent), daemon=True
        ).start()
        station = begin(job, note, time_limit_s)
        while True:
            number, items = waiting.get()
            _answer(channel, station, number, items)
    os._exit(0)


def begin(job: str, note: str, time_limit_s: float) -> _Station:
    """Set up the worker with the job file that the parent wrote."""
    keep_freed_memory()
    limit_decoders()
    collect_seldom()
    one_blas_thread()  # for the whole process: without a `with` block, nothing undoes it
    loaded: Job = pickle.loads(Path(job).read_bytes())
    return _Station(loaded, Note(Path(note)), time_limit_s)


def _take_in(channel: Channel, waiting: SimpleQueue[Any], folder: Path) -> None:
    """Receive batches in a thread, so that the parent never blocks when it sends one.

    When the channel ends, the parent has all results or is dead, so this process ends too. It removes
    the temporary folder, because a parent that was killed can't.
    """
    with suppress(EOFError, OSError):
        while True:
            waiting.put(channel.receive())
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _answer(channel: Channel, station: _Station, number: int, items: Sequence[str]) -> None:
    """Run a batch, and send its results or the exception."""
    try:
        done: Done | Exception = station.work(number, items)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        done = error
    channel.send_outcome(done)
