"""Record what a run changes and what it syncs; build the trees that a power cut may leave of it.

A `Volume` is what the operating system sees. A cut goes back to the state at the beginning and does
again what may have reached the disk: which names, and which data, depends on the file system (`Order`).
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from digitsort.files.disk import Disk, Place

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


TOPS = 2
"""The first so many files are the folders of the scans and of DEST themselves."""


class Order(StrEnum):
    """What a power cut does to changes of names that nobody synced.

    ORDERED (ext4, xfs): the last ones are lost; a sync of any file keeps all that came before it.
    TREE_LOG (btrfs): the last ones are lost, but a file that was synced keeps the name that it had.
    ANY: any of them are lost, as long as the rest makes sense; a synced file may have no name yet.
    """

    ORDERED = "ordered"
    TREE_LOG = "tree log"
    ANY = "any"


class Data(StrEnum):
    """What a power cut does to data that nobody synced."""

    WHOLE = "whole"
    LOST = "lost"
    ZEROS = "zeros"
    TORN = "torn"


class Add(NamedTuple):
    """A name is given: to a new file or folder, or as a hard link."""

    folder: int
    name: str
    inode: int


class Remove(NamedTuple):
    """A name goes."""

    folder: int
    name: str
    inode: int


class Rename(NamedTuple):
    """A name goes and another one comes, in place of what had it; or only if nothing had it."""

    folder: int
    name: str
    to_folder: int
    to_name: str
    inode: int
    is_new: bool = False


class Attributes(NamedTuple):
    """A mode or a time (in nanoseconds) is set."""

    inode: int
    mode: int | None
    modified: int | None


class Write(NamedTuple):
    """Data is written."""

    inode: int
    offset: int
    data: bytes


class Resize(NamedTuple):
    """A file is cut off."""

    inode: int
    size: int


class Sync(NamedTuple):
    """A file is durable, or (None) all of a file system."""

    inode: int | None


Change = Add | Remove | Rename | Attributes | Write | Resize | Sync


class Shown(NamedTuple):
    """What a path is in a listing.

    Attributes
    ----------
    kind : str
        "folder", "file" or "link".
    inode : int
        Equal for hard links.
    data : bytes
        Of a link, where it leads.
    mode, modified : int
    """

    kind: str
    inode: int = 0
    data: bytes = b""
    mode: int = 0
    modified: int = 0


Listing = tuple[tuple[str, Shown], ...]
"""Path to what it is, of a whole tree, parents first."""


@dataclass(slots=True)
class Names:
    """The names and attributes of all files at a moment."""

    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    attributes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def copy(self) -> Names:
        return Names({i: dict(names) for i, names in self.folders.items()}, dict(self.attributes))

    def do(self, change: Change) -> bool:
        """Whether a change could be made: what it needs is there, and its name is free."""
        if isinstance(change, Add):
            return self._add(change.folder, change.name, change.inode)
        if isinstance(change, Remove):
            if self._at(change.folder, change.name) != change.inode or self.folders.get(change.inode):
                return False
            del self.folders[change.folder][change.name]
        elif isinstance(change, Rename):
            if self._at(change.folder, change.name) != change.inode:
                return False
            if not self._has_name(change.to_folder):
                return False
            if change.is_new and change.to_name in self.folders[change.to_folder]:
                return False
            del self.folders[change.folder][change.name]
            self.folders[change.to_folder][change.to_name] = change.inode
        elif isinstance(change, Attributes):
            mode, modified = self.attributes[change.inode]
            self.attributes[change.inode] = (
                mode if change.mode is None else change.mode,
                modified if change.modified is None else change.modified,
            )
        return True

    def names_of(self, inode: int) -> list[tuple[int, str]]:
        """All names of a file, each with its folder."""
        return [
            (folder, name)
            for folder, names in self.folders.items()
            for name, found in names.items()
            if found == inode
        ]

    def keep(self, inode: int, then: Names) -> None:
        """Give a file the names and attributes that it had `then`, with the folders that it lay in."""
        for folder, name in self.names_of(inode):
            if then._at(folder, name) != inode:
                del self.folders[folder][name]
        for folder, name in then.names_of(inode):
            if not self._has_name(folder):
                self.keep(folder, then)
            self.folders[folder][name] = inode
        self.attributes[inode] = then.attributes[inode]

    def _add(self, folder: int, name: str, inode: int) -> bool:
        if not self._has_name(folder) or name in self.folders[folder]:
            return False
        self.folders[folder][name] = inode
        return True

    def _at(self, folder: int, name: str) -> int | None:
        return self.folders.get(folder, {}).get(name)

    def _has_name(self, folder: int) -> bool:
        return folder < TOPS or bool(self.names_of(folder))


class Volume:
    """Two folders on one file system or on two, and every change that was made in them.

    Parameters
    ----------
    tops : two of Path
        Of the scans and of DEST.
    is_two : bool
        They lie on two file systems, which lose each for itself.
    """

    def __init__(self, tops: Sequence[Path], is_two: bool) -> None:
        self.tops = [str(top.resolve()) for top in tops]
        self.is_two = is_two
        self.begin = Names()
        self.kinds: dict[int, str] = {}
        self.device: dict[int, int] = {}
        self.texts: dict[int, bytes] = {}
        self.log: list[tuple[int, Change]] = []
        for number in range(len(self.tops)):
            self._new("folder", number)
            self.begin.folders[number] = {}
        for number, top in enumerate(self.tops):
            self._load(number, top)
        self.now = self.begin.copy()

    def _load(self, folder: int, path: str) -> None:
        seen: dict[tuple[int, int], int] = {}
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            status = entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                inode = self._new("folder", self.device[folder])
                self.begin.folders[inode] = {}
                self._load(inode, entry.path)
            else:
                inode = seen.get((status.st_dev, status.st_ino), -1)
                if inode < 0:
                    is_link = entry.is_symlink()
                    inode = self._new("link" if is_link else "file", self.device[folder])
                    seen[status.st_dev, status.st_ino] = inode
                    text = os.readlink(entry.path).encode() if is_link else b""
                    self.texts[inode] = text or Path(entry.path).read_bytes()
            self.begin.folders[folder][entry.name] = inode
            self.begin.attributes[inode] = stat.S_IMODE(status.st_mode), status.st_mtime_ns

    def _new(self, kind: str, top: int) -> int:
        inode = len(self.kinds)
        self.kinds[inode] = kind
        self.device[inode] = top if self.is_two else 0
        self.texts[inode] = b""
        self.begin.attributes[inode] = 0o600, 0
        return inode

    def new(self, kind: str, folder: int, mode: int = 0o644, text: bytes = b"") -> int:
        """A file, folder or link that has no name yet."""
        inode = self._new(kind, self.device[folder])
        self.texts[inode] = text
        self.begin.attributes[inode] = self.now.attributes[inode] = mode, 0
        if kind == "folder":
            self.begin.folders[inode] = {}
            self.now.folders[inode] = {}
        return inode

    def find(self, path: str) -> tuple[int, str]:
        """The folder of a path, and the name in it."""
        for number, top in enumerate(self.tops):
            if path.startswith(top + os.sep):
                folder, parts = number, path[len(top) + 1 :].split(os.sep)
                for part in parts[:-1]:
                    folder = self.now.folders[folder][part]
                return folder, parts[-1]
        raise AssertionError(f"{path} lies outside of what is recorded")

    def at(self, path: str) -> int | None:
        """The file at a path."""
        folder, name = self.find(path)
        return self.now.folders[folder].get(name)

    def record(self, device: int, change: Change) -> None:
        """Make a change that the operating system made."""
        assert self.now.do(change), change
        self.log.append((device, change))

    def cut(self, order: Order, data: Data, chance: random.Random, end: int, loss: float) -> Listing:
        """The tree after a power cut that came before change number `end`.

        Parameters
        ----------
        order : Order
        data : Data
        chance : random.Random
        end : int
        loss : float
            Share of what may be lost that is lost: 0 nothing, 1 all.
        """
        names = self._names_after(order, chance, end, loss)
        contents = {i: self._content(i, data, chance, end) for i in self.kinds if i >= TOPS}
        return tuple(self._listing(names, contents))

    def _names_after(self, order: Order, chance: random.Random, end: int, loss: float) -> Names:
        devices = (0, 1) if self.is_two else (0,)
        kept: dict[int, int] = {}
        for device in devices:
            syncs = (
                index
                for index, (on, change) in enumerate(self.log[:end])
                if on == device
                and isinstance(change, Sync)
                and (change.inode is None or order is Order.ORDERED)
            )
            first = max(syncs, default=-1) + 1
            part = loss if loss in (0, 1) else chance.random()
            kept[device] = end - round((end - first) * part)
            if order is Order.ANY:
                kept[device] = first
        names, then = self.begin.copy(), self.begin.copy()
        replayed: list[tuple[int, Names]] = []
        for index, (on, change) in enumerate(self.log[:end]):
            then.do(change)
            if index < kept[on] or (order is Order.ANY and chance.random() >= loss):
                names.do(change)
            elif order is Order.TREE_LOG and isinstance(change, Sync) and change.inode is not None:
                replayed.append((change.inode, then.copy()))
        for inode, at_sync in replayed:
            names.keep(inode, at_sync)
        return names

    def _content(self, inode: int, data: Data, chance: random.Random, end: int) -> bytes:
        base = full = self.texts[inode]
        for on, change in self.log[:end]:
            if isinstance(change, Write) and change.inode == inode:
                full = full[: change.offset].ljust(change.offset, b"\0") + change.data
            elif isinstance(change, Resize) and change.inode == inode:
                full = full[: change.size].ljust(change.size, b"\0")
            elif isinstance(change, Sync) and (
                change.inode == inode or (change.inode is None and on == self.device[inode])
            ):
                base = full
        if data is Data.WHOLE or base == full:
            return full
        if data is Data.LOST:
            return base
        if data is Data.ZEROS:
            return base[: len(full)].ljust(len(full), b"\0")
        return _torn(base, full, chance)

    def _listing(self, names: Names, contents: Mapping[int, bytes]) -> Iterator[tuple[str, Shown]]:
        waiting = [(top, number) for number, top in enumerate(self.tops)]
        while waiting:
            path, folder = waiting.pop(0)
            for name, inode in sorted(names.folders[folder].items()):
                below, kind = os.path.join(path, name), self.kinds[inode]
                if kind == "folder":
                    yield below, Shown(kind)
                    waiting.append((below, inode))
                else:
                    mode, modified = names.attributes[inode]
                    yield below, Shown(kind, inode, contents[inode], mode, modified)

    def write_out(self, listing: Listing) -> None:
        """Put a tree in place of what there is."""
        for top in self.tops:
            shutil.rmtree(top)
            os.mkdir(top)
        first: dict[int, str] = {}
        for path, shown in listing:
            if shown.kind == "folder":
                os.mkdir(path)
            elif shown.kind == "link":
                os.symlink(shown.data.decode(), path)
            elif shown.inode in first:
                os.link(first[shown.inode], path)
            else:
                first[shown.inode] = path
                Path(path).write_bytes(shown.data)
                Path(path).chmod(shown.mode)
                if shown.modified:
                    os.utime(path, ns=(shown.modified, shown.modified))


def _torn(base: bytes, full: bytes, chance: random.Random) -> bytes:
    """Data of which each sector came to the disk or did not; perhaps only up to some length."""
    size = len(full) if chance.random() < 0.7 else chance.randint(min(len(base), len(full)), len(full))
    old = base[: len(full)].ljust(len(full), b"\0")
    sectors = (
        (full if chance.random() < 0.5 else old)[start : start + SECTOR]
        for start in range(0, len(full), SECTOR)
    )
    return b"".join(sectors)[:size]


class Killed(BaseException):
    """The process ends here, without an end of its own."""


class RecordingDisk(Disk):
    """Makes the calls, but for syncs, and records them; may kill the process before one of them.

    Parameters
    ----------
    volume : Volume
    kill_before : int, optional
        Change, counted from 0, before which the process is killed: nothing is done any more.
    """

    def __init__(self, volume: Volume, kill_before: int | None = None) -> None:
        self._volume = volume
        self._files: dict[int, tuple[int, bool]] = {}
        self._kill_before = kill_before
        self._count = 0

    def _goes_on(self) -> None:
        if self._kill_before is not None and self._count >= self._kill_before:
            raise Killed
        self._count += 1

    def _note(self, folder: int, change: Change) -> None:
        self._volume.record(self._volume.device[folder], change)

    def open(self, place: Place, flags: int, mode: int = 0o600) -> int:
        is_written = flags & (os.O_WRONLY | os.O_RDWR)
        if is_written:
            self._goes_on()
        is_new = bool(is_written) and self._volume.at(place.path) is None
        descriptor = super().open(place, flags, mode)
        if is_new:
            folder, name = self._volume.find(place.path)
            made = stat.S_IMODE(os.fstat(descriptor).st_mode)
            inode = self._volume.new("file", folder, made)
            self._note(folder, Add(folder, name, inode))
        if self._is_inside(place.path):
            found = self._volume.at(place.path)
            if found is not None:
                self._files[descriptor] = found, bool(flags & os.O_APPEND)
        return descriptor

    def _is_inside(self, path: str) -> bool:
        return any(path.startswith(top + os.sep) for top in self._volume.tops)

    def open_unnamed(self, place: Place, mode: int = 0o600) -> int:
        self._goes_on()
        descriptor = super().open_unnamed(place, mode)
        folder, _ = self._volume.find(place.path)
        made = stat.S_IMODE(os.fstat(descriptor).st_mode)
        self._files[descriptor] = self._volume.new("file", folder, made), False
        return descriptor

    def name_unnamed(self, place: Place, descriptor: int) -> None:
        self._goes_on()
        super().name_unnamed(place, descriptor)
        folder, name = self._volume.find(place.path)
        self._note(folder, Add(folder, name, self._files[descriptor][0]))

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._goes_on()
        inode, appends = self._files[descriptor]
        status = os.fstat(descriptor)
        offset = status.st_size if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
        written = super().write(descriptor, data)
        self._note(inode, Write(inode, offset, bytes(data[:written])))
        return written

    def close(self, descriptor: int) -> None:
        self._files.pop(descriptor, None)
        super().close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._goes_on()
        super().truncate(descriptor, size)
        inode, _ = self._files[descriptor]
        self._note(inode, Resize(inode, size))

    def mkdir(self, place: Place, mode: int = 0o777) -> None:
        self._goes_on()
        super().mkdir(place, mode)
        folder, name = self._volume.find(place.path)
        self._note(folder, Add(folder, name, self._volume.new("folder", folder)))

    def _remove(self, place: Place) -> None:
        folder, name = self._volume.find(place.path)
        inode = self._volume.now.folders[folder].get(name)
        if inode is not None:  # the lock's library makes its file by itself
            self._note(folder, Remove(folder, name, inode))

    def rmdir(self, place: Place) -> None:
        self._goes_on()
        super().rmdir(place)
        self._remove(place)

    def unlink(self, place: Place) -> None:
        self._goes_on()
        super().unlink(place)
        self._remove(place)

    def _rename(self, source: Place, target: Place, is_new: bool) -> None:
        folder, name = self._volume.find(source.path)
        to_folder, to_name = self._volume.find(target.path)
        inode = self._volume.now.folders[folder][name]
        self._note(folder, Rename(folder, name, to_folder, to_name, inode, is_new))

    def replace(self, source: Place, target: Place) -> None:
        self._goes_on()
        super().replace(source, target)
        self._rename(source, target, is_new=False)

    def rename_new(self, source: Place, target: Place) -> None:
        self._goes_on()
        super().rename_new(source, target)
        self._rename(source, target, is_new=True)

    def link(self, source: Place, target: Place) -> None:
        self._goes_on()
        super().link(source, target)
        folder, name = self._volume.find(target.path)
        inode = self._volume.at(source.path)
        assert inode is not None
        self._note(folder, Add(folder, name, inode))

    def symlink(self, place: Place, text: str) -> None:
        self._goes_on()
        super().symlink(place, text)
        folder, name = self._volume.find(place.path)
        inode = self._volume.new("link", folder, text=text.encode())
        self._note(folder, Add(folder, name, inode))

    def set_mode(self, descriptor: int, mode: int) -> None:
        self._goes_on()
        super().set_mode(descriptor, mode)
        inode, _ = self._files[descriptor]
        self._note(inode, Attributes(inode, mode, None))

    def set_times(self, descriptor: int, accessed_ns: int, modified_ns: int) -> None:
        self._goes_on()
        super().set_times(descriptor, accessed_ns, modified_ns)
        inode, _ = self._files[descriptor]
        self._note(inode, Attributes(inode, None, modified_ns))

    def fsync(self, descriptor: int) -> None:
        self._goes_on()
        inode, _ = self._files[descriptor]
        self._note(inode, Sync(inode))

    def sync_file_system(self, place: Place) -> None:
        self._goes_on()
        if place.folder is None:  # the folder is gone: `os.sync`
            for top in range(len(self._volume.tops)):
                self._note(top, Sync(None))
            return
        folder, _ = self._volume.find(place.path)
        self._note(folder, Sync(None))


class IdleDisk(Disk):
    """A disk that nobody pulls the plug of: syncs are left out, which take most of a test's time."""

    def fsync(self, descriptor: int) -> None:
        pass

    def sync_file_system(self, place: Place) -> None:
        pass
