"""End this process when one item takes too long."""

from __future__ import annotations

import faulthandler
import signal
import time
from typing import IO

from digitsort.execute.engine import no_thread

SLACK = 30
"""Re-arm the watchdog only every 1/30 of the limit: arming it starts a thread, which is too slow per
item."""

PROCESSOR_LIMIT_S = 5.0
"""Limit of CPU time per item, in seconds. The largest allowed images take 2 s on a usual machine.
Unlike wall-clock time, CPU time does not depend on how busy the machine is."""


class Clock:
    """Watchdog that ends this process, even if it is stuck in C code and holds the GIL.

    Parameters
    ----------
    limit_s : float
        Wall-clock limit per item, for items that wait for a network. The process may end up to 1/30
        earlier.
    file : file
        File that gets the traceback when the process is ended.
    processor_s : float
        CPU time limit per item, over all threads; has no effect on Windows.
    """

    def __init__(
        self, limit_s: float, file: IO[bytes] | IO[str], processor_s: float = PROCESSOR_LIMIT_S
    ) -> None:
        self._limit_s = limit_s
        self._processor_s = processor_s
        self._file = file
        self._set_at = float("-inf")
        if hasattr(signal, "SIGPROF"):
            # The C handler writes the traceback; then the signal's default action ends the process.
            faulthandler.register(signal.SIGPROF, file=file, all_threads=False, chain=True)

    def tick(self) -> None:
        """Restart the limits for the next item.

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
        """Disarm the watchdog while there is no work."""
        self._set_at = float("-inf")
        faulthandler.cancel_dump_traceback_later()
        self._allow(0)

    def _allow(self, seconds: float) -> None:
        """Send SIGPROF after `seconds` of CPU time; 0 cancels it."""
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, seconds)
