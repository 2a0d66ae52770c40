"""Read a labels.csv once: its counts, and the rows that will be shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

from digitsort.labels import require_rows
from digitsort.review.choose import Chooser, numbered_rows
from digitsort.review.tally import Tally
from digitsort.row import HUMAN, Row


@dataclass(frozen=True, slots=True)
class Source:
    """The labels.csv behind a page.

    Attributes
    ----------
    path : Path
    columns : tuple of str
        Columns of its header, without `human`.
    digest : str
        SHA-256 of its bytes, in hex, which ties the labels stored in a browser to this content.
    date : datetime
        Time when it was written.
    """

    path: Path
    columns: tuple[str, ...]
    digest: str
    date: datetime


def read_source(
    path: Path, rows: Iterator[Row], truths: Mapping[str, str], chooser: Chooser
) -> tuple[Source, Tally]:
    """Read all rows, and return the source and the counts; the chooser keeps the rows to show.

    Parameters
    ----------
    path : Path
        Path of the labels.csv.
    rows : iterator of Row
        Its rows, with the labels of an earlier review, if any.
    truths : mapping of str to str
        Right labels by path, to compare the rows with.
    chooser : Chooser

    Raises
    ------
    NothingToDoError
        If there are no rows.
    """
    tally = Tally(truths)
    first = list(islice(rows, 1))
    require_rows(first, path)
    for _ in numbered_rows(tally.counted(chain(first, rows)), chooser):
        pass
    return _source(path, first[0]), tally


def _source(path: Path, first: Row) -> Source:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    date = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return Source(path, tuple(name for name in first.cells if name != HUMAN), digest, date)
