"""Refuse cells of a table that can't be what their column says: it may be a stranger's, or damaged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import nan

from digitsort.files.names import from_cell

MOST_LABEL_CHARS = 255
"""Longest label: no file system has a longer name for its folder."""

MOST_LABELS = 1000
"""Most different labels of one table; a model has 256 at most. Folders, keys of the review page and
rows and columns of a confusion matrix are made of them."""

MOST_TEXT_CHARS = 4096
"""Longest reason, and longest name of a model."""

SHA256_CHARS = 64

MOST_SHOWN = 80
"""Characters of a cell in a message."""

_AS_A_NUMBER = re.compile("[0-9]+(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]+)?")
"""Number that a spreadsheet makes of a hash with only digits, or digits and one e."""

_SHARE = re.compile("0(?:[.,][0-9]*)?|1(?:[.,]0*)?|")
"""A confidence as digitsort writes it; what else may be one is for `share_of` to say."""


class Labels:
    """The different labels of a table, which are few and short."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def add(self, label: str) -> None:
        """Take in a label; raise ValueError where it is too long or one too many."""
        if len(label) > MOST_LABEL_CHARS:
            raise ValueError(f"{shown(label)} is no label: it has over {MOST_LABEL_CHARS} characters.")
        self._seen.add(label)
        if len(self._seen) > MOST_LABELS:
            raise ValueError(
                f"there are over {MOST_LABELS} different labels up to here. Are these labels of digits?"
            )

    def take(self, labels: Iterable[str]) -> bool:
        """Take in many, if `add` would accept all of them; return whether it would."""
        seen = self._seen.union(labels)
        if len(seen) > MOST_LABELS or max(map(len, seen)) > MOST_LABEL_CHARS:
            return False
        self._seen = seen
        return True


def share_of(cell: str) -> float | None:
    """Return a confidence, 0-1; None where the cell is empty.

    Raises
    ------
    ValueError
        If it is something else; a decimal comma, as some spreadsheets write it, is not.
    """
    if not cell:
        return None
    try:
        share = float(cell.replace(",", "."))
    except ValueError:
        share = nan
    if not 0 <= share <= 1:
        raise ValueError(f"{shown(cell)} is no confidence: a number from 0 to 1.")
    return share


def are_shares(cells: Iterable[str]) -> bool:
    """Return whether all are confidences, as far as a quick look can tell."""
    return all(map(_SHARE.fullmatch, cells))


def check_text(cell: str) -> None:
    """Raise ValueError for a reason or a model's name that is too long."""
    if len(cell) > MOST_TEXT_CHARS:
        raise ValueError(f"{shown(cell)} has over {MOST_TEXT_CHARS} characters.")


def are_texts(cells: Iterable[str]) -> bool:
    """Return whether `check_text` accepts all."""
    return max(map(len, cells)) <= MOST_TEXT_CHARS


def check_sha256(cell: str) -> None:
    """Raise ValueError for what is neither empty nor a hash."""
    if are_sha256([cell]):
        return
    if _AS_A_NUMBER.fullmatch(cell):
        raise ValueError(
            f"{shown(cell)} is not a SHA-256: a spreadsheet turned it into a number. Restore it, or "
            "empty the cell so that the path alone identifies the file."
        )
    raise ValueError(f"{shown(cell)} is not a SHA-256, which has {SHA256_CHARS} digits 0-9, a-f.")


def are_sha256(cells: Iterable[str]) -> bool:
    """Return whether each is empty or could be a hash; one that is cut short matches no file anyway."""
    is_hex = not "".join(cells).encode().translate(None, b"0123456789abcdef")
    return is_hex and max(map(len, cells)) <= SHA256_CHARS


def path_of(cell: str, base: str) -> str:
    """Return the path that a cell names, taken from the folder `base`; raise ValueError for none."""
    path = from_cell(cell, base)
    if not cell or "\0" in path:
        raise ValueError(f"{shown(cell)} is no path.")
    return path


def shown(cell: str) -> str:
    """Return a cell as a message shows it."""
    if len(cell) > MOST_SHOWN:
        return f"{cell[:MOST_SHOWN]!a}…"
    return repr(cell) if cell.isprintable() else ascii(cell)
