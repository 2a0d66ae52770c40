"""Decide where every file goes, and under which name, before anything is touched."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from digitsort.errors import OutputError, UsageError
from digitsort.files.disk import DISK
from digitsort.files.names import (
    absolute,
    fold,
    is_folder_name,
    is_url,
    name_of,
    parent_of,
    printable,
)
from digitsort.files.places import RealPaths, open_places
from digitsort.labels.labels_csv import NONE_LABEL, UNCLEAR
from digitsort.labels.row import Row, before_gone
from digitsort.labels.table import made
from digitsort.outcomes import Status
from digitsort.plural import first_few
from digitsort.sorting import entries as written
from digitsort.sorting.free_names import (
    Fits,
    Folder,
    FreeTarget,
    known_sha256,
    open_folder,
)
from digitsort.sorting.inventory import Claims, Item, Strays, read_inventory
from digitsort.sorting.journal import delivered_contents
from digitsort.sorting.sidecars import SideCars, name_beside, sidecars_of
from digitsort.sources.buckets import folder_above, how_to_download
from digitsort.sources.members import is_inside_archive, is_there

_ERROR, _GONE = Status.ERROR, Status.GONE  # an enumeration is slow to say what it has

MANIFEST = "labels.csv"
"""A name that a folder of DEST can't have."""

MOST_NAMED = 3

UNCERTAIN_FOLDER = "_uncertain"
REJECTED_FOLDER = "_rejected"
UNREADABLE_FOLDER = "_unreadable"
"""Folder for files with errors, if `SortOptions.set_aside`."""


class Mode(StrEnum):
    """Ways to deliver a file."""

    COPY = written.COPY
    MOVE = written.MOVE
    HARD = written.HARD_LINK
    SYMBOLIC = written.SYMBOLIC_LINK
    WITHIN = written.WITHIN
    """Of what an earlier sort brought into DEST: from one folder of it to another."""

    @property
    def is_move(self) -> bool:
        """Tell whether files leave their sources."""
        return self in (Mode.MOVE, Mode.WITHIN)


class Conflict(StrEnum):
    """What to do with a file whose name is taken by other content."""

    RENAME = "rename"
    SKIP = "skip"
    ERROR = "error"


class Operation(NamedTuple):
    """One file to be delivered.

    Attributes
    ----------
    row : Row
        What is known of the file; `row.path` is where it lies.
    target : str
        Where it goes: a name that nothing has.
    """

    row: Row
    target: str

    @property
    def source(self) -> str:
        """Absolute path of the file."""
        return absolute(self.row.path)

    @property
    def cells(self) -> Mapping[str, str]:
        """Cells of the row, also of one that was not read from a file."""
        row = self.row
        if "status" in row.cells:
            return row.cells
        made = {"label": row.label, "status": row.status.value, "reason": row.reason}
        return {**made, "sha256": row.sha256, "model": row.model, **row.cells}


class SideCar(Operation):
    """Sidecar to deliver. Its row names its picture, and is not written into labels.csv."""

    @property
    def picture(self) -> str:
        """Path of the picture that it goes with."""
        return self.row.cells[written.PICTURE]

    @property
    def cells(self) -> Mapping[str, str]:
        """Cells of its journal entry."""
        return {written.PICTURE: self.picture}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run will do.

    Attributes
    ----------
    dest : str
    operations : tuple of Operation
    same : tuple of Operation
        Files whose content is at the target already, under the name they would get.
    left : tuple of (path, reason)
        Files that stay where they are.
    mode : Mode
    move_from : str or None
        Without links: no file that is not below it is moved, whatever becomes a link meanwhile.
    within : tuple of Operation
        Files that an earlier sort delivered, to be moved to another folder of DEST.
    items : mapping of str to Item
        By the path that it is moved from.
    by_hand : tuple of Operation
        Files that a person moved to another folder of DEST, where they stay, or renamed.
    sidecars : tuple of SideCar
        Sidecars to deliver after all pictures. If a picture can't be delivered, its sidecars stay.
    sidecars_within : tuple of SideCar
        Sidecars to move with their pictures to another folder of DEST.
    settling : tuple of Operation
        Second moves of files in `within` and `sidecars_within`, from a numbered name to their own name,
        which another of these files had.
    shared : int
        Number of sidecars that belong to several pictures: each goes with the first one.
    """

    dest: str
    operations: tuple[Operation, ...]
    same: tuple[Operation, ...]
    left: tuple[tuple[str, str], ...]
    mode: Mode = Mode.COPY
    move_from: str | None = None
    within: tuple[Operation, ...] = ()
    items: Mapping[str, Item] = field(default_factory=dict)
    by_hand: tuple[Operation, ...] = ()
    sidecars: tuple[SideCar, ...] = ()
    sidecars_within: tuple[SideCar, ...] = ()
    settling: tuple[Operation, ...] = ()
    shared: int = 0


@dataclass(frozen=True, slots=True)
class SortOptions:
    """Options of a sort.

    Attributes
    ----------
    mode : Mode
    conflict : Conflict
        What becomes of a file whose name another content has in its folder.
    accept_uncertain : bool
        Best guesses go into their digit's folder instead of ``_uncertain``.
    keep_folders_of : str or None
        Keep the folders that files have below this one, an absolute path; by default none. Files that
        lie elsewhere go into the folder of their label itself.
    move_from : str or None
        Only files below this folder, a path without links, are moved, links resolved; by default any. A
        table that somebody else made can name any file.
    sidecars : bool
        Deliver sidecars (`sidecars.SUFFIXES`) with their pictures. One that belongs to several pictures
        goes with the first.
    tables : frozenset of str
        Absolute paths of files that are not sidecars, whatever their names.
    set_aside : bool
        Deliver files with errors too, into ``_unreadable``, if their content is known.
    """

    mode: Mode = Mode.COPY
    conflict: Conflict = Conflict.RENAME
    accept_uncertain: bool = False
    keep_folders_of: str | None = None
    move_from: str | None = None
    sidecars: bool = False
    tables: frozenset[str] = frozenset()
    set_aside: bool = False


def plan_sort(rows: Iterable[Row], dest: Path, options: SortOptions = SortOptions()) -> Plan:
    """Plan the delivery of files into a folder for each label. Nothing is touched.

    A file that an earlier sort delivered into another folder of DEST is moved within DEST, unless it
    changed since. One that a person moved there stays, unless its row has a person's label.

    Parameters
    ----------
    rows : iterable of Row
    dest : Path
    options : SortOptions

    Raises
    ------
    UsageError
        For a label that can't be the name of a folder; if files would be moved that lie outside of
        `options.move_from`.
    OutputError
        If a folder of DEST is a link or a file; if another content has a file's name, and that is to be
        an error.
    """
    dest = Path(os.path.realpath(dest))
    items = read_inventory(str(dest))
    planning = _Planning(dest, options, sidecars_of(items.values()))
    rows = (before_gone(row) if row.status is _GONE else row for row in rows)  # its file may be back
    for row in planning.add_delivered(list(rows), items) if items else rows:
        planning.add(row)
    if options.sidecars and options.mode is Mode.MOVE:
        planning.add_stranded(items.values())
    move_from = None
    _refuse_addresses(planning.rows)
    if options.mode is not Mode.COPY:
        _refuse_archives((*planning.rows, *(operation.row for operation in planning.same)))
    if options.mode is Mode.MOVE and options.move_from is not None:
        move_from = options.move_from
        # A file takes the place of one with the same content that fails.
        others = (operation.row for operation in (*planning.same, *planning.sidecars))
        _check_inside([*planning.rows, *others], move_from)
    return Plan(
        str(dest),
        tuple(planning.operations),
        (*planning.same, *planning.there),
        tuple(planning.left),
        options.mode,
        move_from,
        tuple(planning.within),
        planning.items,
        tuple(planning.by_hand),
        tuple(planning.sidecars),
        tuple(planning.sidecars_within),
        tuple(planning.settling),
        len(planning.cars.shared),
    )


def _refuse_addresses(rows: Iterable[Row]) -> None:
    """Raise UsageError if files lie in a bucket, with the commands by which they can be sorted."""
    urls = [row.path for row in rows if is_url(row.path)]
    if not urls:
        return
    how, folder = how_to_download(folder_above(urls))
    are = "1 file is" if len(urls) == 1 else f"{len(urls)} files are"
    raise UsageError(
        f"{are} not on a disk, such as {printable(urls[0])}, and sort takes files from disks only. "
        f"{how}. Then repeat this command with --root {folder}: the labels are kept."
    )


def _refuse_archives(rows: Iterable[Row]) -> None:
    """Raise UsageError if a file lies in an archive, from which it can only be copied."""
    for folder in {parent_of(row.path): None for row in rows}:
        if is_inside_archive(os.path.join(folder, "x")):
            raise UsageError(
                f"{printable(folder)} is in an archive: pictures in archives can only be copied. "
                "Use --copy."
            )


class Planner:
    """Planner of new files, a few at a time, that looks into the folders of DEST only once.

    Nothing else may change these folders meanwhile: the lock of DEST must be held.

    Parameters
    ----------
    dest : str
        Its real path.
    """

    def __init__(self, dest: str, options: SortOptions) -> None:
        self._dest = Path(dest)
        self._options = options
        self._last: _Planning | None = None

    def plan(self, rows: Iterable[Row]) -> Plan:
        """Plan the delivery of files that no earlier run has delivered."""
        planning = _Planning(self._dest, self._options, {})
        if self._last is not None:
            planning.know_folders_of(self._last)
        for row in rows:
            planning.add(row)
        self._last = planning
        move_from = None
        if self._options.mode is Mode.MOVE and self._options.move_from is not None:
            move_from = self._options.move_from
            _check_inside(planning.rows, move_from)
        return Plan(
            str(self._dest),
            tuple(planning.operations),
            tuple(planning.same),
            tuple(planning.left),
            self._options.mode,
            move_from,
        )

    def forget(self) -> None:
        """Look into the folders again, because a planned file did not arrive."""
        self._last = None


def _check_inside(rows: Sequence[Row], top: str) -> None:
    """Raise UsageError if a file lies outside of a folder, wherever links lead."""
    is_inside: dict[str, bool] = {}
    real = RealPaths()
    outside = []
    for row in rows:
        folder = parent_of(absolute(row.path))
        if folder not in is_inside:
            is_inside[folder] = os.path.join(real.folder(folder), "").startswith(os.path.join(top, ""))
        if not is_inside[folder]:
            outside.append(row.path)
    if not outside:
        return
    named = first_few([*map(printable, outside)], MOST_NAMED)
    files = "1 file to move is" if len(outside) == 1 else f"{len(outside)} files to move are"
    raise UsageError(
        f"{files} outside {printable(top)}: {named}. Nothing was done. To move them anyway, name "
        "a folder that contains them all with --root DIR, or copy them."
    )


class _Planning:
    def __init__(self, dest: Path, options: SortOptions, sidecars: Mapping[str, Item]) -> None:
        self._dest = dest
        self._options = options
        self._tops: dict[tuple[Status, str, str], Folder] = {}
        self._kept: dict[tuple[str, str], Folder] = {}
        self.rows: list[Row] = []
        self._targets: list[str] = []
        self.same: list[Operation] = []
        self.left: list[tuple[str, str]] = []
        self._delivered: Mapping[str, str] | None = None
        self.there: list[Operation] = []
        self.within: list[Operation] = []
        self.items: dict[str, Item] = {}
        self.by_hand: list[Operation] = []
        self.cars = SideCars(options.sidecars, options.tables, sidecars)
        self.sidecars: list[SideCar] = []
        self.sidecars_within: list[SideCar] = []
        self.settling: list[Operation] = []
        self._own_names: dict[str, str] = {}
        """Path of each file moved within DEST under its own name, by the path that it gets."""
        self._by_path: dict[str, Folder] = {}
        """All folders above, and those that only sidecars go to, by path."""
        self._settled: set[str] = set()
        """Sources of pictures that are in DEST already."""

    def know_folders_of(self, other: _Planning) -> None:
        """Use the folders, and the names taken in them, of an earlier part of the same plan."""
        self._tops, self._kept, self._by_path = other._tops, other._kept, other._by_path

    @property
    def operations(self) -> list[Operation]:
        """Return the operations, in the order of the rows."""
        return made(Operation, self.rows, self._targets)

    def add(self, row: Row) -> None:
        if _is_left(row) and not (self._options.set_aside and row.sha256):
            self.left.append((row.path, printable(row.reason) or "unreadable"))
            return
        folder, name = self._folder(row), name_of(row.path)
        cars: Sequence[str] = self.cars.lying_by(absolute(row.path)) if self._options.sidecars else ()
        fits = self._fits(folder, name, cars, self._options.mode.is_move) if cars else None
        target = None
        if fits is None or fits(name):
            target = folder.take(name, row.sha256, row.path)
        if target is None:
            place = folder.place(name, self._content(row), row.path, fits)
            self._add_namesake(row, name, place, folder, cars)
        else:
            self.rows.append(row)
            self._targets.append(target)
            if cars:
                self._add_sidecars(row, row.path, target, folder, cars)

    def _fits(self, folder: Folder, name: str, cars: Sequence[str], is_move: bool) -> Fits | None:
        """Return a function that tells whether a picture's sidecars can follow it to another name.

        A copy is not needed where the same file is there already; a file to be moved needs a free name.
        """
        if not cars:
            return None

        def fits(candidate: str) -> bool:
            for car in cars:
                beside = name_beside(candidate, name, car)
                is_there = not is_move and folder.has(beside, known_sha256(car, follow=True))
                if not (is_there or folder.is_free(beside) or self._is_at(car, folder, beside)):
                    return False
            return True

        return fits

    def _is_at(self, car: str, folder: Folder, name: str) -> bool:
        """Tell whether an earlier sort, perhaps cut off before its picture came, put a sidecar here."""
        known = self.cars.items.get(car)
        here = os.path.join(folder.path, name)
        return known is not None and here == written.path_in(str(self._dest), known.path)

    def _add_sidecars(
        self, row: Row, picture: str, target: str, folder: Folder, cars: Iterable[str]
    ) -> None:
        """Plan to deliver the sidecars of `picture` beside the target that the picture gets."""
        for car in cars:
            self.cars.give(car)
            name = name_beside(target, picture, car)
            path = folder.take(name, "", car)
            is_copy = not self._options.mode.is_move
            if path is None and is_copy and folder.has(name, known_sha256(car, follow=True)):
                continue
            self.sidecars.append(_sidecar(row, car, path or folder.fresh(name, "")))

    def _content(self, row: Row) -> str:
        """The sha256 of a row's file; empty where nobody knows it."""
        sha256 = row.sha256 or known_sha256(row.path, follow=True)
        if sha256 or is_there(row.path):
            return sha256
        # It was moved by an earlier run perhaps, of the same table: that one's journal knows.
        if self._delivered is None:
            self._delivered = delivered_contents(str(self._dest))
        return self._delivered.get(absolute(row.path), "")

    def add_delivered(self, rows: Sequence[Row], items: Mapping[str, Item]) -> list[Row]:
        """Plan for the rows whose files are in DEST already; return the others."""
        wanted = [None if _is_left(row) else row for row in rows]
        folders = [None if row is None else self._folder(row) for row in wanted]
        pictures = [item for item in items.values() if not item.is_sidecar]
        claims = Claims(str(self._dest), pictures, moves=self._options.mode is Mode.MOVE)
        claimed = claims.of(wanted, ["" if folder is None else folder.path for folder in folders])
        others = []
        with open_places(DISK) as places:
            strays = Strays(str(self._dest), items, places)
            for row, folder, item in zip(rows, folders, claimed, strict=True):
                if not (folder and item and self._is_settled(row, folder, item, strays)):
                    others.append(row)
        opened = {folder.path: folder for folder in (*self._tops.values(), *self._kept.values())}
        for path in self.items:
            if parent_of(path) in opened:
                opened[parent_of(path)].leave(name_of(path))
        self._settle_names()
        return others

    def _settle_names(self) -> None:
        """Plan second moves for files whose own names become free through the first moves."""
        free = set(self.items)
        cars: dict[str, list[SideCar]] = defaultdict(list)
        for car in self.sidecars_within:
            cars[car.picture].append(car)
        for operation in self.within:
            together = [operation, *cars[operation.row.path]]
            numbered = [o for o in together if self._own_names[o.target] != o.target]
            wanted = {self._own_names[o.target] for o in numbered}
            if operation in numbered and wanted <= free:
                free -= wanted
                for each in numbered:
                    self._settle_name(each)

    def _settle_name(self, operation: Operation) -> None:
        item = self.items[operation.row.path]
        below = written.path_below(str(self._dest), operation.target)
        self.items[operation.target] = replace(item, path=below)
        row = operation.row._replace(path=operation.target)
        own = self._own_names[operation.target]
        self.settling.append(operation._replace(row=row, target=own))

    def _is_settled(self, row: Row, folder: Folder, item: Item, strays: Strays) -> bool:
        """Plan for a row whose file is in DEST, unchanged; return False if it is not."""
        found = item.path if strays.is_in_place(item) else strays.find(item)
        if found is None:
            return False
        path = strays.path(found)
        is_right = parent_of(path) == folder.path
        self._settled.add(item.source)
        if found != item.path and (is_right or not row.human):
            self.by_hand.append(Operation(row, path))
            self._settle_sidecars(row, item, path, strays)
        elif is_right:
            self.there.append(Operation(row, path))
            self._settle_sidecars(row, item, path, strays)
        else:
            self._move_within(row, folder, item, path, strays)
        return True

    def _move_within(self, row: Row, folder: Folder, item: Item, path: str, strays: Strays) -> None:
        name = name_of(row.path)
        cars = self._cars_of(row, item)
        fits = self._fits(folder, name, cars, is_move=True)
        is_fit = fits is None or fits(name)
        target = folder.take(name, item.sha256) if is_fit else None
        if target is None and self._options.conflict is not Conflict.RENAME:
            self._refuse(row, name, folder)
            return
        target = target or folder.fresh(name, item.sha256, fits)
        self._own_names[target] = os.path.join(folder.path, name)
        moved = row._replace(path=path, sha256=item.sha256)
        self.within.append(Operation(moved, target))
        self.items[path] = item
        self._settle_sidecars(moved, item, target, strays)

    def _cars_of(self, row: Row, item: Item) -> list[str]:
        """Return the paths of the sidecars of a picture in DEST: the original ones if sorted."""
        if not self.cars.may_be_some:
            return []
        path = absolute(row.path)
        is_inside = path.startswith(os.path.join(self._dest, ""))
        picture = path if not is_inside and os.path.lexists(path) else item.source
        cars = (*self.cars.sorted_of(item.source), *self.cars.lying_by(picture))
        return list(dict.fromkeys(cars))

    def _settle_sidecars(self, row: Row, item: Item, target: str, strays: Strays) -> None:
        """Plan moves that bring the sidecars of a picture in DEST beside it.

        A sidecar that a person changed or moved stays.
        """
        for car in self._cars_of(row, item):
            known = self.cars.items.get(car)
            found = known and (known.path if strays.is_in_place(known) else strays.find(known))
            if known is not None and found is None and os.path.lexists(strays.path(known.path)):
                self.cars.give(car)  # a person changed it
                if parent_of(strays.path(known.path)) != parent_of(target):
                    self.left.append((strays.path(known.path), "changed since it was sorted"))
            elif known is None or found is None:
                if os.path.lexists(car):
                    folder = self._folder_at(parent_of(target))
                    self._add_sidecars(row, item.source, target, folder, [car])
            elif found == known.path and self._is_apart(strays.path(found), target, item, car):
                self.cars.give(car)
                path = strays.path(found)
                name = name_beside(target, item.source, car)
                moved = _sidecar(row, path, self._folder_at(parent_of(target)).fresh(name, ""))
                own = os.path.join(parent_of(target), name_of(car))
                self._own_names[moved.target] = own if self._is_numbered(target) else moved.target
                self.sidecars_within.append(moved)
                self.items[path] = known
            else:
                self.cars.give(car)

    def _is_apart(self, path: str, target: str, item: Item, car: str) -> bool:
        """Tell whether a sidecar lies in another folder than its picture, or can get its name."""
        if parent_of(path) != parent_of(target):
            return True
        name = name_beside(target, item.source, car)
        return name != name_of(path) and self._folder_at(parent_of(target)).is_free(name)

    def _is_numbered(self, target: str) -> bool:
        return self._own_names.get(target, target) != target

    def add_stranded(self, items: Iterable[Item]) -> None:
        """Plan for sidecars whose picture an earlier run moved without them, perhaps killed midway."""
        top = os.path.join(self._options.move_from or os.sep, "")
        with open_places(DISK) as places:
            strays = Strays(str(self._dest), {item.path: item for item in items}, places)
            for item in items:
                is_candidate = item.mode == Mode.MOVE and item.source.startswith(top)
                if item.is_sidecar or not is_candidate or item.source in self._settled:
                    continue
                if self.cars.lying_by(item.source) and not os.path.lexists(item.source):
                    found = item.path if strays.is_in_place(item) else strays.find(item)
                    if found is not None:
                        row = Row(item.source, "", Status.OK)
                        self._settle_sidecars(row, item, strays.path(found), strays)

    def _folder_at(self, path: str) -> Folder:
        """Return a folder of DEST by its path."""
        if path not in self._by_path:
            self._by_path[path] = open_folder(path)
        return self._by_path[path]

    def _add_namesake(
        self, row: Row, name: str, place: FreeTarget, folder: Folder, cars: Sequence[str]
    ) -> None:
        if place.is_there:
            self.same.append(Operation(row, place.path))
            if not self._options.mode.is_move:  # with --move the picture stays, and so do its sidecars
                self._add_sidecars(row, row.path, place.path, folder, cars)
        elif self._options.conflict is not Conflict.RENAME:
            self._refuse(row, name, folder)
        else:
            self.rows.append(row)
            self._targets.append(place.path)
            self._add_sidecars(row, row.path, place.path, folder, cars)

    def _refuse(self, row: Row, name: str, folder: Folder) -> None:
        label = folder_for(row, accept_uncertain=self._options.accept_uncertain)
        named = f"as a sidecar of {printable(name)}" if folder.is_free(name) else printable(name)
        reason = f"{label} already has a different file named {named}"
        if self._options.conflict is Conflict.ERROR:
            raise OutputError(
                f"{printable(row.path)}: {reason}. Nothing was done. Rename one of them, or use "
                "--on-conflict rename or skip."
            )
        self.left.append((row.path, reason))

    def _folder(self, row: Row) -> Folder:
        """The folder of DEST for a label and, where folders are kept, for the one that a file is in."""
        kind = row.status, row.label, row.human
        top = self._tops.get(kind)
        if top is None:
            label = folder_for(row, accept_uncertain=self._options.accept_uncertain)
            top = self._tops[kind] = self._opened(label)
        base = self._options.keep_folders_of
        if base is None:
            return top
        above = parent_of(row.path)
        if (top.path, above) not in self._kept:
            kept = self._kept[top.path, above] = _descended(top, above, base)
            self._by_path.setdefault(kept.path, kept)
        return self._kept[top.path, above]

    def _opened(self, label: str) -> Folder:
        """The folder for a label, of which there is one only."""
        path = str(self._dest / label)
        if path not in self._by_path:
            is_link = self._options.mode is Mode.SYMBOLIC
            self._by_path[path] = open_folder(path, reads_links=is_link)
        return self._by_path[path]


def _sidecar(row: Row, path: str, target: str) -> SideCar:
    """Return the operation for a sidecar of a row's picture."""
    cells = {written.PICTURE: row.path}
    return SideCar(row._replace(path=path, sha256="", cells=cells), target)


def _is_left(row: Row) -> bool:
    """Tell whether a row has no label by which its file could be sorted."""
    return row.status is _ERROR and row.human in ("", UNCLEAR)


def _descended(folder: Folder, above: str, base: str) -> Folder:
    """The folder below `folder` that is called as `above` is called below `base`."""
    absolute, top = os.path.abspath(above), os.path.join(base, "")
    if absolute.startswith(top):
        for part in absolute[len(top) :].split(os.sep):
            folder = folder.folder(part)
    return folder


def folder_for(row: Row, *, accept_uncertain: bool) -> str:
    """Name of the folder that a row's file belongs into; a person's label wins."""
    if row.human == UNCLEAR:
        return UNCERTAIN_FOLDER
    label = row.human or row.label
    status = Status.OK if row.human else row.status
    if status is Status.ERROR:
        return UNREADABLE_FOLDER
    if label == NONE_LABEL or status is Status.REJECTED:
        return REJECTED_FOLDER
    if status is Status.UNCERTAIN and not accept_uncertain:
        return UNCERTAIN_FOLDER
    if not is_folder_name(label) or fold(label) == MANIFEST:
        raise UsageError(
            f"{printable(row.path)}: the label {label!r} can't be the name of a folder. "
            "Correct it in the labels.csv."
        )
    return label
