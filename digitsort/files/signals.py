"""Handle Ctrl-C, SIGTERM and SIGHUP from the start of the command line.

While the command line is loading, a signal waits until the command begins. While the command works, a
signal raises KeyboardInterrupt. After the command has ended, a signal waits until everything is cleaned
up.

This module is imported first. Until then a signal ends in a traceback, so this module imports little.
"""

import _thread
import signal
import sys
import time
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


def _raise_again(lost: "sys.UnraisableHookArgs") -> None:
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
