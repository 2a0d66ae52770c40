"""What a worker leaves for the parent to read, should it die: what it has in hand."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_FIELDS = struct.Struct("<QQ")
"""Number of the batch, index of the item + 1 (0: none in particular)."""


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
        number, index = _FIELDS.unpack(self.path.read_bytes())
        return number, index - 1 if index else None

    def timed_out(self) -> bool:
        """Whether the worker was ended because its time was up."""
        return self.late_path.exists() and self.late_path.stat().st_size > 0


class Pen:
    """The worker's side of a note."""

    def __init__(self, note: Note) -> None:
        with note.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FIELDS.size)

    def write(self, number: int, index: int | None) -> None:
        """Say what is in hand."""
        _FIELDS.pack_into(self._map, 0, number, 0 if index is None else index + 1)
