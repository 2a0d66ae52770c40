"""Get the rows to sort: from a labels.csv, or by classifying a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

from digitsort.classification.classify import Settings, Summary, classify_files
from digitsort.cli import options
from digitsort.cli.console import counted, open_model, stderr_console, warn
from digitsort.cli.summary import print_left_aside
from digitsort.cli.tables import LabelsByHand, checked_corrections, rows_of, warn_unused
from digitsort.errors import UsageError
from digitsort.files.names import absolute, printable
from digitsort.files.sealed import state_folder
from digitsort.images.discover import Walk, check_sources, nothing_found, suffix_of
from digitsort.images.read import has_sha256
from digitsort.labels.gone import GoneRows
from digitsort.labels.labels_csv import Layout, require_rows, row_of
from digitsort.labels.partial import kept_rows
from digitsort.labels.resume import RunSettings
from digitsort.labels.row import Row
from digitsort.outcomes import Outcome
from digitsort.sorting.books import read_books
from digitsort.sorting.plan import SortOptions
from digitsort.sorting.sidecars import SideCars
from digitsort.sources.archives import is_archive
from digitsort.sources.members import is_archive_folder
from digitsort.workers.tuning import garbage_waits


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
    """Options for reading a folder.

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
    exclude : tuple of str
        Shell patterns, as `Walk.patterns`.
    sidecars : bool
        Whether sidecars are sorted too. They are then not counted as skipped.
    archives : bool
        As `Walk` has it.
    """

    model: Path | None
    settings: Settings
    only_labels: str | None
    workers: int | None
    follow_links: bool
    any_name: bool
    exclude: tuple[str, ...] = ()
    sidecars: bool = False
    archives: bool = False


def labelled(path: Path, dest: Path, by_hand: LabelsByHand) -> ToSort:
    """Read the rows of a labels.csv, with a person's corrections if there are any.

    Rows of files that are gone are left out, unless DEST has their content: a sort moved them there.
    """
    check_sources([path])
    gone = GoneRows(lambda: {row.sha256 for row in read_books(str(dest)).values() if row.sha256})
    with garbage_waits():
        rows = list(gone.left_out(rows_of(path, by_hand)))
    for line in gone.say(path):
        warn(line)
    require_rows(rows, path)
    return ToSort(rows)


def classified(
    source: Path,
    dest: Path,
    how: FolderOptions,
    by_hand: LabelsByHand,
    quiet: bool,
    *,
    dry_run: bool = False,
) -> ToSort:
    """Classify a folder, except for DEST inside it. A person's corrections take precedence.

    Except in a dry run, an interrupted run with the same settings is continued.
    """
    if os.path.realpath(source) == os.path.realpath(dest):
        raise UsageError(
            "DEST and SOURCE are the same folder. Choose another DEST; it may be inside SOURCE."
        )
    walk = Walk(
        check_sources([source]),
        how.follow_links,
        exclude=os.path.realpath(dest),
        any_name=how.any_name,
        patterns=how.exclude,
        archives=how.archives,
    )
    found = open_model(how.model)
    labels = options.labels(how.only_labels, found.class_names)
    known = checked_corrections(by_hand, found.class_names)  # errors in the table come first
    layout = Layout(str(dest), found.card.short)
    summary = Summary()
    paths = summary.found(walk.files())
    settings = replace(how.settings, only_labels=labels)
    mark = found.card.fingerprint
    run = RunSettings.of(
        walk.sources,
        how.follow_links,
        mark,
        settings,
        "csv",
        exclude=how.exclude,
        archives=how.archives,
    )
    with ExitStack() as stack:
        outcomes: Iterable[Outcome]
        if dry_run:
            outcomes = classify_files(paths, found, settings, workers=how.workers)
        else:
            file = stack.enter_context(kept_rows(_rows_path(source, dest), layout, run))
            before, rest = file.take_up(paths, partial(has_sha256, limits=settings.limits))
            new = classify_files(rest, found, settings, workers=how.workers)
            outcomes = file.written_from(chain(before, new))
        shown = stack.enter_context(counted(summary.counted(outcomes), walk, quiet=quiet))
        rows = [row_of(outcome, layout) for outcome in shown]
    summary.close()
    if not rows:
        raise nothing_found(
            walk, f"No images found in {printable(str(source))}. Choose a folder with images."
        )
    if how.sidecars:
        _count_out_sidecars(walk.skipped, rows)
    print_left_aside(stderr_console(quiet=quiet), summary, walk)
    if known is not None:
        rows = list(known.correct(rows))
        warn_unused(known)
    return ToSort(rows, is_complete=not walk.unreadable)


def _count_out_sidecars(skipped: Counter[str], rows: Iterable[Row]) -> None:
    """Take the sidecars of images out of the counts of skipped files."""
    sidecars = SideCars(looks=True)
    for row in rows:
        for path in sidecars.lying_by(absolute(row.path)):
            sidecars.give(path)
            skipped[suffix_of(path)] -= 1
    for suffix in [suffix for suffix, count in skipped.items() if count <= 0]:
        del skipped[suffix]


def _rows_path(source: Path, dest: Path) -> Path:
    """Return where to keep the rows of an interrupted sort: DEST may not exist yet, and go again."""
    both = "\0".join(map(os.path.realpath, (source, dest)))
    name = sha256(os.fsencode(both)).hexdigest()[:32]
    return state_folder() / "sorts" / f"{name}.csv"


def is_to_classify(source: str | Path) -> bool:
    """Return whether SOURCE is a folder or an archive, whose pictures have to be classified first."""
    return os.path.isdir(source) or is_of_archive(source)


def is_of_archive(source: str | Path) -> bool:
    """Return whether SOURCE is an archive, or a folder in one."""
    name = os.fspath(source)
    return (is_archive(name) and os.path.isfile(source)) or is_archive_folder(name)


def with_folders(
    chosen: SortOptions, rows: Sequence[Row], source: Path, root: Path | None, keep: bool
) -> SortOptions:
    """Return options that name the folder whose subfolders are kept: SOURCE, or the common parent."""
    if not keep or not rows:
        return chosen
    if is_to_classify(source):
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
