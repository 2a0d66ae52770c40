"""Handle Ctrl-C, SIGTERM and SIGHUP, so that no file and no folder is left half made.

A signal that comes while the command line is loaded waits until the command begins; one that comes
while it works raises KeyboardInterrupt; one that comes when it has ended waits until all is cleaned up.

Whoever makes one removes it as well. But KeyboardInterrupt may come between any two steps, also right
before the block that would remove it.
"""

from __future__ import annotations

import _thread
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
"""All signals that ask this process to end; Windows has no SIGHUP."""

SAME_PRESS_S = 2.0
"""Seconds in which repeated signals count as one, so that they do not interrupt the clean-up."""

RETRY_S = 0.05


class _State:
    """Signals received so far, and how to handle new ones."""

    first: int | None = None
    was_said = False
    is_working = False
    raised_at = float("-inf")


_state = _State()


def listen() -> None:
    """Install the handlers, except for signals that this process was started to ignore (nohup)."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _take)
    sys.unraisablehook = _raise_again


def ignore() -> None:
    """Ignore all signals from now on, because the process is ending."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def begin_work() -> None:
    """Let signals raise KeyboardInterrupt from now on; a signal that has already come raises it now."""
    _state.is_working = True
    if _state.first is not None:
        _raise()


def end_work() -> None:
    """Let signals wait until the process ends."""
    _state.is_working = False


def has_come() -> bool:
    """Return whether any signal has come."""
    return _state.first is not None


def exit_code() -> int | None:
    """Return the exit code for the first signal; None if no signal has come."""
    return None if _state.first is None else 128 + _state.first


def was_said() -> bool:
    """Return whether the message about the interruption has been printed."""
    return _state.was_said


def say_interrupted(message: str) -> None:
    """Write one sentence to stderr, if the terminal still exists."""
    _state.was_said = True
    try:
        sys.stderr.write(f"\ndigitsort: {message}\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return  # no stderr, or one that is closed


def _take(number: int, _frame: FrameType | None) -> None:
    if _state.first is None:
        _state.first = number
    if _state.is_working and time.monotonic() - _state.raised_at > SAME_PRESS_S:
        _raise()


def _raise() -> None:
    _state.raised_at = time.monotonic()
    raise KeyboardInterrupt


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Raise KeyboardInterrupt again if it came where Python ignores it, as in a destructor."""
    if _state.first is None:
        sys.__unraisablehook__(lost)
        return
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        return  # what a signal has broken needs no words of its own
    from threading import Timer

    _state.raised_at = float("-inf")
    timer = Timer(RETRY_S, _send_again, (_state.first,))
    timer.daemon = True
    timer.start()


def _send_again(number: int) -> None:
    """Send a signal to the main thread, to end any wait."""
    from threading import main_thread

    thread = main_thread().ident
    if hasattr(signal, "pthread_kill") and thread is not None:
        signal.pthread_kill(thread, number)
    else:  # Windows, where it ends no waiting
        _thread.interrupt_main(signal.Signals(number))


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Make processes that are started in the block ignore Ctrl-C from the start.

    A terminal also sends Ctrl-C to child processes, and one that is still loading modules would end
    with a traceback. Children inherit a mask that blocks the signal. This process gets the signal when
    the block ends.
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


_known: set[Path] = set()


@contextmanager
def temporary(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a temporary file or folder; it is gone when the block ends, or else the process."""
    with interrupts_wait():
        path = make()
        _known.add(path)
    try:
        yield path
    finally:
        with interrupts_wait():
            _remove(path)


def remove_leftovers() -> None:
    """Remove what is still there at the end of the process."""
    for path in list(_known):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    _known.discard(path)
