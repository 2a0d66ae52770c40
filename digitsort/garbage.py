"""Tune the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000
"""Number of new objects between two collections, instead of Python's 700."""


def collect_seldom() -> None:
    """Collect garbage rarely: the objects of modules and models almost never become garbage."""
    gc.set_threshold(SELDOM)


def leave_garbage() -> None:
    """Freeze all live objects (`gc.freeze`) so that interpreter shutdown does not scan them."""
    gc.freeze()


@contextmanager
def garbage_waits() -> Iterator[None]:
    """Collect no garbage in the block, and freeze all objects that are alive at its end.

    A million rows contain no cycles, but each collection would scan them, also at the end of the
    process.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        leave_garbage()
        if was_enabled:
            gc.enable()
