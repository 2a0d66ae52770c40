"""Delay Ctrl-C, SIGTERM and SIGHUP until a file is complete, and remove temporary files at the end.

The code that makes a temporary file or folder also removes it. But KeyboardInterrupt may come between
any two steps, even right before the block that would remove it.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from digitsort.errors import InterruptedRunError
from digitsort.files.signals import SIGNALS

T = TypeVar("T")


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

    Nothing is held back in other threads, because Python delivers signals to the main thread only. Nor
    is a signal that ends the process without Python (SIGTERM and SIGHUP, outside of the command line).

    Yields
    ------
    sequence of int
        Signals that have come. A long block can look at it, and end early.
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


class CleanUp(ExitStack):
    """Exit stack that enters and leaves each context whole: signals wait until it is done.

    With a plain stack, or a `with` of several contexts, a signal right before the end of one leaves the
    outer ones first. Where a signal comes right before the end of the stack itself, Python deletes the
    stack while it handles KeyboardInterrupt, and the contexts are left then.
    """

    def enter_context(self, cm: AbstractContextManager[T]) -> T:
        """Enter a context, and leave it at the end of the block."""
        with interrupts_wait():
            return super().enter_context(cm)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None:
        with interrupts_wait():
            return super().__exit__(kind, error, traceback)

    def __del__(self) -> None:
        with suppress(KeyboardInterrupt, InterruptedRunError):
            error = KeyboardInterrupt()
            self.__exit__(type(error), error, None)


_known: set[Path] = set()


@contextmanager
def temporary(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a temporary file or folder, and remove it when the block or the process ends."""
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
