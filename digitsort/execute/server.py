"""A process that workers are forked from: it has loaded what they need, once for all of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from digitsort.execute.channel import Channel
from digitsort.execute.process import Process, start

PRELOADED = (
    *("digitsort.classify", "digitsort.batch", "digitsort.execute.worker"),
    *("digitsort.model.reading", "threadpoolctl"),
)
"""What a worker needs; loading it takes as long as all else before the first file."""

_LENGTH_BYTES = 8


class Forked:
    """A worker that the server has forked; `channel` leads to it.

    Attributes
    ----------
    pid : int or None
        The worker says it in its first message.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.pid: int | None = None

    def kill(self) -> None:
        """End it at once; one that has not said its number yet ends by itself with its channel."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Close the channel to it, with which it ends."""
        self.channel.cut()
        self.channel.close()


class _Server:
    """The one server of this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process: Process | None = None
        self._line: socket.socket | None = None

    def started(self) -> socket.socket:
        with self._lock:
            if self._process is None or self._line is None or not self._process.is_running():
                if self._process is not None:
                    self._process.end()
                self._line, theirs = socket.socketpair()
                with theirs:
                    self._process = start("digitsort.execute.server", (self._line, theirs))
            return self._line

    def send(self, worker: socket.socket, folder: bytes) -> None:
        with self._lock:
            line = self.started()
            socket.send_fds(line, [len(folder).to_bytes(_LENGTH_BYTES, "big")], [worker.fileno()])
            line.sendall(folder)


_server = _Server()


def has_server() -> bool:
    """Return whether worker processes can come from a server on this system."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


def start_server() -> None:
    """Start it where it does not run yet."""
    _server.started()


def fork_worker(folder: Path) -> Forked:
    """Let the server fork a worker, whose temporary `folder` goes when this process dies."""
    ours, theirs = socket.socketpair()
    with theirs, suppress(OSError):  # a server that died: the channel has its end, as a dead worker's
        _server.send(theirs, os.fsencode(folder))
    return Forked(Channel.over(ours))


def main() -> None:
    """Load what workers need, fork workers as they are asked for, and end them with the parent."""
    line = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a thread would not be there after a fork
    for name in PRELOADED:
        import_module(name)
    workers: set[int] = set()
    folders: set[str] = set()
    with suppress(OSError):  # as good as its end
        _fork_as_asked(line, workers, folders)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)  # none of them has been waited for: the number is still its own
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _fork_as_asked(line: socket.socket, workers: set[int], folders: set[str]) -> None:
    """Fork workers until the parent ends; where the system allows no more, only that worker is dead."""
    while (worker := _next_worker(line, folders)) is not None:
        workers -= {pid for pid in workers if os.waitpid(pid, os.WNOHANG) != (0, 0)}
        with worker, suppress(OSError):  # its channel ends
            workers.add(_forked(line, worker))


def _next_worker(line: socket.socket, folders: set[str]) -> socket.socket | None:
    """Wait for the next worker's end of its channel; None at the end of the parent."""
    head, descriptors, _, _ = socket.recv_fds(line, _LENGTH_BYTES, 1)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    folders.add(os.fsdecode(line.recv(length, socket.MSG_WAITALL)))
    return socket.socket(fileno=descriptors[0])


def _forked(line: socket.socket, worker: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            line.close()
            from digitsort.execute.worker import serve

            serve(Channel.over(worker))
        finally:
            os._exit(1)
    return pid
