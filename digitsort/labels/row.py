"""Build rows of a labels.csv from cells, many at once, and tell what rows of gone files were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from typing import NamedTuple

from digitsort.files.names import printable
from digitsort.labels.cells import (
    OF_NUMBERS,
    UNCLEAR,
    Findings,
    Labels,
    are_sha256,
    are_shares,
    are_texts,
    check_sha256,
    check_text,
    human_label,
    is_long_number,
    machine_label,
    path_of,
    share_of,
    shown,
)
from digitsort.labels.elsewhere import PathFinder
from digitsort.labels.read_table import cells_of_row, is_empty, plain_cells
from digitsort.labels.table import NO_CELLS, Cells, made
from digitsort.outcomes import OF_A_RUN, Status
from digitsort.plural import plural

HUMAN, SOURCE = "human", "source"
"""Optional columns: a person's label, and where a sorted file came from."""

PROBABILITY = "p_"
"""Start of a column's name that has the probabilities of a class."""

SHORT = 16
"""Longest cell, in characters, that is stored once for all rows with the same text."""

_OF_A_ROW = ("path", "label", "status", "reason", "sha256", "model", HUMAN, SOURCE)

_LABELS = ("label", "second", HUMAN)
"""A person's label comes last: it may be one that the machine gives."""

_SHARES = ("confidence", "second_confidence")

_TEXTS = ("reason", "model")

_IS_COLUMN = (-1).__lt__
"""Return whether a place is valid; -1 stands for a column that the table does not have."""

_STATUSES = {status.value: status for status in Status}


class Row(NamedTuple):
    """Row of a labels.csv; a tuple, which is made four times as fast: there may be millions.

    Attributes
    ----------
    path : str
        The file, resolved against the folder of the labels.csv.
    label, reason, sha256, model, human, source : str
        As in the file; empty where the cell or the column is. `source` is resolved like `path`.
    status : Status
    cells : mapping
        All cells as they were read, by column.
    """

    path: str
    label: str
    status: Status
    reason: str = ""
    sha256: str = ""
    model: str = ""
    human: str = ""
    source: str = ""
    cells: Mapping[str, str] = NO_CELLS


def right_label(row: Row, truths: Mapping[str, str]) -> str:
    """Return the label that a person gave, or else that of the path in `truths`; empty if unknown."""
    return (row.human if row.human != UNCLEAR else "") or truths.get(row.path, "")


class RowMaker:
    """Maker of the rows of one file.

    Parameters
    ----------
    base : str
        Absolute folder that relative paths start from.
    root : str, optional
        Folder in which to look up files of another machine.
    findings : Findings, optional
        Receives observations about the table.
    """

    def __init__(
        self,
        columns: Sequence[str],
        base: str,
        root: str | None = None,
        findings: Findings | None = None,
    ) -> None:
        self._width = len(columns)
        self._index = {name: place for place, name in enumerate(columns)}
        self._places = [self._index.get(name, -1) for name in _OF_A_ROW]
        self._label_places, self._share_places, self._text_places = (
            [self._index.get(name, -1) for name in names] for names in (_LABELS, _SHARES, _TEXTS)
        )
        self._sha256_place = self._index.get("sha256", -1)
        self._human_place = self._index.get(HUMAN, -1)
        self._base = base
        self._paths = PathFinder(base, root)
        self._known: dict[str, str] = {}
        self._labels = Labels()
        self._findings = Findings() if findings is None else findings
        self._findings.names.update(
            name.removeprefix(PROBABILITY) for name in columns if name.startswith(PROBABILITY)
        )

    def rows(self, block: Sequence[Sequence[str]]) -> list[Row]:
        """Return rows, made column by column.

        Raises
        ------
        ValueError
            If one row is invalid; `row` tells which, and why.
        """
        columns: list[Sequence[str]] = [
            self._shared(column) for column in zip(*plain_cells(block), strict=True)
        ]
        if len(columns) > self._width and not any(map(any, columns[self._width :])):
            del columns[self._width :]
        if len(columns) != self._width:
            raise ValueError("too few or many cells")
        understood = self._understand(columns)
        cells = map(partial(Cells, self._index), zip(*columns, strict=True))
        columns.append(("",) * len(block))
        named, label, state, reason, sha256, model, human, source = (columns[p] for p in self._places)
        status = list(map(_STATUSES.get, state))
        paths = self._paths.paths(named)
        if None in status or "" in named or "\0" in "".join(paths):
            raise ValueError("no status, or no path")
        self._notice_numbers(model)
        if not self._are_sound(columns):
            raise ValueError("a cell that can't be")
        before = map(self._source, source) if any(source) else source
        self._findings.understood.update(understood)
        self._note(columns)
        return made(Row, paths, label, status, reason, sha256, model, human, before, cells)

    def row(self, values: Sequence[str]) -> Row | None:
        """Make one row; return None for an empty one.

        Raises
        ------
        ValueError
            If it is invalid; the message says why.
        """
        if is_empty(values):
            self._findings.empty_rows += bool(values)
            return None
        columns: list[Sequence[str]] = [(v,) for v in cells_of_row(values, self._width)]
        understood = self._understand(columns)
        values = [value for (value,) in columns]
        cells = Cells(
            self._index, [self._known.setdefault(v, v) if len(v) < SHORT else v for v in values]
        )
        values = [*values, ""]
        named, label, state, reason, sha256, model, human, source = (values[p] for p in self._places)
        if state not in _STATUSES:
            raise ValueError(f"{shown(state)} is no status; they are {', '.join(Status)}.")
        path, before = self._path(named), self._source(source)
        self._notice_numbers([model])
        self._check(values)
        self._findings.understood.update(understood)
        self._note([*columns, ("",)])
        return Row(path, label, _STATUSES[state], reason, sha256, model, human, before, cells)

    def _understand(self, columns: list[Sequence[str]]) -> Counter[tuple[str, str]]:
        """Replace labels with the ones that they stand for; return the changes, with counts."""
        understood: Counter[tuple[str, str]] = Counter()
        names = self._findings.names
        for place in filter(_IS_COLUMN, self._label_places):
            cells = set(columns[place])
            if place == self._human_place:
                meant = {cell: cell if cell in names else human_label(cell) for cell in cells}
            else:
                meant = {cell: machine_label(cell) for cell in cells}
                names = names.union(meant.values())
            if any(cell != label for cell, label in meant.items()):
                column = columns[place]
                understood.update((cell, meant[cell]) for cell in column if cell != meant[cell])
                columns[place] = [meant[cell] for cell in column]
        return understood

    def _note(self, columns: Sequence[Sequence[str]]) -> None:
        """Add the labels to the findings."""
        for place in self._label_places:
            labels = self._without_numbers(columns[place])
            if place != self._human_place:
                self._findings.names.update(labels)
            elif any(labels):
                self._findings.human.update(filter(None, labels))

    def _without_numbers(self, labels: Sequence[str]) -> Sequence[str]:
        """Return the labels that are classes: in rows of numbers, any number is a label."""
        if not self._findings.has_numbers:
            return labels
        return [label for label in labels if not is_long_number(label)]

    def _notice_numbers(self, models: Sequence[str]) -> None:
        if any(model.endswith(OF_NUMBERS) for model in set(models)):
            self._findings.has_numbers = True

    def _are_sound(self, columns: Sequence[Sequence[str]]) -> bool:
        """Return whether `_check` would accept all rows; False if a quick check cannot tell."""
        return (
            are_shares(chain(*(columns[place] for place in self._share_places)))
            and all(
                self._labels.take(self._without_numbers(columns[place]) or [""])
                for place in self._label_places
            )
            and all(are_texts(columns[place]) for place in self._text_places)
            and are_sha256(columns[self._sha256_place])
        )

    def _check(self, values: Sequence[str]) -> None:
        """Raise ValueError, with the value, for an invalid cell."""
        for place in self._label_places:
            for label in self._without_numbers([values[place]]):
                self._labels.add(label)
        for place in self._share_places:
            share_of(values[place])
        for place in self._text_places:
            check_text(values[place])
        check_sha256(values[self._sha256_place])

    def _shared(self, column: tuple[str, ...]) -> tuple[str, ...]:
        """Return the column with one object for all equal short cells."""
        if 1 < len(column[0]) < SHORT:  # of a single character Python itself has but one
            return tuple(map(self._known.setdefault, column, column))
        return column

    def _source(self, cell: str) -> str:
        return path_of(cell, self._base) if cell else ""

    def _path(self, cell: str) -> str:
        path_of(cell, self._base)  # raises if nothing can have this path
        return self._paths.path(cell)


_WAS = "was "
"""Start of the reason of a gone row; the status that it had follows."""


def gone_reason(status: Status, reason: str) -> str:
    """Return the reason of a gone row, with the status and the reason that it had.

    Examples
    --------
    >>> gone_reason(Status.UNCERTAIN, "low confidence")
    'was uncertain: low confidence'
    """
    return f"{_WAS}{status.value}: {reason}" if reason else f"{_WAS}{status.value}"


def before_gone(row: Row) -> Row:
    """Return a gone row with the status and the reason that it had; any other row as it is."""
    if row.status is not Status.GONE:
        return row
    name, _, reason = row.reason.removeprefix(_WAS).partition(": ")
    if name not in OF_A_RUN:  # a person wrote the status
        name, reason = (Status.OK if row.label else Status.REJECTED), row.reason
    return row._replace(status=Status(name), reason=reason)


class GoneRows:
    """Filter that leaves out gone rows, and counts them.

    Parameters
    ----------
    kept : callable, optional
        Function that returns contents (SHA-256, hex); gone rows of these are not left out. It is called
        only if there are gone rows.
    """

    def __init__(self, kept: Callable[[], Collection[str]] = frozenset) -> None:
        self.count = 0
        self._kept = cache(kept)

    def left_out(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield all other rows, as they were before they were gone."""
        for row in rows:
            if row.status is not Status.GONE or row.sha256 in self._kept():
                yield before_gone(row)
            else:
                self.count += 1

    def say(self, path: object) -> list[str]:
        """Return a sentence if any row was left out."""
        if not self.count:
            return []
        rows, verb = plural(self.count, "row"), "was" if self.count == 1 else "were"
        return [f"{printable(str(path))}: {rows} of files that are gone {verb} left out."]
