"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of each stage of a work, as it goes on."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`done` of `total` (None: not known) steps of `stage` are finished."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Listen to nothing."""


class ByteProgress(Protocol):
    """Told how far a work on files is."""

    def __call__(self, done: int, total: int, size: int) -> None:
        """`done` of `total` files are finished; they have `size` bytes."""


def silent_bytes(done: int, total: int, size: int) -> None:
    """Listen to nothing."""
