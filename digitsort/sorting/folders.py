"""Folders of DEST: none is a link, and those that are missing are made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from digitsort.files.disk import Disk
from digitsort.files.names import printable


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
        if folder not in self._known:
            above = "" if folder == self._dest else self.refusal(os.path.dirname(folder))
            self._known[folder] = above or self._look(folder)
        return self._known[folder]

    def _look(self, folder: str) -> str:
        try:
            kind = self._disk.lstat(folder).st_mode
        except FileNotFoundError:
            self.missing.append(folder)
            return ""
        except OSError as error:
            return f"{printable(folder)}: {error.strerror}"
        if stat.S_ISLNK(kind):
            return f"{printable(folder)} became a link meanwhile"
        return "" if stat.S_ISDIR(kind) else f"{printable(folder)} is no folder"

    def make(self) -> None:
        """Make what is missing."""
        for folder in self.missing:
            try:
                self._disk.mkdir(folder)
            except FileExistsError:
                continue  # it appeared meanwhile


def remove_empty(disk: Disk, folders: Iterable[str]) -> None:
    """Remove folders that are empty, the children before their parents; others stay."""
    for folder in sorted(folders, key=len, reverse=True):
        try:
            disk.rmdir(folder)
        except OSError:
            continue  # it holds something, or is gone
