"""Exchange Python objects between two processes of digitsort."""

from __future__ import annotations

import os
import pickle
import socket
from contextlib import suppress
from io import RawIOBase
from typing import Any

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

    def __init__(self, reader: RawIOBase, writer: RawIOBase, line: socket.socket | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._line = line

    @classmethod
    def over(cls, line: socket.socket) -> Channel:
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
                self._line.shutdown(socket.SHUT_WR)
        self._writer.close()

    def cut(self) -> None:
        """Wake a thread that waits for an object; has no effect on pipes."""
        if self._line is not None:
            with suppress(OSError):  # the other one has ended
                self._line.shutdown(socket.SHUT_RDWR)

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
