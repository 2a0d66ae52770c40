"""Find the files of a table that lie elsewhere by now.

Paths from another machine are found by their end, and renamed or moved files by their content.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial

from digitsort.files.names import REFERENCE, from_cell, from_cells, parent_of
from digitsort.files.regular import read_regular
from digitsort.images.discover import Walk
from digitsort.images.limits import DEFAULT_LIMITS

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


JOURNALS = ".digitsort"
"""Name of the folder that `digitsort sort` leaves in its DEST."""


def find_contents(
    missing: Mapping[str, str], root: str, taken: Collection[str], *, also_sorted: bool = False
) -> dict[str, str]:
    """Return the new path of each missing file whose content is found; each file is used once.

    Parameters
    ----------
    missing : mapping of str to str
        SHA-256 (hex) by path.
    root : str
        Folder to look in, with its subfolders, except for those that `digitsort sort` sorted into.
    taken : collection of str
        Absolute paths that are not used, because they belong to others.
    also_sorted : bool
        Also look into folders that `digitsort sort` made.

    Returns
    -------
    dict of str to str
        New path by missing path. Of several files with the content, one with the same name goes first.
    """
    is_delivered = cache(partial(_is_delivered, top=os.path.abspath(root)))
    wanted = set(missing.values())
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in Walk([root], any_name=True).files():
        path = os.path.abspath(path)
        if path in taken or (not also_sorted and is_delivered(os.path.dirname(path))):
            continue
        sha256 = _sha256(path)
        if sha256 in wanted:
            found[sha256].append(path)
    return _assigned(missing, found)


def _is_delivered(folder: str, top: str) -> bool:
    """Return whether a folder below `top` is, or lies in, one that `digitsort sort` sorted into."""
    while not os.path.isdir(os.path.join(folder, JOURNALS)):
        if folder == top or folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return True


def _assigned(missing: Mapping[str, str], found: dict[str, list[str]]) -> dict[str, str]:
    assigned = {}
    for old, sha256 in missing.items():
        same = [path for path in found.get(sha256, ()) if _name(path) == _name(old)]
        if same:
            assigned[old] = same[0]
            found[sha256].remove(same[0])
    for old, sha256 in missing.items():
        if old not in assigned and found.get(sha256):
            assigned[old] = found[sha256].pop(0)
    return assigned


def _name(path: str) -> str:
    """Return the file name, also in a path of Windows."""
    return path.replace("\\", "/").rpartition("/")[2]


def _sha256(path: str) -> str:
    """Return the SHA-256 of a file; empty if it can't be read, because then it is not the one."""
    try:
        return hashlib.sha256(read_regular(path, DEFAULT_LIMITS.file_bytes)).hexdigest()
    except OSError:
        return ""
