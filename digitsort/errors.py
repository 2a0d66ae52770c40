"""Define the errors that stop a run, with their exit codes.

::

    DigitsortError              1  files that could not be handled
    ├── UsageError              2
    ├── ModelError              3  missing, damaged or refused
    ├── NothingToDoError        4  no images found
    │   └── TrainingDataError   4  data that can't be used for training
    ├── OutputError             5  exists, is locked, or cannot be written
    ├── VerificationError       6
    ├── ClusterError            7  unreachable, or it does not see the files
    ├── StorageError            7  bucket or web server that can't be reached, or without credentials
    └── InterruptedRunError   130  finished rows are kept

An unreadable file is not in this tree: it becomes a row with a reason (`outcomes.Outcome`).
Only a failed run raises. Every message says what to do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of the digitsort command."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    MODEL = 3
    NOTHING_TO_DO = 4
    OUTPUT = 5
    VERIFICATION = 6
    CLUSTER = 7
    INTERRUPTED = 130
    READER_GONE = 141


class DigitsortError(Exception):
    """Base of all errors that stop a run; the message is for the user."""

    exit_code: ClassVar[ExitCode] = ExitCode.SOME_FAILED


class UsageError(DigitsortError):
    """Wrong options, arguments or input tables."""

    exit_code = ExitCode.USAGE


class ModelError(DigitsortError):
    """Model file that is missing, damaged or not written by digitsort."""

    exit_code = ExitCode.MODEL


class NothingToDoError(DigitsortError):
    """No images found."""

    exit_code = ExitCode.NOTHING_TO_DO


class TrainingDataError(NothingToDoError):
    """Data that cannot be used for training."""


class OutputError(DigitsortError):
    """Output that already exists, is in use, or cannot be written."""

    exit_code = ExitCode.OUTPUT


class VerificationError(DigitsortError):
    """Content that differs from what was recorded."""

    exit_code = ExitCode.VERIFICATION


class ClusterError(DigitsortError):
    """Dask cluster that cannot be used."""

    exit_code = ExitCode.CLUSTER


class StorageError(DigitsortError):
    """Bucket or web server that cannot be reached, or that needs credentials."""

    exit_code = ExitCode.CLUSTER


class InterruptedRunError(DigitsortError):
    """Run that was interrupted by Ctrl-C and can be resumed.

    Parameters
    ----------
    message : str
    option : str
        Option with which the same command continues; empty if it needs none.
    """

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str, option: str = "--resume") -> None:
        super().__init__(message)
        self.option = option


REMEDY = "Make a model with `digitsort train -o model.pkl`."


def require(condition: bool, otherwise: str) -> None:
    """Refuse the file unless the condition holds.

    Parameters
    ----------
    condition : bool
    otherwise : str
        What was found instead; a sentence without its full stop.

    Raises
    ------
    ModelError
    """
    if not condition:
        raise ModelError(f"{otherwise}. {REMEDY}")
