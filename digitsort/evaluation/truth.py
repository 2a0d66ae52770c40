"""Find out what the right label of each picture is."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digitsort.errors import NothingToDoError, UsageError
from digitsort.files.names import natural_key, printable
from digitsort.images.discover import Walk, nothing_found
from digitsort.labels.cells import (
    NONE_LABEL,
    UNCLEAR,
    Findings,
    Labels,
    human_label,
    is_long_number,
    listed,
    path_of,
)
from digitsort.labels.elsewhere import PathFinder
from digitsort.labels.read_table import cells_of_row, fault_of, header_of, is_empty, opened_table
from digitsort.sources.located import without_content

TRUTH_NAME = "truth.csv"


@dataclass(frozen=True, slots=True)
class Truth:
    """Right labels by path.

    Attributes
    ----------
    labels : dict of str to str
        Label of each picture, in the order of the walk; empty if unknown.
    table : Path or None
        The truth.csv with the labels; None if the labels are folder names.
    rows : int
        Number of its rows that have a label.
    unmatched : list of str
        Paths in the table that the walk did not find.
    """

    labels: dict[str, str]
    table: Path | None
    rows: int
    unmatched: list[str]


def find_truth(
    walk: Walk, classes: Sequence[str], truth: Path | None = None, findings: Findings | None = None
) -> Truth:
    """Find the right label of each picture of a walk.

    Parameters
    ----------
    walk : Walk
        Walk through one source.
    classes : sequence of str
        Folder names that are labels, in addition to `_none`.
    truth : Path, optional
        CSV with the columns path and label. Default: ``truth.csv`` in the source, or else the names of
        the folders that contain the pictures.
    findings : Findings, optional
        Receives observations about the CSV.

    Raises
    ------
    NothingToDoError
        If no picture has a known label.
    """
    top = Path(walk.sources[0])
    if truth is None and os.path.isfile(top / TRUTH_NAME):
        truth = top / TRUTH_NAME
    known: dict[str, str] = {}
    if truth is None:
        names = {*classes, NONE_LABEL}
        labels = {path: _folder_name(path) for path in map(without_content, walk.files())}
        labels = {path: name if name in names else "" for path, name in labels.items()}
    else:
        known = {path: label for path, label in read_truth(truth, findings).items() if label}
        paths = map(without_content, walk.files())
        labels = {path: known.get(os.path.abspath(path), "") for path in paths}
    unmatched = sorted(known.keys() - map(os.path.abspath, labels), key=natural_key)
    if not labels:
        raise nothing_found(walk, f"No images found in {printable(str(top))}. Name another folder.")
    if not any(labels.values()):
        raise NothingToDoError(
            f"No picture in {printable(str(top))} has a known label. Put them into folders named by "
            f"class ({listed(set(classes) - {NONE_LABEL})}), or write a {TRUTH_NAME} with the columns "
            "path and label beside them."
            + (f" No file has the path {printable(unmatched[0])}." if unmatched else "")
        )
    return Truth(labels, truth, len(known), unmatched)


def _folder_name(path: str) -> str:
    return os.path.basename(os.path.dirname(os.path.abspath(path)))


MOST_COLUMNS = 5
"""Largest number of columns that a message names."""

NAME_TRUTH = "Name a table with the columns path and label."
"""Remedy if a truth.csv can't be read."""


def read_truth(path: Path, findings: Findings | None = None) -> dict[str, str]:
    """Read the right labels by absolute path from a CSV or JSON lines with columns path and label.

    Raises
    ------
    UsageError
        If it is not such a table; the message names the line.
    """
    root, name = str(path.absolute().parent), printable(str(path))
    with opened_table(path, NAME_TRUTH) as reader:
        try:
            columns = header_of(reader)
            if any(columns.count(column) != 1 for column in ("path", "label")):
                has = ", ".join(map(printable, columns[:MOST_COLUMNS])) or "no column"
                raise UsageError(
                    f"{name} has no columns path and label, each once. It has {has}. Rename them."
                )
            maker = _TruthMaker(columns, root, findings or Findings())
            return dict(filter(None, map(maker.pair, reader)))
        except (csv.Error, ValueError) as error:
            line = max(reader.line_num, 1)
            raise UsageError(
                f"{name} can't be read as a CSV, line {line}: {fault_of(error, '')}"
            ) from error


class _TruthMaker:
    """Makes pairs of a path and its right label of the rows of one table."""

    def __init__(self, columns: Sequence[str], root: str, findings: Findings) -> None:
        self._width = len(columns)
        self._path, self._label = columns.index("path"), columns.index("label")
        self._root = root
        self._paths = PathFinder(root)
        self._labels = Labels()
        self._findings = findings

    def pair(self, values: Sequence[str]) -> tuple[str, str] | None:
        """Return a path and its label; None for an empty row.

        Raises
        ------
        ValueError
            If a cell is not valid; the message says why.
        """
        if is_empty(values):
            self._findings.empty_rows += bool(values)
            return None
        cells = cells_of_row(values, self._width)
        cell, written = cells[self._path], cells[self._label]
        path_of(cell, self._root)  # raises if nothing can have this path
        label = human_label(written)
        if label != written:
            self._findings.understood[written, label] += 1
        if label == UNCLEAR:
            label = ""  # a person looked, and nothing is known
        if not is_long_number(label):  # there is any number of numbers
            self._labels.add(label)
        return self._paths.path(cell), label
