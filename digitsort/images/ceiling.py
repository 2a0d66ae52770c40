"""Limit the memory of decoders, so that they fail instead of using more than an image can need.

The sizes in the header are checked before; this limit is for everything that the header does not tell.
It applies to the whole process, so only workers and the command line set it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BEYOND_BYTES = 300 * 2**20
"""Memory in bytes that a decoder may use in addition to the pixels and one copy of the file."""

PIXEL_BYTES = 4
"""Bytes per pixel in Pillow, also for RGB."""

_STATUS = Path("/proc/self/statm")
_DATA = 5
"""Index of the number of data and stack pages, which RLIMIT_DATA counts (proc(5))."""

_lock = threading.Lock()
_wanted = False


def limit_decoders() -> None:
    """Turn on the limit for every image that this process decodes from now on; only on Linux."""
    global _wanted
    _wanted = sys.platform == "linux" and _STATUS.exists()


@contextmanager
def ceiling(file_bytes: int) -> Iterator[Callable[[int], None]]:
    """Limit the memory in the block; beyond it, MemoryError is raised or the decoder fails.

    Yield a function to call with the number of pixels when it is known, which raises the limit for
    them.

    Parameters
    ----------
    file_bytes : int
        Size of the file, which is already in memory.
    """
    if not _wanted or not _lock.acquire(blocking=False):  # another thread's limit counts for all
        yield lambda _: None
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    present = int(_STATUS.read_bytes().split()[_DATA]) * os.sysconf("SC_PAGE_SIZE")
    lowest = min((limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY), default=None)

    def allow(pixels: int) -> None:
        limit = present + BEYOND_BYTES + file_bytes + PIXEL_BYTES * pixels
        resource.setrlimit(
            resource.RLIMIT_DATA, (limit if lowest is None else min(limit, lowest), hard)
        )

    try:
        allow(0)
        yield allow
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        _lock.release()
