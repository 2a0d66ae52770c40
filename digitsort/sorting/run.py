"""What a journal says of a run, and how it is written: JSON, a record a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from json.encoder import encode_basestring_ascii as _quoted
from operator import itemgetter
from typing import Any, NamedTuple

from digitsort.errors import OutputError
from digitsort.files.names import printable
from digitsort.table import NO_CELLS, Cells, columns_of_cells, values_of

VERSION = 2

_NOT_ESCAPED = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))
"""What stands in JSON as it is."""

_BETWEEN = '","'

Before = tuple[int, int, int]
"""Size, time and mode of a file at its source."""

NOTHING_BEFORE: Before = (0, 0, 0)


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
    sha256 : str
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
    path : str
    mode : str
        Of `plan.Mode`.
    token : str
        In the names of the run's temporary files.
    made_levels : int
        1 if it made DEST, 2 if DEST's parent too …
    continues : bool
        It goes on with the run before, which was stopped.
    entries : list of Entry
    made : list of str
        Folders below DEST that it set out to make, a parent before its children.
    settled : int
        Entries below this number were carried out, but for those in `failed`.
    failed : dict
        Number to reason.
    end : str
        "done", "stopped" or "recovered"; empty if it was killed or goes on.
    undo_begun, undone : bool
    kept : set of int
        What the undo did not take back.
    size : int
        Bytes of the file that are whole lines.
    """

    path: str
    mode: str
    token: str
    made_levels: int = 0
    continues: bool = False
    entries: list[Entry] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    settled: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    end: str = ""
    undo_begun: bool = False
    undone: bool = False
    kept: set[int] = field(default_factory=set)
    size: int = 0

    @property
    def delivered(self) -> Iterator[Entry]:
        """What was carried out and not taken back."""
        for entry in self.entries[: self.settled]:
            if entry.number not in self.failed and (not self.undone or entry.number in self.kept):
                yield entry

    @property
    def open_entries(self) -> list[Entry]:
        """What was begun, and may have been carried out or not."""
        return self.entries[self.settled :]


def parsed(line: bytes) -> dict[str, Any] | None:
    """A record; None where the line was torn.

    Raises
    ------
    ValueError
        If a whole line is no record.
    """
    if not line.endswith(b"\n"):
        return None
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("a record is an object")
    return record


def begun(path: str, record: dict[str, Any]) -> Run:
    """The run that a journal's first record is of."""
    if record.get("digitsort") != VERSION:
        raise OutputError(
            f"{printable(path)} is no journal that this digitsort reads. Use the version that wrote it."
        )
    return Run(path, record["mode"], record["token"], record["made"], record["continues"])


def add_record(run: Run, record: dict[str, Any]) -> Run:
    """The run, with one more record of its journal."""
    if "entries" in record:
        run.entries += _entries(record)
    elif "mkdir" in record:
        run.made.append(record["mkdir"])
    elif "settled" in record:
        run.settled = record["settled"]
        run.failed.update({int(number): reason for number, reason in record["failed"].items()})
    elif "end" in record:
        run.end = record["end"]
    elif "undo" in record:
        run.undo_begun = record["undo"] == "begun"
        if record["undo"] == "done":
            run.undone, run.kept = True, set(record["kept"])
    return run


class Written(NamedTuple):
    """An entry as it is written.

    Attributes
    ----------
    number : int
    columns : iterable of str
        Of its cells.
    text : str
        All behind the number, by `entry_text`.
    """

    number: int
    columns: Iterable[str]
    text: str


def written(entry: Entry) -> Written:
    """The entry as it is written."""
    return Written(entry.number, columns_of_cells(entry.cells), entry_text(*entry[1:]))


def entry_text(
    source: str,
    to: str,
    sha256: str,
    size: int,
    mtime_ns: int,
    mode: int,
    cells: Mapping[str, str],
) -> str:
    """An entry in JSON, but for what stands before and in its number; by hand, for it is sooner."""
    values = cells.in_order() if isinstance(cells, Cells) else cells.values()
    quoted = ",".join(map(_quoted, values))
    names = f"{_quoted(source)},{_quoted(to)},{_quoted(sha256)}"
    return f"{names},{size},{mtime_ns},{mode},[{quoted}]]"


def entry_texts(
    sources: Sequence[str],
    targets: Sequence[str],
    hashes: Sequence[str],
    befores: Sequence[Before],
    cells: Sequence[Mapping[str, str]],
) -> list[str]:
    """As `entry_text`, of many at once, which is sooner where no text has to be escaped."""
    values = values_of(cells)
    inner = map(_BETWEEN.join, values)
    rows = zip(sources, targets, hashes, befores, inner, strict=True)
    texts = [
        f'"{source}","{to}","{sha256}",{size},{mtime_ns},{mode},["{quoted}"]]'
        for source, to, sha256, (size, mtime_ns, mode), quoted in rows
    ]
    whole = "".join(texts)
    quotes = 2 * (3 * len(texts) + sum(map(len, values)))
    if whole.isascii() and whole.encode().translate(None, _NOT_ESCAPED) == b'"' * quotes:
        return texts
    rows_again = zip(sources, targets, hashes, befores, cells, strict=True)
    return [entry_text(source, to, sha, *before, of) for source, to, sha, before, of in rows_again]


def lines_of(entries: Iterable[Written]) -> Iterator[str]:
    """Entries as lines: a record for all that follow one another with the same columns."""
    for columns, alike in groupby(entries, itemgetter(1)):
        texts = ",".join([f"[{number},{text}" for number, _, text in alike])
        yield f'{{"columns":{json.dumps(list(columns))},"entries":[{texts}]}}\n'


def is_of_entries(line: bytes) -> bool:
    """Whether a whole line is one that `lines_of` wrote."""
    return line.startswith(b'{"columns":') and line.endswith(b"\n")


def line_of(record: Mapping[str, object]) -> str:
    """Any other record as a line."""
    return json.dumps(record, separators=(",", ":"), check_circular=False) + "\n"


def _entries(record: dict[str, Any]) -> Iterator[Entry]:
    index = {name: place for place, name in enumerate(record["columns"])}
    for number, source, to, sha256, size, mtime_ns, mode, cells in record["entries"]:
        yield Entry(number, source, to, sha256, size, mtime_ns, mode, Cells(index, cells))
