"""Decide where every file goes, before anything is touched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from digitsort.errors import OutputError, UsageError
from digitsort.files.names import absolute, fold, is_folder_name, name_of, parent_of, printable
from digitsort.files.realpaths import RealPaths
from digitsort.labels import NONE_LABEL
from digitsort.records import Status
from digitsort.row import Row
from digitsort.sorting.taken import Folder, Place, file_sha256, open_folder
from digitsort.tuples import made

_ERROR = Status.ERROR  # an enumeration is slow to say what it has

MANIFEST = "labels.csv"
"""A name that a folder of DEST can't have."""

MOST_NAMED = 3

UNCERTAIN_FOLDER = "_uncertain"
REJECTED_FOLDER = "_rejected"


class Mode(StrEnum):
    """How files get to their targets."""

    COPY = "copy"
    MOVE = "move"
    HARD = "hard link"
    SYMBOLIC = "symbolic link"


class Conflict(StrEnum):
    """What becomes of a file whose name another content has."""

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
    """

    dest: str
    operations: tuple[Operation, ...]
    same: tuple[Operation, ...]
    left: tuple[tuple[str, str], ...]
    mode: Mode = Mode.COPY
    move_from: str | None = None


@dataclass(frozen=True, slots=True)
class SortOptions:
    """How files are sorted.

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
    """

    mode: Mode = Mode.COPY
    conflict: Conflict = Conflict.RENAME
    accept_uncertain: bool = False
    keep_folders_of: str | None = None
    move_from: str | None = None


def plan_sort(rows: Iterable[Row], dest: Path, options: SortOptions = SortOptions()) -> Plan:
    """Plan the delivery of files into a folder for each label. Nothing is touched.

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
    planning = _Planning(dest, options)
    for row in rows:
        planning.add(row)
    move_from = None
    if options.mode is Mode.MOVE and options.move_from is not None:
        move_from = options.move_from
        # A file takes the place of one with the same content that fails.
        _check_inside([*planning.rows, *(operation.row for operation in planning.same)], move_from)
    return Plan(
        str(dest),
        tuple(planning.operations),
        tuple(planning.same),
        tuple(planning.left),
        options.mode,
        move_from,
    )


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
    named = ", ".join(map(printable, outside[:MOST_NAMED]))
    more = f" and {len(outside) - MOST_NAMED} more" if len(outside) > MOST_NAMED else ""
    files = "1 file to move is" if len(outside) == 1 else f"{len(outside)} files to move are"
    raise UsageError(
        f"{files} outside {printable(top)}: {named}{more}. Nothing was done. To move them anyway, name "
        "a folder that contains them all with --root DIR, or copy them."
    )


class _Planning:
    def __init__(self, dest: Path, options: SortOptions) -> None:
        self._dest = dest
        self._options = options
        self._tops: dict[tuple[Status, str, str], Folder] = {}
        self._kept: dict[tuple[str, str], Folder] = {}
        self.rows: list[Row] = []
        self._targets: list[str] = []
        self.same: list[Operation] = []
        self.left: list[tuple[str, str]] = []

    @property
    def operations(self) -> list[Operation]:
        """What is to be delivered, in the order of the rows."""
        return made(Operation, self.rows, self._targets)

    def add(self, row: Row) -> None:
        if row.status is _ERROR and not row.human:
            self.left.append((row.path, printable(row.reason) or "unreadable"))
            return
        folder, name = self._folder(row), name_of(row.path)
        target = folder.take(name, row.sha256)
        if target is None:
            sha256 = row.sha256 or file_sha256(row.path, follow=True)
            self._add_namesake(row, name, folder.place(name, sha256))
        else:
            self.rows.append(row)
            self._targets.append(target)

    def _add_namesake(self, row: Row, name: str, place: Place) -> None:
        if place.is_there:
            self.same.append(Operation(row, place.path))
        elif self._options.conflict is not Conflict.RENAME:
            self._refuse(row, name)
        else:
            self.rows.append(row)
            self._targets.append(place.path)

    def _refuse(self, row: Row, name: str) -> None:
        label = folder_for(row, accept_uncertain=self._options.accept_uncertain)
        reason = f"{label} already has a different file named {printable(name)}"
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
            self._kept[top.path, above] = _descended(top, above, base)
        return self._kept[top.path, above]

    def _opened(self, label: str) -> Folder:
        """The folder for a label, of which there is one only."""
        path = str(self._dest / label)
        known = (folder for folder in self._tops.values() if folder.path == path)
        is_link = self._options.mode is Mode.SYMBOLIC
        return next(known, None) or open_folder(path, reads_links=is_link)


def _descended(folder: Folder, above: str, base: str) -> Folder:
    """The folder below `folder` that is called as `above` is called below `base`."""
    absolute, top = os.path.abspath(above), os.path.join(base, "")
    if absolute.startswith(top):
        for part in absolute[len(top) :].split(os.sep):
            folder = folder.folder(part)
    return folder


def folder_for(row: Row, *, accept_uncertain: bool) -> str:
    """Name of the folder that a row's file belongs into; a person's label wins."""
    label = row.human or row.label
    status = Status.OK if row.human else row.status
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
