"""Open a table that somebody else may have written: a regular file of bounded lines."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.errors import UsageError
from digitsort.files.disk import READ_NO_WAIT
from digitsort.files.names import printable
from digitsort.quoting import unescaped

if TYPE_CHECKING:
    from _csv import Reader

MOST_LINE_CHARS = 2**20
"""Longest line that is taken into memory at once. A longer row of a real table would need cells of
100,000 characters; `csv` refuses those too."""


@contextmanager
def opened_table(path: Path) -> Iterator[Reader]:
    """Open a CSV file for reading row by row.

    Raises
    ------
    UsageError
        If it can't be read, or is a folder, pipe or device.
    """
    try:
        descriptor = os.open(path, READ_NO_WAIT)
    except OSError as error:
        raise _not_readable(path, error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_readable(path, "it is a folder, pipe or device, not a file")
    with os.fdopen(descriptor, "rb") as raw:
        # utf-8-sig: a spreadsheet that saved the file may have put a byte order mark before it.
        file = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        try:
            # A longer line comes in pieces, each a row with too few cells or part of too long a cell.
            yield csv.reader(iter(partial(file.readline, MOST_LINE_CHARS), ""), strict=True)
        except OSError as error:  # of a disk or a network, in the midst of the file
            raise _not_readable(path, error.strerror or str(error)) from error


def plain_cells(block: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Return rows without the apostrophes that a writer put before formulas.

    Raises
    ------
    ValueError
        If a cell holds a NUL: no table has one, but binary files and UTF-16 do.
    """
    text = "".join(map("".join, block))
    if "\0" in text:
        raise ValueError("a cell holds a NUL character: no text has one.")
    return block if "'" not in text else [list(map(unescaped, cells)) for cells in block]


def _not_readable(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"{printable(str(path))} can't be read: {reason}. "
        "Name a labels.csv, or make one with `digitsort classify`."
    )
