"""Put everything back that a run did."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from digitsort.errors import OutputError, UsageError
from digitsort.files.disk import DISK, NO_FOLLOW, READ_NO_WAIT, Disk, Place
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import parent_of, printable
from digitsort.files.places import Places, RealPaths, open_places
from digitsort.labels.labels_csv import COLUMNS
from digitsort.labels.row import SOURCE, Row
from digitsort.progress import Progress, silent
from digitsort.sorting.books import Books, Sorted, keep_persons_work, update_books
from digitsort.sorting.deliver import Stop, move_files
from digitsort.sorting.dest import Held, locked, make_folders, remove_empty
from digitsort.sorting.entries import Entry, Run, path_in
from digitsort.sorting.foreign import check_is_ours, place_back
from digitsort.sorting.inventory import Whereabouts, origins
from digitsort.sorting.journal import FOLDER, is_earlier, journals, read_runs, reopen
from digitsort.sorting.plan import Mode
from digitsort.sorting.recover import has_content, is_undo_begun, recover, remove_half_done, status_of
from digitsort.sorting.removal import check_copy, remove_copy
from digitsort.sorting.transfer import (
    FileStatus,
    NotDeliveredError,
    Results,
    Task,
    source_errors,
    status_from,
    temporary_name,
)

BATCH = 256

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Undone:
    """Result of an undo.

    Attributes
    ----------
    runs : int
        Runs that were taken back.
    restored : int
        Files that are back in their place, or whose copy is gone.
    left : tuple of (path, reason)
        Files in DEST that stay as they are.
    put_back, removed : int
        Of `restored`, files that a person had moved or renamed within DEST.
    tables : tuple of str
        Paths under which a person's ``DEST/labels.csv`` is kept.
    """

    runs: int
    restored: int
    left: tuple[tuple[str, str], ...]
    put_back: int = 0
    removed: int = 0
    tables: tuple[str, ...] = ()


def undo(
    dest: Path,
    *,
    everything: bool = False,
    adopt: bool = False,
    root: Path | None = None,
    progress: Progress = silent,
    disk: Disk = DISK,
) -> Undone:
    """Take back the last run in DEST that was not taken back yet, with those that it went on with.

    Moved files go back under their names, with the times and modes that they had; copies and links go
    where their sources are still what they were, at another place. What a person changed since is left
    alone, and so is what can't be put back; the rest is. What a person moved or renamed within DEST is
    found by its content. Folders that the run made go where they are empty. An undo that was killed is
    finished by another one; what one had to leave, the next one tries again before it takes back more.

    Parameters
    ----------
    dest : Path
    everything : bool
        Take back all runs, the last one first; also what an earlier undo had to leave.
    adopt : bool
        Take back runs of another user or machine, too. Moved files go back below `root`, with the modes
        that they have.
    root : Path, optional
        Of adopted moves: the folder that stands for the one that the files lay in.

    Raises
    ------
    UsageError
        If digitsort sorted nothing into DEST, its labels.csv is none, or an adopted move has no root.
    OutputError
        If DEST can't be written, another run works in it, its journals are of another user or machine
        and are not adopted, or one is damaged.
    """
    real = os.path.realpath(dest)
    if not journals(real):
        if os.path.isdir(os.path.join(real, FOLDER)):  # of an undo that was killed at its very end
            with locked(dest, disk, make=False):
                pass
        raise UsageError(
            f"{printable(str(dest))} has no journal of a sort or a cut, so there is nothing to undo. "
            "Name the DEST of `digitsort sort` or `digitsort cut`."
        )
    if not adopt:
        check_is_ours(real)
    with locked(dest, disk, make=False) as held:
        books = Books(held.dest)
        books.read()  # checked before anything changes
        restored, left, runs = 0, [], 0
        tables: list[str] = []
        put_back, removed = 0, 0
        renamed: Set[str] = frozenset()
        try:
            if not is_undo_begun(held.dest):
                restored = _recover(held, books, progress, disk)
                runs = int(restored > 0)
            for run in read_runs(held.dest, foreign=adopt):
                if run.undone and not run.kept:
                    continue
                was_undone = run.undone
                with open_places(disk) as places:
                    undoing = _Undoing(books, run, root, progress, places, disk)
                    undoing.run()
                is_more = bool(undoing.restored) or not was_undone
                # A file that one sort moved twice, to a numbered name and then its own, counts once.
                runs += is_more and not renamed
                restored += undoing.restored - len(renamed & undoing.targets)
                renamed = undoing.sources if run.continues and run.mode == Mode.WITHIN else frozenset()
                left += undoing.left
                tables += undoing.tables
                if undoing.is_move:
                    put_back += undoing.by_hand
                else:
                    removed += undoing.by_hand
                if is_more and not (everything or run.continues):
                    break
            _forget(held, adopt, disk)
        except OSError as error:
            where = error.filename if isinstance(error.filename, str) else held.dest
            raise OutputError(
                f"{printable(where)} can't be written: {error.strerror}. No file is lost. Free some "
                "space, and run `digitsort undo` again to continue."
            ) from error
    return Undone(runs, restored, tuple(left), put_back, removed, tuple(tables))


def _recover(held: Held, books: Books, progress: Progress, disk: Disk) -> int:
    """Bring the journal up to date after a run that was killed; return how many files are back already.

    Where there is no room to write, what that run had delivered goes back first, which makes some.
    """
    try:
        recover(held, disk, books)
    except OutputError as error:
        cause = error.__cause__
        if not (isinstance(cause, OSError) and cause.errno in _FULL):
            raise
        run = next(read_runs(held.dest))
        with open_places(disk) as places:
            restored = _Undoing(books, run, None, progress, places, disk).make_room()
        recover(held, disk, books)
        return restored
    return 0


def _forget(held: Held, adopt: bool, disk: Disk) -> None:
    """Remove the journal if nothing is left of any run, and DEST if the first run made it."""
    runs = list(read_runs(held.dest, entries=False, foreign=adopt))
    if len(runs) < len(journals(held.dest)) or any(not run.undone or run.kept for run in runs):
        return
    with open_places(disk) as places, interrupts_wait():  # DEST without a journal can't be undone
        for run in runs:  # the newest first: the oldest knows who made DEST
            held.made_levels = run.made_levels
            disk.unlink(places.at(run.path))


class _Undoing:
    """The undo of one run."""

    def __init__(
        self, books: Books, run: Run, root: Path | None, progress: Progress, places: Places, disk: Disk
    ) -> None:
        self._dest = dest = books.dest
        self._books = books
        self._run = run
        self._progress = progress
        self._places = places
        self._disk = disk
        self._mode = Mode(run.mode)
        self.is_move = self._mode.is_move
        self._top = os.path.join(dest, "")
        self._folders: set[str] = set()
        """Folders of sources in this batch that are known to exist."""
        self._kept: dict[int, str] = {}
        self._not_as_before: list[tuple[str, str]] = []
        self._goes_on = run.undo_begun
        entries = list(run.delivered)[::-1]
        self._entries = entries if run.is_ours else place_back(entries, run, root)
        self._devices: dict[int, str] = {}
        self._targets: frozenset[str] = frozenset()
        self._real = RealPaths()
        self._whereabouts = Whereabouts(dest, places, disk, foreign=not run.is_ours)
        self._leads_to: frozenset[str] | None = None
        self._found: dict[int, str] = {}
        """Where a person had put files."""
        self.restored = self.by_hand = 0
        self.left: list[tuple[str, str]] = []
        self.tables: list[str] = []

    def run(self) -> None:
        self._begin()
        for start in range(0, len(self._entries), BATCH):
            self._progress("undo", start, len(self._entries))
            with interrupts_wait() as pressed:
                self._batch(self._entries[start : start + BATCH], pressed)
        self._progress("undo", len(self._entries), len(self._entries))
        with interrupts_wait():
            self._end()

    @property
    def sources(self) -> Set[str]:
        """Return the paths to which files were put back."""
        return {entry.source for entry in self._entries if entry.number not in self._kept}

    @property
    def targets(self) -> Set[str]:
        """Return the paths from which files were put back."""
        return {self._target(entry) for entry in self._entries if entry.number not in self._kept}

    def make_room(self) -> int:
        """Take back all that was begun, without a word in the journal; return how many files."""
        entries = [entry for entry in self._run.entries if entry.number not in self._run.failed]
        there = [e for e in entries if status_of(self._disk, self._places, self._target(e)) is not None]
        for start in range(0, len(there), BATCH):
            with interrupts_wait() as pressed:
                self._batch(there[start : start + BATCH], pressed)
        return len(there) - len(self._kept)

    def _begin(self) -> None:
        if self._goes_on and self.is_move:
            for entry in self._entries:
                with suppress(OSError):
                    temporary = temporary_name(self._run.token, entry.source, entry.number)
                    remove_half_done(self._disk, self._places, temporary, entry.source, entry.sha256)
        journal = reopen(self._disk, self._run)
        try:
            if self._goes_on:
                journal.sync()  # the killed undo may have written its mark and not synced it
            else:
                journal.mark(undo="begun")
        except OSError:
            # A full disk: taking back may be what makes room. Without the mark, an undo that is killed
            # is gone on with all the same: each file is looked at where it is.
            self._goes_on = True
        finally:
            journal.close()

    def _end(self) -> None:
        """Bring labels.csv up to date, make all of it durable, and only then say in the journal so."""
        back = [entry for entry in self._entries if entry.number not in self._kept]
        inside = [e for e in back if self.is_move and self._is_in_dest(e.source)]
        books = self._books.read()
        kept = keep_persons_work(
            self._disk, self._dest, books, {self._target(e): e.cells for e in back}
        )
        if self._mode is Mode.WITHIN:
            books = self._without_ours(books, inside)
        saved = update_books(
            self._disk,
            self._dest,
            books,
            self._books.sha256,
            delivered=self._rows_before(inside),
            moved=True,
            gone=[*map(self._target, back), *self._found_and_gone()],
        )
        self.tables = [path for path in (kept, saved) if path]
        made = (path_in(self._dest, folder) for folder in self._run.made)
        remove_empty(self._disk, self._places, made)
        self._places.sync([self._run.path, *self._devices.values()])
        journal = reopen(self._disk, self._run)
        try:
            journal.mark(undo="done", kept=sorted(self._kept))
        finally:
            journal.close()
        self.restored = len(back)
        self.by_hand = len(self._found_and_gone())
        self.left = [
            (self._found.get(e.number) or self._target(e), self._kept[e.number])
            for e in self._entries
            if e.number in self._kept
        ]
        self.left += self._not_as_before

    def _found_and_gone(self) -> list[str]:
        """Return the places from which files that a person had moved were taken."""
        return [path for number, path in self._found.items() if number not in self._kept]

    def _without_ours(self, books: Mapping[str, Row], entries: Sequence[Entry]) -> dict[str, Row]:
        """Rows without what only this run wrote into them, such as a correction."""
        rows = dict(books)
        for entry in entries:
            row = rows.get(self._target(entry))
            if row is not None:
                ours = {name for name, text in entry.cells.items() if row.cells.get(name) == text}
                kept = {
                    name: "" if name in ours and name not in COLUMNS and name != SOURCE else text
                    for name, text in row.cells.items()
                }
                rows[row.path] = row._replace(cells=kept)
        return rows

    def _rows_before(self, inside: Sequence[Entry]) -> list[Sorted]:
        """Rows of files that were moved within DEST, as the run that brought them there wrote them."""
        if not inside:
            return []
        items = origins(self._run, self._dest)
        target_of = {}
        for entry in inside:
            # A person may have dragged the file away from its row's path.
            item = items.get(entry.number)
            place = entry.source if item is None else path_in(self._dest, item.path)
            target_of[place] = self._target(entry)
        rows: dict[str, Sorted] = {}
        for run in read_runs(self._dest):
            if not is_earlier(run, self._run):
                continue
            for entry in run.delivered:
                path = self._target(entry)
                if path in target_of:
                    cells = {**entry.cells, "sha256": entry.sha256}
                    rows.setdefault(path, Sorted(path, target_of[path], cells))
        return list(rows.values())

    def _batch(self, entries: Sequence[Entry], pressed: Stop) -> None:
        self._folders.clear()
        if self._mode in (Mode.COPY, Mode.HARD):  # what stays has to be durable before its copy goes
            self._real = RealPaths()
            self._places.sync(self._real.file(entry.source) for entry in entries)
        tasks = []
        for entry in entries:
            if pressed:
                break
            try:
                task = self._back(entry)
            except NotDeliveredError as error:
                self._kept[entry.number] = str(error)
            except OSError as error:
                self._kept[entry.number] = _reason(error)
            else:
                if task is not None:
                    tasks.append(task)
        done = self._moved(tasks, pressed)
        for entry in entries:
            if entry.number in done:
                self._restore_metadata(entry)

    def _moved(self, tasks: Sequence[Task], pressed: Stop) -> set[int]:
        """Move files back; one that can't be is left, and the others are moved all the same."""
        results = move_files(self._disk, self._places, tasks, pressed)
        done, failed = set(results.done), dict(results.failed)
        if results.error is not None:
            for task in tasks:
                if not (pressed or task.number in done or task.number in failed):
                    alone = move_files(self._disk, self._places, [task], pressed)
                    done |= alone.done.keys()
                    failed |= _failures(task, alone)
        self._kept |= failed
        return done

    def _back(self, entry: Entry) -> Task | None:
        """A move that is to be made; None where nothing is to be moved, or no more."""
        target = self._target(entry)
        if self.is_move:
            return self._move_back(entry, target)
        if not self._is_as_sorted(entry, target):
            found = self._whereabouts.of(self._run, entry)
            if found is not None and found not in self._led_to():
                self._found[entry.number] = target = found
            elif status_of(self._disk, self._places, target) is None:
                return None  # a person removed the copy, or an undo that was killed
            else:
                raise NotDeliveredError("changed since it was sorted")
        self._remove(entry, target)
        return None

    def _led_to(self) -> frozenset[str]:
        """Files that sources are links to by now: none of them is what a person moved away."""
        if self._leads_to is None:
            real = RealPaths()
            self._leads_to = frozenset(real.file(entry.source) for entry in self._entries)
        return self._leads_to

    def _is_as_sorted(self, entry: Entry, target: str) -> bool:
        """Tell whether a copy or a link is where it was sorted to, unchanged."""
        there = status_of(self._disk, self._places, target)
        if there is None:
            return False
        if self._mode is Mode.SYMBOLIC:
            is_link = stat.S_ISLNK(there.st_mode)
            return is_link and self._disk.readlink(self._places.at(target)) == entry.source
        return has_content(self._disk, self._places, target, entry.sha256)

    def _remove(self, entry: Entry, target: str) -> None:
        """Remove a copy or a link."""
        with source_errors():
            place = self._places.at(target)
        if self._mode is Mode.SYMBOLIC:
            if not self._is_as_sorted(entry, target):
                raise NotDeliveredError("changed a moment ago")
            self._disk.unlink(place)
            return
        try:
            kept = self._real.file(entry.source)
            self._check_stays(kept)
            remove_copy(self._disk, self._places, place, kept, entry.sha256)
        except NotDeliveredError as error:
            where = printable(entry.source)
            raise NotDeliveredError(
                f"the only copy: {where} is gone, changed or a link to it"
            ) from error

    def _check_stays(self, kept: str) -> None:
        """Raise if a copy is one that this undo would remove in its turn: links lead there by now."""
        if not self._is_in_dest(kept):
            return
        if not self._targets:
            self._targets = frozenset(map(self._target, self._entries))
        if kept in self._targets:
            raise NotDeliveredError(f"{printable(kept)} was sorted too")

    def _move_back(self, entry: Entry, target: str) -> Task | None:
        seen = self._seen(entry, target)
        if seen is None and self._is_back(entry, target):
            return None
        if seen is None:
            found = self._whereabouts.of(self._run, entry)
            if found is None and status_of(self._disk, self._places, target) is None:
                raise NotDeliveredError("no longer there")
            if found is None:
                raise NotDeliveredError("changed since it was sorted")
            self._found[entry.number] = target = found
            seen = self._seen(entry, target)
            if seen is None:
                raise NotDeliveredError("changed a moment ago")
        if status_of(self._disk, self._places, entry.source) is not None:
            self._remove_second(entry, self._places.at(target))
            return None
        folder = parent_of(entry.source)
        if folder not in self._folders:
            make_folders(self._disk, self._places, folder)
            self._folders.add(folder)
        return Task(entry.number, target, entry.source, entry.sha256, self._run.token, seen)

    def _seen(self, entry: Entry, path: str) -> FileStatus | None:
        """Return the state of a file with the content that was sorted; None if there is none.

        What was moved within DEST may be a symbolic link, which goes back as it is.
        """
        try:
            place = self._places.at(path)
            found = self._disk.lstat(place)
            if self._mode is Mode.WITHIN and stat.S_ISLNK(found.st_mode):
                return status_from(found)
            return check_copy(self._disk, place, entry.sha256).status
        except (NotDeliveredError, OSError):
            return None

    def _is_back(self, entry: Entry, target: str) -> bool:
        """Tell whether a killed undo had put a file back already, and restore its times if so."""
        if status_of(self._disk, self._places, target) is not None:
            return False
        if self._seen(entry, entry.source) is None:
            return False
        if self._goes_on:
            self._restore_metadata(entry)
        return True

    def _remove_second(self, entry: Entry, place: Place) -> None:
        """Remove a file whose content is already back at its source.

        Either an undo was killed between copy and removal, or a person put a copy there.
        """
        if not has_content(self._disk, self._places, entry.source, entry.sha256):
            raise NotDeliveredError(f"another file is at {printable(entry.source)}")
        self._places.sync([entry.source])
        remove_copy(self._disk, self._places, place, entry.source, entry.sha256)
        self._restore_metadata(entry)

    def _restore_metadata(self, entry: Entry) -> None:
        """Give a file that is back its time and mode of before; an adopted one keeps its mode."""
        try:
            place = self._places.at(entry.source)
            now = self._disk.lstat(place)
            self._devices.setdefault(now.st_dev, entry.source)
            if stat.S_ISLNK(now.st_mode):
                return  # it is as it was
            mode = entry.mode if self._run.is_ours else stat.S_IMODE(now.st_mode)
            if (now.st_mtime_ns, stat.S_IMODE(now.st_mode)) == (entry.mtime_ns, mode):
                return
            descriptor = self._disk.open(place, READ_NO_WAIT | NO_FOLLOW)
            try:
                self._disk.set_mode(descriptor, mode)
                self._disk.set_times(descriptor, now.st_atime_ns, entry.mtime_ns)
            finally:
                self._disk.close(descriptor)
        except OSError as error:
            reason = f"restored, but not its time and mode: {error.strerror}"
            self._not_as_before.append((entry.source, reason))

    def _target(self, entry: Entry) -> str:
        return path_in(self._dest, entry.to)

    def _is_in_dest(self, path: str) -> bool:
        return path.startswith(self._top)


def _failures(task: Task, results: Results) -> dict[int, str]:
    """Return why a file that was moved alone was left; empty if it was not."""
    if results.error is not None:
        return {task.number: _reason(results.error)}
    return results.failed


def _reason(error: OSError) -> str:
    where = error.filename2 or error.filename
    what = error.strerror or str(error)
    return f"{printable(where)}: {what}" if isinstance(where, str) else what
