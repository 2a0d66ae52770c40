"""Write and read what a journal says of a run: JSON, a sealed record per line.

A record is believed only with the seal of this user (`files.secret`), which binds it to its run and to
its number; the first one also names DEST. A journal without it, from another user or machine or made
up, is *foreign*: it can be looked at, and nothing is done by it unless the user adopts it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from digitsort.errors import OutputError
from digitsort.files.names import printable
from digitsort.files.sealed import SEAL_BYTES, seal
from digitsort.labels.table import NO_CELLS, Cells, cells_in_order, columns_of_cells, made

VERSION = 3

PURPOSE = b"journal"

COPY, MOVE, HARD_LINK, SYMBOLIC_LINK = "copy", "move", "hard link", "symbolic link"
WITHIN = "move within DEST"
"""Modes of runs, as journals say them."""

_SEAL_WIDTH = 2 * SEAL_BYTES + 2
"""Of a line's end: a tab, the seal in hex, the end of the line."""

MOST_MODE, MOST_SIZE, MOST_TIME_NS = 0o7777, 2**63 - 1, 2**64
"""Of a file; the time is far beyond what any file system can have, and still one for the system."""

_TOKEN = re.compile(r"[0-9a-f]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DestIdentity(NamedTuple):
    """Identity of a DEST: its path, and after a rename its device and inode.

    Attributes
    ----------
    path : str
        Absolute, without links.
    device, inode : int
        Of the folder.
    """

    path: str
    device: int
    inode: int


PICTURE = "picture"
"""Name of a sidecar's only cell, the path of its picture. A picture has others, such as `status`."""


def is_of_sidecar(cells: Mapping[str, str]) -> bool:
    """Tell whether these are the cells of a sidecar, which has no row in a labels.csv."""
    return "status" not in cells


Before = tuple[int, int, int]
"""Size, time and mode of a file at its source."""

NOTHING_BEFORE: Before = (0, 0, 0)


def path_below(dest: str, path: str) -> str:
    """Return a path in DEST as journals have it: relative, with ``/``."""
    relative = path[len(dest) :].lstrip(os.sep)
    return relative if os.sep == "/" else relative.replace(os.sep, "/")


def path_in(dest: str, path: str) -> str:
    """Return the absolute path of a file in DEST that a journal names."""
    top = dest if dest.endswith(os.sep) else dest + os.sep
    return top + (path if os.sep == "/" else path.replace("/", os.sep))


class Entry(NamedTuple):
    """One file that a run set out to deliver.

    Attributes
    ----------
    number : int
        In its run, from 0.
    source : str
        Absolute path.
    to : str
        Path below DEST, with ``/``.
    size, mtime_ns, mode : int
        As they were at the source, `mode` without the file's type; of moves only, else 0.
    cells : mapping
        Of its row.
    """

    number: int
    source: str
    to: str
    sha256: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    cells: Mapping[str, str] = NO_CELLS


@dataclass(slots=True)
class Run:
    """A journal, read.

    Attributes
    ----------
    mode : str
        Of `plan.Mode`.
    token : str
        In the names of the run's temporary files.
    root : str
        Folder that all files lay in, an absolute path without links; of moves only, else empty. Of
        moves within DEST it is DEST, as it was called then.
    made_levels : int
        1 if it made DEST, 2 if DEST's parent too …
    continues : bool
        It continues an earlier run, which was stopped.
    is_authentic : bool
        This user's digitsort wrote it.
    is_ours : bool
        And for this DEST.
    made : list of str
        Folders below DEST that it set out to make, a parent before its children.
    settled : int
        Entries below this number were carried out, but for those in `failed`.
    failed : dict
        Number to reason.
    end : str
        "done", "stopped" or "recovered"; empty if it was killed or goes on.
    kept : set of int
        What the undo did not take back.
    size : int
        Bytes of the file that are whole lines.
    here : str
        DEST as it is called now.
    of_inbox : bool
        `watch` began it, and may add more entries after its end.
    ended : int
        Number of entries when it ended last: these are durable, and labels.csv names them.
    """

    path: str
    mode: str
    token: str
    root: str = ""
    made_levels: int = 0
    continues: bool = False
    is_authentic: bool = True
    is_ours: bool = True
    entries: list[Entry] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    settled: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    end: str = ""
    undo_begun: bool = False
    undone: bool = False
    kept: set[int] = field(default_factory=set)
    size: int = 0
    lines: int = 0
    here: str = ""
    of_inbox: bool = False
    ended: int = 0

    @property
    def delivered(self) -> Iterator[Entry]:
        """Return the entries that were carried out and not undone."""
        for entry in self.entries[: self.settled]:
            if entry.number not in self.failed and (not self.undone or entry.number in self.kept):
                yield entry


def sealed(text: str, token: str, number: int) -> str:
    """Return a record's text as a line: with the seal of its run's token and of its number."""
    return f"{text}\t{_seal(text.encode('ascii'), token, number)}\n"


def is_sealed(line: bytes, token: str, number: int) -> bool:
    """Return whether a line is whole, and this user's digitsort wrote it there."""
    text, found = _split(line)
    return bool(text) and found == _seal(text, token, number).encode()


def parsed(line: bytes) -> dict[str, Any]:
    """Return the record of a line.

    Raises
    ------
    ValueError
        If it is none, or torn.
    """
    text, _ = _split(line)
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("a record is an object")
    return record


def _seal(text: bytes, token: str, number: int) -> str:
    return seal(PURPOSE, b"%b %d %b" % (token.encode("ascii", "replace"), number, text))


def _split(line: bytes) -> tuple[bytes, bytes]:
    """A line's text and its seal; nothing of a torn one."""
    if line[-1:] != b"\n" or line[-_SEAL_WIDTH : -_SEAL_WIDTH + 1] != b"\t":
        return b"", b""
    return line[:-_SEAL_WIDTH], line[-_SEAL_WIDTH + 1 : -1]


def begun(path: str, line: bytes, dest: DestIdentity) -> Run:
    """Return the run of a journal whose first line this is, and which lies in `dest`."""
    record = parsed(line)
    if record.get("digitsort") != VERSION:
        raise OutputError(
            f"{printable(path)} was written by another version of digitsort (format "
            f"{printable(str(record.get('digitsort'))[:20])}; this one has {VERSION}). Use that "
            "version."
        )
    there = DestIdentity(record["dest"], record["device"], record["inode"])
    is_here = there.path == dest.path or there[1:] == dest[1:]
    run = Run(
        path, record["mode"], record["token"], record["root"], record["made"], record["continues"]
    )
    run.here = dest.path
    run.of_inbox = record.get("inbox") is True
    run.is_authentic = is_sealed(line, "", 0)
    run.is_ours = is_here and run.is_authentic
    if run.is_ours and there.path != dest.path:  # it was moved: what lies above it now was there before
        run.made_levels = min(run.made_levels, 1)
    if not run.is_ours:
        _check_foreign_run(run)
    return run


def add_record(run: Run, record: dict[str, Any]) -> Run:
    """Return the run, with one more record of its journal."""
    if "entries" in record:
        entries = _entries(record)
        if not run.is_ours:
            _check_foreign_entries(entries, len(run.entries))
        run.entries += _within_here(entries, run) if run.mode == WITHIN else entries
    elif "mkdir" in record:
        run.made.append(_checked_below(record["mkdir"]))
    elif "settled" in record:
        run.settled = _checked_number(record["settled"])
        run.failed.update({int(number): str(reason) for number, reason in record["failed"].items()})
    elif "end" in record:
        run.end = str(record["end"])
        run.ended = run.settled if run.end else run.ended
    elif "undo" in record:
        run.undo_begun = record["undo"] == "begun"
        if record["undo"] == "done":
            run.undone, run.kept = True, set(map(_checked_number, record["kept"]))
    return run


def _within_here(entries: Sequence[Entry], run: Run) -> list[Entry]:
    """Return entries of a move within DEST, which may have another name by now.

    Raises
    ------
    ValueError
        If a source was not in DEST.
    """
    top = os.path.join(run.root, "")
    if not all(entry.source.startswith(top) for entry in entries):
        raise ValueError("a source outside of DEST")
    below = [_checked_below(entry.source[len(top) :].replace(os.sep, "/")) for entry in entries]
    return [
        entry._replace(source=os.path.join(run.here, *path.split("/")))
        for entry, path in zip(entries, below, strict=True)
    ]


def _checked_number(number: object) -> int:
    """Return a whole number that is not negative, or raise ValueError."""
    if type(number) is not int or number < 0:
        raise ValueError("no number of an entry")
    return number


def _check_foreign_run(run: Run) -> None:
    """Raise ValueError unless the head of a stranger's journal has the form of a true one.

    Folders that it says to have made are not believed: none above DEST is removed.
    """
    texts = (run.mode, run.token, run.root)
    if not all(isinstance(text, str) for text in texts) or not _TOKEN.fullmatch(run.token):
        raise ValueError("no head of a journal")
    if run.mode not in (COPY, MOVE, HARD_LINK, SYMBOLIC_LINK, WITHIN):
        raise ValueError("no mode of a sort")
    if run.root and not _is_normal_path(run.root):
        raise ValueError("no folder")
    run.made_levels, run.continues = 0, run.continues is True


def _check_foreign_entries(entries: Sequence[Entry], first: int) -> None:
    """Raise ValueError unless a stranger's entries have the form of true ones."""
    for number, entry in enumerate(entries, first):
        _checked_below(entry.to)
        if _checked_number(entry.mode) > MOST_MODE or _checked_number(entry.size) > MOST_SIZE:
            raise ValueError("no mode or size of a file")
        if type(entry.mtime_ns) is not int or abs(entry.mtime_ns) > MOST_TIME_NS:
            raise ValueError("no time of a file")
        if entry.number != number:
            raise ValueError("an entry's number")
        if not (isinstance(entry.source, str) and _is_normal_path(entry.source)):
            raise ValueError("an entry's source")
        if not (isinstance(entry.sha256, str) and _SHA256.fullmatch(entry.sha256)):
            raise ValueError("an entry's sha256")
        if not all(isinstance(text, str) for text in entry.cells.values()):
            raise ValueError("an entry's cells")


def _checked_below(path: object) -> str:
    """Return a path below DEST as journals have them, or raise ValueError."""
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError("no path below DEST")
    if any(part in ("", ".", "..", ".digitsort") for part in path.split("/")) or os.path.isabs(path):
        raise ValueError("a path that leads out of DEST")
    os.fsencode(path)  # JSON can say characters that no name has: a ValueError too
    return path


def _is_normal_path(path: str) -> bool:
    os.fsencode(path)
    return os.path.isabs(path) and os.path.normpath(path) == path and "\0" not in path


def texts_of(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a record's text for all entries that follow one another with the same columns."""
    for columns, alike in groupby(entries, lambda entry: columns_of_cells(entry.cells)):
        rows = [(*entry[:-1], cells_in_order(entry.cells)) for entry in alike]
        yield text_of({"columns": list(columns), "entries": rows})


def is_of_entries(line: bytes) -> bool:
    """Return whether a whole line is one of entries."""
    return line.startswith(b'{"columns":') and line.endswith(b"\n")


def is_of_plan(line: bytes) -> bool:
    """Return whether a whole line is one of what will be done: entries, or a folder to be made."""
    return is_of_entries(line) or (line.startswith(b'{"mkdir":') and line.endswith(b"\n"))


def text_of(record: Mapping[str, object]) -> str:
    """Return the text of a record."""
    return json.dumps(record, separators=(",", ":"), check_circular=False)


def _entries(record: dict[str, Any]) -> list[Entry]:
    index = {name: place for place, name in enumerate(record["columns"])}
    *fields, cells = zip(*record["entries"], strict=True)
    if len(fields) != len(Entry._fields) - 1 or any(len(each) != len(index) for each in cells):
        raise ValueError("too few or many cells")
    return made(Entry, *fields, map(partial(Cells, index), cells))
