"""Read a regular file whole, without ever waiting and within a limit."""

from __future__ import annotations

import os
import stat

_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)
"""Without O_NONBLOCK a pipe that nobody writes to would wait for ever."""

_PIECE = 2**20
"""Bytes asked for at a time where the first call did not give all."""


class NotRegularError(OSError):
    """A folder, pipe or device where a regular file was expected."""


class TooLargeError(OSError):
    """A file of more bytes than were allowed."""


def read_regular(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Read a file as large as it was when it was opened.

    A device is not even opened: that alone can rewind a tape, or start a watchdog. What takes the place
    of a file after the first look is seen by the second one.

    Raises
    ------
    NotRegularError, TooLargeError
    OSError
        What the operating system says.
    """
    _check_regular(os.stat(path))
    descriptor = _opened(path)
    try:
        status = os.fstat(descriptor)
        _check_regular(status)
        if status.st_size > most_bytes:
            raise TooLargeError(f"larger than {most_bytes} bytes")
        return _read(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError("no regular file")


def _opened(path: str | os.PathLike[str]) -> int:
    try:
        return os.open(path, _FLAGS)
    except PermissionError as error:
        if os.path.isdir(path):  # Windows opens no folder
            raise NotRegularError("no regular file") from error
        raise


def _read(descriptor: int, size: int) -> bytes:
    """Mostly one call; a file object around it takes longer than a small file's bytes."""
    data = os.read(descriptor, size)
    if len(data) == size:
        return data
    pieces, left = [data], size - len(data)
    while left and (piece := os.read(descriptor, min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
