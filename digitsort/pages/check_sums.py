"""Check whether the last cell of each row or column is the sum of the others: `table --check-sum`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.plural import plural

MOST_DIGITS = 100
"""Longest number that is added up. Python makes no int of over 4,300 digits."""

_NUMBER = re.compile(f"[+-]?[0-9]{{1,{MOST_DIGITS}}}")


class Direction(StrEnum):
    """What has its sum in its last cell."""

    ROW = "row"
    COLUMN = "column"


@dataclass(frozen=True, slots=True)
class Check:
    """Which sums to check.

    Attributes
    ----------
    direction : Direction
    block : str
        Number of the block, or name of its field in the layout; empty for all blocks.
    """

    direction: Direction
    block: str = ""

    @classmethod
    def of(cls, text: str) -> Check:
        """Read a check such as ``row`` or ``column:2``.

        Raises
        ------
        UsageError
            If it names neither rows nor columns.

        Examples
        --------
        >>> Check.of("column:2")
        Check(direction=<Direction.COLUMN: 'column'>, block='2')
        """
        name, _, block = text.partition(":")
        if name not in set(Direction):
            raise UsageError(
                "--check-sum must be row or column, or one of these with a block, such as row:2, got "
                f"{printable(text)}."
            )
        return cls(Direction(name), block)

    def is_about(self, block: int, field: str) -> bool:
        """Return whether the sums of this block are to be checked."""
        return self.block in ("", str(block), field)


class SumState(StrEnum):
    """Result of the check of one sum."""

    OK = "ok"
    WRONG = "wrong"
    DOUBTFUL = "doubtful"
    NO_TOTAL = "no total"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the table says of a cell.

    Attributes
    ----------
    label : str
        Empty for a blank cell, and for one that could not be read.
    is_doubtful : bool
        Whether a person should check it.
    second : str
        The second label of the model; empty if there is none.
    reason : str
        Why it is doubtful.
    path : str
        The cell's picture; empty if there is none.
    """

    label: str
    is_doubtful: bool
    second: str = ""
    reason: str = ""
    path: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing is written in the cell."""
        return not (self.label or self.is_doubtful)


@dataclass(frozen=True, slots=True)
class CheckedSum:
    """Result of the check of one row or column.

    Attributes
    ----------
    state : SumState
    detail : str
        Both numbers, and perhaps a hint; empty if there is nothing to add.
    """

    state: SumState
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.state} ({self.detail})" if self.detail else str(self.state)


def check_sum(line: Mapping[int, Entry], last: int, across: str) -> CheckedSum | None:
    """Check whether the last cell of a row or column is the sum of the others.

    Blank cells count as nothing. Labels that add up prove each other, also if some of them are
    doubtful. If they do not add up, a doubtful cell may be the reason: the sum is `doubtful`, and the
    detail names the cell whose second label would make the sum right, if exactly one does.

    Parameters
    ----------
    line : mapping of int to Entry
        Cells by their number, from 1.
    last : int
        Number of the cell with the total.
    across : {"column", "row"}
        What the numbers count, for the hint.

    Returns
    -------
    CheckedSum or None
        None if there is nothing to check: all cells are blank, or there is no cell but the last one.

    Examples
    --------
    >>> line = {1: Entry("41", False), 2: Entry("6", True, second="8"), 3: Entry("49", False)}
    >>> str(check_sum(line, 3, "column"))
    'doubtful (sum 47, written 49; right if column 2 is 8)'
    """
    if last < 2 or all(entry.is_blank for entry in line.values()):
        return None
    total = line.get(last)
    if total is None or total.is_blank:
        return CheckedSum(SumState.NO_TOTAL)
    labels = {number: entry.label for number, entry in line.items() if not entry.is_blank}
    unread = [number for number, label in labels.items() if not _NUMBER.fullmatch(label)]
    if unread:
        is_known = not any(line[number].is_doubtful for number in unread)
        return CheckedSum(SumState.DOUBTFUL, f"{across} {unread[0]} is no number" if is_known else "")
    difference = _difference(labels, last)
    if not difference:
        return CheckedSum(SumState.OK)
    detail = f"sum {int(labels[last]) + difference}, written {int(labels[last])}"
    if not any(entry.is_doubtful for entry in line.values()):
        return CheckedSum(SumState.WRONG, detail)
    hints = _hints(line, labels, last, across)
    return CheckedSum(SumState.DOUBTFUL, "; ".join([detail, *(hints if len(hints) == 1 else [])]))


def _difference(labels: Mapping[int, str], last: int) -> int:
    """Return by how much the sum of the others is larger than the total."""
    return sum(int(label) for number, label in labels.items() if number != last) - int(labels[last])


def _hints(line: Mapping[int, Entry], labels: Mapping[int, str], last: int, across: str) -> list[str]:
    """Return a hint for each doubtful cell whose second label would make the sum right."""
    return [
        f"right if {across} {number} is {line[number].second}"
        for number in labels
        if line[number].is_doubtful
        and _NUMBER.fullmatch(line[number].second)
        and not _difference({**labels, number: line[number].second}, last)
    ]


def describe_sums(counts: Counter[SumState]) -> str:
    """Return the account of all sums, such as ``3 sums = 2 ok + 1 wrong + 0 doubtful``."""
    count = counts.total() - counts[SumState.NO_TOTAL]
    said = [f"{counts[state]} {state}" for state in (SumState.OK, SumState.WRONG, SumState.DOUBTFUL)]
    without = f"; {counts[SumState.NO_TOTAL]} without a total" if counts[SumState.NO_TOTAL] else ""
    return f"{plural(count, 'sum')} = {' + '.join(said)}{without}"
