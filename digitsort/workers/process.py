"""Start the child processes of digitsort, and talk to them. No other module starts processes.

Each child process

- imports nothing from the working folder, and neither do its own children;
- ignores Ctrl-C, SIGTERM and SIGHUP, which a terminal also sends to it: its parent ends it;
- notices from the end of its channel that its parent has ended, even by a crash;
- writes nothing to the terminal.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from socket import SHUT_RDWR, SHUT_WR, socket
from typing import Any, cast

import digitsort
from digitsort.errors import DigitsortError
from digitsort.files.interrupts import deaf_to_interrupts, interrupts_wait

_LENGTH_BYTES = 8


class Channel:
    """Connection that sends and receives pickled objects, each whole or not at all.

    Parameters
    ----------
    reader, writer : raw files
        Unbuffered files, so that nothing remains unwritten when the channel is closed.
    line : socket, optional
        Socket of the two files, closed with the channel.
    """

    def __init__(self, reader: RawIOBase, writer: RawIOBase, line: socket | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._line = line

    @classmethod
    def over(cls, line: socket) -> Channel:
        """Make a channel over a socket, which is closed with it."""
        return cls(line.makefile("rb", buffering=0), line.makefile("wb", buffering=0), line)

    def send(self, message: object) -> None:
        """Send an object.

        Raises
        ------
        OSError
            If the other process has ended.
        """
        data = pickle.dumps(message, protocol=5)
        self._write(len(data).to_bytes(_LENGTH_BYTES, "big"))
        self._write(data)

    def send_outcome(self, outcome: object) -> None:
        """Send a result, or an exception; one that can't be pickled is sent as its words.

        Raises
        ------
        OSError
            If the other process has ended.
        """
        try:
            self.send(outcome)
        except (TypeError, AttributeError, pickle.PicklingError):
            self.send(RuntimeError(f"{type(outcome).__name__}: {outcome}"))

    def receive(self) -> Any:
        """Wait for an object.

        Raises
        ------
        EOFError, OSError
            If the other process ends, or sends no more, before the object is whole.
        """
        return pickle.loads(self._read(int.from_bytes(self._read(_LENGTH_BYTES), "big")))

    def send_no_more(self) -> None:
        """Tell the other process that nothing more will be sent."""
        if self._line is not None:
            with suppress(OSError):  # the other one has ended
                self._line.shutdown(SHUT_WR)
        self._writer.close()

    def cut(self) -> None:
        """Wake a thread that waits for an object; has no effect on pipes."""
        if self._line is not None:
            with suppress(OSError):  # the other one has ended
                self._line.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Close the channel; no thread may be waiting for an object."""
        self.send_no_more()
        self._reader.close()
        if self._line is not None:
            self._line.close()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._writer.write(rest) or 0 :]

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            count = self._reader.readinto(rest)
            if not count:
                raise EOFError
            rest = rest[count:]
        return data


def to_parent() -> Channel:
    """Return the channel to the process that started this one: its stdin and stdout.

    After this call, reading from stdin and printing to stdout go to the null device.
    """
    reader, writer = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return Channel(os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0))


PATIENCE_S = 5.0
"""Seconds that a process has to end by itself after its channel ends."""

_running: set[Process] = set()


class Process:
    """Running child process; `channel` connects to it."""

    def __init__(
        self, popen: subprocess.Popen[bytes], channel: Channel | None, *, has_group: bool
    ) -> None:
        self._popen = popen
        self._has_group = has_group
        self.channel = channel or Channel(cast(RawIOBase, popen.stdout), cast(RawIOBase, popen.stdin))

    def is_running(self) -> bool:
        """Return whether the process is still running."""
        return self._popen.poll() is None

    def kill(self) -> None:
        """Kill the process if it is running, and its children if it has its own process group."""
        if self._has_group:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.kill()

    def end(self) -> None:
        """Close the channel and wait for the process to end; kill it after `PATIENCE_S`."""
        self.channel.send_no_more()
        try:
            self._popen.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._popen.wait()
        self.channel.close()
        _running.discard(self)


def start(
    module: str, line: tuple[socket, socket] | None = None, *, starts_others: bool = False
) -> Process:
    """Start a process that calls `main` of a module of digitsort.

    Parameters
    ----------
    line : pair of sockets, optional
        The sockets of this process and of the new one, which becomes its stdin. By default its stdin
        and stdout are pipes, which every system has.
    starts_others : bool
        Put it into its own process group, if the system has groups, so that `kill` ends its children.

    Raises
    ------
    DigitsortError
        If the system allows no more processes.
    """
    code = f"import sys; sys.path[:] = {import_path()!r}; from {module} import main; main()"
    has_group = starts_others and hasattr(os, "killpg")
    try:
        with (
            interrupts_wait(),
            deaf_to_interrupts(),
        ):  # until it is registered, nothing else could end it
            popen = subprocess.Popen(
                [sys.executable, *_flags(), "-c", code],
                env=_environment(),
                stdin=line[1].fileno() if line else subprocess.PIPE,
                stdout=subprocess.DEVNULL if line else subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                process_group=0 if has_group else None,
            )
            process = Process(popen, Channel.over(line[0]) if line else None, has_group=has_group)
            atexit.unregister(end_all)
            atexit.register(end_all)
            _running.add(process)
    except OSError as error:
        raise DigitsortError(
            f"Cannot start a worker process: {error.strerror}. --workers 0 runs without workers."
        ) from error
    return process


def end_all() -> None:
    """End every child process that is still running; called when this process exits."""
    for process in list(_running):
        process.channel.send_no_more()
    for process in list(_running):
        process.end()


def import_path() -> list[str]:
    """Return the import path of this process without the working folder.

    If digitsort itself was imported from the working folder, that folder comes last, so that its other
    modules are found only if they exist nowhere else.
    """
    with suppress(OSError):  # the working folder was removed
        here = os.path.realpath(os.getcwd())
        path = [entry for entry in sys.path if os.path.isabs(entry) and os.path.realpath(entry) != here]
        home = str(Path(digitsort.__file__).parent.parent)
        return path if home in path else [*path, home]
    return [entry for entry in sys.path if os.path.isabs(entry)]


def _flags() -> list[str]:
    """Return the interpreter options that a child inherits, and -P for a safe import path."""
    flags = ["-P"]
    flags += ["-E"] if sys.flags.ignore_environment else []
    flags += ["-s"] if sys.flags.no_user_site else []
    flags += ["-X", "utf8"] if sys.flags.utf8_mode else []
    return flags


def _environment() -> dict[str, str]:
    """Return the environment without variables that add the working folder to the import path."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
    return {**os.environ, "PYTHONPATH": named, "PYTHONSAFEPATH": "1"}
