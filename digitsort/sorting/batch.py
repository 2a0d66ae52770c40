"""Deliver files, a batch at a time: look, write down, do, settle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from digitsort.errors import OutputError
from digitsort.files.disk import Disk
from digitsort.files.names import parent_of, printable
from digitsort.sorting.copying import Stop, copy_files, link_hard, link_symbolic
from digitsort.sorting.folders import Folders
from digitsort.sorting.helper import Helper
from digitsort.sorting.journal import Journal, new_journal
from digitsort.sorting.lock import Held
from digitsort.sorting.moving import move_files
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.preparing import Preparer, Ready, below, orders_of
from digitsort.sorting.run import Written
from digitsort.sorting.task import Results, Task
from digitsort.table import columns_of_cells
from digitsort.tuples import made

TRANSFERS: Mapping[Mode, Callable[[Disk, Sequence[Task], Stop], Results]] = {
    Mode.COPY: copy_files,
    Mode.MOVE: move_files,
    Mode.HARD: link_hard,
    Mode.SYMBOLIC: link_symbolic,
}

BATCH = 1024
"""Files between two flushes of the journal, and made durable at once where they cross file systems."""

PREPARED_BATCH = 512
"""Where a second process prepares the next one: a file is not to lie seen for long."""

NOT_BEGUN = "not begun"

STOPPED: Stop = (1,)


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the operations of a batch; of the others in it nothing was begun.

    Attributes
    ----------
    done : list of Operation
    rows : list of str
        Their rows for books that are made anew.
    failed : list of (Operation, reason)
    size : int
        Bytes delivered.
    error : OutputError or None
        What ends the run.
    """

    done: list[Operation]
    rows: list[str]
    failed: list[tuple[Operation, str]]
    size: int = 0
    error: OutputError | None = None


@dataclass(slots=True)
class _Begun:
    """A batch that is written down.

    Attributes
    ----------
    end : int
        The number behind its last one.
    finish : callable
        Does it, or what is left of it.
    """

    of: dict[int, tuple[Operation, str]] = field(default_factory=dict)
    failed: list[tuple[Operation, str]] = field(default_factory=list)
    end: int = 0
    finish: Callable[[Stop], Results] | None = None
    error: OutputError | None = None


class Deliverer:
    """Delivers batch after batch, with a journal that begins with the first file.

    Parameters
    ----------
    disk : Disk
    held : Held
    mode : Mode
    columns : sequence of str
        Of books that are made anew; none where there are some.
    helper : Helper, optional
        A second process, which copies a share of each batch, or prepares the next one meanwhile.

    Attributes
    ----------
    journal : Journal or None
    """

    def __init__(
        self,
        disk: Disk,
        held: Held,
        mode: Mode,
        columns: Sequence[str] = (),
        helper: Helper | None = None,
    ) -> None:
        self.journal: Journal | None = None
        self._disk = disk
        self._held = held
        self._dest = held.dest
        self._mode = mode
        self._preparer = Preparer(disk, held.dest, mode, columns)
        self._helper = helper
        self._prepares = None if mode is Mode.COPY else helper  # copies give it enough to do
        if helper is not None:
            helper.will_prepare(held.dest, mode, columns)
        self._count = 0

    def deliver(self, operations: Iterable[Operation], stop: Stop) -> Iterator[Batch]:
        """Deliver; what has to end the run comes with what was done before it."""
        begun: deque[_Begun] = deque()
        most = 0 if self._helper is None else 1  # the next one is written down, and is begun with
        ends = stop
        for operations_of_batch, ready in self._prepared(operations, stop):
            begun.append(self._begin(operations_of_batch, ready, stop))
            if begun[-1].error is not None:
                break
            while len(begun) > most and not ends:
                result = self._finish(begun.popleft(), stop)
                ends = stop if result.error is None else STOPPED
                yield result
            if ends:
                break
        while begun:
            result = self._finish(begun.popleft(), ends)
            ends = ends if result.error is None else STOPPED
            yield result

    def _prepared(
        self, operations: Iterable[Operation], stop: Stop
    ) -> Iterator[tuple[Sequence[Operation], Sequence[Ready | str]]]:
        """Batches with what the second process made ready while the one before was delivered."""
        waiting = iter(operations)
        size = PREPARED_BATCH if self._prepares else BATCH
        batch = list(islice(waiting, size))
        ready: Sequence[Ready | str] = ()
        while batch:
            following = list(islice(waiting, size))
            asked = bool(following) and self._asks(following)
            yield batch, ready
            batch = following
            ready = self._prepares.prepared(stop) if self._prepares is not None and asked else ()

    def _asks(self, operations: Sequence[Operation]) -> bool:
        return self._prepares is not None and self._prepares.prepare(orders_of(operations))

    def _begin(
        self, operations: Sequence[Operation], ready: Sequence[Ready | str], stop: Stop
    ) -> _Begun:
        begun = _Begun()
        folders = Folders(self._disk, self._dest)
        try:
            with _stops_run(self._dest):
                tasks, entries = self._listed(operations, ready, begun, folders, stop)
                if tasks:
                    is_durable = self._written(entries, folders)
                    begun.end = self._count
                    folders.make()
                    begun.finish = self._start(tasks, is_durable)
        except OutputError as error:
            begun.error = error
        return begun

    def _listed(
        self,
        operations: Sequence[Operation],
        ready: Sequence[Ready | str],
        begun: _Begun,
        folders: Folders,
        stop: Stop,
    ) -> tuple[list[Task], list[Written]]:
        """What is to be done, and written before."""
        operations, ready = self._ready(operations, ready, begun, folders, stop)
        pairs = list(zip(operations, ready, strict=False))  # a person may want no more of them
        begun.failed += [(operation, each) for operation, each in pairs if isinstance(each, str)]
        whole = [(operation, each) for operation, each in pairs if not isinstance(each, str)]
        if not whole:
            return [], []
        token = self._begun_journal().run.token
        numbers = range(self._count, self._count + len(whole))
        self._count += len(whole)
        begun.of.update(zip(numbers, [(o, each.row) for o, each in whole], strict=True))
        columns = [columns_of_cells(o.cells) for o, _ in whole]
        entries = made(Written, numbers, columns, [each.entry for _, each in whole])
        tasks = [
            Task(number, o.row.path, o.target, each.sha256, token, each.status)
            for number, (o, each) in zip(numbers, whole, strict=True)
        ]
        return tasks, entries

    def _ready(
        self,
        operations: Sequence[Operation],
        ready: Sequence[Ready | str],
        begun: _Begun,
        folders: Folders,
        stop: Stop,
    ) -> tuple[Sequence[Operation], Sequence[Ready | str]]:
        """Operations that nothing speaks against, with those made ready here that are not yet."""
        refusals = [folders.refusal(parent_of(operation.target)) for operation in operations]
        if any(refusals):
            begun.failed += [
                (o, reason) for o, reason in zip(operations, refusals, strict=True) if reason
            ]
            ready = [each for each, reason in zip(ready, refusals, strict=False) if not reason]
            operations = [o for o, reason in zip(operations, refusals, strict=True) if not reason]
        orders = orders_of(operations[len(ready) :])
        return operations, [*ready, *self._preparer.prepare(orders, stop)]

    def _begun_journal(self) -> Journal:
        if self.journal is None:
            continues = self._held.stopped_mode == self._mode
            made_levels = self._held.made_levels
            self.journal = new_journal(self._disk, self._dest, self._mode, made_levels, continues)
        return self.journal

    def _written(self, entries: Sequence[Written], folders: Folders) -> Callable[[], object]:
        """Write down what will be done; what is returned waits until that is durable."""
        journal = self._begun_journal()
        journal.begin(entries, [below(self._dest, folder) for folder in folders.missing])
        if self._mode is not Mode.MOVE:
            return lambda: None
        if self._helper is None:
            journal.sync()
            return lambda: None
        return self._helper.meanwhile(journal.sync)

    def _start(
        self, tasks: Sequence[Task], is_durable: Callable[[], object]
    ) -> Callable[[Stop], Results]:
        if self._helper is not None and self._mode is Mode.COPY:
            return self._helper.share(self._disk, tasks)

        def finish(stop: Stop) -> Results:
            is_durable()
            return TRANSFERS[self._mode](self._disk, tasks, stop)

        return finish

    def _finish(self, begun: _Begun, stop: Stop) -> Batch:
        results = Results()
        try:
            if begun.finish is not None:
                results = begun.finish(stop)
        except OSError as said:
            results.error = said
        finally:
            self._settle(begun, results)
        failed = [(begun.of[n][0], results.failed[n]) for n in sorted(results.failed)]
        done = [begun.of[number] for number in sorted(results.done)]
        error = begun.error
        if results.error is not None:
            error = _stopped(self._dest, results.error)
        return Batch(
            [operation for operation, _ in done],
            [row for _, row in done],
            begun.failed + failed,
            sum(results.done.values()),
            error,
        )

    def _settle(self, begun: _Begun, results: Results) -> None:
        if not begun.end:  # it was not written down
            return
        failed = begun.of.keys() - results.done.keys()
        reasons = {n: results.failed.get(n, NOT_BEGUN) for n in sorted(failed)}
        self._begun_journal().settle(begun.end, reasons)


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
