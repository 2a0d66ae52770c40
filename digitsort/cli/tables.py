"""Read tables that people saved, and report what was skipped, converted or not used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitsort.cli.console import warn
from digitsort.cli.summary import MOST_NAMED
from digitsort.errors import UsageError
from digitsort.files.names import folder_of, printable
from digitsort.images.discover import describe_left_out, matching_path
from digitsort.labels.cells import Findings, check_human, describe_findings, likely_classes
from digitsort.labels.corrections import Corrections, read_all_corrections
from digitsort.labels.elsewhere import find_contents
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.plural import plural
from digitsort.sorting.journal import FOLDER
from digitsort.sources.members import is_there


@dataclass(frozen=True, slots=True)
class LabelsByHand:
    """Options that name a person's labels, and those of them that are allowed.

    Attributes
    ----------
    corrections : sequence of Path
        Any number of corrections.csv, the latest last.
    root : Path or None
        Where relative paths of tables start; by default the folder of the table.
    new_classes : sequence of str
        Labels that are allowed although they are no classes of the model.
    exclude : sequence of str
        Shell patterns. A row is left out if one matches the name of its file, or of a folder of its
        path below the table.
    """

    corrections: Sequence[Path]
    root: Path | None
    new_classes: Sequence[str] = ()
    exclude: Sequence[str] = ()


def rows_of(
    path: Path, by_hand: LabelsByHand, classes: Iterable[str] = (), *, finds_moved: bool = False
) -> Iterator[Row]:
    """Yield the rows of a labels.csv with a person's corrections, if any.

    After the last row, print the findings, and raise UsageError if a person's label is not a class.

    Parameters
    ----------
    classes : iterable of str
        Known classes in addition to those in the table.
    finds_moved : bool
        If the table is in a folder that `sort` made, find files that a person moved by their content.
    """
    return rows_of_all([path], by_hand, classes, finds_moved=finds_moved)


def rows_of_all(
    paths: Sequence[Path],
    by_hand: LabelsByHand,
    classes: Iterable[str] = (),
    *,
    finds_moved: bool = False,
) -> Iterator[Row]:
    """Yield the rows of several labels.csv, one after the other, as `rows_of` does for one.

    The corrections hold for all of them. Without a root, their relative paths start at the folder of
    the first table.

    Raises
    ------
    UsageError
        If a file is in two of the tables.
    """
    root = by_hand.root
    of_tables = [(path, Findings()) for path in paths]
    of_corrections = {str(each): Findings() for each in by_hand.corrections}
    known = None
    seen: dict[str, Path] = {}
    if by_hand.corrections:
        known = read_all_corrections(
            by_hand.corrections, root or paths[0].absolute().parent, of_corrections
        )
    for path, findings in of_tables:
        rows = _rows_found(path, root, findings, finds_moved=finds_moved)
        if known is not None:
            rows = known.correct(rows)
        if by_hand.exclude:
            rows = _not_left_out(rows, os.path.abspath(root or path.parent), by_hand.exclude)
        yield from rows if len(paths) == 1 else _in_no_other(rows, path, seen)
    corrected = set().union(*(each.names for each in of_corrections.values()))
    of_all = corrected.union(classes)
    for path, findings in of_tables:
        say_findings(path, findings)
        of_all |= findings.names
        names = likely_classes(findings.names.union(corrected, classes))
        check_human(path, findings.human, names, by_hand.new_classes)
    names = likely_classes(of_all)
    for name, each in of_corrections.items():
        say_findings(Path(name), each)
        check_human(name, each.human, names, by_hand.new_classes)
    if known is not None:
        warn_contradicted(known)
        warn_unused(known)


def _rows_found(
    path: Path, root: Path | None, findings: Findings, *, finds_moved: bool
) -> Iterable[Row]:
    """Return the rows of a table, with the new paths of files that were moved."""
    rows = read_labels(path, root, findings)
    if root is not None:
        return _found_rows(path, rows, root)
    if finds_moved and os.path.lexists(path.parent / FOLDER):
        return _found_rows(path, rows, path.parent, also_sorted=True)
    return rows


def _in_no_other(rows: Iterable[Row], table: Path, seen: dict[str, Path]) -> Iterator[Row]:
    """Yield the rows of a table; raise UsageError if a file is in an earlier table, too."""
    mine: dict[str, Path] = {}
    for row in rows:
        if row.path in seen:
            raise UsageError(
                f"{printable(row.path)} is in {printable(str(seen[row.path]))} and in "
                f"{printable(str(table))}. Remove the row from one of them, or name only one of them."
            )
        mine[row.path] = table
        yield row
    seen |= mine


def _not_left_out(rows: Iterable[Row], top: str, patterns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of files that match no pattern; warn how many were left out."""
    left_out: Counter[str] = Counter()
    for row in rows:
        found = matching_path(row.path, top, patterns)
        if not found:
            yield row
        left_out[found] += bool(found)
    if +left_out:
        warn(describe_left_out(+left_out))


def _found_rows(
    table: Path, rows: Iterable[Row], root: Path, *, also_sorted: bool = False
) -> list[Row]:
    """Return the rows, with the new paths of missing files whose content is found below the root."""
    known = list(rows)
    gone = {row.path: row.sha256 for row in known if row.sha256 and not is_there(row.path)}
    if not gone or not os.path.isdir(root):
        return known
    taken = {row.path for row in known if row.path not in gone}
    moved = find_contents(gone, str(root), taken, also_sorted=also_sorted)
    if moved:
        files = plural(len(gone), "file")
        warn(f"{table}: {files} not found by name, {len(moved)} of them found by content in {root}.")
    return [row._replace(path=moved.get(row.path, row.path)) for row in known]


def checked_corrections(by_hand: LabelsByHand, classes: Collection[str]) -> Corrections | None:
    """Read the corrections, if any, for files that are read by a model with these classes."""
    if not by_hand.corrections:
        return None
    tables = {str(each): Findings() for each in by_hand.corrections}
    known = read_all_corrections(by_hand.corrections, by_hand.root, tables)
    for name, findings in tables.items():
        say_findings(Path(name), findings)
        check_human(name, findings.human, classes, by_hand.new_classes)
    warn_contradicted(known)
    return known


def check_tables(
    tables: Mapping[str, Findings], classes: Iterable[str], new_classes: Sequence[str] | None
) -> None:
    """Print the findings about tables, and raise UsageError if a person's label is not a class.

    Parameters
    ----------
    tables : mapping of str to Findings
        Findings by the name of the table.
    classes : iterable of str
        Known classes in addition to those in the tables.
    new_classes : sequence of str, optional
        As in `rows_of`.
    """
    shown = likely_classes(set().union(*(findings.names for findings in tables.values())))
    for name, findings in tables.items():
        say_findings(Path(name), findings)
        check_human(name, findings.human, shown.union(classes), new_classes or ())


def say_findings(path: Path, findings: Findings) -> None:
    """Print what was skipped in a table, and which labels were converted."""
    for line in describe_findings(path, findings):
        warn(line)


def warn_contradicted(known: Corrections) -> None:
    """Warn of rows with different labels in corrections; the latest one counts."""
    if known.contradicted:
        warn(
            f"The corrections give {plural(known.contradicted, 'row')} different labels. "
            "The latest label counts: that of the last --corrections."
        )


def warn_unused(known: Corrections) -> None:
    """Warn of corrections that match no file."""
    unused = known.unused()
    for row in unused[:MOST_NAMED]:
        warn(f"{row.path}: this correction matches no file here, or the file has changed.")
    if len(unused) > MOST_NAMED:
        warn(f"and {len(unused) - MOST_NAMED} more corrections that match no file here.")


def warn_unmatched(truth: Path, unmatched: Sequence[str], total: int, what: str = "file") -> None:
    """Warn of rows of a truth.csv that match nothing; they are not measured."""
    if not unmatched:
        return
    more = len(unmatched) - MOST_NAMED
    match = "matches" if len(unmatched) == 1 else "match"
    named = ", ".join(unmatched[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    hint = f" Its relative paths start at {folder_of(str(truth))}." if len(unmatched) == total else ""
    warn(f"{truth}: {len(unmatched)} of {plural(total, 'row')} {match} no {what}: {named}.{hint}")


def without_matched(rows: Iterable[Row], truths: dict[str, str]) -> Iterator[Row]:
    """Yield rows, and remove their paths from `truths`."""
    for row in rows:
        truths.pop(row.path, None)
        yield row
