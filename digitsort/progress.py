"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of each stage of a work, as it goes on."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`done` of `total` (None: not known) steps of `stage` are finished."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Listen to nothing."""
