"""Interrupt a function at each of its calls, as Ctrl-C would."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from types import FrameType

import pytest

from digitsort.errors import InterruptedRunError

CLOSED_LATE = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""A file that is interrupted right before its `with` block is closed by Python, with a warning."""


def interrupted_at_each_call(
    work: Callable[[], object], every: int = 1
) -> Iterator[type[BaseException] | None]:
    """Run `work` once for each of its calls, interrupt it there, and yield what it raised.

    Python looks for signals where a function begins and after a call of C code, and raises
    KeyboardInterrupt there, or later if the code holds signals back.
    """
    for number in count(1, every):
        left, raised = _interrupted(work, number)
        if left > 0:
            return
        yield raised


def _interrupted(work: Callable[[], object], number: int) -> tuple[int, type[BaseException] | None]:
    left = number

    def tick(_frame: FrameType, event: str, _value: object) -> None:
        nonlocal left
        left -= event in ("call", "c_return")
        if left == 0:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None  # the command line raises it again
    try:
        sys.setprofile(tick)
        work()
        sys.setprofile(None)
    except (KeyboardInterrupt, InterruptedRunError) as error:
        return left, type(error)
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook
    return left, None
