"""Data of which a person said what they show: labelled tables and folders, as datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.check_cells import shown
from digitsort.errors import TrainingDataError
from digitsort.files.limits import Limits
from digitsort.files.names import printable
from digitsort.human_labels import Findings
from digitsort.labels import TABLE_SUFFIXES
from digitsort.model.card import class_name_fault
from digitsort.plural import plural
from digitsort.training.dataset import Dataset, LabelledGray, read_or_refuse
from digitsort.training.labelled import (
    Found,
    Labelled,
    is_sorted_folder,
    labelled_folder,
    labelled_rows,
)

if TYPE_CHECKING:
    from digitsort.corrections import Corrections

HAND_WEIGHT = 4.0
"""Of each image that a person labelled, as of each real digit of the default model. It bounds the pull
of one example: 16 turned a hand that had always been misread, and more weight changed no more."""


def find_labelled(
    name: str, corrections: Corrections | None, findings: Findings | None = None
) -> Found | None:
    """The images of a labels.csv or a sorted folder; None if the name is neither."""
    path = Path(name)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return labelled_rows(path, corrections, findings)
    return labelled_folder(path, corrections, findings) if is_sorted_folder(path) else None


def datasets_of(found: Found, name: str, trust_machine: bool, limits: Limits) -> list[Dataset]:
    """What a person labelled and, where it is trusted, what the machine did."""
    short = Path(name).resolve().name
    datasets = [
        _images(found.human, f"by hand:{short}", limits, by_hand=True, note=_note(found, trust_machine))
    ]
    if trust_machine and found.machine:
        datasets.append(_images(found.machine, f"machine:{short}", limits))
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
    parts += [f"{count} left out: {reason}" for reason, count in found.left.most_common()]
    return ", ".join(parts)


def _images(
    labelled: Mapping[str, Labelled],
    name: str,
    limits: Limits,
    *,
    by_hand: bool = False,
    note: str = "",
) -> Dataset:
    for label in {image.label for image in labelled.values()}:
        if fault := class_name_fault(label):
            raise TrainingDataError(
                f"{name}: the label {shown(label)} {fault}. Correct it, or remove its images."
            )
    images = sorted(labelled.values(), key=lambda image: (image.label, image.sha256))

    def load() -> Iterator[LabelledGray]:
        for image in images:
            yield read_or_refuse(image.path, limits), image.label

    weight = HAND_WEIGHT if by_hand else 1.0
    return Dataset(name, len(images), load, weight=weight, by_hand=by_hand, note=note)
