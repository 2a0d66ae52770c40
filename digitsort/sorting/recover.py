"""Find out what a run that was killed had done, and finish what it had begun."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, Disk
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import printable
from digitsort.files.places import Places, open_places
from digitsort.sorting.books import Books, Sorted, update_books
from digitsort.sorting.dest import Held, remove_empty
from digitsort.sorting.entries import Entry, Run, path_in
from digitsort.sorting.inventory import origins
from digitsort.sorting.journal import Journal, has_head, journals, read_run, read_runs, reopen
from digitsort.sorting.plan import Mode
from digitsort.sorting.removal import check_copy, check_other_place, remove_copy, remove_torn
from digitsort.sorting.transfer import NotDeliveredError, remove_ours, temporary_name

_OF_NOTHING = hashlib.sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class Recovered:
    """State in which a killed run was found.

    Attributes
    ----------
    delivered : int
        Files that it had delivered.
    open : int
        Files that it had set out to deliver and left where they were.
    table : str
        Path under which a ``DEST/labels.csv`` is kept that was saved while it was brought up to date.
    arrived : tuple of Sorted
        The files that it had delivered, if they came from an inbox: nobody may have been told.
    """

    delivered: int
    open: int
    table: str = ""
    arrived: tuple[Sorted, ...] = ()


def recover(held: Held, disk: Disk = DISK, books: Books | None = None) -> Recovered | None:
    """Bring the journal and ``DEST/labels.csv`` up to date after a run that was killed.

    Temporary files go. A file that was moved to another file system, and is still at its source, is
    removed there: a kill or a power cut came before that was done, or before it was durable.

    Parameters
    ----------
    books : Books, optional
        Of DEST, read before.

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
    if is_undo_begun(held.dest):
        dest = printable(held.dest)
        raise OutputError(f"An undo of {dest} was interrupted. Finish it first: digitsort undo {dest}")
    held.stopped_mode = last.mode if last.end != "done" and not last.undone else ""
    run = None if last.end else read_run(last.path)
    if run is None:
        return None
    try:
        with interrupts_wait(), open_places(disk) as places:
            return _Recovering(held, run, places, disk, books or Books(held.dest)).settle()
    except OSError as error:
        raise OutputError(
            f"{printable(held.dest)} can't be written: {error.strerror}. No file is lost. Free some "
            "space, and run the command again."
        ) from error


def is_undo_begun(dest: str) -> bool:
    """Return whether an undo was killed; of several runs, the newer ones may be undone already."""
    for run in read_runs(dest, entries=False):
        if run.undo_begun or not run.undone:
            return run.undo_begun
    return False


def _last(dest: str, disk: Disk) -> Run | None:
    """The last run of this user's that did anything, without its entries."""
    for path in journals(dest):
        run = read_run(path, entries=False)
        if run is not None:
            return run
        if not has_head(path):  # it was killed before its first line was whole
            with open_places(disk) as places:
                remove_ours(disk, places.at(path))
    return None


class _Recovering:
    """The end of one run."""

    def __init__(self, held: Held, run: Run, places: Places, disk: Disk, books: Books) -> None:
        self._held = held
        self._dest = held.dest
        self._run = run
        self._places = places
        self._disk = disk
        self._books = books
        self._mode = Mode(run.mode)

    def settle(self) -> Recovered:
        """Find out what became of each entry, and write it down."""
        run = self._run
        begun = [e for e in run.entries[run.ended :] if e.number not in run.failed]
        failed = {e.number: "interrupted" for e in begun if not self._is_delivered(e)}
        if self._mode.is_move:
            there = [entry for entry in begun if entry.number not in failed]
            failed |= dict.fromkeys(self._finish_moves(there), "interrupted")
        made = (path_in(self._dest, folder) for folder in run.made)
        remove_empty(self._disk, self._places, made)
        moved = begun if self._mode.is_move else []
        self._places.sync([run.path, *{entry.source for entry in moved}])
        journal = reopen(self._disk, run)
        try:
            return self._write_down(journal, failed)
        finally:
            journal.close()

    def _write_down(self, journal: Journal, failed: dict[int, str]) -> Recovered:
        """Say in the journal, and in labels.csv, what is durable already."""
        run = self._run
        journal.settle(len(run.entries), failed)
        delivered = self._rows()
        if not delivered and not run.ended:  # as if it had never been
            self._held.made_levels += run.made_levels
            self._held.stopped_mode = run.mode if run.continues else ""
            self._disk.unlink(self._places.at(run.path))
            self._places.sync([run.path])  # before an undo writes into the journal of an older run
            return Recovered(0, len(failed))
        journal.flush()
        journal.sync()
        table = update_books(
            self._disk,
            self._dest,
            self._books.read(),
            self._books.sha256,
            delivered=delivered,
            moved=self._mode.is_move,
        )
        self._places.sync([run.path])
        journal.mark(end="recovered")
        return Recovered(len(delivered), len(failed), table, tuple(delivered if run.of_inbox else ()))

    def _rows(self) -> list[Sorted]:
        """Return the rows of what was delivered; a file moved within DEST keeps its first source."""
        items = origins(self._run, self._dest) if self._mode is Mode.WITHIN else {}
        rows = []
        for entry in self._run.delivered:
            if entry.number < self._run.ended:
                continue
            cells = {**entry.cells, "sha256": entry.sha256}
            item = items.get(entry.number)
            if item is None:
                rows.append(Sorted(self._target(entry), entry.source, cells))
            else:
                before = path_in(self._dest, item.path)
                rows.append(Sorted(self._target(entry), item.source, cells, before))
        return rows

    def _is_delivered(self, entry: Entry) -> bool:
        """Tell whether a file is at its target, and remove a half-made copy.

        What the journal says is settled is looked at too: a power cut may have taken that back.
        """
        target = self._target(entry)
        is_open = entry.number >= self._run.settled
        self._remove_half_done(entry, target)
        there = status_of(self._disk, self._places, target)
        if there is None:
            # A person may have taken it away; or it never came, and is where it was.
            return not (is_open or self._is_at(entry, entry.source))
        if self._mode is Mode.COPY and self._is_torn(entry, target):
            return False
        if not is_open:
            return True
        if self._mode is Mode.SYMBOLIC:
            is_link = stat.S_ISLNK(there.st_mode)
            return is_link and self._disk.readlink(self._places.at(target)) == entry.source
        return self._is_at(entry, target)

    def _is_at(self, entry: Entry, path: str) -> bool:
        """Tell whether a file is at a path; in a move within DEST, it may be a symbolic link."""
        if self._mode is Mode.WITHIN and self._link(path) is not None:
            return True
        return has_content(self._disk, self._places, path, entry.sha256)

    def _link(self, path: str) -> os.stat_result | None:
        there = status_of(self._disk, self._places, path)
        return there if there is not None and stat.S_ISLNK(there.st_mode) else None

    def _is_torn(self, entry: Entry, target: str) -> bool:
        """Tell whether a copy was torn by a power cut, and remove it if so."""
        if has_content(self._disk, self._places, target, entry.sha256):
            return False
        try:
            torn, whole = self._places.at(target), self._places.at(os.path.realpath(entry.source))
            remove_torn(self._disk, torn, whole, entry.sha256)
        except (NotDeliveredError, OSError):
            return False
        return True

    def _remove_half_done(self, entry: Entry, target: str) -> None:
        temporary = temporary_name(self._run.token, target, entry.number)
        remove_half_done(self._disk, self._places, temporary, target, entry.sha256)

    def _finish_moves(self, entries: Sequence[Entry]) -> list[int]:
        """Remove the sources of files that are at their targets too; return those that can't be."""
        twice = [entry for entry in entries if self._is_at_its_source(entry)]
        self._places.sync(self._target(entry) for entry in twice)
        return [entry.number for entry in twice if not self._remove_source(entry)]

    def _is_at_its_source(self, entry: Entry) -> bool:
        """Tell whether the content is at its source, which is another place than its target."""
        if self._mode is Mode.WITHIN and self._link(entry.source) is not None:
            return self._is_one_link(entry)
        if not has_content(self._disk, self._places, entry.source, entry.sha256):
            return False
        try:
            source, target = self._places.at(entry.source), self._places.at(self._target(entry))
            check_other_place(self._disk, self._places, source, target)
        except (NotDeliveredError, OSError):
            return False
        return True

    def _is_one_link(self, entry: Entry) -> bool:
        """Tell whether one symbolic link is at the source and the target of a killed rename.

        Where a mount shows one name at two paths, the link has one name only.
        """
        one, other = self._link(entry.source), self._link(self._target(entry))
        if one is None or other is None:
            return False
        return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino) and one.st_nlink > 1

    def _remove_source(self, entry: Entry) -> bool:
        """Remove a source, or its copy if that fails; return whether the source is gone."""
        target = self._target(entry)
        try:
            source = self._places.at(entry.source)
            if self._mode is Mode.WITHIN and self._is_one_link(entry):
                self._disk.unlink(source)
                return True
            remove_copy(self._disk, self._places, source, target, entry.sha256)
        except NotDeliveredError:
            return True  # it changed, or went, a moment ago
        except OSError:
            with suppress(NotDeliveredError):
                self._places.sync([entry.source])
                there = self._places.at(target)
                remove_copy(self._disk, self._places, there, entry.source, entry.sha256)
            return False
        return True

    def _target(self, entry: Entry) -> str:
        return path_in(self._dest, entry.to)


def remove_half_done(disk: Disk, places: Places, temporary: str, final: str, sha256: str) -> None:
    """Remove a temporary file, and the empty one that held the final name (`publish`)."""
    if status_of(disk, places, temporary) is None:
        return
    there = status_of(disk, places, final)
    is_empty = there is not None and stat.S_ISREG(there.st_mode) and there.st_size == 0
    with suppress(FileNotFoundError):
        if is_empty and sha256 != _OF_NOTHING:
            remove_ours(disk, places.at(final))
        remove_ours(disk, places.at(temporary))


def status_of(disk: Disk, places: Places, path: str) -> os.stat_result | None:
    """Return what is at a path, links not followed; None if nothing is, or it is out of reach."""
    try:
        return disk.lstat(places.at(path))
    except OSError:
        return None


def has_content(disk: Disk, places: Places, path: str, sha256: str) -> bool:
    """Return whether a path, without following any link, is a regular file with this content."""
    try:
        check_copy(disk, places.at(path), sha256)
    except (NotDeliveredError, OSError):
        return False
    return True
