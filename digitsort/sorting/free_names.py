"""Find free names in the folders of DEST, and know what lies there already."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

from digitsort.errors import OutputError
from digitsort.files.names import MOST_NAME_BYTES, fold, printable


class FreeTarget(NamedTuple):
    """Target of a file whose own name is taken.

    Attributes
    ----------
    is_there : bool
        Its content is at the path already, or will be.
    """

    path: str
    is_there: bool


Fits = Callable[[str], bool]
"""Function that tells whether a file can take a free name: its sidecars need matching names too."""


@dataclass(slots=True)
class _Series:
    """A name that more than one file wanted, and those numbered after it.

    Attributes
    ----------
    following : int
        The first number that nobody has tried.
    by_content : dict
        sha256 to the path, of all tried before.
    """

    following: int = 1
    by_content: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Folder:
    """A folder of DEST, there or planned, and the names taken in it.

    Attributes
    ----------
    reads_links : bool
        The content of a link that is there is that of the file which it leads to.
    """

    path: str
    reads_links: bool = False
    _files: dict[str, str | None] = field(default_factory=dict)
    """Folded name to sha256; None where nobody has looked yet."""
    _sources: dict[str, str] = field(default_factory=dict)
    """Folded name to the path of the file that will get it, where nobody has looked into that yet."""
    _spelled: dict[str, str] = field(default_factory=dict)
    """Folded name to the name, where they differ."""
    _folders: dict[str, Folder | str] = field(default_factory=dict)
    """Folded name to the folder; its path where nobody has looked into it yet."""
    _series: dict[str, _Series] = field(default_factory=dict)

    def is_free(self, name: str) -> bool:
        """Tell whether no file or folder has this name, and none is planned to."""
        folded = fold(name)
        return not (folded in self._files or folded in self._folders)

    def has(self, name: str, sha256: str) -> bool:
        """Tell whether a file with this name and content is there, or is planned."""
        return bool(sha256) and self._content(fold(name)) == sha256

    def take(self, name: str, sha256: str, source: str = "") -> str | None:
        """The path that a file gets under its own name; None where that is not free."""
        folded = fold(name)
        if folded in self._files or folded in self._folders:
            return None
        self._files[folded] = sha256 or None
        if not sha256:
            self._sources[folded] = source
        if folded != name:
            self._spelled[folded] = name
        return f"{self.path}{os.sep}{name}"

    def place(self, name: str, sha256: str, source: str, fits: Fits | None = None) -> FreeTarget:
        """Find a numbered name for a file, or one under which its content is already there.

        A free name that does not fit is skipped.
        """
        series = self._series.setdefault(fold(name), _Series())
        stem, suffix = os.path.splitext(name)
        while True:
            if sha256 and sha256 in series.by_content:
                return FreeTarget(series.by_content[sha256], True)
            candidate = _numbered(stem, suffix, series.following)
            series.following += 1
            if fits is not None and self.is_free(candidate) and not fits(candidate):
                continue
            path = self.take(candidate, sha256, source)
            if path is not None:
                series.by_content.setdefault(sha256, path)
                return FreeTarget(path, False)
            folded = fold(candidate)
            series.by_content.setdefault(self._content(folded), self._path(folded))

    def fresh(self, name: str, sha256: str, fits: Fits | None = None) -> str:
        """The path for a file under its own or a numbered name, whatever has the same content."""
        stem, suffix = os.path.splitext(name)
        for number in count(1):
            candidate = _numbered(stem, suffix, number)
            if fits is None or fits(candidate):
                path = self.take(candidate, sha256)
                if path is not None:
                    return path
        raise AssertionError("there is always another number")

    def leave(self, name: str) -> None:
        """Know that a file will leave: its name stays taken, and no other file's content is there."""
        self._files[fold(name)] = ""

    def folder(self, name: str) -> Folder:
        """The folder of this name in this one, or of a numbered one if a file has the name."""
        number = 1
        while True:
            candidate = _numbered(name, "", number)
            folded = fold(candidate)
            found = self._folders.get(folded)
            if isinstance(found, Folder):
                return found
            if found is not None or folded not in self._files:
                path = found or os.path.join(self.path, candidate)
                opened = self._folders[folded] = open_folder(path, reads_links=self.reads_links)
                return opened
            number += 1

    def _path(self, folded: str) -> str:
        return os.path.join(self.path, self._spelled.get(folded, folded))

    def _content(self, folded: str) -> str:
        sha256 = self._files.get(folded, "")
        if sha256 is None:
            sha256 = self._files[folded] = self._looked(folded)
        return sha256

    def _looked(self, folded: str) -> str:
        source = self._sources.get(folded)
        if source is not None:
            return known_sha256(source, follow=True)
        return known_sha256(self._path(folded), follow=self.reads_links)


def open_folder(path: str, *, reads_links: bool = False) -> Folder:
    """A folder with the names that are in it; without any where there is no such folder yet.

    Raises
    ------
    OutputError
        If it is a link or no folder, or can't be listed.
    """
    if os.path.islink(path) or (os.path.exists(path) and not os.path.isdir(path)):
        raise OutputError(
            f"Cannot sort into {printable(path)}: it is a symbolic link or a file. "
            "Remove it or choose another DEST."
        )
    folder = Folder(path, reads_links)
    try:
        with os.scandir(path) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except FileNotFoundError:
        return folder
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # nothing is there, nor ever will be: the run says so
            return folder
        raise OutputError(
            f"{printable(path)} can't be listed: {error.strerror}. Choose another DEST."
        ) from error
    for name, is_folder in found:
        folded = fold(name)
        if is_folder and folded not in folder._folders:
            folder._folders[folded] = os.path.join(path, name)
        elif folded not in folder._files:
            folder._files[folded] = None
            if folded != name:
                folder._spelled[folded] = name
    return folder


def known_sha256(path: str, *, follow: bool) -> str:
    """Return what `file_sha256` does; empty for a file that can't be read too.

    It is like no other file then. If it is one to be delivered, the delivery says what is wrong.
    """
    try:
        return file_sha256(path, follow=follow)
    except OSError:
        return ""


def file_sha256(path: str, *, follow: bool = False) -> str:
    """Return the SHA-256 of a regular file's content, in hex; empty for anything else."""
    if (os.path.islink(path) and not follow) or not os.path.isfile(path):
        return ""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _numbered(stem: str, suffix: str, number: int) -> str:
    if number == 1:
        return stem + suffix
    ending = f"_{number}{suffix}"
    while stem and len(os.fsencode(stem + ending)) > MOST_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending
