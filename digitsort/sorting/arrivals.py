"""Label and deliver the files of an inbox, a few at a time, as one run in the journal of DEST.

Each batch is in the journal before it is begun, as in any sort. ``DEST/labels.csv`` is brought up to
date after a batch, but not so often that a large one takes most of the time. What it does not name yet
is in the journal, and `recover` adds it after a kill. A run that has ended goes on with the next files:
a scanner that delivers one file a minute must not leave 1,440 journals a day.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from digitsort.errors import DigitsortError, OutputError, UsageError
from digitsort.files.disk import DISK, Disk
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import absolute, printable
from digitsort.files.places import open_places
from digitsort.images.limits import MOST_BYTES
from digitsort.labels.labels_csv import Layout, row_of
from digitsort.labels.row import Row
from digitsort.outcomes import Outcome
from digitsort.sorting.batch import Deliverer
from digitsort.sorting.books import LABELS_NAME, Books, Sorted, update_books
from digitsort.sorting.dest import Held
from digitsort.sorting.entries import Run
from digitsort.sorting.free_names import known_sha256
from digitsort.sorting.inbox import Inbox, Version, version_of
from digitsort.sorting.journal import Journal, new_journal, read_runs, reopen
from digitsort.sorting.plan import Operation, Planner, SortOptions

MOST_ENTRIES = 10_000
"""Files of one run. A run that was killed is checked file by file."""

BOOKS_SHARE = 0.1
"""Largest share of the time in which ``DEST/labels.csv`` is written, while files arrive."""


SAVING_S, AT_REST_S, LOOK_S = 10.0, 1.0, 0.2
"""Seconds to wait for ``DEST/labels.csv`` to be a table, seconds since its last change after which no
program is saving it any more, and seconds between two looks."""


def read_when_saved(dest: str, most_s: float, written: Version | None = None) -> Books:
    """Read ``DEST/labels.csv`` once no program seems to be saving it.

    A half of a saved table is no table, or one that lacks rows.

    Parameters
    ----------
    dest : str
    most_s : float
        Seconds to wait at most.
    written : Version, optional
        The version that this process wrote.

    Raises
    ------
    UsageError
        If it is no labels.csv after this time.
    """
    books, path = Books(dest), os.path.join(dest, LABELS_NAME)
    end = time.monotonic() + most_s
    while True:
        version = version_of(path)
        is_late = time.monotonic() >= end
        try:
            books.read()
            if is_late or version in (None, written) or _is_at_rest(version) or books.is_as_written():
                return books
        except UsageError:
            if is_late:
                raise
        time.sleep(LOOK_S)


def _is_at_rest(version: Version) -> bool:
    """By this machine's clock; a time in the future says nothing."""
    return abs(time.time_ns() - version.mtime_ns) > AT_REST_S * 1e9


@dataclass(frozen=True, slots=True)
class Arrived:
    """Result of a few files.

    Attributes
    ----------
    same : tuple of Operation
        Files whose content is in DEST already, under the name that they would get.
    left : tuple of (path, reason)
        Files that stay where they are.
    """

    done: tuple[Operation, ...]
    same: tuple[Operation, ...]
    left: tuple[tuple[str, str], ...]


class Arrivals:
    """Delivers files into a DEST whose last run was recovered.

    Parameters
    ----------
    clock : callable
        Returns seconds; a test has another one.

    Attributes
    ----------
    tables : list of str
        Paths under which a person's ``DEST/labels.csv`` is kept that was saved meanwhile.
    """

    def __init__(
        self,
        held: Held,
        options: SortOptions,
        disk: Disk = DISK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._held = held
        self._options = options
        self._disk = disk
        self._clock = clock
        self._planner = Planner(held.dest, options)
        self._delivered: dict[str, set[str]] = {}
        self._run = self._read_runs()
        self._unbooked: list[Sorted] = []
        self._deliverer: Deliverer | None = None
        self._due = float("-inf")
        self._saving_s = SAVING_S
        self._written: Version | None = None
        self.tables: list[str] = []

    def _read_runs(self) -> Run | None:
        """Note what was delivered; return the last run if more files can be added to it."""
        runs = list(read_runs(self._held.dest))
        for run in runs:
            if not self._options.mode.is_move:  # a file that comes once more is another one
                for entry in run.delivered:
                    self._delivered.setdefault(entry.source, set()).add(entry.sha256)
        return runs[0] if runs and self._may_go_on(runs[0]) else None

    def _may_go_on(self, run: Run) -> bool:
        is_like = run.mode == self._options.mode and run.root == (self._options.move_from or "")
        is_whole = bool(run.end) and not (run.undo_begun or run.undone)
        return run.of_inbox and is_like and is_whole and run.settled < MOST_ENTRIES

    @property
    def dest(self) -> str:
        """Return the real path of DEST."""
        return self._held.dest

    def may_have(self, path: str) -> bool:
        """Return whether a file with this path was delivered, with this or another content."""
        return path in self._delivered

    def has_content(self, path: str) -> bool:
        """Return whether the present content of a file was delivered."""
        return known_sha256(path, follow=True) in self._delivered.get(path, ())

    def deliver(self, rows: Sequence[Row]) -> Arrived:
        """Deliver files that are complete and labelled.

        Raises
        ------
        OutputError
            If DEST can't be written. What was delivered before is in the journal.
        """
        plan = self._planner.plan(rows)
        done: list[Operation] = []
        failed: list[tuple[Operation, str]] = []
        error: OutputError | None = None
        deliverer = self._deliverer = self._deliverer or self._new_deliverer()
        with interrupts_wait() as pressed:
            for batch in deliverer.deliver(plan.operations, pressed):
                done += batch.done
                failed += batch.failed
                error = error or batch.error
            self._note(done)
        if len(done) < len(plan.operations):
            self._planner.forget()
        if error is not None:
            raise error
        arrived = {operation.target for operation in plan.operations}.difference(
            operation.target for operation, _ in failed
        )
        planned = {operation.target for operation in plan.operations}
        same = [o for o in plan.same if o.target in arrived or o.target not in planned]
        left = [*plan.left, *((operation.row.path, reason) for operation, reason in failed)]
        return Arrived(tuple(done), tuple(same), tuple(left))

    def _note(self, done: Iterable[Operation]) -> None:
        for operation in done:
            self._unbooked.append(Sorted(operation.target, operation.source, operation.cells))
            if not self._options.mode.is_move:
                contents = self._delivered.setdefault(absolute(operation.row.path), set())
                contents.add(operation.row.sha256)

    def _new_deliverer(self) -> Deliverer:
        root = self._options.move_from or ""
        return Deliverer(
            self._disk, self._held, self._options.mode, root, continues=False, begin=self._begin
        )

    def _begin(self) -> Journal:
        """Open the journal of the last run once more if it may have more entries; else a new one."""
        run = self._run
        if run is not None and self._may_go_on(run):
            journal = reopen(self._disk, run)
            journal.mark(end="")  # it may be killed from now on
            run.end = ""
            return journal
        mode, root = self._options.mode, self._options.move_from or ""
        return new_journal(
            self._disk, self._held.dest, mode, root, self._held.made_levels, False, of_inbox=True
        )

    def close_books(self, *, now: bool) -> None:
        """Bring ``DEST/labels.csv`` up to date and end the run, `now` or when it is due.

        Raises
        ------
        OutputError
            If DEST can't be written.
        """
        journal = None if self._deliverer is None else self._deliverer.journal
        is_full = journal is not None and journal.run.settled >= MOST_ENTRIES
        began = self._clock()
        if journal is None or not (now or is_full or began >= self._due):
            return
        books = self._read_table() if self._unbooked else None
        try:
            with interrupts_wait():
                self._end(journal, books)
        except OSError as error:
            raise OutputError(
                f"{printable(self._held.dest)} can't be written: {error.strerror}. No file is lost. "
                "Free some space, and run the command again to update its labels.csv."
            ) from error
        ended = self._clock()
        self._due = ended + (ended - began) / BOOKS_SHARE

    def due_in_s(self) -> float:
        """Return in how many seconds ``DEST/labels.csv`` is to be brought up to date; or infinity."""
        is_open = self._deliverer is not None and self._deliverer.journal is not None
        return max(self._due - self._clock(), 0.0) if is_open else float("inf")

    def _read_table(self) -> Books:
        """Read ``DEST/labels.csv``; unlike `_end`, this may wait, and a signal ends it."""
        return read_when_saved(self._held.dest, self._saving_s, self._written)

    def _end(self, journal: Journal, books: Books | None) -> None:
        assert self._deliverer is not None
        run = journal.run
        with open_places(self._disk) as places:
            write_books = partial(self._write_books, books)
            self._deliverer.end(places, write_books, "done", is_whole=not run.failed)
        self._deliverer = None
        run.end = "done" if run.settled > len(run.failed) else ""
        self._run = run

    def _write_books(self, books: Books | None) -> None:
        if books is None:
            return
        table = update_books(
            self._disk,
            self._held.dest,
            books.read(),
            books.sha256,
            delivered=self._unbooked,
            moved=self._options.mode.is_move,
        )
        self._written = version_of(os.path.join(self._held.dest, LABELS_NAME))
        self.tables += [table] if table else []
        self._unbooked = []

    def stop(self) -> None:
        """End the run because of an error, as far as the disk allows it; `recover` does the rest."""
        self._saving_s = 0.0
        with suppress(OSError, DigitsortError):
            self.close_books(now=True)


AT_ONCE = 256
"""Files that are delivered together, if they are labelled within `AT_ONCE_S`."""

AT_ONCE_S = 1.0

FEW_FILES = 500
"""Fewer files are labelled by one worker, more by one per CPU. There is always one by default: a file
that crashes the decoder must not end a service, which would start again and meet the same file."""

Classify = Callable[[Sequence[str]], Iterator[Outcome]]
"""Function that labels files, in order."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A few files of an inbox that were complete.

    Attributes
    ----------
    outcomes : dict of str to Outcome
        By path.
    """

    outcomes: dict[str, Outcome]
    arrived: Arrived


def sort_complete(
    inbox: Inbox,
    complete: Sequence[tuple[str, Version]],
    arrivals: Arrivals,
    classify: Classify,
    model: str,
    most_bytes: int = MOST_BYTES,
) -> Iterator[Batch]:
    """Label and deliver files that are complete, and not yet in DEST.

    A file that changes while it is read is not delivered: it is complete once more later. One that is
    too large for a picture is neither hashed nor delivered: a sparse file can have terabytes.

    Parameters
    ----------
    complete : sequence of (path, Version)
        As `Inbox.look` returns them.
    classify : callable
    model : str
        First 12 hex digits of the model's fingerprint.
    most_bytes : int
        Largest size of a picture file.
    """
    versions = dict(complete)
    new = []
    for path, version in complete:
        is_large = version.size > most_bytes
        if arrivals.may_have(path) and not is_large and arrivals.has_content(path):
            inbox.handle(path, version)
        else:
            new.append(path)
    layout = Layout(arrivals.dest, model)
    labelled = classify(new) if new else iter(())
    for outcomes in _in_time(_with_sha256(o, versions, most_bytes) for o in labelled):
        whole = {o.path: o for o in outcomes if version_of(o.path) == versions[o.path]}
        arrived = arrivals.deliver([row_of(outcome, layout) for outcome in whole.values()])
        for path in whole:
            inbox.handle(path, versions[path])
        yield Batch(whole, arrived)
        arrivals.close_books(now=False)  # a kill before a file was printed leaves its run open


def _with_sha256(outcome: Outcome, versions: Mapping[str, Version], most_bytes: int) -> Outcome:
    """Return the outcome with the file's hash, also if it crashed a worker; a large file gets none."""
    if outcome.sha256 or versions[outcome.path].size > most_bytes:
        return outcome
    return outcome._replace(sha256=known_sha256(outcome.path, follow=True))


def _in_time(outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
    """Yield outcomes, some at a time, so that none waits for long."""
    some: list[Outcome] = []
    began = time.monotonic()
    for outcome in outcomes:
        some.append(outcome)
        if len(some) == AT_ONCE or time.monotonic() - began > AT_ONCE_S:
            yield some
            some, began = [], time.monotonic()
    if some:
        yield some
