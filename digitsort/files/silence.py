"""Keep C libraries from writing to stderr."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


class _Silence:
    """Redirection of stderr, shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking = 0
        self._kept = -1

    def begin(self) -> None:
        with self._lock:
            if self._asking == 0:
                self._kept = os.dup(_STDERR)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, _STDERR)
                os.close(nowhere)
            self._asking += 1

    def end(self) -> None:
        with self._lock:
            self._asking -= 1
            if self._asking == 0:
                os.dup2(self._kept, _STDERR)
                os.close(self._kept)


_silence = _Silence()


@contextmanager
def c_stderr_silenced() -> Iterator[None]:
    """Redirect the stderr of the process to the null device in the block.

    libtiff prints a line about each damaged file, which its row already reports. Output of other
    threads is lost too, so keep the block short.
    """
    try:
        _silence.begin()
    except (
        OSError
    ):  # a process without stderr, or without a free descriptor: nothing is worse than noise
        yield
        return
    try:
        yield
    finally:
        _silence.end()
