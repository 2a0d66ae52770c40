"""Deliver files, a batch at a time: look, write down, do, settle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from digitsort.errors import OutputError
from digitsort.files.disk import Disk
from digitsort.files.names import printable
from digitsort.sorting.copying import Stop, copy_files, link_hard, link_symbolic
from digitsort.sorting.folders import Folders
from digitsort.sorting.helper import Helper
from digitsort.sorting.journal import Journal, new_journal
from digitsort.sorting.listing import NOTHING, Listed, Lister
from digitsort.sorting.lock import Held
from digitsort.sorting.moving import move_files
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.preparing import Preparer, Ready, below, orders_of
from digitsort.sorting.task import Results, Task

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
    """A batch that is listed and, where there is something to do, written down.

    Attributes
    ----------
    is_written : bool
    finish : callable
        Does it, or what is left of it.
    """

    listed: Listed = NOTHING
    is_written: bool = False
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
        self._lister = Lister(Preparer(disk, held.dest, mode, columns))
        self._helper = helper
        self._prepares = None if mode is Mode.COPY else helper  # copies give it enough to do
        if helper is not None:
            helper.will_prepare(held.dest, mode, columns)

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
                begun.listed = listed = self._lister.list(operations, ready, folders, stop)
                if listed.whole:
                    is_durable = self._written(listed, folders)
                    begun.is_written = True
                    folders.make()
                    begun.finish = self._start(listed, is_durable)
        except OutputError as error:
            begun.error = error
        return begun

    def _begun_journal(self) -> Journal:
        if self.journal is None:
            continues = self._held.stopped_mode == self._mode
            made_levels = self._held.made_levels
            self.journal = new_journal(self._disk, self._dest, self._mode, made_levels, continues)
        return self.journal

    def _written(self, listed: Listed, folders: Folders) -> Callable[[], object]:
        """Write down what will be done; what is returned waits until that is durable."""
        journal = self._begun_journal()
        journal.begin(listed.entries, [below(self._dest, folder) for folder in folders.missing])
        if self._mode is not Mode.MOVE:
            return lambda: None
        if self._helper is None:
            journal.sync()
            return lambda: None
        return self._helper.meanwhile(journal.sync)

    def _start(self, listed: Listed, is_durable: Callable[[], object]) -> Callable[[Stop], Results]:
        tasks = listed.tasks(self._begun_journal().run.token)
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
            if begun.is_written:
                self._settle(begun.listed, results)
        error = begun.error
        if results.error is not None:
            error = _stopped(self._dest, results.error)
        return _batch(begun.listed, results, error)

    def _settle(self, listed: Listed, results: Results) -> None:
        failed = sorted(set(listed.numbers) - results.done.keys())
        reasons = {number: results.failed.get(number, NOT_BEGUN) for number in failed}
        self._begun_journal().settle(listed.numbers.stop, reasons)


def _batch(listed: Listed, results: Results, error: OutputError | None) -> Batch:
    done = [listed.whole[number - listed.first] for number in sorted(results.done)]
    failed = [
        (listed.whole[number - listed.first][0], reason)
        for number, reason in sorted(results.failed.items())
    ]
    return Batch(
        [operation for operation, _ in done],
        [ready.row for _, ready in done],
        listed.failed + failed,
        sum(results.done.values()),
        error,
    )


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
