"""Define the tasks of a delivery, their results, and the reasons why a file stays where it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from digitsort.files.disk import Place
from digitsort.files.names import parent_of, printable
from digitsort.files.places import Places

_BAD_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
"""What a file system answers to a name that it can't have: a matter of one file, not of the disk."""


class NotDeliveredError(Exception):
    """A file that stays where it is; the message says why."""


class FileStatus(NamedTuple):
    """Identity and version of a file.

    Attributes
    ----------
    device, inode : int
    mode : int
        With the file's type, as `os.stat` has it.
    size : int
        Bytes.
    mtime_ns, ctime_ns : int
    links : int
        Names that the file has.
    """

    device: int
    inode: int
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    links: int = 1


@dataclass(slots=True)
class Task:
    """One file on its way.

    Attributes
    ----------
    number : int
    source, target : str
    sha256 : str
        Of the content that is meant; empty where any will do.
    token : str
        Of the run, in the names of its temporary files.
    seen : FileStatus or None
        Of the source, once somebody looked.
    """

    number: int
    source: str
    target: str
    sha256: str
    token: str
    seen: FileStatus | None = None

    @property
    def temporary(self) -> str:
        """A name beside the target that is this task's own."""
        return temporary_name(self.token, self.target, self.number)


@dataclass(slots=True)
class Results:
    """Results of tasks, by their number; missing ones were not begun, or left nothing.

    Attributes
    ----------
    done : dict
        Bytes of each file.
    failed : dict
        Reason of each.
    error : OSError or None
        What the target's file system said that ends the run.
    """

    done: dict[int, int] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    error: OSError | None = None


def temporary_name(token: str, target: str, number: int) -> str:
    """Name of the temporary file of an entry of a run, beside its target."""
    return os.path.join(parent_of(target), f".digitsort-{token}-{number}.tmp")


@contextmanager
def source_errors() -> Iterator[None]:
    """Turn what the system says of a source into the reason of one file."""
    try:
        yield
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error


def source_place(places: Places, source: str) -> Place:
    """Return the place of a source; faster than `places.at` within `source_errors`.

    Raises
    ------
    NotDeliveredError
        If its folder is gone, or became a link.
    """
    try:
        return places.at(source)
    except OSError as error:
        raise NotDeliveredError(error.strerror or str(error)) from error


def target_place(places: Places, target: str) -> Place:
    """Return the place of a target.

    Raises
    ------
    NotDeliveredError
        If its folder is gone, or became a link.
    """
    try:
        return places.at(target)
    except OSError as error:
        raise NotDeliveredError(f"{printable(target)}: {error.strerror}") from error


@contextmanager
def target_errors(target: str) -> Iterator[None]:
    """Turn what concerns one target only into the reason of one file; a full disk stays what it is."""
    try:
        yield
    except OSError as error:
        reason = reason_of(error, target)
        if reason:
            raise NotDeliveredError(reason) from error
        raise


def reason_of(error: OSError, target: str) -> str:
    """Return why one file can't have its target; empty if the error is not about this file alone."""
    if isinstance(error, FileExistsError):
        return f"{printable(target)} appeared during the run"
    return f"{printable(target)}: {error.strerror}" if error.errno in _BAD_NAME else ""
