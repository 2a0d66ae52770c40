"""Run batches in a worker process."""

from __future__ import annotations

import os
import pickle
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from digitsort.execute.channel import Channel, to_parent
from digitsort.execute.clock import Clock
from digitsort.execute.engine import Done, Job
from digitsort.execute.inline import perform
from digitsort.execute.memory import keep_freed_memory
from digitsort.execute.note import Note, Pen
from digitsort.files.ceiling import limit_decoders
from digitsort.garbage import collect_seldom
from digitsort.recognition.threads import one_blas_thread


class _Station:
    """State of a worker: its job, its note and its watchdog."""

    def __init__(self, job: Job, note: Note, time_limit_s: float) -> None:
        self.job = job
        self.pen = Pen(note)
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
        job, note, time_limit_s = channel.receive()
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
