"""Make the process fit for any caller: closed standard streams, and a locale that can't say a name."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

_FLAGS = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""How stdin, stdout and stderr are replaced. Reading from a closed stdin and writing to a closed stdout
fail, as they should; what nobody can hear on stderr may get lost."""


def open_closed_streams() -> None:
    """Put something in the place of each standard stream that the caller has closed.

    Otherwise the next file that is opened gets its number, and what is meant for the stream.
    """
    for number, flags in enumerate(_FLAGS):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")


def _stream(number: int, mode: str) -> TextIO:
    return io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8")


def speak_utf_8() -> None:
    """Start the process again in Python's UTF-8 mode where names of files are something else.

    In a locale like C or Latin-1, Python could neither open a file that a labels.csv names in UTF-8,
    nor would the same folder give the same labels.csv. Bytes that are no UTF-8 are kept.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or not sys.executable:
        return
    os.environ["PYTHONUTF8"] = "1"  # for the processes that this one starts
    os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
