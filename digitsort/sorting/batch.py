"""Deliver files, a batch at a time: look, write down, do, settle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from digitsort.errors import OutputError
from digitsort.files.disk import Disk
from digitsort.files.names import parent_of, printable
from digitsort.files.places import Places, open_places
from digitsort.sorting.copying import Stop, copy_files, link_hard, link_symbolic
from digitsort.sorting.folders import Folders
from digitsort.sorting.journal import Journal, new_journal
from digitsort.sorting.lock import Held
from digitsort.sorting.moving import move_files
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.preparing import Preparer, Ready, below
from digitsort.sorting.run import Written
from digitsort.sorting.task import Results, Task
from digitsort.tuples import made

TRANSFERS: Mapping[Mode, Callable[[Disk, Places, Sequence[Task], Stop], Results]] = {
    Mode.COPY: copy_files,
    Mode.MOVE: move_files,
    Mode.HARD: link_hard,
    Mode.SYMBOLIC: link_symbolic,
}

BATCH = 1024
"""Files between two flushes of the journal, and made durable at once where they cross file systems."""

NOT_BEGUN = "not started"


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


@dataclass(slots=True)
class _Listed:
    """What can be delivered of a batch, with what was seen of it, and what can't.

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
        """Of what can be delivered, in its run."""
        return range(self.first, self.first + len(self.whole))

    @property
    def entries(self) -> list[Written]:
        """What is written before anything is done."""
        ready = [ready for _, ready in self.whole]
        return made(Written, self.numbers, [r.columns for r in ready], [r.entry for r in ready])

    def tasks(self, token: str) -> list[Task]:
        """What is to be done, by the run of this token."""
        return [
            Task(number, ready.source, operation.target, ready.sha256, token, ready.status)
            for number, (operation, ready) in zip(self.numbers, self.whole, strict=True)
        ]


class Deliverer:
    """Delivers batch after batch, with a journal that begins with the first file.

    Parameters
    ----------
    disk : Disk
    held : Held
    mode : Mode
    root : str
        Of a move: folder that all files lie in, without links; empty where there is none.

    Attributes
    ----------
    journal : Journal or None
    sources_by_device : dict
        Of moves: for each file system that files were taken from, the path of one of them.
    """

    def __init__(self, disk: Disk, held: Held, mode: Mode, root: str = "") -> None:
        self.journal: Journal | None = None
        self.sources_by_device: dict[int, str] = {}
        self._disk = disk
        self._held = held
        self._dest = held.dest
        self._mode = mode
        self._root = root
        self._preparer = Preparer(disk, held.dest, mode, root)
        self._count = 0

    def deliver(self, operations: Iterable[Operation], stop: Stop) -> Iterator[Batch]:
        """Deliver; what has to end the run comes with what was done before it."""
        waiting = iter(operations)
        while not stop and (batch := list(islice(waiting, BATCH))):
            # Folders are opened anew for each batch: one that was moved away is missed by then.
            with open_places(self._disk) as places:
                result = self._deliver(places, batch, stop)
            yield result
            if result.error is not None:
                return

    def _deliver(self, places: Places, operations: Sequence[Operation], stop: Stop) -> Batch:
        listed, results = _Listed(), Results()
        is_written = False
        try:
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

    def _list(
        self, places: Places, operations: Sequence[Operation], folders: Folders, stop: Stop
    ) -> _Listed:
        refusals = [folders.refusal(parent_of(operation.target)) for operation in operations]
        failed = [(o, reason) for o, reason in zip(operations, refusals, strict=True) if reason]
        wanted = [o for o, reason in zip(operations, refusals, strict=True) if not reason]
        pairs = list(zip(wanted, self._preparer.prepare(places, wanted, stop), strict=False))
        failed += [(operation, each) for operation, each in pairs if isinstance(each, str)]
        whole = [(operation, each) for operation, each in pairs if not isinstance(each, str)]
        first, self._count = self._count, self._count + len(whole)
        return _Listed(first, whole, failed)

    def _begun_journal(self) -> Journal:
        if self.journal is None:
            continues = self._held.stopped_mode == self._mode
            self.journal = new_journal(
                self._disk, self._dest, self._mode, self._root, self._held.made_levels, continues
            )
        return self.journal

    def _write_down(self, listed: _Listed, folders: Folders) -> None:
        """Write down what will be done, and make that durable before anything is."""
        journal = self._begun_journal()
        journal.begin(listed.entries, [below(self._dest, folder) for folder in folders.missing])
        journal.sync()
        if self._mode is Mode.MOVE:
            for _, ready in listed.whole:
                if ready.status is not None:
                    self.sources_by_device.setdefault(ready.status.device, ready.source)

    def _settle(self, listed: _Listed, results: Results) -> None:
        failed = sorted(set(listed.numbers) - results.done.keys())
        reasons = {number: results.failed.get(number, NOT_BEGUN) for number in failed}
        self._begun_journal().settle(listed.numbers.stop, reasons)

    def _batch(self, listed: _Listed, results: Results) -> Batch:
        done = [listed.whole[number - listed.first][0] for number in sorted(results.done)]
        failed = [
            (listed.whole[number - listed.first][0], reason)
            for number, reason in sorted(results.failed.items())
        ]
        error = None if results.error is None else _stopped(self._dest, results.error)
        return Batch(done, listed.failed + failed, sum(results.done.values()), error)


def _stopped(dest: str, error: OSError) -> OutputError:
    where = error.filename2 or error.filename
    path = dest if not isinstance(where, str) else where
    return OutputError(
        f"{printable(path)} can't be written: {error.strerror}. No file is lost. Free some "
        "space or choose another DEST, and run the command again to continue."
    )
