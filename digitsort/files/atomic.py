"""Publish files whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from digitsort.errors import OutputError
from digitsort.files.names import printable

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""What `os.link` answers on file systems without hard links (FAT, some network shares)."""


@contextmanager
def replacing(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Write a file beside `path` and publish it there when the block ends without an error.

    Parameters
    ----------
    path : Path
        The final name; its folder is made if need be.
    force : bool
        Replace an existing file. Otherwise an existing one, also one that appears meanwhile, is kept
        and OutputError raised.
    """
    refuse_existing(path, force=force)
    with _output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".digitsort-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            with _output_errors(path):
                file.flush()
                os.fsync(descriptor)
        with _output_errors(path):
            temporary.chmod(0o666 & ~_umask())
            if force:
                temporary.replace(path)
            else:
                publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise OutputError if `path` exists and may not be replaced, or is a folder."""
    if path.is_dir():
        raise OutputError(f"{printable(str(path))} is a folder: name a file.")
    if not force and os.path.lexists(path):
        raise OutputError(
            f"{printable(str(path))} exists already and may hold somebody's work. "
            "Name another file, or replace it with --force."
        )


def publish(temporary: Path, path: Path) -> None:
    """Give a finished file its final name in the same folder, never replacing another.

    Raises
    ------
    FileExistsError
        If `path` exists.
    """
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with path.open("xb") as target, temporary.open("rb") as source:
            shutil.copyfileobj(source, target)
        shutil.copystat(temporary, path)
    temporary.unlink()


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says into a message with a remedy."""
    try:
        yield
    except FileExistsError as error:
        raise OutputError(
            f"{printable(str(path))} exists already. Name another file, or use --force."
        ) from error
    except OSError as error:
        raise OutputError(
            f"{printable(str(path))} can't be written: {error.strerror}. "
            "Name a place where you may write and that has room."
        ) from error


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
