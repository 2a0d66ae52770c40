"""Tune this process: CPUs, memory, garbage collector, matrix library."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def usable_processors() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Values of M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in glibc's malloc.h."""

KEPT_BYTES = 2**26


def keep_freed_memory() -> None:
    """Let this process keep up to 64 MiB of freed memory, if the C library supports it.

    By default glibc returns freed memory at once, and the system clears every page that is requested
    again. For the arrays of each stack of images, that is a tenth of all work.
    """
    if sys.platform != "linux":
        return
    import ctypes

    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # another C library may have none
    if set_option is not None:
        set_option(_TRIM_THRESHOLD, KEPT_BYTES)
        set_option(_MMAP_THRESHOLD, KEPT_BYTES)


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


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS to one thread: the matrices are small, and a second one costs more than it gives."""
    limits: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limits


@cache
def _controller() -> ThreadpoolController:
    """Return the loaded libraries, numpy's included; cached, because the search takes milliseconds."""
    import numpy as np  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
