"""Deal with journals that this user's digitsort did not write: show them, or adopt them for an undo."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from digitsort.errors import OutputError, UsageError
from digitsort.files.disk import DISK
from digitsort.files.names import printable
from digitsort.files.places import Places, open_places
from digitsort.sorting.entries import Entry, Run, path_in
from digitsort.sorting.inventory import Whereabouts
from digitsort.sorting.journal import journals, read_runs
from digitsort.sorting.plan import Mode


def check_is_ours(dest: str) -> None:
    """Raise OutputError where all journals of a DEST are of another user or machine."""
    if any(True for _ in read_runs(dest, entries=False)) or not journals(dest):
        return
    if next(read_runs(dest, entries=False, foreign=True), None) is None:
        return  # they end within their first lines
    where = printable(dest)
    raise OutputError(
        f"{where} was sorted by another user or on another machine, or it is a copy of a sorted "
        "folder. Nothing was undone. `digitsort undo DEST --dry-run` shows what an undo would do; if "
        "you know who sorted it, use --adopt. Moved files return to --root DIR."
    )


def place_back(entries: Sequence[Entry], run: Run, root: Path | None) -> list[Entry]:
    """Return entries of a foreign run with sources below a folder that this user names.

    What was copied or linked keeps its source: nothing is written there.

    Raises
    ------
    UsageError
        If files were moved and there is no `root`, or it is no folder.
    OutputError
        If a source is not below the folder that the journal names.
    """
    if Mode(run.mode) is not Mode.MOVE:
        return list(entries)
    if root is None or not root.is_dir():
        raise UsageError(
            f"Files were moved into {printable(os.path.dirname(os.path.dirname(run.path)))} from "
            f"{printable(run.root)}, on another machine or by another user. Add --root DIR to "
            "name the existing folder that they return to."
        )
    return [entry._replace(source=_below(entry.source, run, root)) for entry in entries]


def _below(source: str, run: Run, root: Path) -> str:
    top = os.path.join(run.root, "")
    if not run.root or not source.startswith(top):
        raise OutputError(
            f"{printable(run.path)} is damaged or forged: {printable(source)} is not inside "
            f"{printable(run.root)}, the folder that it names. Nothing was undone."
        )
    return os.path.join(os.path.realpath(root), source[len(top) :])


def describe_undo(dest: Path, root: Path | None, *, everything: bool = False) -> Iterator[str]:
    """Yield a line for each file that an undo would touch, sorts of another user or machine included.

    Raises
    ------
    UsageError, OutputError
        As `undo` does.
    """
    with open_places(DISK) as places:
        yield from _described(os.path.realpath(dest), root, everything, places)


def _described(real: str, root: Path | None, everything: bool, places: Places) -> Iterator[str]:
    for run in read_runs(real, foreign=True):
        if run.undone and not run.kept:
            continue
        whereabouts = Whereabouts(real, places, foreign=not run.is_ours)
        entries = list(run.delivered)[::-1]
        is_placed = run.is_ours or root is None  # without a root: where the journal says that they lay
        for entry in entries if is_placed else place_back(entries, run, root):
            target = path_in(real, entry.to)
            if not os.path.lexists(target):  # a person may have moved it within DEST
                target = whereabouts.of(run, entry) or target
            source = printable(entry.source)
            is_move = Mode(run.mode).is_move
            shown = printable(target)
            yield f"move   {shown} -> {source}" if is_move else f"remove {shown} (of {source})"
        if not (everything or run.continues or run.undone):
            return
