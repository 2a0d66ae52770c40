"""Define the result for one file, which passes between the packages."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Status(StrEnum):
    """Status of a file; `classify --update` gives `GONE` to rows whose file no longer exists."""

    OK = "ok"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"
    ERROR = "error"
    GONE = "gone"


OF_A_RUN = (Status.OK, Status.UNCERTAIN, Status.REJECTED, Status.ERROR)
"""Every status that a file can get when it is read."""


class Outcome(NamedTuple):
    """Result for one file; a tuple, because there may be millions.

    Attributes
    ----------
    path : str
        The file as it was found; bytes that are no UTF-8 are escaped as `os.fsdecode` does.
    status : Status
    label : str
        Class name; empty where rejected or error.
    confidence : float or None
        Calibrated probability of `label`, 0-1.
    reason : str
        Why not ok, in a few fixed words.
    second : str
        The runner-up's class name.
    second_confidence : float or None
    sha256 : str
        Of the file's bytes, in hex; empty where they could not be read.
    note : str
        What else a person should know, such as that only the first of several pages was read.
    probabilities : tuple of float
        One for each class of the model, in the model's order; empty where rejected or error.
    """

    path: str
    status: Status
    label: str = ""
    confidence: float | None = None
    reason: str = ""
    second: str = ""
    second_confidence: float | None = None
    sha256: str = ""
    note: str = ""
    probabilities: tuple[float, ...] = ()


Fields = tuple[Any, ...]
"""An outcome without its path: the quickest to send, to somebody who has the path."""


def failed(reason: str, sha256: str = "") -> Fields:
    """The fields of a file that could not be read."""
    return Outcome("", Status.ERROR, reason=reason, sha256=sha256)[1:]
