"""Deliver files, a batch at a time: look, write down, do, settle."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from digitsort.errors import OutputError
from digitsort.files.disk import Disk, Place
from digitsort.files.names import absolute, parent_of, printable, split_path
from digitsort.files.places import Places, RealPaths, open_places
from digitsort.sorting.deliver import Stop, copy_files, link_hard, link_symbolic, move_files
from digitsort.sorting.dest import Folders, Held, remove_empty
from digitsort.sorting.entries import NOTHING_BEFORE, Before, Entry, path_below
from digitsort.sorting.journal import FOLDER, Journal, new_journal
from digitsort.sorting.plan import MANIFEST, Mode, Operation
from digitsort.sorting.transfer import (
    FileStatus,
    NotDeliveredError,
    Results,
    Task,
    anywhere,
    look,
    source_errors,
    source_place,
    status_from,
)


def check_not_own(path: str, dest: str) -> None:
    """Raise NotDeliveredError for what any DEST has in .digitsort, and for this one's labels.csv.

    A table can name them. Without its journals a DEST can't be undone, and a lock that has another name
    is none.

    Parameters
    ----------
    path : str
        Absolute, without links in its folders.
    """
    if f"{os.sep}{FOLDER}{os.sep}" in path or path == os.path.join(dest, MANIFEST):
        raise NotDeliveredError("one of digitsort's own files: it must stay where it is")


class Ready(NamedTuple):
    """A file that can be delivered.

    Attributes
    ----------
    source : str
        Absolute path; of a move without links.
    status : FileStatus or None
        None if it was not checked: a copy is compared while it is made.
    """

    source: str
    sha256: str
    status: FileStatus | None


class Preparer:
    """Prepares the files of a run.

    Parameters
    ----------
    root : str
        Only what is below this folder is moved, links resolved; empty for anything.
    """

    def __init__(self, disk: Disk, dest: str, mode: Mode, root: str = "") -> None:
        self._disk = disk
        self._dest = dest
        self._is_copy = mode is Mode.COPY  # asked for each file, and an enumeration is slow to say
        self._is_move = mode.is_move
        self._is_within = mode is Mode.WITHIN
        self._is_hard = mode is Mode.HARD
        self._top = os.path.join(root, "")
        self._in_dest = os.path.join(dest, "")
        self._real = RealPaths()
        self._allowed: dict[str, str] = {}
        """Folders of this batch that files may be moved from, with their real paths and a separator."""

    def prepare(
        self, places: Places, operations: Sequence[Operation], stop: Stop = ()
    ) -> list[Ready | str]:
        """Prepare files; a reason for what can't be delivered. It ends early where it is to."""
        self._allowed.clear()
        prepared: list[Ready | str] = []
        for operation in operations:
            if stop:
                break
            path, sha256 = absolute(operation.row.path), operation.row.sha256
            if self._is_copy and sha256:  # it is compared while it is made
                prepared.append(Ready(path, sha256, None))
                continue
            try:
                prepared.append(self._look(places, path, sha256))
            except NotDeliveredError as error:
                prepared.append(str(error))
        return prepared

    def try_one(self, places: Places, operation: Operation) -> str:
        """Return why a file can't be delivered, from its whole content; empty if it can be."""
        path, sha256 = absolute(operation.row.path), operation.row.sha256
        try:
            if self._is_copy:
                look(self._disk, anywhere(path), sha256)
            else:
                self._look(places, path, sha256)
        except NotDeliveredError as error:
            return str(error)
        return ""

    def _look(self, places: Places, path: str, sha256: str) -> Ready:
        if self._is_hard:
            check_not_own(os.path.realpath(path), self._dest)
        if not self._is_move:
            status, sha256 = look(self._disk, anywhere(path), sha256)
            return Ready(path, sha256, status)
        above, name = split_path(path)
        inside = self._allowed.get(above) or self._allow(above)
        path = inside + name
        if inside == self._in_dest:
            check_not_own(path, self._dest)
        place = source_place(places, path)
        if self._is_within and (link := self._link(place)) is not None:
            return Ready(path, sha256, link)
        status, sha256 = look(self._disk, place, sha256, follow=False)
        return Ready(path, sha256, status)

    def _link(self, place: Place) -> FileStatus | None:
        """Return the state of a symbolic link, which is moved as it is; None for another file."""
        with source_errors():
            found = self._disk.lstat(place)
        return status_from(found) if stat.S_ISLNK(found.st_mode) else None

    def _allow(self, folder: str) -> str:
        """Return the real path, with a separator, of a folder that files may be moved from.

        Raises
        ------
        NotDeliveredError
            If it lies outside of the root, or among digitsort's own files.
        """
        inside = os.path.join(self._real.folder(folder), "")
        if not inside.startswith(self._top):  # a folder became a link after this was planned
            raise NotDeliveredError(f"now outside of {printable(self._top)}")
        check_not_own(inside, self._dest)
        self._allowed[folder] = inside
        return inside


def before_move(status: FileStatus | None) -> Before:
    """Return the size, time and mode that an undo of a move gives back."""
    if status is None:
        return NOTHING_BEFORE
    return status.size, status.mtime_ns, stat.S_IMODE(status.mode)


TRANSFERS: Mapping[Mode, Callable[[Disk, Places, Sequence[Task], Stop], Results]] = {
    Mode.COPY: copy_files,
    Mode.MOVE: move_files,
    Mode.HARD: link_hard,
    Mode.SYMBOLIC: link_symbolic,
    Mode.WITHIN: move_files,
}

BATCH = 1024
"""Files between two flushes of the journal, and made durable at once where they cross file systems."""

NOT_BEGUN = "not started"


@dataclass(frozen=True, slots=True)
class BatchResults:
    """Results of the operations of a batch; operations without a result were not begun.

    Attributes
    ----------
    size : int
        Bytes delivered.
    error : OutputError or None
        What ends the run.
    """

    done: list[Operation]
    failed: list[tuple[Operation, str]]
    size: int = 0
    error: OutputError | None = None


@dataclass(slots=True)
class _Listed:
    """Files of a batch that can be delivered, as they were seen, and those that can't.

    Attributes
    ----------
    first : int
        Number of the first of `whole` in its run.
    """

    first: int = 0
    whole: list[tuple[Operation, Ready]] = field(default_factory=list)
    failed: list[tuple[Operation, str]] = field(default_factory=list)

    @property
    def numbers(self) -> range:
        """Return the numbers, in their run, of the files that can be delivered."""
        return range(self.first, self.first + len(self.whole))

    def entries(self, dest: str, *, is_move: bool) -> list[Entry]:
        """Return the journal entries to write before anything is done."""
        return [
            Entry(
                number,
                ready.source,
                path_below(dest, operation.target),
                ready.sha256,
                *(before_move(ready.status) if is_move else NOTHING_BEFORE),
                operation.cells,
            )
            for number, (operation, ready) in zip(self.numbers, self.whole, strict=True)
        ]

    def tasks(self, token: str) -> list[Task]:
        """Return the tasks of the run with this token."""
        return [
            Task(number, ready.source, operation.target, ready.sha256, token, ready.status)
            for number, (operation, ready) in zip(self.numbers, self.whole, strict=True)
        ]


class Deliverer:
    """Delivers batch after batch, with a journal that begins with the first file.

    Parameters
    ----------
    root : str
        Of a move: folder that all files lie in, without links; empty where there is none.
    continues : bool, optional
        Whether this goes on with the last run, so that both are undone together. By default if that was
        stopped and had the same mode.
    begin : callable, optional
        Function that returns the journal, once there is a file to deliver; by default that of a new
        run. Entries are numbered after those that its run already has.

    Attributes
    ----------
    sources_by_device : dict
        Of moves: for each file system that files were taken from, the path of one of them.
    """

    def __init__(
        self,
        disk: Disk,
        held: Held,
        mode: Mode,
        root: str = "",
        *,
        continues: bool | None = None,
        begin: Callable[[], Journal] | None = None,
    ) -> None:
        self.journal: Journal | None = None
        self._begin = begin
        self.sources_by_device: dict[int, str] = {}
        self._disk = disk
        self._held = held
        self._dest = held.dest
        self._mode = mode
        self._root = root
        self._preparer = Preparer(disk, held.dest, mode, root)
        self._continues = held.stopped_mode == mode if continues is None else continues
        self._count = 0

    def deliver(self, operations: Iterable[Operation], stop: Stop) -> Iterator[BatchResults]:
        """Deliver; what has to end the run comes with what was done before it."""
        waiting = iter(operations)
        while not stop and (batch := list(islice(waiting, BATCH))):
            # Folders are opened anew for each batch: one that was moved away is missed by then.
            with open_places(self._disk) as places:
                result = self._deliver(places, batch, stop)
            yield result
            if result.error is not None:
                return

    def make_durable(self, places: Places) -> None:
        """Make every file durable, before labels.csv names it and the journal says that all is done."""
        journal = self._begun_journal()
        journal.flush()
        journal.sync()
        places.sync([journal.run.path, *self.sources_by_device.values()])

    def end(self, places: Places, write_books: Callable[[], None], end: str, *, is_whole: bool) -> None:
        """End the run, and bring labels.csv up to date before its journal says so.

        A run that delivered nothing leaves no journal.

        Parameters
        ----------
        write_books : callable
            Function that brings labels.csv up to date.
        end : str
            Word for the journal: "done" or "stopped".
        is_whole : bool
            Whether all was delivered, so that no folder that was made for it can be empty.
        """
        journal = self.journal
        if journal is not None and not is_whole:
            folders = (os.path.join(self._dest, folder) for folder in journal.run.made)
            remove_empty(self._disk, places, folders)
        if journal is not None and journal.run.settled == len(journal.run.failed):
            self._discard(places, journal)
            journal = None
        if journal is not None:
            self.make_durable(places)
        write_books()
        if journal is not None:
            places.sync([journal.run.path])
            journal.mark(end=end)
            journal.close()

    def _discard(self, places: Places, journal: Journal) -> None:
        """Remove the journal of a run that delivered nothing."""
        self.journal = None  # so that nobody closes it twice, whatever fails here
        journal.close()
        places.sync([journal.run.path])  # what was half done is gone, and then the journal
        self._disk.unlink(places.at(journal.run.path))
        places.sync([journal.run.path])

    def _deliver(self, places: Places, operations: Sequence[Operation], stop: Stop) -> BatchResults:
        listed, results = _Listed(), Results()
        is_written = False
        try:
            self._check_dest(places)
            folders = Folders(self._disk, self._dest)
            listed = self._list(places, operations, folders, stop)
            if listed.whole:
                self._write_down(listed, folders)
                is_written = True
                folders.make(places)
                tasks = listed.tasks(self._begun_journal().run.token)
                results = TRANSFERS[self._mode](self._disk, places, tasks, stop)
                if results.failed:  # what was made of them is gone for good before they are settled
                    places.sync([self._begun_journal().run.path])
        except OSError as error:
            results.error = error
        finally:
            if is_written:
                self._settle(listed, results)
        return self._batch(listed, results)

    def _check_dest(self, places: Places) -> None:
        """Raise OSError if DEST is not the folder that was locked, whose journal is written on."""
        if places.identity(places.at(os.path.join(self._dest, FOLDER))) != self._held.identity:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), self._dest)

    def _list(
        self, places: Places, operations: Sequence[Operation], folders: Folders, stop: Stop
    ) -> _Listed:
        refusals = [folders.refusal(parent_of(operation.target)) for operation in operations]
        failed = [(o, reason) for o, reason in zip(operations, refusals, strict=True) if reason]
        wanted = [o for o, reason in zip(operations, refusals, strict=True) if not reason]
        pairs = list(zip(wanted, self._preparer.prepare(places, wanted, stop), strict=False))
        failed += [(operation, each) for operation, each in pairs if isinstance(each, str)]
        whole = [(operation, each) for operation, each in pairs if not isinstance(each, str)]
        if whole and self._begin is not None and self.journal is None:
            self._count = self._begun_journal().run.settled
        first, self._count = self._count, self._count + len(whole)
        return _Listed(first, whole, failed)

    def _begun_journal(self) -> Journal:
        if self.journal is None and self._begin is not None:
            self.journal = self._begin()
        if self.journal is None:
            self.journal = new_journal(
                self._disk, self._dest, self._mode, self._root, self._held.made_levels, self._continues
            )
        return self.journal

    def _write_down(self, listed: _Listed, folders: Folders) -> None:
        """Write down what will be done, and make that durable before anything is."""
        journal = self._begun_journal()
        entries = listed.entries(self._dest, is_move=self._mode.is_move)
        journal.begin(entries, [path_below(self._dest, folder) for folder in folders.missing])
        journal.sync()
        if self._mode.is_move:
            for _, ready in listed.whole:
                if ready.status is not None:
                    self.sources_by_device.setdefault(ready.status.device, ready.source)

    def _settle(self, listed: _Listed, results: Results) -> None:
        failed = sorted(set(listed.numbers) - results.done.keys())
        reasons = {number: results.failed.get(number, NOT_BEGUN) for number in failed}
        self._begun_journal().settle(listed.numbers.stop, reasons)

    def _batch(self, listed: _Listed, results: Results) -> BatchResults:
        done = [listed.whole[number - listed.first][0] for number in sorted(results.done)]
        failed = [
            (listed.whole[number - listed.first][0], reason)
            for number, reason in sorted(results.failed.items())
        ]
        error = None if results.error is None else _stopped(self._dest, results.error)
        return BatchResults(done, listed.failed + failed, sum(results.done.values()), error)


def _stopped(dest: str, error: OSError) -> OutputError:
    where = error.filename2 or error.filename
    path = dest if not isinstance(where, str) else where
    if error.errno == errno.ESTALE:
        return OutputError(
            f"{printable(path)} is no longer the folder in which this run began. No file is lost. Put "
            "that folder back, and run the command again to continue."
        )
    return OutputError(
        f"{printable(path)} can't be written: {error.strerror}. No file is lost. Free some "
        "space or choose another DEST, and run the command again to continue."
    )
