"""Let Ctrl-C, SIGTERM and SIGHUP wait until a file is whole or gone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from digitsort.signals import SIGNALS


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Let processes that are started in the block be deaf to Ctrl-C from their first moment.

    A terminal sends it to them as well, and while one loads its modules it would end with a traceback:
    it inherits a mask that blocks the signal. Here the signal is late by the block's time, not lost.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def interrupts_wait() -> Iterator[Sequence[int]]:
    """Hold the signals back until the block is done, however often they come; then raise them.

    Outside of the main thread, which Python gives no signals to, nothing is held back; nor is a signal
    that ends the process without Python (SIGTERM and SIGHUP, outside of the command line).

    Yields
    ------
    sequence of int
        Not empty any more once one came: a long block looks at it and ends early.
    """
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = [(n, handler) for n in SIGNALS if callable(handler := signal.getsignal(n))]
    for number, _ in before:
        signal.signal(number, lambda number, _: pressed.append(number))
    try:
        yield pressed
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        if pressed:  # it is noted where a block inside has raised it, or an error is on its way, too
            with suppress(KeyboardInterrupt):
                dict(before)[pressed[0]](pressed[0], None)
    if pressed:
        raise KeyboardInterrupt
