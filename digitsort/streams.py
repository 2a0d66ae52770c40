"""Handle closed standard streams, and locales that cannot represent file names."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

_FLAGS = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""Flags to replace closed stdin, stdout and stderr with the null device. Reading stdin and writing
stdout then fail, as they should; output to a closed stderr is lost."""


def open_closed_streams() -> None:
    """Open the null device for each standard stream that the caller closed.

    Otherwise the next open file would get its number, and the output that is meant for the stream.
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
    """Restart the process in Python's UTF-8 mode if file names have another encoding.

    In a locale such as Latin-1, Python could not open files that a labels.csv names in UTF-8, and the
    same folder would give another labels.csv. Bytes that are not UTF-8 are kept.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or not sys.executable:
        return
    os.environ["PYTHONUTF8"] = "1"  # for the processes that this one starts
    os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
