"""End this process when one item takes too long."""

from __future__ import annotations

import faulthandler
import time
from typing import IO

SLACK = 30
"""The clock is set anew after a thirtieth of the limit: setting it starts a thread, too dear for each
item."""


class Clock:
    """Ends the process even where it is stuck in C and holds the interpreter's lock.

    Parameters
    ----------
    limit_s : float
        For one item; the end comes up to a thirtieth of it earlier.
    file : file
        Gets the traceback of a process that is ended.
    """

    def __init__(self, limit_s: float, file: IO[bytes] | IO[str]) -> None:
        self._limit_s = limit_s
        self._file = file
        self._set_at = float("-inf")

    def tick(self) -> None:
        """Say that another item is begun."""
        now = time.monotonic()
        if now - self._set_at > self._limit_s / SLACK:
            self._set_at = now
            faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._file)

    def stop(self) -> None:
        """Say that nothing is being worked on."""
        self._set_at = float("-inf")
        faulthandler.cancel_dump_traceback_later()
