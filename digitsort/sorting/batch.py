"""Deliver a few files at once: look, write down, do, settle."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from digitsort.errors import OutputError
from digitsort.files.disk import Disk
from digitsort.files.names import parent_of, printable
from digitsort.sorting.copying import Stop, copy_files, link_hard, link_symbolic
from digitsort.sorting.folders import Folders
from digitsort.sorting.journal import Journal, new_journal
from digitsort.sorting.lock import Held
from digitsort.sorting.moving import move_files
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.run import Entry
from digitsort.sorting.transfer import NotDeliveredError, Results, Task, look

Transfer = Callable[[Disk, Sequence[Task], Stop], Results]

TRANSFERS: Mapping[Mode, Transfer] = {
    Mode.COPY: copy_files,
    Mode.MOVE: move_files,
    Mode.HARD: link_hard,
    Mode.SYMBOLIC: link_symbolic,
}

NOT_BEGUN = "not begun"


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the operations of a batch; of the others in it nothing was begun.

    Attributes
    ----------
    done : list of Operation
    failed : list of (Operation, reason)
    size : int
        Bytes delivered.
    error : OutputError or None
        What ends the run.
    """

    done: list[Operation]
    failed: list[tuple[Operation, str]]
    size: int = 0
    error: OutputError | None = None


class Deliverer:
    """Delivers batch after batch, with a journal that begins with the first file.

    Parameters
    ----------
    disk : Disk
    held : Held
    mode : Mode
    transfer : callable, optional
        Does it; by default what `TRANSFERS` has for the mode.

    Attributes
    ----------
    journal : Journal or None
    """

    def __init__(self, disk: Disk, held: Held, mode: Mode, transfer: Transfer | None = None) -> None:
        self.journal: Journal | None = None
        self._disk = disk
        self._held = held
        self._dest = held.dest
        self._mode = mode
        self._transfer = transfer or TRANSFERS[mode]
        self._count = 0

    def deliver(self, operations: Sequence[Operation], stop: Stop) -> Batch:
        """Deliver; what has to end the run comes back with what was done before it."""
        failed: list[tuple[Operation, str]] = []
        of: dict[int, Operation] = {}
        folders = Folders(self._disk, self._dest)
        try:
            with _stops_run(self._dest):
                tasks = []
                for operation in operations:
                    if stop:
                        break
                    try:
                        task = self._task(operation, folders)
                    except NotDeliveredError as error:
                        failed.append((operation, str(error)))
                    else:
                        tasks.append(task)
                        of[task.number] = operation
                results = self._carry_out(tasks, of, folders, stop) if tasks else Results()
        except OutputError as error:
            return Batch([], failed, error=error)
        failed += [(of[number], results.failed[number]) for number in sorted(results.failed)]
        done = [of[number] for number in sorted(results.done)]
        stopped = None if results.error is None else _stopped(self._dest, results.error)
        return Batch(done, failed, sum(results.done.values()), stopped)

    def _task(self, operation: Operation, folders: Folders) -> Task:
        refusal = folders.refusal(parent_of(operation.target))
        if refusal:
            raise NotDeliveredError(refusal)
        path, expected = operation.row.path, operation.row.sha256
        seen = None
        if self._mode is not Mode.COPY or not expected:  # a copy is compared while it is made
            seen = look(self._disk, path, expected, follow=self._mode is not Mode.MOVE)
        number, self._count = self._count, self._count + 1
        sha256 = expected if seen is None else seen.sha256
        return Task(number, path, operation.target, sha256, self._begun().run.token, seen)

    def _begun(self) -> Journal:
        if self.journal is None:
            continues = self._held.stopped_mode == self._mode
            made_levels = self._held.made_levels
            self.journal = new_journal(self._disk, self._dest, self._mode, made_levels, continues)
        return self.journal

    def _carry_out(
        self, tasks: Sequence[Task], of: Mapping[int, Operation], folders: Folders, stop: Stop
    ) -> Results:
        journal = self._begun()
        entries = [self._entry(task, of[task.number]) for task in tasks]
        made = [self._below(folder) for folder in folders.missing]
        journal.begin(entries, made, durable=self._mode is Mode.MOVE)
        results = Results()
        try:
            folders.make()
            results = self._transfer(self._disk, tasks, stop)
        finally:
            begun = {task.number for task in tasks} - results.done.keys()
            journal.settle(self._count, {n: results.failed.get(n, NOT_BEGUN) for n in sorted(begun)})
        return results

    def _entry(self, task: Task, operation: Operation) -> Entry:
        to, cells = self._below(task.target), operation.cells
        if self._mode is not Mode.MOVE or task.seen is None:
            return Entry(task.number, operation.source, to, task.sha256, cells=cells)
        status = task.seen.status
        return Entry(
            task.number,
            operation.source,
            to,
            task.sha256,
            status.st_size,
            status.st_mtime_ns,
            stat.S_IMODE(status.st_mode),
            cells,
        )

    def _below(self, path: str) -> str:
        below = path[len(self._dest) :].lstrip(os.sep)
        return below if os.sep == "/" else below.replace(os.sep, "/")


@contextmanager
def _stops_run(dest: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _stopped(dest, error) from error


def _stopped(dest: str, error: OSError) -> OutputError:
    where = error.filename2 or error.filename
    path = dest if not isinstance(where, str) else where
    return OutputError(
        f"{printable(path)} can't be written: {error.strerror}. No source is lost or half moved; make "
        "room or name another DEST, and run the command again to go on."
    )
