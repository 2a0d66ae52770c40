"""Find the images that a person labelled: in a labels.csv, or by moving files in a sorted folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from digitsort.corrections import Corrections
from digitsort.files.discover import Walk
from digitsort.files.read import UnreadableError, read
from digitsort.human_labels import Findings
from digitsort.labels import NONE_LABEL, columns_of_labels, read_labels
from digitsort.records import Status
from digitsort.row import SOURCE, Row
from digitsort.training.dataset import require_listed

MANIFEST = "labels.csv"
"""What `sort` leaves in its DEST."""

CHANGED = "changed since they were labelled"


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image file, its label, and the hash (hex) of its content."""

    path: str
    label: str
    sha256: str


@dataclass(slots=True)
class Found:
    """Labelled images by who labelled them.

    Attributes
    ----------
    human, machine : dict of str to Labelled
        By content: the same image counts once, and a person's label goes before the machine's.
    moved : int
        Images that a person moved to another folder, or put there.
    left : Counter of str
        Why images with a person's label can't be learned from.
    """

    human: dict[str, Labelled] = field(default_factory=dict)
    machine: dict[str, Labelled] = field(default_factory=dict)
    moved: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def add(self, image: Labelled, *, by_hand: bool) -> None:
        """Take in an image; of two labels that a person gave to one content the later one counts."""
        if by_hand:
            self.human[image.sha256] = image
            self.machine.pop(image.sha256, None)
        elif image.sha256 not in self.human:
            self.machine[image.sha256] = image


def is_sorted_folder(folder: Path) -> bool:
    """Whether `sort` made the folder: its labels.csv says where each file came from."""
    return SOURCE in columns_of_labels(folder / MANIFEST)


def labelled_rows(
    path: Path, corrections: Corrections | None, findings: Findings | None = None
) -> Found:
    """Images of a labels.csv: a person's labels, and those that the machine accepted."""
    found = Found()
    for row in _corrected(read_labels(path, findings=findings), corrections):
        if row.human:
            _add_read(found, row)
        elif row.status is Status.OK:
            found.add(Labelled(row.path, row.label, row.sha256), by_hand=False)
    return found


def labelled_corrections(corrections: Corrections) -> Found:
    """Images of a corrections.csv alone."""
    found = Found()
    for row in corrections.correct(corrections.rows):
        _add_read(found, row)
    return found


def labelled_folder(
    folder: Path, corrections: Corrections | None, findings: Findings | None = None
) -> Found:
    """Images of a folder that `sort` made, compared with what its labels.csv says by content.

    What lies in another folder than it was sorted into, or is not in the manifest, was put there by a
    person: the folder is their label. A label in the column `human`, and a correction, is theirs too.
    The rest is the machine's opinion. Folders that begin with ``_`` are no labels, but for `_none`.
    """
    rows: dict[str, list[Row]] = {}
    for row in _corrected(read_labels(folder / MANIFEST, findings=findings), corrections):
        rows.setdefault(row.sha256, []).append(row)
    found = Found()
    walk = Walk([str(folder)])
    for path in walk.files():
        try:
            sha256 = read(path).sha256
        except UnreadableError as error:
            found.left[str(error)] += 1
            continue
        _add_sorted(found, Labelled(path, _top_folder(path, folder), sha256), rows, folder)
    require_listed(walk)
    return found


def _add_sorted(found: Found, image: Labelled, rows: dict[str, list[Row]], folder: Path) -> None:
    known = rows.get(image.sha256, [])
    human = next((row.human for row in known if row.human), "")
    is_class = image.label == NONE_LABEL or not image.label.startswith(("_", "."))
    moved = is_class and all(_top_folder(row.path, folder) != image.label for row in known)
    if moved:
        found.moved += 1
        found.add(image, by_hand=True)
    elif human:
        found.add(replace(image, label=human), by_hand=True)
    elif is_class:
        found.add(image, by_hand=False)


def _corrected(rows: Iterable[Row], corrections: Corrections | None) -> Iterator[Row]:
    return iter(rows) if corrections is None else corrections.correct(rows)


def _add_read(found: Found, row: Row) -> None:
    """Add a row's image if it is still what the person saw."""
    try:
        sha256 = read(row.path).sha256
    except UnreadableError as error:
        found.left[str(error)] += 1
        return
    if row.sha256 and row.sha256 != sha256:
        found.left[CHANGED] += 1
        return
    found.add(Labelled(row.path, row.human, sha256), by_hand=True)


def _top_folder(path: str, folder: Path) -> str:
    """The folder within DEST that a file lies in, at whatever depth; "." for DEST itself."""
    parts = Path(os.path.relpath(path, folder)).parts
    return parts[0] if len(parts) > 1 else "."
