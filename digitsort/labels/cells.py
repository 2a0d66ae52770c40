"""Check the cells of a table: its own columns, and the labels that a person wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import nan

from digitsort.errors import UsageError
from digitsort.files.names import from_cell, natural_key, printable
from digitsort.plural import plural

MOST_LABEL_CHARS = 255
"""Longest label: no file system has a longer name for its folder."""

MOST_LABELS = 1000
"""Most different labels of one table; a model has 256 at most. Folders, keys of the review page and
rows and columns of a confusion matrix are made of them."""

MOST_DIGITS = 32
"""Largest number of digits in a number that `classify --number` reads."""

OF_NUMBERS = "+number"
"""Suffix of the `model` column in rows of `classify --number`."""

MOST_TEXT_CHARS = 4096
"""Longest reason, and longest name of a model."""

SHA256_CHARS = 64

MOST_SHOWN = 80
"""Characters of a cell in a message."""

_AS_A_NUMBER = re.compile("[0-9]+(?:[.,][0-9]*)?(?:[eE][+-]?[0-9]+)?")
"""Number that a spreadsheet makes of a hash with only digits, or digits and one e."""

_SHARE = re.compile("0(?:[.,][0-9]*)?|1(?:[.,]0*)?|")
"""A confidence as digitsort writes it; what else may be one is for `share_of` to say."""


class Labels:
    """The different labels of a table, which are few and short."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def add(self, label: str) -> None:
        """Take in a label; raise ValueError where it is too long or one too many."""
        if len(label) > MOST_LABEL_CHARS:
            raise ValueError(f"{shown(label)} is no label: it has over {MOST_LABEL_CHARS} characters.")
        self._seen.add(label)
        if len(self._seen) > MOST_LABELS:
            raise ValueError(
                f"there are over {MOST_LABELS} different labels up to here. Are these labels of digits?"
            )

    def take(self, labels: Iterable[str]) -> bool:
        """Take in many, if `add` would accept all of them; return whether it would."""
        seen = self._seen.union(labels)
        if len(seen) > MOST_LABELS or max(map(len, seen)) > MOST_LABEL_CHARS:
            return False
        self._seen = seen
        return True


def share_of(cell: str) -> float | None:
    """Return a confidence, 0-1; None where the cell is empty.

    Raises
    ------
    ValueError
        If it is something else; a decimal comma, as some spreadsheets write it, is not.
    """
    if not cell:
        return None
    try:
        share = float(cell.replace(",", "."))
    except ValueError:
        share = nan
    if not 0 <= share <= 1:
        raise ValueError(f"{shown(cell)} is no confidence: a number from 0 to 1.")
    return share


def are_shares(cells: Iterable[str]) -> bool:
    """Return whether all are confidences, as far as a quick look can tell."""
    return all(map(_SHARE.fullmatch, cells))


def check_text(cell: str) -> None:
    """Raise ValueError for a reason or a model's name that is too long."""
    if len(cell) > MOST_TEXT_CHARS:
        raise ValueError(f"{shown(cell)} has over {MOST_TEXT_CHARS} characters.")


def are_texts(cells: Iterable[str]) -> bool:
    """Return whether `check_text` accepts all."""
    return max(map(len, cells)) <= MOST_TEXT_CHARS


def check_sha256(cell: str) -> None:
    """Raise ValueError for what is neither empty nor a hash."""
    if are_sha256([cell]):
        return
    if _AS_A_NUMBER.fullmatch(cell):
        raise ValueError(
            f"{shown(cell)} is not a SHA-256: a spreadsheet turned it into a number. Restore it, or "
            "empty the cell so that the path alone identifies the file."
        )
    raise ValueError(f"{shown(cell)} is not a SHA-256, which has {SHA256_CHARS} digits 0-9, a-f.")


def are_sha256(cells: Iterable[str]) -> bool:
    """Return whether each is empty or could be a hash; one that is cut short matches no file anyway."""
    is_hex = not "".join(cells).encode().translate(None, b"0123456789abcdef")
    return is_hex and max(map(len, cells)) <= SHA256_CHARS


def path_of(cell: str, base: str) -> str:
    """Return the path that a cell names, taken from the folder `base`; raise ValueError for none."""
    path = from_cell(cell, base)
    if not cell or "\0" in path:
        raise ValueError(f"{shown(cell)} is no path.")
    return path


def shown(cell: str) -> str:
    """Return a cell as a message shows it."""
    if len(cell) > MOST_SHOWN:
        return f"{cell[:MOST_SHOWN]!a}…"
    return repr(cell) if cell.isprintable() else ascii(cell)


NONE_LABEL = "_none"
"""Name of the reserved class "not a digit"."""

UNCLEAR = "_unclear"
"""Label from a person who looked at an image and could not tell what it shows. It is no truth: nothing
is measured or learned from it, and `sort` puts the file among the uncertain ones."""

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
    has_numbers : bool
        Whether rows of `classify --number` were read. Any number is then a label, and no number of
        several digits is in `names` or `human`.
    """

    empty_rows: int = 0
    understood: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    human: Counter[str] = field(default_factory=Counter)
    has_numbers: bool = False


def machine_label(cell: str) -> str:
    """Return the label in a cell; ``3.0``, which pandas writes in columns with empty cells, is 3."""
    if "." not in cell and "," not in cell:
        return cell
    found = _WHOLE_NUMBER.fullmatch(cell)
    return found[1] if found else cell


def human_label(cell: str) -> str:
    """Return a person's label in a cell; strip spaces and turn full-width digits into 0-9."""
    return machine_label(cell.strip().translate(_FULL_WIDTH))


def are_digits(classes: Iterable[str]) -> bool:
    """Return whether all classes are digits, apart from `_none`."""
    return set(classes) - {NONE_LABEL} <= set(DIGITS)


def is_long_number(label: str) -> bool:
    """Return whether a label is a number of several digits, as `classify --number` gives it."""
    return 1 < len(label) <= MOST_DIGITS and label.isdigit() and label.isascii()


def length_name(label: str) -> str:
    """Return the group of a number in counts, such as "4 digits"; any other label itself.

    Examples
    --------
    >>> length_name("1984"), length_name("7"), length_name("_none")
    ('4 digits', '1 digit', '_none')
    """
    is_number = label in DIGITS or is_long_number(label)
    return plural(len(label), "digit") if is_number else label


def likely_classes(names: Iterable[str]) -> set[str]:
    """Guess the classes of the model from its labels: all ten digits if all labels are digits."""
    classes = set(names) - {"", NONE_LABEL, UNCLEAR}
    return classes.union(DIGITS) if are_digits(classes) else classes


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
    allowed = {*classes, *new_classes, NONE_LABEL, UNCLEAR}
    unknown = Counter({label: count for label, count in human.items() if label not in allowed})
    if not unknown:
        return
    total, first = unknown.total(), min(unknown)
    values = {shown(label): count for label, count in unknown.items()}
    raise UsageError(
        f"{printable(str(path))}: {total} of {plural(human.total(), 'label')} in the column `human` "
        f"{'is not a class' if total == 1 else 'are not classes'}: {_counted(values)}. The classes are "
        f"{listed(classes)}, {NONE_LABEL} for none of them, and {UNCLEAR} for what a person can't read."
        f" Correct the column, or accept a new class with --new-class {shown(first)}."
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


def listed(classes: Collection[str]) -> str:
    """Return the names of classes as a message lists them."""
    if set(classes) == set(DIGITS):
        return "0-9"
    ordered = sorted(classes, key=natural_key)
    more = len(ordered) - MOST_CLASSES_NAMED
    return ", ".join(map(printable, ordered[:MOST_CLASSES_NAMED])) + (f" … ({more} more)" * (more > 0))
