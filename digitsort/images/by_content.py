"""Find files that were renamed or moved, by their content."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache, partial

from digitsort.files.regular import read_regular
from digitsort.images.discover import Walk
from digitsort.images.limits import DEFAULT_LIMITS

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
