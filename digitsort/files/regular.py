"""Read a regular file whole, without ever waiting and within a limit."""

from __future__ import annotations

import io
import os
import stat


class NotRegularError(OSError):
    """A folder, pipe or device where a regular file was expected."""


class TooLargeError(OSError):
    """A file of more bytes than were allowed."""


def read_regular(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Read a file as large as it was when it was opened.

    Raises
    ------
    NotRegularError, TooLargeError
    OSError
        What the operating system says.
    """
    try:
        with io.BufferedReader(io.FileIO(path, opener=_without_waiting)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NotRegularError("no regular file")
            if status.st_size > most_bytes:
                raise TooLargeError(f"larger than {most_bytes} bytes")
            return file.read(status.st_size)
    except IsADirectoryError as error:
        raise NotRegularError("no regular file") from error


def _without_waiting(path: str, flags: int) -> int:
    """Open; without O_NONBLOCK a pipe that nobody writes to would wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
