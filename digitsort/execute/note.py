"""Record which item a worker is working on, for the parent to read if the worker dies."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

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

    def read(self) -> tuple[int, int | None]:
        """Return the number of the batch and the index of the item that the worker began last."""
        number, index = _FIELDS.unpack(self.path.read_bytes())
        return number, index - 1 if index else None

    def timed_out(self) -> bool:
        """Return whether the worker was ended because it timed out."""
        return self.late_path.exists() and self.late_path.stat().st_size > 0


class Pen:
    """Writer of a note, on the side of the worker."""

    def __init__(self, note: Note) -> None:
        with note.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FIELDS.size)

    def write(self, number: int, index: int | None) -> None:
        """Record the item that the worker begins."""
        _FIELDS.pack_into(self._map, 0, number, 0 if index is None else index + 1)
