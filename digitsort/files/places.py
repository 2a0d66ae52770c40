"""Find places by their paths, never through a link, and tell whether two are the same."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from digitsort.files.disk import HAS_OPEN_FOLDERS, SYNCS_FILE_SYSTEMS, Disk, Place
from digitsort.files.names import fold, printable, split_path

MOST_OPEN = 64
"""Folders kept open at once: many systems let a process open 256 files."""

FEW_OPEN = MOST_OPEN // 2
"""Up to this number of open folders, the order of their use is not recorded, because none is about to
be closed. A place stays usable until `MOST_OPEN - FEW_OPEN` other ones, less two, were asked for."""

MOST_PASSED = 64
"""Folders kept open because walks came through them. Deep trees are also emptied from below: without
these each folder would be walked to from the root."""

_WALKS = HAS_OPEN_FOLDERS and hasattr(os, "O_PATH")
"""True if paths are opened folder by folder. This needs O_PATH: without it, a folder that can be
entered but not listed can't be opened."""

Identity = tuple[int, int]
"""Device and inode of a folder."""


class Places:
    """Open folders, each found from the root down without following a link.

    Paths must be absolute, with the links in their folders resolved. A link in one was then created
    later, so it is refused.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[str, int | None] = {}
        self._passed: dict[str, int] = {}
        self._identities: dict[int | str, Identity] = {}

    def at(self, path: str) -> Place:
        """Return the place of a path.

        Raises
        ------
        OSError
            If its folder does not exist or can't be entered, or if a link is in the way.
        """
        folder, name = split_path(path)
        if len(self._open) > FEW_OPEN or folder not in self._open:
            self._folder(folder)
        return tuple.__new__(Place, (self._open[folder], name, path))  # there may be millions

    def identity(self, place: Place) -> Identity:
        """Return the device and inode of a place's folder."""
        folder = os.path.dirname(place.path) if place.folder is None else place.folder
        if folder not in self._identities:
            found = os.stat(folder) if isinstance(folder, str) else self._disk.fstat(folder)
            self._identities[folder] = found.st_dev, found.st_ino
        return self._identities[folder]

    def is_same(self, one: Place, other: Place) -> bool:
        """Return whether two places are the same, compared by their folders, not by their paths.

        Names that some file system treats as the same count as the same.
        """
        return fold(one.name) == fold(other.name) and self.identity(one) == self.identity(other)

    def sync(self, paths: Iterable[str]) -> None:
        """Flush the file systems of these paths to disk.

        If a folder no longer exists, flush all file systems.
        """
        if not SYNCS_FILE_SYSTEMS:
            return
        synced = set()
        for folder in sorted({os.path.dirname(path) for path in paths}):
            try:
                place = self.at(os.path.join(folder, "x"))
            except OSError:
                place = Place(None, folder, folder)
            device = None if place.folder is None else self.identity(place)[0]
            if device not in synced:
                synced.add(device)
                self._disk.sync_file_system(place)

    def close(self) -> None:
        """Close all folders; later requests open them again."""
        while self._open:
            self._close_oldest()
        self._close_passed(0)
        self._identities.clear()

    def _folder(self, path: str) -> None:
        """Have a folder open, the last one that is closed."""
        if path in self._open:
            self._open[path] = self._open.pop(path)
        elif _WALKS:
            self._walk(path)
        else:
            self._keep(path, self._opened_at_once(path))

    def _walk(self, path: str) -> None:
        """Open a folder and its parents; keep only the folder and its parent open."""
        missing = []
        while path not in self._open and path not in self._passed:
            above = os.path.dirname(path)
            if above == path:  # "/", and "//" too, which normpath leaves as it is
                break
            missing.append(path)
            path = above
        if path in self._passed:
            self._keep(path, self._passed.pop(path))
        elif path not in self._open:
            self._keep(path, self._disk.open_folder(path))
        parent = self._open[path]
        passed: dict[str, int] = {}
        try:
            for below in reversed(missing):
                opened = self._opened_in(parent, below)
                if len(below) < len(missing[0]) and below != missing[1]:
                    passed[below] = opened
                    if len(passed) > MOST_PASSED // 2:  # two trees are emptied in turns
                        self._disk.close(passed.pop(next(iter(passed))))
                else:
                    self._keep(below, opened)
                parent = opened
        finally:
            self._passed |= passed
            self._close_passed(MOST_PASSED)

    def _close_passed(self, most: int) -> None:
        while len(self._passed) > most:
            self._disk.close(self._passed.pop(next(iter(self._passed))))

    def _opened_in(self, parent: int | None, path: str) -> int:
        name = os.path.basename(path)
        try:
            return self._disk.open_folder(name, parent)
        except OSError as error:
            raise _in_the_way(error, name, parent, path) from error

    def _opened_at_once(self, path: str) -> int | None:
        if os.path.realpath(path) != path:
            raise _linked(path)
        return self._disk.open_folder(path) if HAS_OPEN_FOLDERS else None

    def _keep(self, path: str, descriptor: int | None) -> None:
        self._open[path] = descriptor
        if len(self._open) > MOST_OPEN:
            self._close_oldest()

    def _close_oldest(self) -> None:
        path = next(iter(self._open))
        descriptor = self._open.pop(path)
        self._identities.pop(path if descriptor is None else descriptor, None)
        if descriptor is not None:
            self._disk.close(descriptor)


@contextmanager
def open_places(disk: Disk) -> Iterator[Places]:
    """Yield places whose folders are closed at the end of the block."""
    places = Places(disk)
    try:
        yield places
    finally:
        places.close()


def _in_the_way(error: OSError, name: str, parent: int | None, path: str) -> OSError:
    """Return the error for a link in the way, or the original error."""
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        try:
            os.readlink(name, dir_fd=parent)
        except OSError:
            error.filename = path
            return error
        return _linked(path)
    error.filename = path
    return error


def _linked(path: str) -> OSError:
    return NotADirectoryError(errno.ENOTDIR, f"{printable(path)} has become a link", path)


class Mount(NamedTuple):
    """A place where a file system, or a part of it, is seen.

    Attributes
    ----------
    device : str
        Major and minor number.
    root : str
        Folder of the file system that is seen here.
    point : str
        Folder where it is seen.
    kind : str
        Such as ``ext4``.
    """

    device: str
    root: str
    point: str
    kind: str

    def within(self, path: str) -> str:
        """Return a path that leads through this place as a path in the file system."""
        return os.path.join(self.root, path[len(self.point) :].lstrip(os.sep)).rstrip(os.sep)


MOUNTS = Path("/proc/self/mountinfo")
"""List of the system, as Linux has it."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def mounts(table: Path = MOUNTS) -> list[Mount]:
    """Return all mounts, a later one above an earlier one at the same place; none on other systems."""
    found: list[Mount] = []
    with suppress(OSError):
        for line in table.read_text(errors="surrogateescape").splitlines():
            place, _, source = line.partition(" - ")
            _, _, device, root, point, *_ = place.split(" ")
            found.append(Mount(device, _plain(root), _plain(point), source.split(" ")[0]))
    return found


def _plain(escaped: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), escaped)


def mount_of(path: str, table: Path = MOUNTS) -> Mount | None:
    """Return the mount that a path without links leads through last; None if the system names none."""
    return _last_through(mounts(table), path)


def _last_through(there: Sequence[Mount], path: str) -> Mount | None:
    showing = [mount for mount in there if is_in(path, mount.point)]
    longest = max((len(mount.point) for mount in showing), default=0)
    return next((mount for mount in reversed(showing) if len(mount.point) == longest), None)


def parts_elsewhere(folder: str, table: Path = MOUNTS) -> list[str]:
    """Return the mount points where a part of a folder is seen too, or something else inside it.

    A bind mount may show a folder of DEST among the scans, or a folder of scans in DEST.

    Parameters
    ----------
    folder : str
        Path without links.
    """
    there = mounts(table)
    if not there:
        return []
    own = _last_through(there, folder)
    device = _device_of(folder) if own is None else own.device
    return [
        mount.point
        for mount in there
        if (mount.device == device and _shows(mount, folder, own))
        or (mount.point != folder and is_in(mount.point, folder))
    ]


def _shows(mount: Mount, folder: str, own: Mount | None) -> bool:
    """Return whether a mount of the same device shows a folder, or a part of it.

    `own` is the mount that the folder is on. In a changed root (`chroot`), the list may not name it.
    Then the start of the folder's path in the file system is unknown.
    """
    if own is not None:
        return is_in(mount.root, own.within(folder))
    return os.path.join(folder, "") in os.path.join(mount.root, "")


def _device_of(folder: str) -> str:
    """Return the device of a folder as the list of mounts writes it; empty if there is none."""
    with suppress(OSError):
        device = os.stat(folder).st_dev
        return f"{os.major(device)}:{os.minor(device)}"
    return ""


def is_part_of(path: str, folder: str) -> bool:
    """Return whether a path leads into a folder, perhaps by a mount; both are without links."""
    return any(is_in(path, part) for part in [folder, *parts_elsewhere(folder)])


def is_in(path: str, folder: str) -> bool:
    """Return whether a path is a folder or leads below it; both are without links."""
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


MOST_KNOWN = 10_000
"""Number of folders to cache: more than the depth of any path, but little memory."""


class RealPaths:
    """Cache for the results of `os.path.realpath`, which looks up every parent of each file again.

    Without a cache the time is cubic in the depth of a tree: 97 s for 1,200 nested folders. Cached
    results may be outdated, so open the paths without following links (`files.places`).
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def folder(self, path: str) -> str:
        """Return the real path of a folder; the path must be absolute."""
        if os.name == "nt":
            return os.path.realpath(path)  # junctions and drives
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        missing = []
        while path not in self._known and path != os.path.dirname(path):
            missing.append(path)
            path = os.path.dirname(path)
        real = self._known.get(path, path)
        for each in reversed(missing):
            real = self._known[each] = _below(real, os.path.basename(each))
        return real

    def file(self, path: str) -> str:
        """Return the real path of a file; the path must be absolute."""
        folder, name = split_path(path)
        return _below(self.folder(folder), name)


def _below(folder: str, name: str) -> str:
    """Return the real path of a name in a folder whose path is already real."""
    path = os.path.join(folder, name)
    is_plain = name not in ("", os.curdir, os.pardir) and not os.path.islink(path)
    return path if is_plain else os.path.realpath(path)
