"""What can stop a run, and the exit code of each.

::

    DigitsortError              1  files that could not be handled
    ├── UsageError              2
    ├── ModelError              3  missing, damaged or refused
    ├── NothingToDoError        4  no images found
    │   └── TrainingDataError   4  data that can't be used for training
    ├── OutputError             5  exists, is locked, or cannot be written
    ├── VerificationError       6
    ├── ClusterError            7  unreachable, or it does not see the files
    └── InterruptedRunError   130  what was done is kept

A file that can't be read is not in this tree: one bad file is a row with a reason
(`records.Outcome`), a bad run raises. Every message names the remedy.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a process that ran digitsort ends with."""

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
    """A run that can't go on; the message is for the person who started it."""

    exit_code: ClassVar[ExitCode] = ExitCode.SOME_FAILED


class UsageError(DigitsortError):
    """Something was asked for that can't be meant."""

    exit_code = ExitCode.USAGE


class ModelError(DigitsortError):
    """A model file that is missing, damaged or not one of digitsort's."""

    exit_code = ExitCode.MODEL


class NothingToDoError(DigitsortError):
    """No images where some were expected."""

    exit_code = ExitCode.NOTHING_TO_DO


class TrainingDataError(NothingToDoError):
    """Data that no model can be trained with."""


class OutputError(DigitsortError):
    """A result that exists already, or can't be written where it was asked for."""

    exit_code = ExitCode.OUTPUT


class VerificationError(DigitsortError):
    """Something is not what it was when it was written down."""

    exit_code = ExitCode.VERIFICATION


class ClusterError(DigitsortError):
    """A Dask cluster that can't be used."""

    exit_code = ExitCode.CLUSTER


class InterruptedRunError(DigitsortError):
    """A run that was cut off by Ctrl-C and can be gone on with."""

    exit_code = ExitCode.INTERRUPTED
