"""Read a list of paths, one per line or separated by NUL."""

from __future__ import annotations

import os
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

from digitsort.errors import UsageError
from digitsort.files.names import printable

MOST_PATH_BYTES = 2**16
"""Largest number of bytes in an entry. Linux allows paths of 4,096 bytes, Windows of 65,534."""

MOST_LIST_BYTES = 2**30
"""Largest number of bytes in a list: ten million paths of 100 bytes."""

_CHUNK_BYTES = 2**20

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

_UTF_8 = b"\xef\xbb\xbf"


def read_list(file: Path, separator: bytes) -> list[str]:
    """Return the paths in a file, or in stdin for ``-``; skip empty ones.

    Bytes that are not UTF-8 are kept, like `os.fsdecode` does. In a list of lines, a byte order mark is
    removed, and so are carriage returns if every line ends with one. A list of lines may also be UTF-16
    with a byte order mark. A line that begins with ``#`` is a comment, unless a file has that name. A
    backslash separates folders, as on Windows, if only this reading of the line names a file.

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
    if any(name.endswith(b"\r") for name in lines) and all(n.endswith(b"\r") for n in lines[:-1]):
        lines = [name.removesuffix(b"\r") for name in lines]
    return [_local(name) for name in lines if not _is_comment(name)]


def _is_comment(line: bytes) -> bool:
    return line.startswith(b"#") and not os.path.lexists(line)


def _local(line: bytes) -> bytes:
    """Return a path with its backslashes replaced, if only the result exists."""
    if b"\\" not in line or os.sep != "/" or _is_there(line):
        return line
    local = line.replace(b"\\", b"/")
    return local if _is_there(local) else line


def _is_there(path: bytes) -> bool:
    return b"\0" not in path and os.path.lexists(path)


def _entries(stream: IO[bytes], separator: bytes, name: str) -> Iterator[bytes]:
    rest, total = b"", 0
    for chunk in _chunks(stream, separator, name):
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


def _chunks(stream: IO[bytes], separator: bytes, name: str) -> Iterator[bytes]:
    """Yield a stream in pieces; convert a list of lines from UTF-16 to UTF-8."""
    chunk = stream.read(_CHUNK_BYTES)
    decoder = None
    if separator != b"\0" and chunk.startswith(_UTF_16):
        decoder = getincrementaldecoder("utf-16")()
    while chunk:
        following = stream.read(_CHUNK_BYTES)
        try:
            text = chunk if decoder is None else decoder.decode(chunk, final=not following).encode()
        except UnicodeError as error:
            raise UsageError(f"{name} is not valid UTF-16: {error}.") from error
        if separator != b"\0" and b"\0" in text:
            raise UsageError(
                f"{name} holds a NUL byte, which no path has. If NUL separates its paths, use "
                "--files-from0; if it is UTF-16 without a mark, save it as UTF-8."
            )
        yield text
        chunk = following


def _no_list(name: str) -> UsageError:
    return UsageError(
        f"{name} is not a list of paths: it has more than {MOST_LIST_BYTES} bytes, or a path of more "
        f"than {MOST_PATH_BYTES}."
    )
