"""Read a list of paths, one per line or separated by NUL."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from digitsort.errors import UsageError
from digitsort.files.names import printable

MOST_PATH_BYTES = 2**16
"""Longest entry. Linux allows paths of 4,096 bytes, Windows of 65,534."""

MOST_LIST_BYTES = 2**30
"""Largest list: ten million paths of 100 bytes."""

_CHUNK_BYTES = 2**20

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

_UTF_8 = b"\xef\xbb\xbf"


def read_list(file: Path, separator: bytes) -> list[str]:
    """Return the paths in a file, or in stdin for ``-``; skip empty ones.

    Bytes that are not UTF-8 are kept, as by `os.fsdecode`. In a list of lines, a byte order mark is
    removed, and so are carriage returns if every line has one.

    Raises
    ------
    UsageError
        If the file can't be read or is not such a list.
    """
    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as stream:
            names = list(_entries(stream, separator, printable(str(file))))
    except OSError as error:
        raise UsageError(
            f"{printable(str(file))}: {error.strerror}. Name a file that lists paths, or - for stdin."
        ) from error
    if separator == b"\n":
        names = _plain_lines(names)
    return [os.fsdecode(name) for name in names if name]


def _plain_lines(names: list[bytes]) -> list[bytes]:
    if names:
        names[0] = names[0].removeprefix(_UTF_8)
    lines = [name for name in names if name]
    if all(name.endswith(b"\r") for name in lines):
        return [name[:-1] for name in lines]
    return lines


def _entries(stream: IO[bytes], separator: bytes, name: str) -> Iterator[bytes]:
    rest, total = b"", 0
    while chunk := stream.read(_CHUNK_BYTES):
        if total == 0 and chunk.startswith(_UTF_16):
            raise UsageError(f"{name} is UTF-16. Save it as UTF-8.")
        if separator != b"\0" and b"\0" in chunk:
            raise UsageError(
                f"{name} contains a NUL byte, which no path has. If NUL separates its paths, use "
                "--files-from0; if it is UTF-16, save it as UTF-8."
            )
        total += len(chunk)
        if total <= MOST_LIST_BYTES and not chunk.strip(separator):
            chunk = separator  # a million empty entries of /dev/zero take a million times as long
        *entries, rest = (rest + chunk).split(separator)
        if total > MOST_LIST_BYTES or len(max(entries, key=len, default=rest)) > MOST_PATH_BYTES:
            raise _no_list(name)
        yield from filter(None, entries)
        if len(rest) > MOST_PATH_BYTES:
            raise _no_list(name)
    yield rest


def _no_list(name: str) -> UsageError:
    return UsageError(
        f"{name} is not a list of paths: it has more than {MOST_LIST_BYTES} bytes, or a path of more "
        f"than {MOST_PATH_BYTES}."
    )
