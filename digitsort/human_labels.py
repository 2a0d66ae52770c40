"""Understand the labels of a table, and stop where a person's label is no class."""

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
"""The reserved class "not a digit"."""

DIGITS = tuple("0123456789")

MOST_NAMED = 10
"""Values in a message."""

MOST_CLASSES_NAMED = 40

_WHOLE_NUMBER = re.compile(r"([0-9]+)[.,]0+")
"""A whole number as pandas and spreadsheets write it in a column that has empty cells too."""

_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)}


@dataclass(slots=True)
class Findings:
    """What reading a table showed, beside its rows.

    Attributes
    ----------
    empty_rows : int
        Rows without any content, which were skipped.
    understood : Counter of (str, str)
        Labels that were taken for others: as written, and as taken.
    names : set of str
        Labels and runners-up that the machine gave, and classes that have a column.
    human : Counter of str
        Labels that a person gave.
    """

    empty_rows: int = 0
    understood: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    human: Counter[str] = field(default_factory=Counter)


def machine_label(cell: str) -> str:
    """Return the label that a cell means: ``3.0`` is 3, as pandas writes it beside empty cells."""
    if "." not in cell and "," not in cell:
        return cell
    found = _WHOLE_NUMBER.fullmatch(cell)
    return found[1] if found else cell


def human_label(cell: str) -> str:
    """Return the label that a person's cell means: spaces around it and wide digits don't count."""
    return machine_label(cell.strip().translate(_FULL_WIDTH))


def likely_classes(names: Iterable[str]) -> set[str]:
    """Return the classes of the model that gave these labels: all ten digits where all are digits."""
    classes = set(names) - {"", NONE_LABEL}
    return classes.union(DIGITS) if classes <= set(DIGITS) else classes


def check_human(
    path: object, human: Counter[str], classes: Collection[str], new_classes: Collection[str] = ()
) -> None:
    """Stop where a person gave labels that are no class.

    Parameters
    ----------
    path : str or Path
        The table, for the message.
    human : Counter of str
        A person's labels.
    classes : collection of str
        Of the model.
    new_classes : collection of str
        Further ones that the person asked for.

    Raises
    ------
    UsageError
        Naming each such label, how often it was given, and the classes there are.
    """
    allowed = {*classes, *new_classes, NONE_LABEL}
    unknown = Counter({label: count for label, count in human.items() if label not in allowed})
    if not unknown:
        return
    total, first = unknown.total(), min(unknown)
    values = {shown(label): count for label, count in unknown.items()}
    raise UsageError(
        f"{printable(str(path))}: {total} of {human.total()} labels in the column human "
        f"{'is' if total == 1 else 'are'} no class: {_counted(values)}. The classes are "
        f"{_listed(classes)}, and {NONE_LABEL} for what is none of them. Correct the column, or accept "
        f"a class of your own with --new-class {shown(first)}."
    )


def describe_findings(path: object, findings: Findings) -> list[str]:
    """Return sentences on what was skipped and what was taken for something else."""
    name, said = printable(str(path)), []
    if findings.empty_rows:
        rows = plural(findings.empty_rows, "empty row")
        said.append(f"{name}: {rows} skipped.")
    if findings.understood:
        total = findings.understood.total()
        pairs = {
            f"{shown(cell)} as {shown(label)}": n for (cell, label), n in findings.understood.items()
        }
        said.append(f"{name}: read {plural(total, 'label')} as meant: {_counted(pairs)}.")
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
