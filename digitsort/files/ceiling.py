"""Let a decoder fail, rather than take more memory than a picture can need.

The sizes in a header are checked before; this is for what they do not tell. The limit is the process's
own, so only processes that do nothing else have it: workers and the command line.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BEYOND_BYTES = 300 * 2**20
"""What a decoder may take beside the picture itself and one more copy of its file."""

PIXEL_BYTES = 4
"""What Pillow takes for a pixel: of RGB too."""

_STATUS = Path("/proc/self/statm")
_DATA = 5
"""Sixth number in it: pages of data and stack, as RLIMIT_DATA counts them (proc(5))."""

_lock = threading.Lock()
_wanted = False


def limit_decoders() -> None:
    """Give this process the limit, whenever it decodes a picture from now on; on Linux."""
    global _wanted
    _wanted = sys.platform == "linux" and _STATUS.exists()


@contextmanager
def ceiling(file_bytes: int) -> Iterator[Callable[[int], None]]:
    """Limit the memory in the block; beyond it, it raises MemoryError, or the decoder says no.

    Gives a function that takes the number of pixels, once it is known: it allows for them.

    Parameters
    ----------
    file_bytes : int
        Size of the file, which is in memory already.
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
