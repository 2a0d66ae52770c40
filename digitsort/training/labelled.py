"""Find the images that a person labelled, and split them: to learn from, and to check with."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitsort.classification.numbers import cut_into_digits
from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import UnreadableError, read
from digitsort.labels.cells import DIGITS, OF_NUMBERS, Findings, is_long_number, shown
from digitsort.labels.corrections import Corrections
from digitsort.labels.labels_csv import (
    NONE_LABEL,
    TABLE_SUFFIXES,
    UNCLEAR,
    columns_of_labels,
    read_labels,
)
from digitsort.labels.row import SOURCE, Row
from digitsort.model.card import class_name_fault
from digitsort.model.reading import default_model
from digitsort.outcomes import Status
from digitsort.plural import first_few, plural
from digitsort.progress import Progress
from digitsort.recognition.canvas import Gray
from digitsort.training.examples import (
    LEAST_PER_CLASS,
    Dataset,
    Examples,
    LabelledGray,
    check_class_count,
    examples_of,
    read_or_refuse,
    require_listed,
    without_copies,
)

MANIFEST = "labels.csv"
"""Name of the manifest that `sort` writes into DEST."""

CHANGED = "changed since they were labelled"

COULD_NOT_TELL = "a person could not read them"

GONE = "gone"
"""Reason of images whose row says that their file no longer exists."""


NOT_CUT = "numbers that can't be cut into their digits"
"""Reason of pictures of numbers that are left out."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image file, its label, and the hash (hex) of its content.

    If `is_number`, the label is a number, and each of its digits is an example.
    """

    path: str
    label: str
    sha256: str
    is_number: bool = False


@dataclass(slots=True)
class Found:
    """Labelled images by who labelled them.

    Attributes
    ----------
    human, machine : dict of str to Labelled
        By content: the same image counts once, and a person's label overrides the model's.
    moved : int
        Images that a person moved to another folder, or put there.
    left : Counter of str
        Number of images with a person's label that can't be used, by reason.
    changed : list of str
        Images that got several labels from a person; the last one counts.
    """

    human: dict[str, Labelled] = field(default_factory=dict)
    machine: dict[str, Labelled] = field(default_factory=dict)
    moved: int = 0
    left: Counter[str] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)

    def add(self, image: Labelled, *, by_hand: bool) -> None:
        """Add an image; if a person gave one content two labels, the later one counts."""
        if by_hand:
            before = self.human.get(image.sha256)
            if before is not None and before.label != image.label:
                self.changed.append(f"{image.path} ({before.label}, then {image.label})")
            self.human[image.sha256] = image
            self.machine.pop(image.sha256, None)
        elif image.sha256 not in self.human:
            self.machine[image.sha256] = image


def is_sorted_folder(folder: Path) -> bool:
    """Return whether `sort` made the folder: its labels.csv names the source of each file."""
    return SOURCE in columns_of_labels(folder / MANIFEST)


def labelled_rows(
    path: Path, corrections: Corrections | None, findings: Findings | None = None
) -> Found:
    """Return the images of a labels.csv that a person labelled or the model accepted."""
    found = Found()
    for row in _corrected(read_labels(path, findings=findings), corrections):
        if row.human and row.status is Status.GONE:
            found.left[GONE] += 1
        elif row.human:
            _add_read(found, row)
        elif row.status is Status.OK:
            found.add(Labelled(row.path, row.label, row.sha256, is_of_number(row)), by_hand=False)
    return found


def is_of_number(row: Row) -> bool:
    """Tell whether a row is one of `classify --number`."""
    return row.model.endswith(OF_NUMBERS)


def labelled_corrections(corrections: Corrections) -> Found:
    """Return the images of a corrections.csv alone."""
    found = Found()
    for row in corrections.correct(corrections.rows):
        _add_read(found, row)
    return found


def labelled_folder(
    folder: Path, corrections: Corrections | None, findings: Findings | None = None
) -> Found:
    """Return the images of a folder that `sort` made, compared by content with its labels.csv.

    If an image is in another folder than it was sorted into, or is not in the manifest, a person put it
    there, and the folder is their label. So are labels in the column `human` and corrections. All
    others are labels of the model. Folders that begin with ``_`` are not labels, except for `_none`.
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
    image = replace(image, is_number=any(map(is_of_number, known)))
    is_class = image.label == NONE_LABEL or not image.label.startswith(("_", "."))
    moved = is_class and all(_top_folder(row.path, folder) != image.label for row in known)
    if moved:
        found.moved += 1
        found.add(image, by_hand=True)
    elif human == UNCLEAR:
        found.left[COULD_NOT_TELL] += 1
    elif human:
        found.add(replace(image, label=human), by_hand=True)
    elif is_class:
        found.add(image, by_hand=False)


def _corrected(rows: Iterable[Row], corrections: Corrections | None) -> Iterator[Row]:
    return iter(rows) if corrections is None else corrections.correct(rows)


def _add_read(found: Found, row: Row) -> None:
    """Add a row's image if the person could read it, and it is still what the person saw."""
    if row.human == UNCLEAR:
        found.left[COULD_NOT_TELL] += 1
        return
    try:
        sha256 = read(row.path).sha256
    except UnreadableError as error:
        found.left[str(error)] += 1
        return
    if row.sha256 and row.sha256 != sha256:
        found.left[CHANGED] += 1
        return
    found.add(Labelled(row.path, row.human, sha256, is_of_number(row)), by_hand=True)


def _top_folder(path: str, folder: Path) -> str:
    """Return the folder in DEST that contains a file, at any depth; "." for DEST itself."""
    parts = Path(os.path.relpath(path, folder)).parts
    return parts[0] if len(parts) > 1 else "."


MOST_NAMED = 5
"""Largest number of images to name in a note."""

HAND_WEIGHT = 4.0
"""Weight in the fit of each image that a person labelled; the default model's own images have 0.5 to 2.
16 examples were enough for a digit that had always been misread, and more weight changed nothing."""


def find_labelled(
    name: str, corrections: Corrections | None, findings: Findings | None = None
) -> Found | None:
    """Return the images of a labels.csv or a sorted folder; None if the name is neither."""
    path = Path(name)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return labelled_rows(path, corrections, findings)
    return labelled_folder(path, corrections, findings) if is_sorted_folder(path) else None


def datasets_of(found: Found, name: str, trust_machine: bool, limits: Limits) -> list[Dataset]:
    """Return what a person labelled and, if it is trusted, what the model labelled."""
    short = Path(name).resolve().name
    human, machine = (_as_digits(images, limits, found.left) for images in (found.human, found.machine))
    datasets = [_images(human, f"by hand:{short}", by_hand=True, note=_note(found, trust_machine))]
    if trust_machine and found.machine:
        datasets.append(_images(machine, f"machine:{short}"))
    elif not found.human:
        raise TrainingDataError(
            f"No image in {printable(name)} has a label from a person. Review it with `digitsort "
            "review`, move misfiled images between the folders, or use the model's labels with "
            "--trust-machine."
        )
    return [dataset for dataset in datasets if dataset.count]


def _note(found: Found, trust_machine: bool) -> str:
    parts = [f"{plural(len(found.human), 'label')} from a person"]
    if found.moved:
        parts.append(f"{found.moved} of them by moving the file")
    if found.machine:
        use = "used too" if trust_machine else "not used (--trust-machine)"
        parts.append(f"{len(found.machine)} from the model {use}")
    if found.changed:
        named = first_few([*map(printable, found.changed)], MOST_NAMED)
        last = "the last label of each counts"
        parts.append(f"{plural(len(found.changed), 'contradiction')} ({last}): {named}")
    parts += [f"{count} left out: {reason}" for reason, count in found.left.most_common()]
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class _Example:
    """A labelled image, and how to read it: a whole file, or a digit of a number."""

    image: Labelled
    load: Callable[[], Gray]


def _as_digits(images: Mapping[str, Labelled], limits: Limits, left: Counter[str]) -> list[_Example]:
    """Return an example of each image, or of each digit if it is a number; count what is left out."""
    examples = []
    for image in images.values():
        if not image.is_number:
            examples.append(_Example(image, partial(read_or_refuse, image.path, limits)))
            continue
        digits = _digits_of(image, limits)
        left[NOT_CUT] += not digits
        for label, digit in zip(image.label, digits, strict=False):
            examples.append(_Example(replace(image, label=label), partial(_same, digit)))
    return examples


def _same(gray: Gray) -> Gray:
    return gray


def _digits_of(image: Labelled, limits: Limits) -> list[Gray]:
    """Return the pictures of a number's digits; none if it can't be cut, or is no number."""
    if image.label not in DIGITS and not is_long_number(image.label):
        return []
    return cut_into_digits(read_or_refuse(image.path, limits), len(image.label), default_model())


def _images(
    examples: Sequence[_Example],
    name: str,
    *,
    by_hand: bool = False,
    note: str = "",
) -> Dataset:
    for label in {example.image.label for example in examples}:
        if fault := class_name_fault(label):
            raise TrainingDataError(
                f"{name}: the label {shown(label)} {fault}. Correct it, or remove its images."
            )
    ordered = sorted(examples, key=lambda example: (example.image.label, example.image.sha256))

    def load() -> Iterator[LabelledGray]:
        for example in ordered:
            yield example.load(), example.image.label

    weight = HAND_WEIGHT if by_hand else 1.0
    paths = [example.image.path for example in ordered]
    return Dataset(name, len(ordered), load, weight=weight, by_hand=by_hand, note=note, paths=paths)


KEPT_SHARE = 0.2
"""Share of the labels of each class that is kept for the test."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A person's examples.

    Attributes
    ----------
    learned : Examples
        All of them are fitted to; none has a part in calibration and certification.
    kept : Examples
        For the test.
    left : Counter of str
        Examples of classes that nothing else knows and that are too few to be learned.
    copies : int
        Images left out as copies of others.
    """

    learned: Examples
    kept: Examples
    left: Counter[str]
    copies: int = 0


def teach(by_hand: Sequence[Dataset], known: Examples, progress: Progress) -> Taught:
    """Gather and split what a person labelled.

    Parameters
    ----------
    by_hand : sequence of Dataset
        Each sorted by label and content: as long as few are added, the same images are kept again.
    known : Examples
        The other data. What a person labelled as it is labelled there is a copy: it may test the model.
    """
    gathered = without_copies(examples_of(by_hand, progress), known)
    examples = gathered.examples
    counts = Counter(examples.labels.tolist())
    classes = set(known.labels.tolist())
    check_class_count(len(classes.union(counts)))
    left = {n: c for n, c in counts.items() if n not in classes and c < LEAST_PER_CLASS}
    examples = examples[np.flatnonzero(~np.isin(examples.labels, list(left)))]
    is_kept = _first_of_each(examples.labels.tolist())
    learned, kept = examples[np.flatnonzero(~is_kept)], examples[np.flatnonzero(is_kept)]
    return Taught(learned, kept, Counter(left), gathered.copies)


def _first_of_each(labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Mark the first fifth of each label."""
    counts, seen = Counter(labels), Counter[str]()
    marked = np.zeros(len(labels), np.bool_)
    for index, label in enumerate(labels):
        marked[index] = seen[label] < round(KEPT_SHARE * counts[label])
        seen[label] += 1
    return marked
