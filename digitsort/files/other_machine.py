"""Find the files of a table whose paths are from another machine."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from digitsort.files.names import REFERENCE, from_cell, from_cells, parent_of

_DRIVE = re.compile("[A-Za-z]:/|//")
"""Start of an absolute path on Windows: a drive or a network share."""

_MOST_NAMES = 64
"""Largest number of parent folders to compare: a stranger's table may have very long paths."""


class PathFinder:
    """Converter from the cells of a table to paths.

    It looks for files only if a cell may be from another machine: if it has a backslash or a drive, or
    if `root` is given and its folder does not exist.

    Parameters
    ----------
    base : str
        Absolute folder where relative paths start.
    root : str, optional
        Folder in which to look for files whose folder does not exist, because it was renamed or copied
        from another machine.
    """

    def __init__(self, base: str, root: str | None = None) -> None:
        self._base = base
        self._root = root
        self._top = base if root is None else root
        self._folders: dict[str, str] = {}
        self._lost: dict[str, bool] = {}

    def paths(self, cells: Sequence[str]) -> Sequence[str]:
        """Return the path that each cell names."""
        text = "\n".join(("", *cells))
        is_foreign = os.sep == "/" and ("\\" in text or ":/" in text)
        if is_foreign or self._root is not None:
            return list(map(self.path, cells))
        return from_cells(cells, self._base)

    def path(self, cell: str) -> str:
        """Return the path that a cell names; a ``file:`` reference is never another machine's."""
        path, plain = from_cell(cell, self._base), cell
        if cell.startswith(REFERENCE):
            return path
        if os.sep == "/" and "\\" in cell and not os.path.lexists(path):  # a name may have one here
            plain = cell.replace("\\", "/")
            slashed = from_cell(plain, self._base)
            path = slashed if os.path.lexists(slashed) else path
        if os.sep == "/" and _DRIVE.match(plain):
            return self._found(plain, path)
        is_old = self._root is not None and (os.path.isabs(cell) or self._is_lost(path))
        return self._found(cell, path) if is_old else path

    def _is_lost(self, path: str) -> bool:
        folder = parent_of(path)
        if folder not in self._lost:
            self._lost[folder] = not os.path.isdir(folder)
        return self._lost[folder]

    def _found(self, foreign: str, path: str) -> str:
        """Return `path`; if its folder does not exist, the file of that name below the root."""
        folder = parent_of(foreign)
        if folder not in self._folders:
            self._folders[folder] = self._folder_for(folder)
        found = os.path.join(self._folders[folder], os.path.basename(foreign))
        is_at_root = self._folders[folder] == self._top
        return found if not is_at_root or os.path.lexists(found) else path

    def _folder_for(self, foreign: str) -> str:
        """Return the folder itself if it exists here, or else the best match for it below the root.

        The best match shares the most folder names with it, counted from the end.
        """
        if os.path.isabs(foreign) and os.path.isdir(foreign):
            return foreign
        names = [name for name in foreign.split("/") if name not in ("", "..")]
        for start in range(max(0, len(names) - _MOST_NAMES), len(names)):
            found = os.path.join(self._top, *names[start:])
            if os.path.isdir(found):
                return found
        return self._top
