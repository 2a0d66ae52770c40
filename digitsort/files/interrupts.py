"""Let Ctrl-C wait until a file is whole or gone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Let processes that are started in the block be deaf to Ctrl-C from their first moment.

    A terminal sends it to them as well, and while one loads its modules it would end with a traceback:
    it inherits a mask that blocks the signal. Here the signal is late by the block's time, not lost.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def interrupts_wait() -> Iterator[Sequence[int]]:
    """Hold Ctrl-C back until the block is done, however often it is pressed; then raise it.

    Outside of the main thread, which Python gives no signals to, nothing is held back.

    Yields
    ------
    sequence of int
        Not empty any more once it was pressed: a long block looks at it and ends early.
    """
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
