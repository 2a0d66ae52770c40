"""The collector of garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000
"""Objects made since the last look, instead of Python's 700."""


def collect_seldom() -> None:
    """Look for cycles seldom: of what modules and models are made hardly anything is ever garbage."""
    gc.set_threshold(SELDOM)


def leave_garbage() -> None:
    """Look for no cycles in what there is by now; the end of a process would, twice, for nothing."""
    gc.freeze()


@contextmanager
def garbage_waits() -> Iterator[None]:
    """Look for no cycles meanwhile, nor later in what there is by then.

    A million rows hold none, and would be looked through over and over, at the end of the process too.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        leave_garbage()
        if was_enabled:
            gc.enable()
