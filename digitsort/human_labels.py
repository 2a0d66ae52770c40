"""Interpret the labels of a table, and refuse a person's labels that are not classes of the model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from digitsort.check_cells import shown
from digitsort.errors import UsageError
from digitsort.files.names import printable
from digitsort.files.natural import natural_key
from digitsort.plural import plural

NONE_LABEL = "_none"
"""Name of the reserved class "not a digit"."""

DIGITS = tuple("0123456789")

MOST_NAMED = 10
"""Largest number of values listed in a message."""

MOST_CLASSES_NAMED = 40

_WHOLE_NUMBER = re.compile(r"([0-9]+)[.,]0+")
"""Whole number such as 3.0, as pandas and spreadsheets write it in a column with empty cells."""

_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)}


@dataclass(slots=True)
class Findings:
    """Observations made while a table was read.

    Attributes
    ----------
    empty_rows : int
        Number of empty rows, which were skipped.
    understood : Counter of (str, str)
        Labels that were read as others: the text in the cell, and the label that it was read as.
    names : set of str
        Labels and second-best labels from the model, and classes that have a column.
    human : Counter of str
        Labels that a person gave.
    """

    empty_rows: int = 0
    understood: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    human: Counter[str] = field(default_factory=Counter)


def machine_label(cell: str) -> str:
    """Return the label in a cell; ``3.0``, which pandas writes in columns with empty cells, is 3."""
    if "." not in cell and "," not in cell:
        return cell
    found = _WHOLE_NUMBER.fullmatch(cell)
    return found[1] if found else cell


def human_label(cell: str) -> str:
    """Return a person's label in a cell; strip spaces and turn full-width digits into 0-9."""
    return machine_label(cell.strip().translate(_FULL_WIDTH))


def likely_classes(names: Iterable[str]) -> set[str]:
    """Guess the classes of the model from its labels: all ten digits if all labels are digits."""
    classes = set(names) - {"", NONE_LABEL}
    return classes.union(DIGITS) if classes <= set(DIGITS) else classes


def check_human(
    path: object, human: Counter[str], classes: Collection[str], new_classes: Collection[str] = ()
) -> None:
    """Raise UsageError if a person gave labels that are not classes.

    Parameters
    ----------
    path : str or Path
        Name of the table in the message.
    human : Counter of str
        The person's labels, with counts.
    classes : collection of str
        Classes of the model.
    new_classes : collection of str
        Additional classes that the person accepted.

    Raises
    ------
    UsageError
        With each such label, its count, and the valid classes.
    """
    allowed = {*classes, *new_classes, NONE_LABEL}
    unknown = Counter({label: count for label, count in human.items() if label not in allowed})
    if not unknown:
        return
    total, first = unknown.total(), min(unknown)
    values = {shown(label): count for label, count in unknown.items()}
    raise UsageError(
        f"{printable(str(path))}: {total} of {human.total()} labels in the column `human` "
        f"{'is not a class' if total == 1 else 'are not classes'}: {_counted(values)}. The classes are "
        f"{_listed(classes)}, and {NONE_LABEL} for none of them. Correct the column, or accept "
        f"a new class with --new-class {shown(first)}."
    )


def describe_findings(path: object, findings: Findings) -> list[str]:
    """Return sentences that say which rows were skipped and which labels were read as others."""
    name, said = printable(str(path)), []
    if findings.empty_rows:
        rows = plural(findings.empty_rows, "empty row")
        said.append(f"{name}: {rows} skipped.")
    if findings.understood:
        total = findings.understood.total()
        pairs = {
            f"{shown(cell)} to {shown(label)}": n for (cell, label), n in findings.understood.items()
        }
        said.append(f"{name}: converted {plural(total, 'label')}: {_counted(pairs)}.")
    return said


def _counted(counts: Mapping[str, int]) -> str:
    """Return texts with their counts, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda each: (-each[1], natural_key(each[0])))
    named = ", ".join(f"{text} ({count})" for text, count in ordered[:MOST_NAMED])
    more = len(ordered) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _listed(classes: Collection[str]) -> str:
    if set(classes) == set(DIGITS):
        return "0-9"
    ordered = sorted(classes, key=natural_key)
    more = len(ordered) - MOST_CLASSES_NAMED
    return ", ".join(map(printable, ordered[:MOST_CLASSES_NAMED])) + (f" … ({more} more)" * (more > 0))
