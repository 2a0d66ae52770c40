"""Decide where every file goes, before anything is touched."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from digitsort.errors import OutputError, UsageError
from digitsort.files.names import MOST_NAME_BYTES, is_folder_name, printable
from digitsort.labels import NONE_LABEL, Row
from digitsort.records import Status

UNCERTAIN_FOLDER = "_uncertain"
REJECTED_FOLDER = "_rejected"


@dataclass(frozen=True, slots=True)
class Operation:
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
    """

    dest: str
    operations: tuple[Operation, ...]
    same: tuple[Operation, ...]
    left: tuple[tuple[str, str], ...]


def plan_sort(rows: Iterable[Row], dest: Path, *, accept_uncertain: bool = False) -> Plan:
    """Plan the delivery of files into a folder for each label.

    Parameters
    ----------
    rows : iterable of Row
    dest : Path
    accept_uncertain : bool
        Best guesses go into their digit's folder instead of ``_uncertain``.

    Raises
    ------
    UsageError
        For a label that can't be the name of a folder.
    OutputError
        If a folder of DEST is a link or a file.
    """
    dest = Path(os.path.abspath(dest))
    folders: dict[str, _Folder] = {}
    operations: list[Operation] = []
    same: list[Operation] = []
    left: list[tuple[str, str]] = []
    for row in rows:
        if row.status is Status.ERROR and not row.human:
            left.append((row.path, printable(row.reason) or "unreadable"))
            continue
        name = folder_for(row, accept_uncertain=accept_uncertain)
        if name not in folders:
            folders[name] = _open_folder(dest / name)
        target, is_there = folders[name].place(os.path.basename(row.path), row.sha256)
        (same if is_there else operations).append(Operation(row, target))
    return Plan(str(dest), tuple(operations), tuple(same), tuple(left))


def folder_for(row: Row, *, accept_uncertain: bool) -> str:
    """Name of the folder that a row's file belongs into; a person's label wins."""
    label = row.human or row.label
    if label == NONE_LABEL or (not row.human and row.status is Status.REJECTED):
        return REJECTED_FOLDER
    if not row.human and row.status is Status.UNCERTAIN and not accept_uncertain:
        return UNCERTAIN_FOLDER
    if not is_folder_name(label):
        raise UsageError(
            f"{printable(row.path)}: the label {label!r} can't be the name of a folder. "
            "Correct it in the labels.csv."
        )
    return label


@dataclass(slots=True)
class _Taken:
    """A name in a folder of DEST and the sha256 of its content; None where nobody has looked yet."""

    name: str
    sha256: str | None


@dataclass(slots=True)
class _Folder:
    """A folder of DEST and the names taken in it, by what makes names equal on any file system."""

    path: str
    taken: dict[str, _Taken] = field(default_factory=dict)

    def place(self, name: str, sha256: str) -> tuple[str, bool]:
        """A free name for a file, and False; or the name under which its content is there, and True."""
        stem, suffix = os.path.splitext(name)
        number = 1
        while True:
            candidate = _numbered(stem, suffix, number)
            taken = self.taken.get(_folded(candidate))
            if taken is None:
                self.taken[_folded(candidate)] = _Taken(candidate, sha256)
                return os.path.join(self.path, candidate), False
            if sha256 and self._content(taken) == sha256:
                return os.path.join(self.path, taken.name), True
            number += 1

    def _content(self, taken: _Taken) -> str:
        if taken.sha256 is None:
            taken.sha256 = file_sha256(os.path.join(self.path, taken.name))
        return taken.sha256


def file_sha256(path: str) -> str:
    """SHA-256 of a regular file's content, in hex; empty for anything else."""
    if os.path.islink(path) or not os.path.isfile(path):
        return ""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_folder(path: Path) -> _Folder:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise OutputError(
            f"{printable(str(path))} is a link or a file, not a folder: nothing is sorted through it. "
            "Remove it or name another DEST."
        )
    folder = _Folder(str(path))
    if path.exists():
        try:
            for name in sorted(os.listdir(path)):
                folder.taken[_folded(name)] = _Taken(name, None)
        except OSError as error:
            raise OutputError(
                f"{printable(str(path))} can't be listed: {error.strerror}. Name another DEST."
            ) from error
    return folder


def _folded(name: str) -> str:
    """Equal for names that some file system takes for the same: case, composed and decomposed.

    The canonical caseless match of the Unicode Standard, 3.13, D145.
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _numbered(stem: str, suffix: str, number: int) -> str:
    if number == 1:
        return stem + suffix
    ending = f"_{number}{suffix}"
    while stem and len(os.fsencode(stem + ending)) > MOST_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending
