"""Say which rows the second pass may change, and how it says that it did."""

from __future__ import annotations

from digitsort.decide import LOW_CONFIDENCE, UNFAMILIAR
from digitsort.records import Status

ADAPTED = "adapted from"
"""First words of the reason of a row that the second pass changed."""


def is_doubtful(status: Status, reason: str) -> bool:
    """Return whether the model alone was not sure, of ink that it had no other doubts about.

    What was rejected for its form, or was read in one of several ways, stays as it is: neighbours tell
    what a digit is, not whether the right ink was taken for it.
    """
    if status is Status.UNCERTAIN:
        return reason in (LOW_CONFIDENCE, UNFAMILIAR)
    return status is Status.REJECTED and reason == UNFAMILIAR


def adapted_from(status: Status, reason: str, label: str, confidence: float) -> str:
    """Return the reason of a changed row: what the model alone had said of it.

    Examples
    --------
    >>> adapted_from(Status.UNCERTAIN, "low confidence", "7", 0.64328)
    'adapted from 7 at 0.6433 (low confidence)'
    """
    said = reason if status is Status.UNCERTAIN else f"{status.value}: {reason}"
    return f"{ADAPTED} {label} at {confidence:.4f} ({said})"
