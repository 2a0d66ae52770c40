"""Get the rows to sort: from a labels.csv, or by classifying a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from digitsort.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitsort.classification.classify import Settings
    from digitsort.cli.tables import LabelsByHand
    from digitsort.labels.row import Row
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


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """How a folder is to be read.

    Attributes
    ----------
    model : Path or None
        By default the model that comes with digitsort.
    settings : Settings
    only_labels : str or None
        As it was typed.
    workers : int or None
    follow_links, any_name : bool
        As `Walk` has them.
    """

    model: Path | None
    settings: Settings
    only_labels: str | None
    workers: int | None
    follow_links: bool
    any_name: bool


def labelled(path: Path, by_hand: LabelsByHand) -> ToSort:
    """Read the rows of a labels.csv, with a person's corrections if there are any."""
    from digitsort.cli.tables import rows_of
    from digitsort.images.discover import check_sources
    from digitsort.labels.labels_csv import require_rows
    from digitsort.workers.tuning import garbage_waits

    check_sources([path])
    with garbage_waits():
        rows = list(rows_of(path, by_hand))
    require_rows(rows, path)
    return ToSort(rows)


def classified(
    source: Path,
    dest: Path,
    how: FolderOptions,
    by_hand: LabelsByHand,
    quiet: bool,
) -> ToSort:
    """Classify a folder, except for DEST inside it. A person's corrections take precedence."""
    from digitsort.classification.classify import Summary, classify_files
    from digitsort.cli.console import counted, open_model, stderr_console
    from digitsort.cli.summary import print_left_aside
    from digitsort.cli.tables import checked_corrections, warn_unused
    from digitsort.errors import UsageError
    from digitsort.files.names import printable
    from digitsort.images.discover import Walk, check_sources, nothing_found
    from digitsort.labels.labels_csv import Layout, row_of

    if os.path.realpath(source) == os.path.realpath(dest):
        raise UsageError(
            "DEST and SOURCE are the same folder. Choose another DEST; it may be inside SOURCE."
        )
    walk = Walk(
        check_sources([source]),
        how.follow_links,
        exclude=os.path.realpath(dest),
        any_name=how.any_name,
    )
    found = open_model(how.model)
    labels = options.labels(how.only_labels, found.class_names)
    settings = replace(how.settings, only_labels=labels)
    known = checked_corrections(by_hand, found.class_names)  # errors in the table come first
    layout = Layout(str(dest), found.card.short)
    summary = Summary()
    outcomes = classify_files(summary.found(walk.files()), found, settings, workers=how.workers)
    with counted(summary.counted(outcomes), walk, quiet=quiet) as counted_outcomes:
        rows = [row_of(outcome, layout) for outcome in counted_outcomes]
    summary.close()
    if not rows:
        raise nothing_found(
            walk, f"No images found in {printable(str(source))}. Choose a folder with images."
        )
    print_left_aside(stderr_console(quiet=quiet), summary, walk)
    if known is not None:
        rows = list(known.correct(rows))
        warn_unused(known)
    return ToSort(rows, is_complete=not walk.unreadable)


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
