"""What runs in a worker process."""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from digitsort.execute.clock import Clock
from digitsort.execute.engine import Done, Job
from digitsort.execute.inline import perform
from digitsort.execute.memory import keep_freed_memory
from digitsort.execute.note import Note, Pen
from digitsort.execute.orphan import end_with_parent
from digitsort.files.ceiling import limit_decoders
from digitsort.garbage import collect_seldom
from digitsort.recognition.threads import one_blas_thread


class _Station:
    """A worker's job for life, its note and its clock."""

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


_stations: list[_Station] = []
"""Holds one: a pool gives its tasks no other place to find what the worker was begun with."""


def begin(job: str, note: str, time_limit_s: float) -> None:
    """Set up the worker; its parent left the job in a file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends the workers
    threading.Thread(target=end_with_parent, args=(Path(note).parent,), daemon=True).start()
    keep_freed_memory()
    limit_decoders()
    collect_seldom()
    one_blas_thread()  # for good: it is undone where the block of a `with` ends, and there is none
    loaded: Job = pickle.loads(Path(job).read_bytes())
    _stations.append(_Station(loaded, Note(Path(note)), time_limit_s))


def work(number: int, items: Sequence[str]) -> Done:
    """Do a batch."""
    return _stations[0].work(number, items)
