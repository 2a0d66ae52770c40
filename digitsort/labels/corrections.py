"""corrections.csv: what a person said of files, and which files it holds for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digitsort.errors import UsageError
from digitsort.files.atomic import replacing
from digitsort.files.names import printable
from digitsort.labels.cells import UNCLEAR, Findings
from digitsort.labels.labels_csv import columns_of_labels, read_labels
from digitsort.labels.row import HUMAN, Row
from digitsort.labels.table import columns_of, write_table


@dataclass(slots=True)
class Corrections:
    """Rows of a labels.csv with a person's label in each.

    A correction is of a content: it holds for the file with this path and this content; where the path
    is not known, also for one of the same content elsewhere, unless corrections of that content differ.
    Where the content at its path is another one by now, it does not hold.

    Attributes
    ----------
    rows : tuple of Row
        Each with `human`; of two for the same path and content the later one.
    contradicted : int
        Number of rows whose later label differs from an earlier one, unless one of them is `_unclear`.
    """

    rows: tuple[Row, ...]
    contradicted: int = field(init=False, default=0)
    _exact: dict[tuple[str, str], Row] = field(init=False, repr=False)
    _by_path: dict[str, Row] = field(init=False, repr=False)
    _by_content: dict[str, tuple[Row, ...]] = field(init=False, repr=False)
    _held: set[tuple[str, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._exact = {}
        for row in self.rows:
            earlier = self._exact.get((row.path, row.sha256))
            labels = {row.human, row.human if earlier is None else earlier.human} - {UNCLEAR}
            self.contradicted += len(labels) > 1
            self._exact[row.path, row.sha256] = row
        self.rows = tuple(self._exact.values())
        self._by_path = {row.path: row for row in self.rows}
        self._by_content = {}
        for row in self.rows:
            if row.sha256:
                self._by_content[row.sha256] = (*self._by_content.get(row.sha256, ()), row)
        self._held = set()

    def label_for(self, path: str, sha256: str) -> str:
        """A person's label for a file, `_none` included; empty where no correction holds for it.

        Parameters
        ----------
        path : str
            As `read_labels` resolves it.
        sha256 : str
            Of the file's content, in hex; where it is not known (empty), the path decides.
        """
        held = self._holding(path, sha256)
        self._held.update((row.path, row.sha256) for row in held)
        return held[0].human if held else ""

    def correct(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows with the person's label where a correction holds; the others as they are."""
        for row in rows:
            human = self.label_for(row.path, row.sha256)
            yield row._replace(human=human, cells={**row.cells, HUMAN: human}) if human else row

    def unused(self) -> list[Row]:
        """Corrections that have held for no file yet."""
        return [row for row in self.rows if (row.path, row.sha256) not in self._held]

    def _holding(self, path: str, sha256: str) -> tuple[Row, ...]:
        exact = self._exact.get((path, sha256))
        if exact is not None:
            return (exact,)
        at_path = self._by_path.get(path)
        if at_path is not None and not (sha256 and at_path.sha256):
            return (at_path,)
        same = self._by_content.get(sha256, ()) if sha256 else ()
        return same if len({row.human for row in same}) == 1 else ()


def read_all_corrections(
    paths: Sequence[Path], root: Path | None, findings: Mapping[str, Findings]
) -> Corrections:
    """Read several corrections.csv; of two labels for a row, the one in the later file counts.

    Parameters
    ----------
    root : Path, optional
        As for `read_corrections`.
    findings : mapping of str to Findings
        Receives observations about each table, by its path.
    """
    tables = [read_corrections(path, root, findings[str(path)]) for path in paths]
    return Corrections(tuple(row for table in tables for row in table.rows))


def read_corrections(
    path: Path, root: Path | None = None, findings: Findings | None = None
) -> Corrections:
    """Read a corrections.csv: the rows of a labels.csv, unchanged, with the column `human`.

    Parameters
    ----------
    path : Path
    root : Path, optional
        The folder that relative paths start from: that of the labels.csv the rows are from. By default
        the folder of the file.
    findings : Findings, optional
        Receives observations about the table.

    Raises
    ------
    UsageError
        If the file is not a corrections.csv.
    """
    rows = list(read_labels(path, root, findings))
    if rows and HUMAN not in rows[0].cells:
        raise UsageError(
            f"{printable(str(path))} has no column {HUMAN}: it holds no corrections. Add the column, "
            "with the right label in each row."
        )
    return Corrections(tuple(row for row in rows if row.human))


@dataclass(frozen=True, slots=True)
class Kept:
    """File with a person's labels.

    Attributes
    ----------
    count : int or None
        Number of labels; None if the table could not be read, so that all of it was kept.
    """

    path: Path
    count: int | None


def keep_human(table: Path) -> Kept | None:
    """Write a person's labels of a table, which will be replaced, into a corrections.csv beside it.

    Beside ``labels.csv`` it is called ``labels.human.csv``, or ``labels.human_2.csv`` if that exists.
    Return None if there are no such labels.
    """
    if HUMAN not in columns_of_labels(table):
        return None
    try:
        rows = [row for row in read_labels(table) if row.human]
    except UsageError:
        with replacing(path := _free_name(table), force=False) as file:
            file.write(table.read_bytes())
        return Kept(path, None)
    if not rows:
        return None
    cells = [row.cells for row in rows]
    with replacing(path := _free_name(table), force=False) as file:
        write_table(file, columns_of(cells), cells)
    return Kept(path, len(rows))


def _free_name(table: Path) -> Path:
    path, number = table.with_name(f"{table.stem}.human.csv"), 1
    while os.path.lexists(path):
        number += 1
        path = table.with_name(f"{table.stem}.human_{number}.csv")
    return path
