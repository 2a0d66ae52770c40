"""Get the rows to sort: from a labels.csv, or by classifying a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitsort.classify import Settings
    from digitsort.row import Row
    from digitsort.sorting.plan import SortOptions


@dataclass(frozen=True, slots=True)
class ToSort:
    """Rows to sort.

    Attributes
    ----------
    is_complete : bool
        False if a folder could not be listed, so that its files have no rows.
    """

    rows: list[Row]
    is_complete: bool = True


def labelled(path: Path, root: Path | None) -> ToSort:
    """Return the rows of a labels.csv."""
    from digitsort.files.discover import check_sources
    from digitsort.garbage import garbage_waits
    from digitsort.labels import read_labels, require_rows

    check_sources([path])
    with garbage_waits():
        rows = list(read_labels(path, root))
    require_rows(rows, path)
    return ToSort(rows)


def classified(
    source: Path,
    dest: Path,
    model: Path | None,
    settings: Settings,
    workers: int | None,
    follow_links: bool,
    quiet: bool,
) -> ToSort:
    """Classify a folder; skip DEST if it is inside."""
    from digitsort.classify import classify_files
    from digitsort.cli.console import counted, open_model, stderr_console
    from digitsort.cli.summary import print_left_aside
    from digitsort.errors import UsageError
    from digitsort.files.discover import Walk, check_sources, nothing_found
    from digitsort.files.names import printable
    from digitsort.labels import Layout, row_of
    from digitsort.summary import Summary

    if os.path.realpath(source) == os.path.realpath(dest):
        raise UsageError(
            "DEST and SOURCE are the same folder. Choose another DEST; it may be inside SOURCE."
        )
    walk = Walk(check_sources([source]), follow_links, exclude=os.path.realpath(dest))
    found = open_model(model, quiet=quiet)
    layout = Layout(str(dest), found.card.short)
    summary = Summary()
    outcomes = classify_files(summary.found(walk.files()), found, settings, workers=workers)
    with counted(summary.counted(outcomes), walk, quiet=quiet) as counted_outcomes:
        rows = [row_of(outcome, layout) for outcome in counted_outcomes]
    summary.close()
    if not rows:
        raise nothing_found(
            walk, f"No images found in {printable(str(source))}. Choose a folder with images."
        )
    print_left_aside(stderr_console(quiet=quiet), summary, walk)
    return ToSort(rows, is_complete=not walk.unreadable)


def corrected(rows: list[Row], corrections: Path | None, source: Path, root: Path | None) -> list[Row]:
    """Return rows with a person's corrections; warn of corrections that match no file."""
    from digitsort.cli.console import warn
    from digitsort.corrections import read_corrections

    if corrections is None:
        return rows
    if root is None and not os.path.isdir(source):
        root = source.absolute().parent  # the rows are those of this labels.csv
    known = read_corrections(corrections, root)
    rows = list(known.correct(rows))
    for row in known.unused():
        warn(f"{row.path}: this correction matches no file here, or the file has changed.")
    return rows


def with_folders(
    chosen: SortOptions, rows: Sequence[Row], source: Path, root: Path | None, keep: bool
) -> SortOptions:
    """Return options that name the folder whose subfolders are kept: SOURCE, or the common parent."""
    if not keep or not rows:
        return chosen
    if os.path.isdir(source):
        return replace(chosen, keep_folders_of=os.path.abspath(source))
    base = os.path.abspath(source.parent if root is None else root)
    folders = {os.path.dirname(os.path.abspath(row.path)) for row in rows}
    top = os.path.join(base, "")
    if not all(os.path.join(folder, "").startswith(top) for folder in folders):
        return replace(chosen, keep_folders_of=_common(folders))
    return replace(chosen, keep_folders_of=base)


def _common(folders: set[str]) -> str | None:
    try:
        return os.path.commonpath(folders)
    except ValueError:  # on several drives
        return None
