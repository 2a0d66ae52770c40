"""Sign the files that digitsort writes for itself, so that files of others are not trusted."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.disk import DISK
from digitsort.files.names import printable
from digitsort.files.places import open_places

STATE_VARIABLE = "DIGITSORT_STATE"

KEY_NAME = "key"

KEY_BYTES = 32

SEAL_BYTES = 16

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def seal(purpose: bytes, data: bytes) -> str:
    """Return the keyed hash of the data, in hex; only this user's key can produce it.

    Parameters
    ----------
    purpose : bytes
        At most 16 bytes. A seal for one purpose is invalid for another.
    data : bytes

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

        folder = user_state_path("digitsort", appauthor=False)
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
            _sync_name(path)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here: the last one of two processes wins
        temporary.replace(path)


def _sync_name(path: Path) -> None:
    """Flush the name of the key to disk: without the key, no journal is trusted after a power cut."""
    with open_places(DISK) as places:
        places.sync([os.path.realpath(path)])


def _read_key(path: Path) -> bytes:
    descriptor = os.open(path, _READ | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        key = os.read(descriptor, KEY_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(descriptor)
    is_shared = os.name == "posix" and (status.st_uid != os.geteuid() or status.st_mode & 0o077)
    if len(key) != KEY_BYTES or is_shared:
        raise OutputError(
            f"{printable(str(path))} is not a valid key that only you can read. Remove it "
            f"(digitsort creates a new one), or set {STATE_VARIABLE} to a folder of your own."
        )
    return key
