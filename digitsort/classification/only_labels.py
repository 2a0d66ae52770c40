"""Restrict the labels that may be given, for example to 1-9 for a sudoku."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.recognition.score import Allowed


def parse_labels(text: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Parse a list of labels such as ``1-3,5``; return the labels in the model's order.

    Parameters
    ----------
    text : str
        Labels and ranges of labels, separated by commas. A range runs in the model's order.
    classes : sequence of str
        The model's class names.

    Raises
    ------
    UsageError
        If the list is empty, or names a label that the model does not have.

    Examples
    --------
    >>> parse_labels("1-3,5", "0123456789")
    ('1', '2', '3', '5')
    """
    items = [item.strip() for item in text.split(",") if item.strip()]
    return checked_labels([label for item in items for label in _labels_of(item, classes)], classes)


def checked_labels(labels: Iterable[str], classes: Sequence[str]) -> tuple[str, ...]:
    """Return the labels without duplicates, in the model's order; raise errors like `parse_labels`."""
    wanted = set(labels)
    unknown = sorted(wanted - set(classes))
    if unknown:
        raise UsageError(
            f"The model has no label {printable(', '.join(unknown))}. "
            f"Choose from: {printable(', '.join(_nameable(classes)))}."
        )
    if not wanted - {NONE_LABEL}:
        raise UsageError("--only-labels is empty. Give labels such as 1-9 or 0,1,7.")
    return tuple(name for name in classes if name in wanted)


def allowed_classes(labels: Sequence[str] | None, classes: Sequence[str]) -> Allowed | None:
    """Return a mask (k,) of the allowed classes, or None for all. "Not a digit" is always allowed."""
    if labels is None:
        return None
    wanted = {*checked_labels(labels, classes), NONE_LABEL}
    allowed = np.array([name in wanted for name in classes], np.bool_)
    return None if allowed.all() else allowed


def _labels_of(item: str, classes: Sequence[str]) -> Sequence[str]:
    """Return the labels of a range such as ``1-3``; any other item is one label."""
    first, _, last = item.partition("-")
    first, last = first.strip(), last.strip()
    if item in classes or not (first and last):
        return [item]
    for name in (first, last):
        checked_labels([name], classes)
    start, end = classes.index(first), classes.index(last)
    if start > end:
        raise UsageError(
            f"{printable(item)} is in the wrong order. Write {printable(last)}-{printable(first)}."
        )
    return [name for name in classes[start : end + 1] if name != NONE_LABEL]


def _nameable(classes: Sequence[str]) -> list[str]:
    return [name for name in classes if name != NONE_LABEL]
