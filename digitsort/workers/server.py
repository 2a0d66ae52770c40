"""Fork workers from a server process that has already loaded all their modules."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from digitsort.workers.process import Channel, Process, start

PRELOADED = (
    *(
        "digitsort.classification.classify",
        "digitsort.classification.batch",
        "digitsort.workers.worker",
    ),
    *("digitsort.model.reading", "threadpoolctl"),
)
"""Modules that workers need. Loading them takes half of the time until the first file is read."""

_LENGTH_BYTES = 8


class Forked:
    """Worker that the server forked; `channel` connects to it.

    Attributes
    ----------
    pid : int or None
        Process id, known after the first message of the worker.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.pid: int | None = None

    def kill(self) -> None:
        """Kill the worker; if its pid is not known yet, the end of its channel ends it."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Close the channel, which ends the worker."""
        self.channel.cut()
        self.channel.close()


class _Server:
    """The only fork server of this process, started when first needed."""

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
                    self._process = start("digitsort.workers.server", (self._line, theirs))
            return self._line

    def send(self, worker: socket.socket, folder: bytes) -> None:
        with self._lock:
            line = self.started()
            socket.send_fds(line, [len(folder).to_bytes(_LENGTH_BYTES, "big")], [worker.fileno()])
            line.sendall(folder)


_server = _Server()


def has_server() -> bool:
    """Return whether this system can fork workers from a server."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


def start_server() -> None:
    """Start the server if it is not running."""
    _server.started()


def fork_worker(folder: Path) -> Forked:
    """Let the server fork a worker; the server removes `folder` when this process dies."""
    ours, theirs = socket.socketpair()
    with theirs, suppress(OSError):  # if the server died, the channel ends like that of a dead worker
        _server.send(theirs, os.fsencode(folder))
    return Forked(Channel.over(ours))


def main() -> None:
    """Load the modules of workers, fork workers on request, and kill them when the parent ends."""
    line = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads do not survive a fork
    for name in PRELOADED:
        import_module(name)
    workers: set[int] = set()
    folders: set[str] = set()
    with suppress(OSError):  # as good as its end
        _fork_as_asked(line, workers, folders)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)  # not waited for yet, so no other process can have the pid
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
    """Wait for the channel of the next worker; return None when the parent has ended."""
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
            from digitsort.workers.worker import serve

            serve(Channel.over(worker))
        finally:
            os._exit(1)
    return pid
