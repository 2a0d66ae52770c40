"""Find out what the right label of each picture is."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from digitsort.check_cells import Labels, path_of
from digitsort.errors import NothingToDoError, UsageError
from digitsort.files.discover import Walk, nothing_found
from digitsort.files.names import printable
from digitsort.labels import NONE_LABEL
from digitsort.quoting import unescaped
from digitsort.read_table import opened_table, plain_cells

TRUTH_NAME = "truth.csv"


def find_truth(walk: Walk, classes: Sequence[str], truth: Path | None = None) -> dict[str, str]:
    """Map each picture of a walk to its right label, in the order of the walk; "" is not known.

    Parameters
    ----------
    walk : Walk
        Through one source.
    classes : sequence of str
        Names that make a folder's pictures known; so does `_none`.
    truth : Path, optional
        A CSV with the columns path and label. By default ``truth.csv`` in the source, and where there
        is none, the names of the folders that the pictures lie in.

    Raises
    ------
    NothingToDoError
        If no picture has a known label.
    """
    top = Path(walk.sources[0])
    if truth is None and os.path.isfile(top / TRUTH_NAME):
        truth = top / TRUTH_NAME
    if truth is None:
        names = {*classes, NONE_LABEL}
        labels = {path: _folder_name(path) for path in walk.files()}
        labels = {path: name if name in names else "" for path, name in labels.items()}
    else:
        known = read_truth(truth)
        labels = {path: known.get(os.path.abspath(path), "") for path in walk.files()}
    if not labels:
        raise nothing_found(walk, f"No images found in {printable(str(top))}. Name another folder.")
    if not any(labels.values()):
        raise NothingToDoError(
            f"No picture in {printable(str(top))} has a known label. Put them into folders named by "
            f"digit, or write a {TRUTH_NAME} with the columns path and label beside them."
        )
    return labels


def _folder_name(path: str) -> str:
    return os.path.basename(os.path.dirname(os.path.abspath(path)))


def read_truth(path: Path) -> dict[str, str]:
    """Return right labels by absolute path, from a CSV with the columns path and label.

    Raises
    ------
    UsageError
        If it is no such table, naming the line.
    """
    root, name = str(path.absolute().parent), printable(str(path))
    with opened_table(path) as reader:
        try:
            columns = [unescaped(column) for column in next(reader, [])]
            if any(columns.count(column) != 1 for column in ("path", "label")):
                raise UsageError(f"{name} has no columns path and label, each once: add them.")
            maker = _TruthMaker(columns, root)
            return dict(maker.pair(cells) for cells in reader if any(cells))
        except (csv.Error, ValueError) as error:
            line = max(reader.line_num, 1)
            raise UsageError(f"{name} can't be read as a CSV, line {line}: {error}") from error


class _TruthMaker:
    """Makes pairs of a path and its right label of the rows of one table."""

    def __init__(self, columns: Sequence[str], root: str) -> None:
        self._width = len(columns)
        self._path, self._label = columns.index("path"), columns.index("label")
        self._root = root
        self._labels = Labels()

    def pair(self, values: Sequence[str]) -> tuple[str, str]:
        """Return a path and its label.

        Raises
        ------
        ValueError
            If a cell can't be; the message says why.
        """
        if len(values) != self._width:
            raise ValueError("a row with too few or many cells.")
        (cells,) = plain_cells([values])
        path, label = path_of(cells[self._path], self._root), cells[self._label].strip()
        self._labels.add(label)
        return path, label
