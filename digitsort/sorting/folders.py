"""Folders of DEST: none is a link, and those that are missing are made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from digitsort.files.disk import Disk
from digitsort.files.names import printable
from digitsort.files.places import Places
from digitsort.sorting.look import anywhere


class Folders:
    """Looks at the folders of a batch of targets.

    Attributes
    ----------
    missing : list of str
        Folders that have to be made, a parent before its children.
    refused : dict
        Folder to the reason why nothing is put into it.
    """

    def __init__(self, disk: Disk, dest: str) -> None:
        self._disk = disk
        self._dest = dest
        self._known: dict[str, str] = {}
        self.missing: list[str] = []

    def refusal(self, folder: str) -> str:
        """Why nothing is put into a folder, DEST itself or one below it; mostly empty."""
        unknown = []
        above = folder
        while above not in self._known and above != self._dest:
            unknown.append(above)
            above = os.path.dirname(above)
        if above not in self._known:
            self._known[above] = self._look(above)
        refused = self._known[above]
        for below in reversed(unknown):
            refused = self._known[below] = refused or self._look(below)
        return refused

    def _look(self, folder: str) -> str:
        try:
            kind = self._disk.lstat(anywhere(folder)).st_mode
        except FileNotFoundError:
            self.missing.append(folder)
            return ""
        except OSError as error:
            return f"{printable(folder)}: {error.strerror}"
        if stat.S_ISLNK(kind):
            return f"{printable(folder)} became a link during the run"
        return "" if stat.S_ISDIR(kind) else f"{printable(folder)} is not a folder"

    def make(self, places: Places) -> None:
        """Make what is missing."""
        for folder in self.missing:
            try:
                self._disk.mkdir(places.at(folder))
            except FileExistsError:
                continue  # it appeared meanwhile


def make_folders(disk: Disk, places: Places, folder: str) -> int:
    """Make a folder and those above it that are missing; return how many that were."""
    missing = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        disk.mkdir(places.at(each))
    return len(missing)


def remove_empty(disk: Disk, places: Places, folders: Iterable[str]) -> None:
    """Remove folders that are empty, the children before their parents; others stay."""
    for folder in sorted(folders, key=len, reverse=True):
        try:
            disk.rmdir(places.at(folder))
        except OSError:
            continue  # it holds something, or is gone
