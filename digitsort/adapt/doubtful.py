"""Select the rows that the second pass may change, and write the reason of a changed row."""

from __future__ import annotations

from digitsort.decide import LOW_CONFIDENCE, UNFAMILIAR
from digitsort.records import Status

ADAPTED = "adapted from"
"""First words of the reason of a row that the second pass changed."""


def is_doubtful(status: Status, reason: str) -> bool:
    """Return whether low confidence or unfamiliar ink is the only reason why a row is not ok.

    Rows that were rejected for their form, or read in another way than the first, stay as they are:
    neighbours can tell which digit the ink is, but not whether the right ink was read.
    """
    if status is Status.UNCERTAIN:
        return reason in (LOW_CONFIDENCE, UNFAMILIAR)
    return status is Status.REJECTED and reason == UNFAMILIAR


def adapted_from(status: Status, reason: str, label: str, confidence: float) -> str:
    """Return the reason of a changed row, which quotes the label that the model alone gave it.

    Examples
    --------
    >>> adapted_from(Status.UNCERTAIN, "low confidence", "7", 0.64328)
    'adapted from 7 at 0.6433 (low confidence)'
    """
    said = reason if status is Status.UNCERTAIN else f"{status.value}: {reason}"
    return f"{ADAPTED} {label} at {confidence:.4f} ({said})"
