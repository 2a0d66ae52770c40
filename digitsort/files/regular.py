"""Open and read regular files, within a limit and without ever waiting."""

from __future__ import annotations

import os
import signal
import stat
import sys

if sys.platform == "linux":
    import fcntl

_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)
"""Without O_NONBLOCK, opening a pipe that nobody writes to would wait forever."""

_PIECE = 2**20
"""Number of bytes per call if the first call did not return everything."""


class NotRegularError(OSError):
    """Raised for a folder, pipe or device instead of a regular file."""


class TooLargeError(OSError):
    """Raised for a file that is larger than allowed."""


def read_regular(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Read a file, up to the size that it has when it is opened.

    Devices are not even opened, because that alone can rewind a tape or start a watchdog. If something
    else replaces the file after this check, it is never waited for, and no more bytes are read than the
    file had; if its length differs, the check is repeated.

    Raises
    ------
    NotRegularError, TooLargeError
    OSError
        Any other error of the operating system.
    """
    size = _size(os.stat(path), most_bytes)
    descriptor = _opened(path)
    try:
        try:
            data = os.read(descriptor, size + 1)
        except OSError:
            _size(os.fstat(descriptor), most_bytes)  # a folder or a pipe by now
            raise
        # Usually one call reads everything; a file object would take longer than that.
        return data if len(data) == size else _read_on(descriptor, data, most_bytes)
    finally:
        os.close(descriptor)


def head_of(path: str | os.PathLike[str], count: int) -> bytes:
    """Return the first bytes of a regular file, as `read_regular` reads it.

    Raises
    ------
    NotRegularError
    OSError
        Any other error of the operating system.
    """
    descriptor = open_regular(path)
    try:
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)


def open_regular(path: str | os.PathLike[str]) -> int:
    """Return a descriptor of a regular file, opened for reading.

    Raises
    ------
    NotRegularError
    OSError
        Any other error of the operating system.
    """
    _require_regular(os.stat(path))
    descriptor = _opened(path)
    try:
        _require_regular(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_open_for_writing(path: str | os.PathLike[str]) -> bool:
    """Return whether a process of this machine has a regular file open for writing.

    Only Linux tells: it gives a read lease only for a file that nobody has open for writing. The lease
    is given back at once. A process that opens the file meanwhile waits for that, and this process gets
    a signal; SIGURG is chosen because it has no effect. Without leases (another system, a network file
    system, a file of another user), the answer is False.
    """
    if sys.platform != "linux":
        return False
    try:
        descriptor = open_regular(path)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError("no regular file")


def _size(status: os.stat_result, most_bytes: int) -> int:
    _require_regular(status)
    if status.st_size > most_bytes:
        raise TooLargeError(f"larger than {most_bytes} bytes")
    return status.st_size


def _opened(path: str | os.PathLike[str]) -> int:
    try:
        return os.open(path, _FLAGS)
    except PermissionError as error:
        if os.path.isdir(path):  # Windows opens no folder
            raise NotRegularError("not a regular file") from error
        raise


def _read_on(descriptor: int, data: bytes, most_bytes: int) -> bytes:
    """Read the rest of a file that arrives in pieces or was replaced."""
    size = _size(os.fstat(descriptor), most_bytes)
    pieces, left = [data[:size]], size - len(data)
    while left > 0 and (piece := os.read(descriptor, min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
