"""Prove that the files of a DEST are those that were sorted into it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from digitsort.errors import UsageError
from digitsort.files.disk import DISK, Disk
from digitsort.files.names import natural_key, printable
from digitsort.files.places import Places, open_places
from digitsort.progress import Progress, silent
from digitsort.sorting.books import is_kept_table
from digitsort.sorting.entries import path_in
from digitsort.sorting.inventory import Item, Strays, files_in, inventory_of
from digitsort.sorting.journal import journals, read_runs
from digitsort.sorting.recover import status_of
from digitsort.sorting.transfer import NotDeliveredError, look


class Mark(StrEnum):
    """Result of comparing a file with what was sorted."""

    SAME = "="
    CHANGED = "*"
    MISSING = "-"
    UNKNOWN = "+"
    MOVED = ">"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files that lie in a DEST, according to its journals.

    Attributes
    ----------
    items : dict of str to Item
        By path below DEST, with ``/``.
    finished : bool
        Whether no run and no undo was killed or is still going on.
    foreign : bool
        Whether a run is of another user or machine, or made up: what it says is proof of nothing.
    moved : dict of str to str
        Where `verify` found the files that a person moved, by where they were sorted to.
    kept : list of str
        Names of tables in DEST that digitsort kept for a person, once `verify` has looked.
    """

    items: dict[str, Item]
    finished: bool
    foreign: bool = False
    moved: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def read_manifest(dest: str | Path) -> Manifest:
    """Add up what every run in a DEST did.

    Raises
    ------
    UsageError
        If digitsort sorted nothing into it.
    """
    real = os.path.realpath(dest)
    if not journals(real):
        raise UsageError(
            f"{printable(str(dest))} has no journal of a sort or a cut, so there is nothing to verify. "
            "Name the DEST of `digitsort sort` or `digitsort cut`."
        )
    runs = list(read_runs(real, foreign=True))
    oldest_first = runs[::-1]
    is_begun = any(run.undo_begun for run in runs)
    return Manifest(
        inventory_of(oldest_first, real),
        not is_begun and (not runs or runs[0].end != ""),
        any(not run.is_authentic for run in runs),
    )


def verify(
    dest: Path, manifest: Manifest, *, progress: Progress = silent, disk: Disk = DISK
) -> Iterator[tuple[Mark, str]]:
    """Compare every file in DEST with the manifest, by content.

    Yields
    ------
    (Mark, str)
        For each file, in natural order of the paths, which are below DEST, with ``/``. Hidden files,
        ``Thumbs.db``, ``desktop.ini``, ``DEST/labels.csv``, copies of it that digitsort kept, and
        ``DEST/.digitsort`` are no part of it. A file that a person moved has the path that it was
        sorted to; `manifest.moved` has where it is.
    """
    real = os.path.realpath(dest)
    strangers = [path for path in files_in(real, strict=True) if path not in manifest.items]
    manifest.kept.extend(filter(is_kept_table, strangers))
    unknown = set(strangers).difference(manifest.kept)
    paths = sorted(unknown.union(manifest.items), key=natural_key)
    marks: dict[str, Mark] = {}
    """Of what is not as it was sorted."""
    with open_places(disk) as places:
        for count, path in enumerate(paths):
            progress("verify", count, len(paths))
            mark = Mark.UNKNOWN if path in unknown else _mark(disk, places, real, manifest.items[path])
            if mark is not Mark.SAME:
                marks[path] = mark
        strays = [path for path, mark in marks.items() if mark is not Mark.MISSING]
        finder = Strays(real, manifest.items, places, disk, strays)
        manifest.moved.update(_moved(finder, manifest.items, marks))
    progress("verify", len(paths), len(paths))
    found = set(manifest.moved.values())
    for path in paths:
        mark = marks.get(path, Mark.SAME)
        if path in manifest.moved:
            yield Mark.MOVED, path
            if mark is Mark.CHANGED and path not in found:  # something else is in its place
                yield Mark.UNKNOWN, path
        elif not (mark is Mark.UNKNOWN and path in found):
            yield mark, path


def _moved(
    finder: Strays, items: Mapping[str, Item], marks: Mapping[str, Mark]
) -> Iterator[tuple[str, str]]:
    """Yield where each file was sorted to, and where a person put it."""
    for path, mark in marks.items():
        if mark in (Mark.MISSING, Mark.CHANGED) and not finder.is_in_place(items[path]):
            found = finder.find(items[path])
            if found is not None:
                yield path, found


def _mark(disk: Disk, places: Places, dest: str, item: Item) -> Mark:
    path = path_in(dest, item.path)
    if status_of(disk, places, path) is None:
        return Mark.MISSING
    try:
        look(disk, places.at(path), item.sha256, follow=item.is_link)
    except (NotDeliveredError, OSError):
        return Mark.CHANGED
    return Mark.SAME
