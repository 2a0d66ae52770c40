"""Write a file with a signature after each write, so that changes by others are noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b, sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.files.atomic import Output, output_errors
from digitsort.files.own_folder import OwnFolder
from digitsort.files.secret import seal

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PURPOSE = b"rows of a run"

MOST_SEALS_BYTES = 2**28
"""Largest file of seals, in bytes: with 50 bytes per 8 KiB written, enough for 40 GiB of rows."""

_CHUNK_BYTES = 2**20


class SealedFile(Output):
    """File with a second file of seals: each write adds a signature of the whole content so far.

    Parameters
    ----------
    folder : OwnFolder
    names : (str, str)
        Names of the file and of the file of seals.
    context : bytes
        Bytes that are signed too, so that content is valid only for the run that it belongs to.
    path : Path
        Path for error messages.
    """

    def __init__(self, folder: OwnFolder, names: tuple[str, str], context: bytes, path: Path) -> None:
        self._folder = folder
        self._seals_name = names[1]
        self._context = sha256(context).digest()
        self._hash = blake2b()
        self._length = 0
        self._seals = -1
        super().__init__(folder.open(names[0], os.O_RDWR | os.O_CREAT), path)

    def keep_sealed(self) -> int:
        """Cut off content without a valid seal; return the number of remaining bytes."""
        sealed = 0
        size = self.seek(0, os.SEEK_END)
        self.seek(0)
        for length, found in _seals(self._folder.read(self._seals_name, MOST_SEALS_BYTES)):
            if not self._length <= length <= size:
                break
            self._take_in(length)
            if not compare_digest(found, self._seal()):
                break
            sealed = length
        self.cut(sealed)
        return sealed

    def cut(self, length: int) -> None:
        """Truncate the file, go to its end, and seal the rest."""
        with output_errors(self._path):
            self.truncate(length)
            self.seek(0)
        self._hash, self._length = blake2b(), 0
        self._take_in(length)
        self._folder.write(self._seals_name, self._line())
        if self._seals >= 0:
            os.close(self._seals)
        self._seals = self._folder.open(self._seals_name, os.O_WRONLY | os.O_APPEND)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the data and add a seal."""
        written = super().write(data)
        self._hash.update(memoryview(data)[:written])
        self._length += written
        with output_errors(self._path):
            os.write(self._seals, self._line())
        return written

    def close(self) -> None:
        """Close both files."""
        if self._seals >= 0:
            os.close(self._seals)
            self._seals = -1
        super().close()

    def _take_in(self, length: int) -> None:
        while self._length < length:
            chunk = self.read(min(length - self._length, _CHUNK_BYTES))
            if not chunk:
                return
            self._hash.update(chunk)
            self._length += len(chunk)

    def _seal(self) -> str:
        return _seal_of(self._context, self._length, self._hash.digest())

    def _line(self) -> bytes:
        return f"{self._length} {self._seal()}\n".encode()


def _seal_of(context: bytes, length: int, digest: bytes) -> str:
    return seal(PURPOSE, context + length.to_bytes(8) + digest)


def _seals(content: bytes) -> Iterator[tuple[int, str]]:
    for line in content.split(b"\n")[:-1]:
        length, _, found = line.partition(b" ")
        if not (length.isdigit() and len(length) < 16 and found.isascii()):
            return
        yield int(length), found.decode()
