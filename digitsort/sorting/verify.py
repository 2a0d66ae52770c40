"""Prove that the files of a DEST are those that were sorted into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from digitsort.errors import OutputError, UsageError
from digitsort.files.disk import DISK, Disk
from digitsort.files.names import natural_key, printable
from digitsort.files.places import Places, open_places
from digitsort.progress import Progress, silent
from digitsort.sorting.books import LABELS_NAME
from digitsort.sorting.entries import Run
from digitsort.sorting.journal import FOLDER, journals, read_runs
from digitsort.sorting.plan import Mode
from digitsort.sorting.recover import status_of
from digitsort.sorting.task import NotDeliveredError
from digitsort.sorting.transfer import look

LITTER = {"thumbs.db", "desktop.ini"}
"""What file managers leave in folders, beside hidden files."""


class Mark(StrEnum):
    """How a file compares with what was sorted."""

    SAME = "="
    CHANGED = "*"
    MISSING = "-"
    UNKNOWN = "+"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the journals of a DEST say lies in it.

    Attributes
    ----------
    files : dict
        Path below DEST, with ``/``, to (sha256, whether it is a symbolic link).
    finished : bool
        Whether no run and no undo was killed or is still going on.
    foreign : bool
        Whether a run is of another user or machine, or made up: what it says is proof of nothing.
    """

    files: dict[str, tuple[str, bool]]
    finished: bool
    foreign: bool = False


def read_manifest(dest: str) -> Manifest:
    """Add up what every run in a DEST did.

    Raises
    ------
    UsageError
        If digitsort sorted nothing into it.
    """
    files: dict[str, tuple[str, bool]] = {}
    finished, foreign = True, False
    if not journals(dest):
        raise UsageError(
            f"{printable(dest)} has no journal of a sort, so there is nothing to verify. Name the DEST "
            "of a `digitsort sort`."
        )
    runs = list(read_runs(dest, foreign=True))
    for run in runs[::-1]:
        finished = run.end != "" and not any(each.undo_begun for each in runs)
        foreign = foreign or not run.is_authentic
        _add(files, run, dest)
    return Manifest(files, finished, foreign)


def _add(files: dict[str, tuple[str, bool]], run: Run, dest: str) -> None:
    top = os.path.join(dest, "")
    for entry in run.delivered:
        files[entry.to] = entry.sha256, run.mode == Mode.SYMBOLIC
        if run.mode == Mode.MOVE and entry.source.startswith(top):
            files.pop(entry.source[len(top) :].replace(os.sep, "/"), None)


def verify(
    dest: Path, manifest: Manifest, *, progress: Progress = silent, disk: Disk = DISK
) -> Iterator[tuple[Mark, str]]:
    """Compare every file in DEST with the manifest, by content.

    Yields
    ------
    (Mark, str)
        For each file, in natural order of the paths, which are below DEST, with ``/``. Hidden files,
        ``Thumbs.db``, ``desktop.ini``, ``DEST/labels.csv`` and ``DEST/.digitsort`` are no part of it.
    """
    real = os.path.realpath(dest)
    unknown = {path for path in _files(real) if path not in manifest.files}
    paths = sorted(unknown.union(manifest.files), key=natural_key)
    with open_places(disk) as places:
        for count, path in enumerate(paths):
            progress("verify", count, len(paths))
            if path in unknown:
                yield Mark.UNKNOWN, path
            else:
                sha256, is_link = manifest.files[path]
                yield _mark(disk, places, os.path.join(real, *path.split("/")), sha256, is_link), path
    progress("verify", len(paths), len(paths))


def _mark(disk: Disk, places: Places, path: str, sha256: str, is_link: bool) -> Mark:
    if status_of(disk, places, path) is None:
        return Mark.MISSING
    try:
        look(disk, places.at(path), sha256, follow=is_link)
    except (NotDeliveredError, OSError):
        return Mark.CHANGED
    return Mark.SAME


def _files(top: str) -> Iterator[str]:
    waiting = [""]
    while waiting:
        above = waiting.pop()
        folder = os.path.join(top, *above.split("/")) if above else top
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise OutputError(f"{printable(folder)} can't be listed: {error.strerror}.") from error
        for entry in entries:
            path = f"{above}/{entry.name}" if above else entry.name
            if entry.is_dir(follow_symlinks=False):
                if path != FOLDER:
                    waiting.append(path)
            elif path != LABELS_NAME and not _is_litter(entry.name):
                yield path


def _is_litter(name: str) -> bool:
    if name.startswith(".digitsort-"):
        return False
    return name.startswith(".") or name.lower() in LITTER
