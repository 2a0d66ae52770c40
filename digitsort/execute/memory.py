"""Keep freed memory for the next batch."""

from __future__ import annotations

import sys

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
