"""What a worker leaves for the parent to read, should it die: who it is and what it has in hand."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time
from contextlib import suppress
from pathlib import Path

_FIELDS = struct.Struct("<QQQ")
"""Process id, number of the batch, index of the item + 1 (0: none in particular)."""

BEGINS_WITHIN_S = 1.0
"""From being asked for; a worker begins within a tenth of it."""


class Note:
    """A few bytes in a file, written through a memory map: no system call an item."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Note:
        """An empty one."""
        path.write_bytes(bytes(_FIELDS.size))
        return cls(path)

    @property
    def late_path(self) -> Path:
        """Where a worker whose time is up says so."""
        return self.path.with_suffix(".late")

    def read(self) -> tuple[int, int | None]:
        """Number of the batch and index of the item that the worker has, or had, in hand."""
        _, number, index = _FIELDS.unpack(self.path.read_bytes())
        return number, index - 1 if index else None

    def timed_out(self) -> bool:
        """Whether the worker was ended because its time was up."""
        return self.late_path.exists() and self.late_path.stat().st_size > 0

    def kill(self) -> None:
        """End the worker at once, or when it has begun: in between it would miss its parent loudly."""
        if pid := self._awaited_pid():
            with suppress(OSError):  # it has ended meanwhile
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def _awaited_pid(self) -> int:
        """The worker's process; 0 if it does not begin in time."""
        end = time.monotonic() + BEGINS_WITHIN_S
        while not (pid := int(_FIELDS.unpack(self.path.read_bytes())[0])) and time.monotonic() < end:
            time.sleep(0.005)
        return pid


class Pen:
    """The worker's side of a note."""

    def __init__(self, note: Note) -> None:
        with note.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FIELDS.size)
        self._pid = os.getpid()

    def write(self, number: int, index: int | None) -> None:
        """Say what is in hand."""
        _FIELDS.pack_into(self._map, 0, self._pid, number, 0 if index is None else index + 1)
