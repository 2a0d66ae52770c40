"""Tell digitsort's own files, which no sort takes away."""

from __future__ import annotations

import os

from digitsort.sorting.journal import FOLDER
from digitsort.sorting.plan import MANIFEST
from digitsort.sorting.task import NotDeliveredError


def check_not_own(path: str, dest: str) -> None:
    """Raise NotDeliveredError for what any DEST has in .digitsort, and for this one's labels.csv.

    A table can name them. Without its journals a DEST can't be undone, and a lock that has another name
    is none.

    Parameters
    ----------
    path : str
        Absolute, without links in its folders.
    dest : str
    """
    if f"{os.sep}{FOLDER}{os.sep}" in path or path == os.path.join(dest, MANIFEST):
        raise NotDeliveredError("one of digitsort's own files: it must stay where it is")
