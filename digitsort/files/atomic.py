"""Publish files atomically: complete or not at all."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, Disk
from digitsort.files.interrupts import temporary
from digitsort.files.names import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NO_LINKS = {
    errno.EPERM,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EXDEV,
}
"""Errors of `os.link` on file systems without hard links (FAT, some network shares)."""


@contextmanager
def replacing(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Write a temporary file next to `path`, and give it that name if the block ends without an error.

    Parameters
    ----------
    path : Path
        The final name; its folder is created if it does not exist.
    force : bool
        Replace an existing file. Otherwise an existing file, even one that appears during the block,
        is kept and OutputError is raised.
    """
    refuse_existing(path, force=force)
    descriptor = -1

    def make() -> Path:
        nonlocal descriptor
        with output_errors(path):
            make_folder(path.parent)
            descriptor, name = tempfile.mkstemp(prefix=".digitsort-", suffix=".tmp", dir=path.parent)
        return Path(name)

    with temporary(make) as new:
        with io.BufferedWriter(Output(descriptor, path)) as file:
            yield file
            file.flush()
            with output_errors(path):
                os.fsync(descriptor)
        with output_errors(path):
            publish_as(new, path, force=force)


class Output(io.FileIO):
    """File whose write errors become OutputErrors; other errors in the block pass through."""

    def __init__(self, descriptor: int, path: Path, disk: Disk = DISK) -> None:
        super().__init__(descriptor, "r+b")
        self._path = path
        self._disk = disk

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the data; raise OutputError if that fails."""
        with output_errors(self._path):
            return self._disk.write(self.fileno(), memoryview(data))


def refuse_existing(
    path: Path,
    *,
    force: bool,
    inputs: Iterable[str | os.PathLike[str] | None] = (),
    offers_force: bool = True,
) -> None:
    """Raise OutputError if `path` exists and may not be replaced, or is not a regular file.

    Links are refused even with `force`: in a stranger's folder a link may point to any file. `inputs`,
    the files that the command reads, are refused too: they are not results of an earlier run.
    """
    if os.path.isdir(path):
        raise OutputError(f"{printable(str(path))} is a folder. Choose a file name.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OutputError(
            f"{printable(str(path))} is a device or pipe, not a file. Choose a file, or write to "
            "stdout with -o -."
        )
    if os.path.islink(path):
        raise OutputError(
            f"{printable(str(path))} is a link to {printable(os.readlink(path))}. Choose that file, or "
            "remove the link."
        )
    if not force and os.path.lexists(path):
        raise OutputError(
            f"{printable(str(path))} already exists and may contain someone's work. "
            f"Choose another file{', or replace it with --force' if offers_force else ''}."
        )
    if os.path.lexists(path) and any(_is_file(path, each) for each in inputs if each is not None):
        raise OutputError(
            f"{printable(str(path))} is an input file of this command, so it is not replaced. Choose "
            "another output file."
        )


def _is_file(path: Path, other: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def publish_as(temporary: Path, path: Path, *, force: bool) -> None:
    """Give a finished file its final name, with the permissions of the file that it replaces, if any.

    A table that only its owner could read must not be readable for others after an update.
    """
    temporary.chmod(_mode_of(path) if force else 0o666 & ~_umask())
    if force:
        temporary.replace(path)
    else:
        publish_new(temporary, path)


def _mode_of(path: Path) -> int:
    try:
        return stat.S_IMODE(path.lstat().st_mode) & 0o777
    except FileNotFoundError:
        return 0o666 & ~_umask()


def publish_new(temporary: Path, path: Path) -> None:
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
        _copy_new(temporary, path)
    temporary.unlink()


def _copy_new(source: Path, path: Path) -> None:
    """Copy to a name that does not exist yet; remove the copy if it fails halfway."""
    with path.open("xb") as target:
        try:
            with source.open("rb") as content:
                shutil.copyfileobj(content, target)
            target.flush()
            shutil.copystat(source, path)
        except BaseException:
            path.unlink()
            raise


def make_folder(folder: Path) -> None:
    """Create a folder and its parents; do nothing if it exists."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # "exists already" would be said of the file that was asked for
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn operating system errors into OutputErrors with a remedy."""
    try:
        yield
    except FileExistsError as error:
        raise OutputError(
            f"{printable(str(path))} already exists. Choose another file, or use --force."
        ) from error
    except OSError as error:
        raise OutputError(
            f"{printable(str(path))} can't be written: {error.strerror}. "
            "Choose a folder where you can write and that has free space."
        ) from error


def _umask() -> int:
    """Return the umask of the process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
