"""Bring a labels.csv up to date: keep the rows of known contents, and what people wrote beside them."""

from __future__ import annotations

import json
import os
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from digitsort.errors import OutputError
from digitsort.files.names import absolute, printable
from digitsort.images.discover import matching_path
from digitsort.labels.cells import DIGITS, Findings
from digitsort.labels.labels_csv import (
    COLUMNS,
    Format,
    Layout,
    LineFormat,
    columns_of_labels,
    read_labels,
    row_bytes,
)
from digitsort.labels.parquet import MAGIC as PARQUET_MAGIC
from digitsort.labels.resume import RowsHash, RunSettings, cells_of, outcome_of, raw_rows, remembered
from digitsort.labels.row import HUMAN, PROBABILITY, Row, before_gone, gone_reason
from digitsort.labels.table import line_of
from digitsort.outcomes import Outcome, Status
from digitsort.plural import plural
from digitsort.sources.archives import is_archive
from digitsort.sources.members import may_exist

NEW, CHANGED, SAME = "new", "changed", "as before"

MOST_NAMED = 5

_ADAPTED = "adapted from "
"""Start of the reason of a row that a second pass changed: the first pass must read its file again."""

_WORDS = {
    "model": "another model",
    "settings": "other settings",
    "version": "another version of digitsort",
    "adapt": "another choice of --adapt",
}
"""What a difference between two runs is called in a message."""

Extra = tuple[str, ...]
"""Cells of the columns that a person added."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Set of contents.

    Workers get it with their job, so it has only the first 8 bytes of each SHA-256. Another content can
    seem to be known; the main process finds out.

    Attributes
    ----------
    starts : array of unsigned 64-bit int
        Sorted.
    """

    starts: array[int]

    @classmethod
    def of(cls, hashes: Iterable[str]) -> Contents:
        """Return the set of contents with these hashes, in hex."""
        return cls(array("Q", sorted(int(sha256[:16], 16) for sha256 in hashes)))

    def __contains__(self, sha256: object) -> bool:
        start = int(str(sha256)[:16], 16)
        place = bisect_left(self.starts, start)
        return place < len(self.starts) and self.starts[place] == start


class _Known(Mapping[str, Outcome]):
    """Outcomes by content (SHA-256), each made from its row on access.

    For a million rows this saves 200 MB.
    """

    def __init__(self, rows: Mapping[str, Row], outcome_of_row: Callable[[Row], Outcome]) -> None:
        self._rows = rows
        self._outcome_of_row = outcome_of_row

    def __getitem__(self, sha256: str) -> Outcome:
        return self._outcome_of_row(self._rows[sha256])

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Update:
    """Update of a labels.csv.

    Parameters
    ----------
    run : RunSettings
        Settings of this run.
    classes : sequence of str
        Classes of the model.

    Attributes
    ----------
    known : mapping of str to Outcome
        Outcomes by content (SHA-256) that this run would give again.
    findings : Findings
        Observations about the table.
    read_again : str
        Reason why no row of the table can be kept; usually empty.
    counts : Counter of str
        Number of files that are new, changed, or as before.
    relabelled : list of (str, str, str)
        Path, label before and label now of files that did not change.
    gone : int
        Number of rows with status gone.
    left_out : int
        Number of rows that were removed because their file matches a pattern of `--exclude`.
    kept, set_aside : int
        Number of labels from a person in other rows, and in rows with status gone.
    """

    def __init__(self, path: Path, layout: Layout, run: RunSettings, classes: Sequence[str]) -> None:
        self._path = path
        self._layout = layout
        self._form: LineFormat = "jsonl" if run.format == "jsonl" else "csv"
        self._identity = _identity(path)
        self.findings = Findings()
        self._rows = list(read_labels(path, None, self.findings))
        self._columns = columns_of_labels(path)
        self._extra = _extra_columns(self._columns, self._rows, classes)
        self._classes = tuple(
            name.removeprefix(PROBABILITY)
            for name in self._columns
            if name.startswith(PROBABILITY) and name not in self._extra
        )
        self._by_cell: dict[str, list[Row]] = {}
        for row in self._rows:
            self._by_cell.setdefault(self._cell_of(row), []).append(row)
        self.read_again = self._why_again(run)
        self.known: Mapping[str, Outcome] = {}
        if not self.read_again:
            self.known = _Known(self._rows_kept(adapts=run.adapt == str(True)), self._outcome)
        self._now: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.relabelled: list[tuple[str, str, str]] = []
        self.gone = self.left_out = self.kept = self.set_aside = 0
        self._excluded: set[str] = set()
        self._repaired: set[str] = set()

    def _cell_of(self, row: Row) -> str:
        """Return a row's path as it is written; the table's own string if equal, to save memory."""
        cell = self._layout.cell_of(row.path)
        as_read = row.cells.get("path", "")
        return as_read if as_read == cell else cell

    def paths(
        self, found: Iterable[str], sources: Sequence[str], patterns: Sequence[str] = ()
    ) -> Iterator[str]:
        """Yield the files of the walk, and the existing files of the table that are not among them.

        Files outside of the sources keep their place: before the walk if they came before all files in
        the sources, else behind it. Of the table's files, those that match a pattern are left out.
        """
        if patterns:
            self._excluded = self._matching(sources, patterns)
        given: set[str] = set()
        broken = {cell: f"{cell}/" for cell, rows in self._by_cell.items() if _is_of_archive(rows)}
        first = next((i for i, r in enumerate(self._rows) if _is_inside(r.path, sources)), None)
        yield from self._existing(self._rows[:first], given)
        for path in found:
            cell = self._layout.cell_of(path)
            if broken:
                self._repaired.update(each for each, start in broken.items() if cell.startswith(start))
            if cell not in given:
                if rows := self._by_cell.get(cell):
                    given.add(self._cell_of(rows[0]))
                yield path
        self._repaired -= given
        given |= self._repaired
        yield from self._existing(self._rows, given)

    def _matching(self, sources: Sequence[str], patterns: Sequence[str]) -> set[str]:
        """Return the cells of files whose name matches, or that of a folder below source or table."""
        tops = sorted(map(absolute, sources), key=len)
        outside = os.path.abspath(self._path.parent)
        return {
            cell
            for cell, rows in self._by_cell.items()
            if matching_path(rows[0].path, _top_of(rows[0].path, tops) or outside, patterns)
        }

    def _existing(self, rows: Iterable[Row], given: set[str]) -> Iterator[str]:
        for row in rows:
            cell = self._cell_of(row)
            if cell not in given and cell not in self._excluded and may_exist(row.path):
                given.add(cell)
                yield row.path

    def noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes, and compare each with the table."""
        for outcome in outcomes:
            cell = self._layout.cell_of(outcome.path)
            rows = self._by_cell.get(cell, ())
            # There may be a million: keep the table's strings, not equal copies.
            same = next((row.sha256 for row in rows if row.sha256 == outcome.sha256), outcome.sha256)
            self._now[self._cell_of(rows[0]) if rows else cell] = same
            self._compare(outcome, rows)
            yield outcome

    def _compare(self, outcome: Outcome, rows: Sequence[Row]) -> None:
        rows = [row for row in rows if row.status is not Status.GONE]
        before = next((row for row in rows if _is_of(row, outcome.sha256)), None)
        kind = SAME if before else CHANGED if rows else NEW
        self.counts[kind] += 1
        if before and before.label != outcome.label and _ADAPTED not in before.reason:
            self.relabelled.append((outcome.path, before.label, outcome.label))

    def joined(self, file: IO[bytes]) -> Iterator[bytes] | None:
        """Return the lines of the updated table; None if they are those of the run."""
        extras, left = self._settle()
        gone = [row for row in left if not self._is_dropped(row)]
        self.gone, self.left_out = len(gone), len(left) - len(gone)
        self.kept = sum(1 for cells in extras.values() if self._human(cells))
        self.set_aside = sum(1 for row in gone if row.human)
        if not (self._extra or gone):
            return None
        return self._lines(file, extras, gone)

    def _is_dropped(self, row: Row) -> bool:
        """Return whether a row is of an excluded file, and has nothing that a person wrote."""
        return self._cell_of(row) in self._excluded and not any(self._extra_of(row))

    def check_unchanged(self) -> None:
        """Raise OutputError if somebody wrote the table since it was read."""
        if _identity(self._path) != self._identity:
            raise OutputError(
                f"{printable(str(self._path))} changed during the run, so it was not replaced."
            )

    def say(self) -> list[str]:
        """Return sentences about the update."""
        counts = ", ".join(f"{self.counts[kind]} {kind}" for kind in (NEW, CHANGED, SAME))
        left_out = f", {self.left_out} removed by --exclude" if self.left_out else ""
        said = [f"{counts}, {self.gone} gone{left_out}"]
        if self.kept or self.set_aside:
            aside = f"; {self.set_aside} in rows with status gone" if self.set_aside else ""
            said.append(f"{plural(self.kept, 'label')} from a person kept{aside}")
        if self.relabelled:
            count = len(self.relabelled)
            said.append(f"{plural(count, 'unchanged file')} {_has(count)} another label than before:")
            for path, before, now in self.relabelled[:MOST_NAMED]:
                said.append(f"  {printable(path)}: {before or 'none'}, now {now or 'none'}")
            if count > MOST_NAMED:
                said.append(f"  and {count - MOST_NAMED} more")
        return said

    def _why_again(self, run: RunSettings) -> str:
        """Return why no row can be kept; empty if all were written by this user with these settings."""
        rows = [row for row in self._rows if row.status is not Status.GONE]
        if not rows:
            return ""
        found = RowsHash()
        for row in rows:
            found.add(row_bytes(self._outcome(row), self._layout_of(row), self._form))
        before = remembered(found)
        if before is None:
            return "it has rows that were edited, or that your digitsort did not write"
        names = run.row_differences(before)
        return f"it was made with {' and '.join(map(_WORDS.__getitem__, names))}" if names else ""

    def _rows_kept(self, *, adapts: bool) -> dict[str, Row]:
        """Return the rows to keep, by content; a file with an error is tried again."""
        return {
            row.sha256: row
            for row in self._rows
            if row.sha256
            and row.status not in (Status.ERROR, Status.GONE)
            and not (adapts and _ADAPTED in row.reason)
        }

    def _layout_of(self, row: Row) -> Layout:
        return Layout(self._layout.root, row.model, self._classes)

    def _outcome(self, row: Row) -> Outcome:
        layout = self._layout_of(row)
        cells = {name: row.cells.get(name, "") for name in layout.columns}
        return outcome_of(row.path, cells, layout)

    def _settle(self) -> tuple[dict[str, Extra], list[Row]]:
        """Return a person's cells by path, and the rows whose content is gone.

        A person's cells belong to a content. They go with a file that was renamed. They stay in a gone
        row if the file has another content now, or another row of it has other cells.
        """
        extras: dict[str, Extra] = {}
        kept: set[str] = set()
        left: list[tuple[str, Row]] = []
        for cell, rows in self._by_cell.items():
            for row in rows:
                if cell in self._now and _is_of(row, self._now[cell]):
                    kept.add(cell)
                    if self._give(extras, cell, row):
                        continue
                left.append((cell, row))
        places = self._places(left, kept)
        return extras, [row for cell, row in left if not self._moved(row, cell, places, extras)]

    def _places(self, left: Iterable[tuple[str, Row]], kept: set[str]) -> dict[str, list[str]]:
        """Return the files, by content, that could be those of the rows under another name."""
        wanted = {row.sha256 for _, row in left if row.sha256}
        places: dict[str, list[str]] = {}
        for cell, sha256 in self._now.items():
            if sha256 in wanted and cell not in kept:
                places.setdefault(sha256, []).append(cell)
        return places

    def _moved(
        self, row: Row, cell: str, places: Mapping[str, list[str]], extras: dict[str, Extra]
    ) -> bool:
        """Return whether a row needs no gone row; give its cells to the file's new name."""
        has_cells = any(self._extra_of(row))
        if (cell in self._now or cell in self._repaired) and not has_cells:
            return True  # the file changed, and nobody wrote anything beside the row
        new = places.get(row.sha256, [])
        return bool(new) and all(self._give(extras, each, row) for each in new)

    def _give(self, extras: dict[str, Extra], cell: str, row: Row) -> bool:
        """Add a person's cells of a row to a file; return False if it has others already."""
        mine = self._extra_of(row)
        if any(mine) and any(extras.get(cell, ())) and extras[cell] != mine:
            return False
        if any(mine):
            extras[cell] = mine
        return True

    def _extra_of(self, row: Row) -> Extra:
        return tuple(row.cells.get(name, "") for name in self._extra)

    def _human(self, extra: Extra) -> bool:
        return HUMAN in self._extra and bool(extra[self._extra.index(HUMAN)])

    def _lines(
        self, file: IO[bytes], extras: Mapping[str, Extra], gone: Iterable[Row]
    ) -> Iterator[bytes]:
        file.seek(0)
        nothing = ("",) * len(self._extra)
        columns = (*self._layout.columns, *self._extra)
        is_header = self._form == "csv"
        for line in raw_rows(file, self._form):
            if is_header:
                yield line_of(columns).encode()
                is_header = False
                continue
            cell = cells_of(line, self._layout, self._form)["path"]
            yield self._with_extra(line, extras.get(cell, nothing))
        for row in gone:
            yield self._with_extra(self._gone_line(row), self._extra_of(row))

    def _with_extra(self, line: bytes, extra: Extra) -> bytes:
        if not extra:
            return line
        if self._form == "jsonl":
            record = json.loads(line) | dict(zip(self._extra, extra, strict=True))
            return (json.dumps(record, ensure_ascii=False) + "\n").encode()
        # A cell before them: where a row begins, other things are quoted than within it.
        return line.removesuffix(b"\n") + line_of(["", *extra]).encode()

    def _gone_line(self, row: Row) -> bytes:
        was = before_gone(row)
        layout = Layout(self._layout.root, row.model, self._layout.probability_of)
        cells = {name: row.cells.get(name, "") for name in layout.columns}
        reason = gone_reason(was.status, was.reason)
        outcome = outcome_of(row.path, cells | {"reason": reason}, layout)
        return row_bytes(outcome._replace(status=Status.GONE), layout, self._form)


def format_of(path: Path) -> Format:
    """Return the format of an existing table, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(PARQUET_MAGIC):
        return "parquet"
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"


def _identity(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _extra_columns(columns: Sequence[str], rows: Iterable[Row], classes: Iterable[str]) -> Extra:
    """Return the columns that are a person's, without the probabilities of classes."""
    labels = {*DIGITS, *classes, *(row.label for row in rows)}
    names = dict.fromkeys(columns)
    return tuple(
        name
        for name in names
        if name not in COLUMNS
        and not (name.startswith(PROBABILITY) and name.removeprefix(PROBABILITY) in labels)
    )


def _is_of(row: Row, sha256: str) -> bool:
    """Return whether a row is of this content; where either is unknown, the path decides."""
    return row.sha256 == sha256 or not (row.sha256 and sha256)


def _is_of_archive(rows: Iterable[Row]) -> bool:
    """Return whether a row says what is wrong with an archive."""
    return any(row.status is Status.ERROR and is_archive(row.path) for row in rows)


def _is_inside(path: str, sources: Iterable[str]) -> bool:
    return bool(_top_of(path, map(absolute, sources)))


def _top_of(path: str, tops: Iterable[str]) -> str:
    """Return the first of these absolute paths that is a file or contains it; empty if none does."""
    whole = absolute(path)
    return next((t for t in tops if whole == t or whole.startswith(os.path.join(t, ""))), "")


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
