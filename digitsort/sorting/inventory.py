"""Find what was sorted into a DEST: by its journals, and by content where a person moved it."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, Disk
from digitsort.files.names import absolute, name_of, natural_key, parent_of, printable, split_path
from digitsort.files.places import Places, RealPaths
from digitsort.labels.row import Row
from digitsort.sorting.entries import (
    MOVE,
    SYMBOLIC_LINK,
    WITHIN,
    Entry,
    Run,
    is_of_sidecar,
    path_below,
    path_in,
)
from digitsort.sorting.journal import FOLDER, is_earlier, journals, read_runs
from digitsort.sorting.removal import check_copy
from digitsort.sorting.transfer import NotDeliveredError, anywhere, look
from digitsort.sources.members import is_there

LABELS = "labels.csv"

LITTER = {"thumbs.db", "desktop.ini"}
"""What file managers leave in folders, beside hidden files."""

Step = tuple[str, int]
"""A journal, and the number of an entry in it."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file that was sorted into DEST.

    Attributes
    ----------
    path : str
        Where the journals say that it lies: below DEST, with ``/``.
    sha256 : str
    source : str
        Where it came from, an absolute path.
    mode : str
        Of `plan.Mode`: how it came into DEST.
    steps : tuple of Step
        The entries that brought it there, and from folder to folder.
    is_sidecar : bool
    """

    path: str
    sha256: str
    source: str
    mode: str
    steps: tuple[Step, ...]
    is_sidecar: bool = False

    @property
    def is_link(self) -> bool:
        """Tell whether it is a symbolic link to its source."""
        return self.mode == SYMBOLIC_LINK


def read_inventory(dest: str) -> dict[str, Item]:
    """Return what this user's journals of a DEST say lies in it, by path."""
    if not journals(dest):
        return {}
    return inventory_of(list(read_runs(dest))[::-1], dest)


def inventory_of(runs: Iterable[Run], dest: str) -> dict[str, Item]:
    """Add up what runs in a DEST did, the oldest first."""
    items: dict[str, Item] = {}
    for run in runs:
        for entry in run.delivered:
            items[entry.to] = _item(items, run, entry, dest)
    return items


def origins(run: Run, dest: str) -> dict[int, Item]:
    """Return the items that a run moved within DEST, as earlier runs left them, by entry number."""
    earlier = [each for each in read_runs(dest) if is_earlier(each, run)]
    items = inventory_of(earlier[::-1], dest)
    taken = {entry.number: _taken(items, run, entry, dest) for entry in run.delivered}
    return {number: item for number, item in taken.items() if item is not None}


def _taken(items: dict[str, Item], run: Run, entry: Entry, dest: str) -> Item | None:
    """Remove and return the item that an entry moved; None if it moved none."""
    before = None
    if run.mode in (MOVE, WITHIN) and entry.source.startswith(os.path.join(dest, "")):
        before = items.pop(path_below(dest, entry.source), None)
    if before is None and run.mode == WITHIN:
        before = _taken_by_hand(items, entry, dest)
    return before


def _item(items: dict[str, Item], run: Run, entry: Entry, dest: str) -> Item:
    step = run.path, entry.number
    before = _taken(items, run, entry, dest)
    if before is None:
        of_car = is_of_sidecar(entry.cells)
        return Item(entry.to, entry.sha256, entry.source, run.mode, (step,), of_car)
    steps = (*before.steps, step)
    return Item(entry.to, before.sha256, before.source, before.mode, steps, before.is_sidecar)


def _taken_by_hand(items: dict[str, Item], entry: Entry, dest: str) -> Item | None:
    """Take out the item that a person had moved to where an entry found it: one that is not there."""
    for path, item in items.items():
        if item.sha256 == entry.sha256 and not os.path.lexists(path_in(dest, path)):
            return items.pop(path)
    return None


def files_in(dest: str, *, strict: bool = False) -> Iterator[str]:
    """Yield the files of a DEST, below it and with ``/``, but for its books, journals and litter.

    Raises
    ------
    OutputError
        If a folder can't be listed, where this is `strict`; otherwise it is passed over.
    """
    waiting = [""]
    while waiting:
        above = waiting.pop()
        folder = path_in(dest, above) if above else dest
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if not strict:
                continue
            raise OutputError(f"{printable(folder)} can't be listed: {error.strerror}.") from error
        for entry in entries:
            path = f"{above}/{entry.name}" if above else entry.name
            if entry.is_dir(follow_symlinks=False):
                if path != FOLDER:
                    waiting.append(path)
            elif path != LABELS and not _is_litter(entry.name):
                yield path


def _is_litter(name: str) -> bool:
    if name.startswith(".digitsort-"):
        return False
    return name.startswith(".") or name.lower() in LITTER


class Strays:
    """Finds what a person moved or renamed within a DEST, by content; links by where they lead.

    Parameters
    ----------
    candidates : sequence of str, optional
        Paths below DEST that are known to be no item's, or to have another content than theirs. By
        default all files of DEST are looked at, once one has to be found.
    """

    def __init__(
        self,
        dest: str,
        items: Mapping[str, Item],
        places: Places,
        disk: Disk = DISK,
        candidates: Sequence[str] | None = None,
    ) -> None:
        self._dest = dest
        self._items = items
        self._places = places
        self._disk = disk
        self._candidates = candidates
        self._stages: list[dict[tuple[str, str], list[str]]] = []

    def path(self, below: str) -> str:
        """Return the absolute path of a path below DEST."""
        return path_in(self._dest, below)

    def is_in_place(self, item: Item) -> bool:
        """Return whether a file lies where the journals say, with the content that was sorted."""
        path = self.path(item.path)
        try:
            if item.is_link:
                return self._link(path) == item.source
            check_copy(self._disk, self._places.at(path), item.sha256)
        except (NotDeliveredError, OSError):
            return False
        return True

    def find(self, item: Item) -> str | None:
        """Return where a person moved an item that is not in place, below DEST; each path once."""
        key = ("link", item.source) if item.is_link else ("file", item.sha256)
        for number in range(1 if self._candidates is not None else 2):
            found = self._stage(number).get(key)
            if found:
                name = name_of(item.path)
                path = next((path for path in found if name_of(path) == name), found[0])
                found.pop(found.index(path))
                return path
        return None

    def _stage(self, number: int) -> dict[tuple[str, str], list[str]]:
        """First the files that no journal names; then those that have another content than sorted."""
        if len(self._stages) <= number:
            self._stages.append(self._indexed(self._paths(number)))
        return self._stages[number]

    def _paths(self, stage: int) -> Iterable[str]:
        if self._candidates is not None:
            return self._candidates
        if stage == 0:
            return sorted((p for p in files_in(self._dest) if p not in self._items), key=natural_key)
        return [path for path, item in self._items.items() if not self.is_in_place(item)]

    def _indexed(self, paths: Iterable[str]) -> dict[tuple[str, str], list[str]]:
        index: dict[tuple[str, str], list[str]] = defaultdict(list)
        for below in paths:
            with suppress(NotDeliveredError, OSError):  # it is gone, or nothing that was sorted
                index[self._key(self.path(below))].append(below)
        return dict(index)

    def _key(self, path: str) -> tuple[str, str]:
        place = self._places.at(path)
        if stat.S_ISLNK(self._disk.lstat(place).st_mode):
            return "link", self._disk.readlink(place)
        return "file", look(self._disk, place, follow=False).sha256

    def _link(self, path: str) -> str:
        place = self._places.at(path)
        if not stat.S_ISLNK(self._disk.lstat(place).st_mode):
            return ""
        return self._disk.readlink(place)


class Whereabouts:
    """Tells where a person moved what a run had delivered.

    Parameters
    ----------
    foreign : bool
        The runs of other users and machines count too.
    """

    def __init__(self, dest: str, places: Places, disk: Disk = DISK, *, foreign: bool = False) -> None:
        self._dest = dest
        self._places = places
        self._disk = disk
        self._foreign = foreign
        self._strays: Strays | None = None
        self._by_step: dict[Step, Item] = {}

    def of(self, run: Run, entry: Entry) -> str | None:
        """Return the absolute path of a file that is not where an entry brought it."""
        if self._strays is None:
            runs = list(read_runs(self._dest, foreign=self._foreign))[::-1]
            items = inventory_of(runs, self._dest)
            self._by_step = {step: item for item in items.values() for step in item.steps}
            self._strays = Strays(self._dest, items, self._places, self._disk)
        item = self._by_step.get((run.path, entry.number))
        if item is None:
            return None
        if item.path != entry.to and self._strays.is_in_place(item):
            return self._strays.path(item.path)  # by a later sort, whose undo had to leave it
        found = self._strays.find(item)
        return None if found is None else self._strays.path(found)


class Claims:
    """Tells which rows name files that are in DEST already.

    A file is a row's if it lies at the row's path, or came from there; else if it has the row's content
    and the row's own file is gone, or was copied from a folder that has another name by now.

    Parameters
    ----------
    moves : bool
        Files are about to be moved: one that is there is another one, whatever its content.
    """

    def __init__(self, dest: str, items: Iterable[Item], *, moves: bool) -> None:
        self._moves = moves
        self._real = RealPaths()
        self._dest = dest
        self._by_path: dict[str, list[Item]] = defaultdict(list)
        self._by_content: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            self._by_path[self._path(item)].append(item)
            self._by_path[item.source].append(item)
            self._by_content[item.sha256].append(item)
        self._claimed: set[str] = set()

    def of(self, rows: Sequence[Row | None], folders: Sequence[str]) -> list[Item | None]:
        """Return the item of each row, if it has one; no item is that of two rows.

        Parameters
        ----------
        folders : sequence of str
            The folder of DEST that each row's file belongs into.
        """
        pairs = list(zip(rows, folders, strict=True))
        found = [row and self._claim(self._at_its_path(row), folder) for row, folder in pairs]
        return [
            item or (row and self._claim(self._with_its_content(row), folder))
            for item, (row, folder) in zip(found, pairs, strict=True)
        ]

    def _claim(self, items: Iterable[Item], folder: str) -> Item | None:
        free = [item for item in items if item.path not in self._claimed]
        if not free:
            return None
        item = next((item for item in free if parent_of(self._path(item)) == folder), free[0])
        self._claimed.add(item.path)
        return item

    def _at_its_path(self, row: Row) -> list[Item]:
        path = absolute(row.path)
        items = self._by_path.get(path)
        if items is None:
            above, name = split_path(path)
            items = self._by_path.get(os.path.join(self._real.folder(above), name), [])
        if items and not row.sha256 and is_there(path):
            return [item for item in items if _has_content(path, item.sha256)]
        return [item for item in items if row.sha256 in ("", item.sha256)]

    def _with_its_content(self, row: Row) -> list[Item]:
        items = self._by_content.get(row.sha256, []) if row.sha256 else []
        if not items or not is_there(row.path):
            return items
        if self._moves:
            return []
        name = name_of(row.path)
        return [
            item
            for item in items
            if item.mode != MOVE and name_of(item.source) == name and not is_there(item.source)
        ]

    def _path(self, item: Item) -> str:
        return path_in(self._dest, item.path)


def _has_content(path: str, sha256: str) -> bool:
    try:
        return look(DISK, anywhere(path)).sha256 == sha256
    except NotDeliveredError:
        return False
