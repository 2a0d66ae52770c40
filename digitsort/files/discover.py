"""Walk sources to a sorted stream of the files in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.files.natural import packed_key, unpacked
from digitsort.files.realpaths import RealPaths

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".bmp", ".gif", ".webp"}
)


@dataclass(slots=True)
class Walk:
    """A walk through sources; iterate `files` once, then read what was left aside.

    Attributes
    ----------
    sources : sequence of str
        Files and folders, each existing.
    follow_links : bool
        Enter folders that are symbolic links; each real folder is entered once.
    exclude : str or None
        A folder whose content is never an input.
    passed_over : int
        Files that are no pictures by their extension. Hidden files are not counted.
    unreadable : list of (path, reason)
        Folders that could not be listed.
    """

    sources: Sequence[str]
    follow_links: bool = False
    exclude: str | None = None
    passed_over: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    _real: RealPaths = field(default_factory=RealPaths, repr=False)

    def files(self) -> Iterator[str]:
        """Yield paths: source by source, folder by folder, names in natural order.

        A file that was named itself is yielded whatever it is called.
        """
        entered: set[tuple[int, int]] = set()  # by all sources: links lead from one into another
        for source in _without_overlap(self.sources):
            if os.path.isdir(source):
                yield from self._walk(source, entered)
            else:
                yield source

    def _walk(self, top: str, entered: set[tuple[int, int]]) -> Iterator[str]:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if not self._may_enter(folder, entered):
                continue
            files, folders = self._list(folder)
            below = os.path.join(folder, "")
            while files:  # what was given out is forgotten
                yield below + unpacked(files.pop())
            waiting.extend(below + unpacked(key) for key in folders)

    def _may_enter(self, folder: str, entered: set[tuple[int, int]]) -> bool:
        """Excluded folders are not entered, and with links none twice, so that loops are harmless."""
        if self.exclude is not None and self._real.folder(os.path.abspath(folder)) == self.exclude:
            return False
        if not self.follow_links:
            return True
        try:
            status = os.stat(folder)
        except OSError as error:
            self.unreadable.append((folder, error.strerror or str(error)))
            return False
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            return False
        entered.add(identity)
        return True

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        """Packed names of the picture files and sub-folders of a folder, each the last one first."""
        files: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._note(entry, files, folders)
        except OSError as error:
            self.unreadable.append((folder, error.strerror or str(error)))
            return [], []
        files.sort(reverse=True)
        folders.sort(reverse=True)
        return files, folders

    def _note(self, entry: os.DirEntry[str], files: list[str], folders: list[str]) -> None:
        if entry.name.startswith("."):
            return
        if _is_folder(entry):
            if self.follow_links or not entry.is_symlink():
                folders.append(packed_key(entry.name))
        elif _has_picture_suffix(entry.name):
            files.append(packed_key(entry.name))
        else:
            self.passed_over += 1


def check_sources(sources: Sequence[str | Path]) -> list[str]:
    """The sources as strings; raises UsageError for one that does not exist."""
    paths = [os.fspath(source) for source in sources]
    for path in paths:
        try:
            os.lstat(path)  # a dangling link is there: it becomes a row with the reason
        except OSError as error:
            raise UsageError(
                f"{printable(path)}: {error.strerror}. Name a file or folder that exists."
            ) from error
    return paths


def _has_picture_suffix(name: str) -> bool:
    """As by `os.path.splitext`, of a name that does not begin with a dot."""
    _, dot, suffix = name.rpartition(".")
    return dot + suffix.lower() in PICTURE_SUFFIXES


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere or round in circles is a file that can't be read
        return False


def _without_overlap(sources: Sequence[str]) -> list[str]:
    """Sources that the walk through another one would not reach anyway, each once."""
    real = {source: _identity(source) for source in sources}
    folders = [path for path in real.values() if path.is_dir()]
    kept: dict[Path, str] = {}
    for source, path in real.items():
        if not any(_reaches(folder, path) for folder in folders):
            kept.setdefault(path, source)
    return list(kept.values())


def _identity(source: str) -> Path:
    """A folder's real path; a file's own path, for a link to a file is read under its own name."""
    if os.path.isdir(source):
        return Path(os.path.realpath(source))
    folder, name = os.path.split(os.path.abspath(source))
    return Path(os.path.realpath(folder), name)


def _reaches(folder: Path, path: Path) -> bool:
    """Whether a walk through `folder` comes past `path`, another source."""
    if folder == path or not path.is_relative_to(folder):
        return False
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and (path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES)
