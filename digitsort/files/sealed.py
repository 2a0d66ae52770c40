"""Sign the files that digitsort writes for itself, so that files and changes of others are noticed."""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b, sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.errors import OutputError
from digitsort.files.atomic import Output, output_errors
from digitsort.files.disk import DISK, write_all
from digitsort.files.names import printable
from digitsort.files.own_folder import OwnFolder
from digitsort.files.places import open_places

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


STATE_VARIABLE = "DIGITSORT_STATE"

KEY_NAME = "key"

KEY_BYTES = 32

SEAL_BYTES = 16

_LOOKS = 100
"""Attempts to read an empty key file, 10 ms apart: another process may be about to write it."""

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def seal(purpose: bytes, data: bytes) -> str:
    """Return the keyed hash of the data, in hex; only this user's key can produce it.

    Parameters
    ----------
    purpose : bytes
        At most 16 bytes. A seal for one purpose is invalid for another.

    Raises
    ------
    OutputError
        If the key can be neither read nor created.
    """
    key = _key(str(state_folder()))
    return blake2b(data, key=key, person=purpose, digest_size=SEAL_BYTES).hexdigest()


def state_folder() -> Path:
    """Return the folder named by DIGITSORT_STATE, or else the user's state folder on this system.

    Raises
    ------
    OutputError
        If it is relative: the working folder may contain a stranger's key.
    """
    named = os.environ.get(STATE_VARIABLE)
    if named:
        folder = Path(named)
    else:
        from platformdirs import user_state_path

        try:
            folder = user_state_path("digitsort", appauthor=False)
        except RuntimeError as error:  # in a container: no HOME, and a user without an entry
            raise OutputError(
                f"The folder of digitsort's key is not known: {error}. Set {STATE_VARIABLE} to an "
                "absolute path, in a container to a folder on a volume."
            ) from error
    if not folder.is_absolute():
        raise OutputError(
            f"The folder of digitsort's key, {printable(str(folder))}, is a relative path, so a "
            f"stranger's file could replace the key. Set {STATE_VARIABLE} to an absolute path."
        )
    return folder


@lru_cache(maxsize=8)
def _key(folder: str) -> bytes:
    path = Path(folder, KEY_NAME)
    try:
        if not os.path.lexists(path):
            _make_key(path)
        return _read_key(path)
    except OSError as error:
        raise OutputError(
            f"Cannot read or create {printable(str(path))}, the key of digitsort's journals: "
            f"{error.strerror}. Set {STATE_VARIABLE} to a folder of your own."
        ) from error


def _make_key(path: Path) -> None:
    """Create the key file atomically; if two processes do it at once, the first key stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{KEY_NAME}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            _publish(temporary, path)
        _sync_name(path)  # another process's key too: it may not be synced yet
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    """Give the key file its name; raise FileExistsError if another process has made a key first."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here
        _publish_without_link(temporary, path)


def _publish_without_link(temporary: Path, path: Path) -> None:
    folder = os.path.realpath(path.parent)
    try:
        with open_places(DISK) as places:
            old, new = (places.at(os.path.join(folder, each.name)) for each in (temporary, path))
            DISK.rename_new(old, new)
    except FileExistsError:
        raise
    except OSError:  # no exclusive rename either; O_EXCL works on every file system
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(temporary.read_bytes())
            os.fsync(file.fileno())


def _sync_name(path: Path) -> None:
    """Flush the name of the key to disk: without the key, no journal is trusted after a power cut."""
    with open_places(DISK) as places:
        places.sync([os.path.realpath(path)])


def _read_key(path: Path) -> bytes:
    for _ in range(_LOOKS):
        key, status = _opened_key(path)
        if key or not stat.S_ISREG(status.st_mode):
            break
        time.sleep(0.01)
    is_shared = os.name == "posix" and (status.st_uid != os.geteuid() or status.st_mode & 0o077)
    if len(key) != KEY_BYTES or is_shared:
        raise OutputError(
            f"{printable(str(path))} is not a valid key that only you can read. Remove it "
            f"(digitsort creates a new one), or set {STATE_VARIABLE} to a folder of your own."
        )
    return key


def _opened_key(path: Path) -> tuple[bytes, os.stat_result]:
    descriptor = os.open(path, _READ | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        key = os.read(descriptor, KEY_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(descriptor)
    return key, status


PURPOSE = b"rows of a run"

MOST_SEALS_BYTES = 2**28
"""Largest file of seals, in bytes: with 50 bytes per 8 KiB written, enough for 40 GiB of rows."""

_CHUNK_BYTES = 2**20


class SealedFile(Output):
    """File with a second file of seals: each write adds a signature of the whole content so far.

    Parameters
    ----------
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
        super().__init__(folder.open(names[0], os.O_RDWR | os.O_CREAT), path, folder.disk)

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
            self._disk.truncate(self.fileno(), length)
            self.seek(0)
        self._hash, self._length = blake2b(), 0
        self._take_in(length)
        self._folder.write(self._seals_name, self._line())
        self._close_seals()
        self._seals = self._folder.open(self._seals_name, os.O_WRONLY | os.O_APPEND)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the data and add a seal."""
        written = super().write(data)
        self._hash.update(memoryview(data)[:written])
        self._length += written
        with output_errors(self._path):
            write_all(self._disk, self._seals, self._line())
        return written

    def close(self) -> None:
        """Close both files."""
        self._close_seals()
        super().close()

    def _close_seals(self) -> None:
        if self._seals >= 0:
            seals, self._seals = self._seals, -1
            self._disk.close(seals)

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
