"""Find out what a run that was killed had done, and finish what it had begun."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, Disk
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import printable
from digitsort.sorting.booking import Sorted
from digitsort.sorting.books import update_books
from digitsort.sorting.folders import remove_empty
from digitsort.sorting.journal import journals, read_run, reopen
from digitsort.sorting.lock import Held
from digitsort.sorting.look import look
from digitsort.sorting.plan import Mode
from digitsort.sorting.run import Entry, Run
from digitsort.sorting.task import NotDeliveredError, temporary_name
from digitsort.sorting.transfer import remove_ours, sync_folder


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found of a run that was killed.

    Attributes
    ----------
    delivered : int
        Files that it had delivered.
    open : int
        Files that it had set out to deliver and left where they were.
    """

    delivered: int
    open: int


def recover(held: Held, disk: Disk = DISK) -> Recovered | None:
    """Bring the journal and ``DEST/labels.csv`` up to date after a run that was killed.

    Temporary files go. A file that was moved to another file system, and not yet removed at its source,
    is removed there.

    Returns
    -------
    Recovered or None
        None if the last run ended.

    Raises
    ------
    OutputError
        If an undo was killed: it has to be finished first.
    """
    last = _last(held.dest, disk)
    if last is None:
        return None
    if last.undo_begun:
        dest = printable(held.dest)
        raise OutputError(f"An undo of {dest} was interrupted. Finish it first: digitsort undo {dest}")
    held.stopped_mode = last.mode if last.end != "done" and not last.undone else ""
    run = None if last.end else read_run(last.path)
    if run is None:
        return None
    try:
        with interrupts_wait():
            return _settle(held, run, disk)
    except OSError as error:
        raise OutputError(
            f"{printable(held.dest)} can't be written: {error.strerror}. No file is lost; make room, "
            "and run the command again."
        ) from error


def _last(dest: str, disk: Disk) -> Run | None:
    """The last run that did anything, without its entries."""
    for path in journals(dest):
        run = read_run(path, entries=False)
        if run is not None:
            return run
        remove_ours(disk, path)  # it was killed before its first line was whole
    return None


def _settle(held: Held, run: Run, disk: Disk) -> Recovered:
    failed = {}
    for entry in run.open_entries:
        target = os.path.join(held.dest, *entry.to.split("/"))
        remove_ours_below(disk, temporary_name(run.token, target, entry.number))
        if not _is_delivered(disk, Mode(run.mode), entry, target):
            failed[entry.number] = "interrupted"
    journal = reopen(disk, run)
    try:
        journal.settle(len(run.entries), failed)
        remove_empty(disk, (os.path.join(held.dest, *made.split("/")) for made in run.made))
        delivered = [
            Sorted(os.path.join(held.dest, *e.to.split("/")), e.source, {**e.cells, "sha256": e.sha256})
            for e in run.delivered
        ]
        if not delivered:  # as if it had never been
            held.made_levels += run.made_levels
            held.stopped_mode = run.mode if run.continues else ""
            disk.unlink(run.path)
            return Recovered(0, len(failed))
        journal.flush()
        update_books(disk, held.dest, delivered=delivered, moved=run.mode == Mode.MOVE)
        journal.mark(end="recovered")
    finally:
        journal.close()
    return Recovered(len(delivered), len(failed))


def remove_ours_below(disk: Disk, path: str) -> None:
    """Remove a temporary file, if it and the folder that it was to be in are there."""
    try:
        remove_ours(disk, path)
    except NotADirectoryError:
        return


def _is_delivered(disk: Disk, mode: Mode, entry: Entry, target: str) -> bool:
    """Whether a file is at its target, after finishing what was half done."""
    there = status_of(disk, target)
    if there is None:
        return False
    if mode is Mode.SYMBOLIC:
        return stat.S_ISLNK(there.st_mode) and disk.readlink(target) == entry.source
    if not has_content(disk, target, entry.sha256):
        return False
    if mode is Mode.MOVE:
        source = status_of(disk, entry.source)
        if source is not None and (
            _same_file(source, there) or has_content(disk, entry.source, entry.sha256)
        ):
            sync_folder(disk, os.path.dirname(target))
            disk.unlink(entry.source)
    return True


def status_of(disk: Disk, path: str) -> os.stat_result | None:
    """What is at a path, a link not followed; None if nothing is."""
    try:
        return disk.lstat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return None
        raise


def has_content(disk: Disk, path: str, sha256: str) -> bool:
    """Whether a path is a regular file, not a link, with this content."""
    try:
        look(disk, path, sha256, follow=False)
    except NotDeliveredError:
        return False
    return True


def _same_file(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
