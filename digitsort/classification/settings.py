"""Define the settings of a classification: limits, labels that may be given, lengths of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.labels.cells import MOST_DIGITS, NONE_LABEL
from digitsort.recognition.score import Allowed


@dataclass(frozen=True, slots=True)
class Length:
    """Range of how many digits a number may have.

    Attributes
    ----------
    least, most : int
        Smallest and largest count, 1 to `MOST_DIGITS`.

    Raises
    ------
    UsageError
        If one of them is out of that range, or if `most` is less than `least`.
    """

    least: int = 1
    most: int = MOST_DIGITS

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most <= MOST_DIGITS:
            raise UsageError(
                f"A number has from 1 to {MOST_DIGITS} digits, the least number first: "
                f"got {self.least} to {self.most}."
            )

    @classmethod
    def of(cls, text: str) -> Length:
        """Read a length such as ``4`` or ``1-6``.

        Raises
        ------
        UsageError
            If the text is not a number or a range from 1 to `MOST_DIGITS`.

        Examples
        --------
        >>> Length.of("4"), Length.of("1-6")
        (Length(least=4, most=4), Length(least=1, most=6))
        """
        found = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", text, re.ASCII)
        least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= least <= most <= MOST_DIGITS:
            raise UsageError(
                f"--length must be a number from 1 to {MOST_DIGITS} or a range such as 1-6, got {text}."
            )
        return cls(least, most)


ANY_LENGTH = Length()


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings for reading files and for choosing between ok and uncertain.

    Attributes
    ----------
    min_confidence : float or None
        Labels below it are uncertain; None for the model's own threshold.
    probabilities : bool
        Whether to return the probabilities of all classes.
    limits : Limits
        Limits for picture files.
    only_labels : tuple of str or None
        Labels that may be given, such as ``("1", "2")``; None allows all. A model's class "not a digit"
        is always allowed.
    number : Length or None
        How many digits each picture may have; None for pictures of single digits.
    """

    min_confidence: float | None = None
    probabilities: bool = False
    limits: Limits = DEFAULT_LIMITS
    only_labels: tuple[str, ...] | None = None
    number: Length | None = None

    def __post_init__(self) -> None:
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise UsageError(
                f"A confidence lies between 0 and 1, not at {self.min_confidence}: "
                "try --min-confidence 0.9."
            )


DEFAULT_SETTINGS = Settings()


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
