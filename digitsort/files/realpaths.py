"""Resolve links in many paths, each folder only once."""

from __future__ import annotations

import os

from digitsort.files.names import split_path

MOST_KNOWN = 10_000
"""Number of folders to cache: more than the depth of any path, but little memory."""


class RealPaths:
    """Cache for the results of `os.path.realpath`, which looks up every parent of each file again.

    Without a cache the time is cubic in the depth of a tree: 97 s for 1,200 nested folders. Cached
    results may be outdated, so open the paths without following links (`files.places`).
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def folder(self, path: str) -> str:
        """Return the real path of a folder; the path must be absolute."""
        if os.name == "nt":
            return os.path.realpath(path)  # junctions and drives
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        missing = []
        while path not in self._known and path != os.path.dirname(path):
            missing.append(path)
            path = os.path.dirname(path)
        real = self._known.get(path, path)
        for each in reversed(missing):
            real = self._known[each] = _below(real, os.path.basename(each))
        return real

    def file(self, path: str) -> str:
        """Return the real path of a file; the path must be absolute."""
        folder, name = split_path(path)
        return _below(self.folder(folder), name)


def _below(folder: str, name: str) -> str:
    """Return the real path of a name in a folder whose path is already real."""
    path = os.path.join(folder, name)
    is_plain = name not in ("", os.curdir, os.pardir) and not os.path.islink(path)
    return path if is_plain else os.path.realpath(path)
