"""Find out what the right label of each picture is."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from digitsort.errors import NothingToDoError, UsageError
from digitsort.files.discover import Walk
from digitsort.files.names import from_cell, printable
from digitsort.labels import NONE_LABEL

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
    if truth is None and (top / TRUTH_NAME).is_file():
        truth = top / TRUTH_NAME
    if truth is None:
        names = {*classes, NONE_LABEL}
        labels = {path: _folder_name(path) for path in walk.files()}
        labels = {path: name if name in names else "" for path, name in labels.items()}
    else:
        known = read_truth(truth)
        labels = {path: known.get(os.path.abspath(path), "") for path in walk.files()}
    if not any(labels.values()):
        raise NothingToDoError(
            f"No picture in {printable(str(top))} has a known label. Put them into folders named by "
            f"digit, or write a {TRUTH_NAME} with the columns path and label beside them."
        )
    return labels


def _folder_name(path: str) -> str:
    return os.path.basename(os.path.dirname(os.path.abspath(path)))


def read_truth(path: Path) -> dict[str, str]:
    """Right labels by absolute path, from a CSV with the columns path and label."""
    root = str(path.absolute().parent)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{printable(str(path))} has no columns path and label: add them.")
            return {from_cell(row["path"], root): row["label"].strip() for row in reader}
    except (OSError, csv.Error, UnicodeDecodeError, AttributeError) as error:
        raise UsageError(f"{printable(str(path))} can't be read as a CSV: {error}.") from error
