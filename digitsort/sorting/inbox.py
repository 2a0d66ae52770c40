"""Find the files of an inbox that are complete, and wait for changes in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import NamedTuple

from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.files.places import is_part_of, mount_of
from digitsort.files.regular import is_open_for_writing
from digitsort.images.discover import Walk

POLL_S = 5.0
"""Seconds between two looks into an inbox whose changes the system does not report."""

RESCAN_S = 60.0
"""Seconds after which an inbox is looked at again without a reported change: reports can be lost."""

TICK_S = 0.25
"""Seconds between two looks at the clock while files wait to be complete."""

_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph lustre beegfs gpfs glusterfs vboxsf virtiofs drvfs".split()
)
"""Kinds of file systems that report only changes that are made on this machine."""


class Version(NamedTuple):
    """What changes when somebody writes or replaces a file."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


def version_of(path: str) -> Version | None:
    """Return the version of a file; None if it is gone. All files that can't be looked at have one."""
    try:
        found = os.stat(path)
    except OSError:
        return Version(0, 0, 0, 0) if os.path.lexists(path) else None
    return Version(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(slots=True)
class Inbox:
    """Folder into which somebody writes files.

    A file is complete if its version has not changed for some seconds while this process looked at it,
    by this process's clock: those of a file server and of this machine may differ. A file that was
    renamed or copied with its time is complete at once: its last write is that much older than its last
    change of name. A file that another process of this machine has open for writing is not complete.

    Attributes
    ----------
    folder : str
        Its real path.
    patterns : sequence of str
        As in `Walk`.
    any_name : bool
        As in `Walk`.
    dest : str or None
        Folder that is never entered, by whatever path: links and mounts may lead into it later.
    waiting : dict
        Files that are not complete: path to version, and the time when it was first seen.
    """

    folder: str
    settle_s: float
    patterns: Sequence[str] = ()
    any_name: bool = False
    dest: str | None = None
    waiting: dict[str, tuple[Version, float]] = field(default_factory=dict)
    _handled: dict[str, Version] = field(default_factory=dict)

    def look(self) -> tuple[list[tuple[str, Version]], Walk]:
        """Return the files that are complete and were not handled in this version, and the walk.

        Raises
        ------
        UsageError
            If the inbox is gone.
        """
        if not os.path.isdir(self.folder):
            raise UsageError(f"{printable(self.folder)} is not a folder any more. Restore it.")
        walk = Walk(
            [] if self._is_in_dest() else [self.folder],
            any_name=self.any_name,
            patterns=self.patterns,
            exclude=self.dest,
        )
        now = time.monotonic()
        complete: list[tuple[str, Version]] = []
        waiting: dict[str, tuple[Version, float]] = {}
        handled: dict[str, Version] = {}
        for path in walk.files():
            version = version_of(path)
            if version is None:
                continue
            if self._handled.get(path) == version:
                handled[path] = version
                continue
            before, since = self.waiting.get(path, (version, now))
            since = since if before == version else now
            if self._is_complete(path, version, now - since):
                complete.append((path, version))
            else:
                waiting[path] = version, since
        if not walk.unreadable:  # else a folder that can't be listed now would be forgotten
            self._handled = handled
        self.waiting = waiting
        return complete, walk

    def _is_in_dest(self) -> bool:
        """Return whether the inbox became a link to a folder in DEST."""
        real = os.path.realpath(self.folder)
        return self.dest is not None and is_part_of(real, self.dest)

    def _is_complete(self, path: str, version: Version, rest_s: float) -> bool:
        was_renamed = version.ctime_ns - version.mtime_ns > self.settle_s * 1e9
        is_at_rest = rest_s >= self.settle_s or (was_renamed and self.settle_s > 0)
        return is_at_rest and not is_open_for_writing(path)

    def handle(self, path: str, version: Version) -> None:
        """Do not return this version of a file again."""
        self._handled[path] = version


def needs_polling(folder: str) -> str:
    """Return why the system does not report the changes in a folder; empty if it does."""
    if find_spec("watchfiles") is None:
        return "watchfiles is not installed (pip install watchfiles)"
    mount = mount_of(folder)
    kind = mount.kind if mount else ""
    if kind in _NETWORK or kind.startswith("fuse"):
        return f"it is on a network file system ({kind})"
    return ""


Wait = Callable[[float], None]
"""Function that waits for a change, this many seconds at most."""


def waiting_for_changes(folder: str, poll_s: float | None) -> Wait:
    """Return a function that waits for a change below a folder, or polls.

    Raises
    ------
    OSError
        If the system can't watch this folder, for example because too many folders are watched.
    """
    if poll_s is not None:
        return _polling(poll_s)
    from watchfiles import watch

    # An iterator that ends a wait every TICK_S, with no changes; files may be complete by then.
    changes: Iterator[object] = watch(
        folder,
        watch_filter=None,
        debounce=200,
        rust_timeout=round(TICK_S * 1000),
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    next(changes)  # the folder is watched from here on

    def wait(seconds: float) -> None:
        end = time.monotonic() + min(seconds, RESCAN_S)
        while not next(changes, None) and time.monotonic() < end:
            pass

    return wait


def _polling(poll_s: float) -> Wait:
    def wait(seconds: float) -> None:
        time.sleep(min(seconds, poll_s))

    return wait
