"""End this process when one item takes too long."""

from __future__ import annotations

import faulthandler
import signal
import time
from typing import IO

from digitsort.execute.engine import no_thread

SLACK = 30
"""The clock is set anew after a thirtieth of the limit: setting it starts a thread, too dear for each
item."""

PROCESSOR_LIMIT_S = 5.0
"""Processor time for one item, on any machine: the largest pictures that are allowed take 2 s of a
usual one. What a busy machine gives to others does not count."""


class Clock:
    """Ends the process even where it is stuck in C and holds the interpreter's lock.

    Parameters
    ----------
    limit_s : float
        For one item, by the clock on the wall: it may wait for a network. The end comes up to a
        thirtieth earlier.
    file : file
        Gets the traceback of a process that is ended.
    processor_s : float
        For one item, processor time of all threads; where the system can tell (not on Windows).
    """

    def __init__(
        self, limit_s: float, file: IO[bytes] | IO[str], processor_s: float = PROCESSOR_LIMIT_S
    ) -> None:
        self._limit_s = limit_s
        self._processor_s = processor_s
        self._file = file
        self._set_at = float("-inf")
        if hasattr(signal, "SIGPROF"):
            # The handler writes, in C; then the signal ends the process, as it does without a handler.
            faulthandler.register(signal.SIGPROF, file=file, all_threads=False, chain=True)

    def tick(self) -> None:
        """Say that another item is begun.

        Raises
        ------
        DigitsortError
            If no thread can be started.
        """
        now = time.monotonic()
        if now - self._set_at > min(self._limit_s, self._processor_s) / SLACK:
            self._set_at = now
            try:
                faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._file)
            except RuntimeError as error:  # a limit on processes counts threads as well
                raise no_thread() from error
            self._allow(self._processor_s)

    def stop(self) -> None:
        """Say that nothing is being worked on."""
        self._set_at = float("-inf")
        faulthandler.cancel_dump_traceback_later()
        self._allow(0)

    def _allow(self, seconds: float) -> None:
        """Let the system count processor time; 0 ends the counting."""
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, seconds)
