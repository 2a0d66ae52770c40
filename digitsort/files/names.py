"""Write any file name as text, get it back byte for byte, and order names as a person does."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters that make a spreadsheet read a cell as a formula (OWASP, CSV injection), the
full-width forms of the four included."""

REFERENCE = "file:"

_DRIVE = re.compile("[A-Za-z]:/")
"""The start of a path on Windows."""

MOST_NAME_BYTES = 255
"""Longest file name, in bytes, on every common file system."""

_TO_ESCAPE = (*_FORMULA_STARTS, REFERENCE, "'")
"""The apostrophe too: a cell that begins with one may be an escaped formula (`quoting`)."""

_IS_POSIX = os.sep == "/"

_NOT_NORMAL = ("//", "/.", "/\n")
"""Substrings of newline-separated paths that show that one may not be normalized."""


def printable(path: str) -> str:
    """Return a path for a message, with control characters and bytes that are not UTF-8 escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def fold(name: str) -> str:
    """Return a key that is equal for names that some file system treats as the same.

    They may differ in case, or in composed and decomposed characters.

    The canonical caseless match of the Unicode Standard, 3.13, D145.
    """
    if name.isascii():
        folded = name.lower()
        return name if folded == name else folded  # the same object saves memory for a million names
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


@lru_cache(maxsize=1024)
def is_folder_name(name: str) -> bool:
    """Return whether the name is valid for one visible folder on every file system."""
    return (
        name.isprintable()
        and name == name.strip()
        and not name.startswith((".", "_"))
        and not any(c in name for c in '/\\:*?"<>|')
        and 0 < len(os.fsencode(name)) <= MOST_NAME_BYTES
    )


def parent_of(path: str) -> str:
    """Return `os.path.dirname(path)`, but faster, because there may be millions of paths."""
    above = path.rpartition("/")[0] if _IS_POSIX else ""
    return above if above and not above.endswith("/") else os.path.dirname(path)


def name_of(path: str) -> str:
    """Return `os.path.basename(path)`, but faster."""
    return path.rpartition("/")[2] if _IS_POSIX else os.path.basename(path)


def split_path(path: str) -> tuple[str, str]:
    """Return `os.path.split(path)`, but faster."""
    above, _, name = path.rpartition("/") if _IS_POSIX else ("", "", "")
    return (above, name) if above and not above.endswith("/") else os.path.split(path)


_URL = re.compile("(?!file:)[a-z][a-z0-9+.-]*://")


def is_url(path: str) -> bool:
    """Return whether a path is an address such as ``s3://bucket/7.png``.

    A normalized path of a file never is one: it has no two slashes together.
    """
    return "://" in path and _URL.match(path) is not None


def absolute(path: str) -> str:
    """Return the path if it is absolute or an address, else `os.path.abspath(path)`."""
    if is_url(path):
        return path
    if (_IS_POSIX and path.startswith("/")) or os.path.isabs(path):
        return path
    return os.path.abspath(path)


def starts_formula(text: str) -> bool:
    """Return whether a spreadsheet could take a cell for a formula."""
    return text.startswith(_FORMULA_STARTS)


def to_cell(path: str, root: str) -> str:
    """Write a path as the cell of a labels.csv that lies in the folder `root`.

    Parameters
    ----------
    path : str
        Any path, absolute or relative to the working folder.
    root : str
        Absolute folder. A path below it is written relative to it, any other one absolute.

    Returns
    -------
    str
        With ``/`` as separator; with a leading ``./`` where it could be taken for a formula or a
        reference; a percent-encoded ``file:`` reference (RFC 3986) where the name is not valid UTF-8,
        holds control characters or a backslash, or begins like a drive of Windows.
    """
    if is_url(path):
        return to_cell_below(path)
    whole = path if _is_normal(path) else _made_absolute(path)
    below = root if root.endswith(os.sep) else root + os.sep
    text = whole[len(below) :] if whole.startswith(below) else whole
    return to_cell_below(text if _IS_POSIX else text.replace(os.sep, "/"))


def to_cell_below(text: str) -> str:
    """Return the cell for a path that is already relative to the root, with ``/`` as separator."""
    if not _is_plain(text) or (_IS_POSIX and _DRIVE.match(text)):
        return REFERENCE + quote_from_bytes(os.fsencode(text), safe="/:")
    if text.startswith(_TO_ESCAPE):
        return "./" + text
    return text


def from_cell(cell: str, root: str) -> str:
    """Return the path that `to_cell` wrote; relative paths start at the folder `root`."""
    is_reference = cell.startswith(REFERENCE)
    text = os.fsdecode(unquote_to_bytes(cell[len(REFERENCE) :])) if is_reference else cell
    if is_url(text):
        return text
    whole = text if text.startswith("/") else f"{root}{os.sep}{text}"
    if _is_normal(whole):
        return whole
    joined = os.path.join(root, text)
    return joined if _is_normal(joined) else os.path.normpath(joined)


def from_cells(cells: Sequence[str], root: str) -> Sequence[str]:
    """Return `from_cell` of many cells; faster if all are plain."""
    text = "\n".join(("", *cells, ""))
    if (
        not _IS_POSIX
        or any(odd in text for odd in (*_NOT_NORMAL, "\n.", "\n\n", REFERENCE))
        or not _is_normal(root)
    ):
        return [from_cell(cell, root) for cell in cells]
    if "\n/" not in text:
        return list(map(f"{root}/".__add__, cells))
    return [cell if cell.startswith("/") else f"{root}/{cell}" for cell in cells]


def _is_normal(path: str) -> bool:
    """Return whether an absolute path is certainly normalized, faster than `os.path.normpath`.

    Return False also for names that begin with a dot, which are rare.
    """
    return (
        _IS_POSIX
        and path.startswith("/")
        and not path.endswith("/")
        and "//" not in path
        and "/." not in path
    )


def _made_absolute(path: str) -> str:
    folder, name = os.path.split(path)
    if name in ("", os.curdir, os.pardir):
        return _absolute(path)
    # Files follow one another in a folder.
    return os.path.join(_absolute_folder(folder, os.getcwd()), name)


def folder_of(output: str) -> str:
    """Return the folder that paths in the file `output` start at; for ``-`` the working folder."""
    return os.getcwd() if output == "-" else str(Path(output).absolute().parent)


@lru_cache(maxsize=64)
def _absolute_folder(folder: str, _working_folder: str) -> str:
    """Return `_absolute(path)`; the argument with the working folder is part of the cache key."""
    return _absolute(os.path.join(folder, "x"))[: -len("x")]


def _absolute(path: str) -> str:
    """Return the absolute path like `os.path.abspath`, but resolve ``..`` after a link correctly."""
    if _is_normal(path):
        return path
    if os.pardir in path.split(os.sep):
        folder, name = os.path.split(path)
        if name != os.pardir:
            path = os.path.join(os.path.realpath(folder), name)
    return os.path.abspath(path)


def _is_plain(text: str) -> bool:
    """Return whether it is valid UTF-8 without a backslash, control characters and line separators."""
    if "\\" in text:
        return False
    if text.isascii():
        return text.isprintable()
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text)


_NUMBER = re.compile(r"([0-9]+)")


def natural_key(name: str) -> str:
    """Return a sort key: numbers by value, letters regardless of case, ties by the exact name.

    One string takes 100 bytes per file, where a tuple of the pieces would take 600: this matters in a
    folder of a million files.
    """
    pieces = _NUMBER.split(name.casefold())
    # Markers: \0 the end, \1 a number (by its count of digits, then by the digits), \2 letters.
    packed = (_packed_number(p) if i % 2 else f"\2{p}" for i, p in enumerate(pieces) if p)
    return f"{''.join(packed)}\0{name}"


def name_of_key(key: str) -> str:
    """Return the name that `natural_key` was given."""
    return key[key.index("\0") + 1 :]


def _packed_number(digits: str) -> str:
    significant = digits.lstrip("0")
    return f"\1{chr(3 + len(significant))}{significant}"
