"""Define callbacks that report the progress of long work."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Callback for the progress of each stage of the work."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`done` of `total` (None: not known) steps of `stage` are finished."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Listen to nothing."""


class ByteProgress(Protocol):
    """Callback for the progress of work on files."""

    def __call__(self, done: int, total: int, size: int) -> None:
        """`done` of `total` files are finished; they have `size` bytes."""


def silent_bytes(done: int, total: int, size: int) -> None:
    """Listen to nothing."""
