"""Jobs that go wrong on purpose: what a worker is given in place of a real one."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from digitsort.images.limits import Limits
from digitsort.images.read import Picture, read
from digitsort.workers.engine import InHand, Job
from digitsort.workers.process import Channel


@dataclass(frozen=True)
class Upper:
    """Gives items in upper case, and does to its process what an item's name says."""

    pause_s: float = 0.0

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[str]:
        results = []
        for index, item in enumerate(items):
            in_hand(index)
            time.sleep(self.pause_s)
            harm(item)
            results.append(item.upper())
        in_hand(None)
        return results


@dataclass(frozen=True)
class Unnamed:
    """As `Upper`, but never says what it has in hand."""

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[str]:
        return Upper()(items, lambda _: in_hand(None))


@dataclass(frozen=True)
class DiesOnce:
    """Dies at a marked item the first time that it sees it."""

    folder: str

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[str]:
        for index, item in enumerate(items):
            in_hand(index)
            seen = Path(self.folder, item)
            if item.startswith("once") and not seen.exists():
                seen.touch()
                os._exit(9)
        return [item.upper() for item in items]


@dataclass(frozen=True)
class HarmedOften:
    """Does what an item's name says the first few times that it is in hand; a file counts them."""

    folder: str
    times: int

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[str]:
        for index, item in enumerate(items):
            in_hand(index)
            seen = Path(self.folder, item)
            tries = seen.stat().st_size + 1 if seen.exists() else 1
            seen.write_bytes(bytes(tries))
            if tries <= self.times:
                harm(item)
        return [item.upper() for item in items]


@dataclass(frozen=True)
class DiesSending:
    """Dies once, in the middle of what it sends back."""

    folder: str

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[str]:
        mark = Path(self.folder, "sent")
        if "half" in items and not mark.exists():
            mark.touch()
            Channel._write = _write_half  # type: ignore[method-assign]
        return [item.upper() * 1000 for item in items]


_write = Channel._write


def _write_half(self: Channel, data: bytes) -> None:
    if len(data) > 100:  # not the length, but what follows it
        _write(self, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    _write(self, data)


class UnsendableError(Exception):
    """One that can't be pickled."""

    def __reduce__(self) -> str:
        raise TypeError("can't be pickled")


@dataclass(frozen=True)
class RaisesUnsendable:
    """Raises an error that can't be sent to the parent."""

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[str]:
        raise UnsendableError(items[0])


def harm(item: str) -> None:
    """Kill or hang this process where the item's name asks for it."""
    if "segfault" in item:
        ctypes.string_at(0)
    if "sigkill" in item:
        os.kill(os.getpid(), signal.SIGKILL)
    if "exit" in item:
        os._exit(3)
    if "hang" in item:
        # In C, with the interpreter's lock held: no handler and no thread of Python's gets a turn.
        ctypes.PyDLL(None).sleep(60)
    if "spin" in item:
        re.match("(a+)+$", "a" * 60 + "b")  # in C, for ever
    if "raise" in item:
        raise ZeroDivisionError(item)


def read_poisoned(path: str, limits: Limits) -> Picture:
    """Read a file, unless its name is poison."""
    harm(os.path.basename(path))
    return read(path, limits)


@dataclass(frozen=True)
class Noted:
    """Reads files and notes each in a log, for counting."""

    log: str

    def __call__(self, path: str, limits: Limits) -> Picture:
        with Path(self.log).open("a", encoding="utf-8") as file:
            file.write(path + "\n")
        return read(path, limits)


@dataclass(frozen=True)
class Cuts:
    """Does what a job does, but crashes or hangs at the item that ends with a text."""

    job: Job
    end: str
    how: str

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Any]:
        results = []
        for index, item in enumerate(items):
            in_hand(index)
            if item.endswith(self.end):
                os.kill(os.getpid(), signal.SIGSEGV if self.how == "crash" else signal.SIGPROF)
                time.sleep(60)  # the signal takes the process before
            results += self.job([item], partial(self._in_hand, in_hand, index))
        return results

    @staticmethod
    def _in_hand(in_hand: InHand, index: int, _: int | None) -> None:
        in_hand(index)
