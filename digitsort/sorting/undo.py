"""Put everything back that a run did."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitsort.errors import OutputError, UsageError
from digitsort.files.disk import DISK, READ_NO_WAIT, Disk
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import printable
from digitsort.progress import Progress, silent
from digitsort.sorting.booking import Sorted
from digitsort.sorting.books import keep_persons_work, read_books, update_books
from digitsort.sorting.copying import Stop
from digitsort.sorting.folders import remove_empty
from digitsort.sorting.journal import FOLDER, Journal, journals, read_runs, reopen
from digitsort.sorting.lock import Held, locked
from digitsort.sorting.look import look
from digitsort.sorting.moving import move_files
from digitsort.sorting.plan import Mode
from digitsort.sorting.recover import has_content, recover, remove_ours_below, status_of
from digitsort.sorting.run import Entry, Run
from digitsort.sorting.task import NotDeliveredError, Task, temporary_name
from digitsort.sorting.transfer import sync_folder

BATCH = 256


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of an undo.

    Attributes
    ----------
    runs : int
        Runs that were taken back.
    restored : int
        Files that are back in their place, or whose copy is gone.
    left : tuple of (path, reason)
        Files in DEST that stay as they are.
    """

    runs: int
    restored: int
    left: tuple[tuple[str, str], ...]


def undo(
    dest: Path, *, everything: bool = False, progress: Progress = silent, disk: Disk = DISK
) -> Undone:
    """Take back the last run in DEST that was not taken back yet, with those that it went on with.

    Moved files go back under their names, with the times and modes that they had; copies and links go
    where their sources are still what they were. What a person changed since is left alone. Folders
    that the run made go where they are empty. An undo that was killed is finished by another one.

    Parameters
    ----------
    dest : Path
    everything : bool
        Take back all runs, the last one first; also what an earlier undo had to leave.

    Raises
    ------
    UsageError
        If digitsort sorted nothing into DEST.
    OutputError
        If DEST or a source's folder can't be written, or another run works in DEST.
    """
    real = os.path.realpath(dest)
    if not journals(real):
        if os.path.isdir(os.path.join(real, FOLDER)):  # of an undo that was killed at its very end
            with locked(dest, disk, make=False):
                pass
        raise UsageError(
            f"{printable(str(dest))} holds no journal of a sort: there is nothing to undo. Name the "
            "DEST of a `digitsort sort`."
        )
    with locked(dest, disk, make=False) as held:
        last = next(read_runs(held.dest, entries=False), None)
        if last is None or not last.undo_begun:
            recover(held, disk)
        restored, left, runs = 0, [], 0
        try:
            for run in _to_undo(held.dest, everything):
                undoing = _Undoing(held.dest, run, progress, disk)
                undoing.run()
                runs += 1
                restored += undoing.restored
                left += undoing.left
            _forget(held, disk)
        except OSError as error:
            where = error.filename if isinstance(error.filename, str) else held.dest
            raise OutputError(
                f"{printable(where)} can't be written: {error.strerror}. No file is lost; make room, "
                "and run `digitsort undo` again to go on."
            ) from error
    return Undone(runs, restored, tuple(left))


def _to_undo(dest: str, everything: bool) -> Iterator[Run]:
    for run in read_runs(dest):
        if run.undone and not (everything and run.kept):
            continue
        yield run
        if not (everything or run.continues):
            return


def _forget(held: Held, disk: Disk) -> None:
    """Where nothing is left of any run, its journal goes too, and DEST if it was made for the first."""
    runs = list(read_runs(held.dest, entries=False))
    if any(not run.undone or run.kept for run in runs):
        return
    for run in runs:  # the newest first: the oldest knows who made DEST
        disk.unlink(run.path)
        held.made_levels = run.made_levels


class _Undoing:
    """The undo of one run."""

    def __init__(self, dest: str, run: Run, progress: Progress, disk: Disk) -> None:
        self._dest = dest
        self._run = run
        self._progress = progress
        self._disk = disk
        self._mode = Mode(run.mode)
        self._kept: dict[int, str] = {}
        self._entries = list(run.delivered)[::-1]
        self.restored = 0
        self.left: list[tuple[str, str]] = []

    def run(self) -> None:
        journal = reopen(self._disk, self._run)
        try:
            if self._run.undo_begun and self._mode is Mode.MOVE:
                self._remove_temporary_files()
            elif not self._run.undo_begun:
                journal.mark(undo="begun")
            for start in range(0, len(self._entries), BATCH):
                self._progress("undo", start, len(self._entries))
                with interrupts_wait() as pressed:
                    self._batch(self._entries[start : start + BATCH], pressed)
            self._progress("undo", len(self._entries), len(self._entries))
            with interrupts_wait():
                self._close(journal)
        finally:
            journal.close()

    def _close(self, journal: Journal) -> None:
        back = [entry for entry in self._entries if entry.number not in self._kept]
        inside = [e for e in back if self._mode is Mode.MOVE and self._is_in_dest(e.source)]
        books = read_books(self._dest)
        keep_persons_work(self._disk, self._dest, books, {self._target(e): e.cells for e in back})
        update_books(
            self._disk,
            self._dest,
            books,
            delivered=self._rows_before(inside),
            moved=True,
            gone=[self._target(e) for e in back],
        )
        remove_empty(self._disk, (os.path.join(self._dest, *f.split("/")) for f in self._run.made))
        journal.mark(undo="done", kept=sorted(self._kept))
        self.restored = len(back)
        self.left = [
            (self._target(e), self._kept[e.number]) for e in self._entries if e.number in self._kept
        ]

    def _rows_before(self, inside: Sequence[Entry]) -> list[Sorted]:
        """Rows of files that were moved within DEST, as the run that brought them there wrote them."""
        if not inside:
            return []
        target_of = {entry.source: self._target(entry) for entry in inside}
        rows: dict[str, Sorted] = {}
        for run in read_runs(self._dest):
            if run.path >= self._run.path:
                continue
            for entry in run.delivered:
                path = self._target(entry)
                if path in target_of:
                    cells = {**entry.cells, "sha256": entry.sha256}
                    rows.setdefault(path, Sorted(path, target_of[path], cells))
        return list(rows.values())

    def _batch(self, entries: Sequence[Entry], pressed: Stop) -> None:
        tasks = []
        for entry in entries:
            if pressed:
                return
            try:
                task = self._back(entry)
            except NotDeliveredError as error:
                self._kept[entry.number] = str(error)
            else:
                if task is not None:
                    tasks.append(task)
        results = move_files(self._disk, tasks, pressed)
        self._kept.update(results.failed)
        for entry in entries:
            if entry.number in results.done:
                self._restore_metadata(entry)
        if results.error is not None:
            raise results.error

    def _back(self, entry: Entry) -> Task | None:
        """A move that is to be made; None where nothing is to be moved, or no more."""
        target = self._target(entry)
        if status_of(self._disk, target) is None:
            if self._mode is Mode.MOVE and not has_content(self._disk, entry.source, entry.sha256):
                raise NotDeliveredError("not there any more")
            return None  # removed by a person, or by an undo that was killed
        if self._mode is Mode.MOVE:
            return self._move_back(entry, target)
        self._check_copy(entry, target)
        self._disk.unlink(target)
        return None

    def _check_copy(self, entry: Entry, target: str) -> None:
        """Raise unless the copy or link is what it was, and its source too."""
        if self._mode is Mode.SYMBOLIC:
            is_link = stat.S_ISLNK(self._disk.lstat(target).st_mode)
            if not is_link or self._disk.readlink(target) != entry.source:
                raise NotDeliveredError("changed since it was sorted")
            return
        if not has_content(self._disk, target, entry.sha256):
            raise NotDeliveredError("changed since it was sorted")
        try:
            look(self._disk, entry.source, entry.sha256)
        except NotDeliveredError as error:
            where = printable(entry.source)
            raise NotDeliveredError(f"the only one: {where} is gone or changed") from error

    def _move_back(self, entry: Entry, target: str) -> Task | None:
        try:
            seen = look(self._disk, target, entry.sha256, follow=False)
        except NotDeliveredError as error:
            raise NotDeliveredError("changed since it was sorted") from error
        if status_of(self._disk, entry.source) is not None:
            if not has_content(self._disk, entry.source, entry.sha256):
                raise NotDeliveredError(f"something else is at {printable(entry.source)}")
            # Of an undo that was killed between copy and removal; or a person put a copy there.
            sync_folder(self._disk, os.path.dirname(entry.source))
            self._disk.unlink(target)
            self._restore_metadata(entry)
            return None
        self._make_folder(os.path.dirname(entry.source))
        token = self._run.token
        return Task(entry.number, target, entry.source, entry.sha256, token, seen.status)

    def _make_folder(self, folder: str) -> None:
        """Make a source's folder again, if a person removed it."""
        if status_of(self._disk, folder) is None:
            self._make_folder(os.path.dirname(folder))
            self._disk.mkdir(folder)

    def _restore_metadata(self, entry: Entry) -> None:
        now = self._disk.lstat(entry.source)
        if (now.st_mtime_ns, stat.S_IMODE(now.st_mode)) == (entry.mtime_ns, entry.mode):
            return
        descriptor = self._disk.open(entry.source, READ_NO_WAIT)
        try:
            self._disk.set_mode(descriptor, entry.mode)
            self._disk.set_times(descriptor, now.st_atime_ns, entry.mtime_ns)
        finally:
            self._disk.close(descriptor)

    def _remove_temporary_files(self) -> None:
        for entry in self._entries:
            remove_ours_below(self._disk, temporary_name(self._run.token, entry.source, entry.number))

    def _target(self, entry: Entry) -> str:
        return os.path.join(self._dest, *entry.to.split("/"))

    def _is_in_dest(self, path: str) -> bool:
        return path.startswith(os.path.join(self._dest, ""))
