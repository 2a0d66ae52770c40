"""Carry a plan out, never replacing a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from digitsort.errors import DigitsortError, OutputError
from digitsort.files.disk import DISK, Disk
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import parent_of, printable
from digitsort.files.places import RealPaths, open_places
from digitsort.progress import ByteProgress, silent_bytes
from digitsort.sorting.batch import Deliverer
from digitsort.sorting.books import Sorted, read_books, update_books
from digitsort.sorting.dest import Held, locked
from digitsort.sorting.entries import Run, path_in
from digitsort.sorting.journal import reopen
from digitsort.sorting.plan import Mode, Operation, Plan, SideCar
from digitsort.sorting.recover import recover

WITHOUT_PICTURE = "its picture was not sorted"
"""Reason why a sidecar stays where it is."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Result of a plan.

    Attributes
    ----------
    done : tuple of Operation
    same : tuple of Operation
        Files whose content is at the target, under the name they would have got.
    failed : tuple of (path, reason)
        Files that could not be delivered; they are where they were.
    within : tuple of Operation
        Files that an earlier sort had delivered, moved to another folder of DEST.
    sidecars : tuple of SideCar
        Sidecars that were delivered with their pictures, or moved with them within DEST.
    tables : tuple of str
        Paths under which a ``DEST/labels.csv`` is kept that was saved while it was brought up to date.
    """

    done: tuple[Operation, ...]
    same: tuple[Operation, ...]
    failed: tuple[tuple[str, str], ...]
    within: tuple[Operation, ...] = ()
    sidecars: tuple[SideCar, ...] = ()
    tables: tuple[str, ...] = ()


def apply_plan(plan: Plan, progress: ByteProgress = silent_bytes, disk: Disk = DISK) -> Delivery:
    """Copy, move or link every file of the plan to its target; times and modes are kept.

    A batch is written into the journal in ``DEST/.digitsort`` before it is begun. A copy is written
    under a temporary name, compared with the content that was labelled, and then given its final name,
    so that a target is whole or absent. ``DEST/labels.csv`` is brought up to date, also when the run is
    interrupted.

    Raises
    ------
    OutputError
        If DEST can't be written, or another run works in it.
    UsageError
        If ``DEST/labels.csv`` is none; nothing is done then.
    """
    if not (plan.operations or plan.same or plan.within or plan.sidecars or plan.sidecars_within):
        return Delivery((), (), ())
    with locked(Path(plan.dest), disk) as held:
        recover(held, disk)
        return carry_out(plan, held, progress, disk)


def carry_out(
    plan: Plan,
    held: Held,
    progress: ByteProgress = silent_bytes,
    disk: Disk = DISK,
) -> Delivery:
    """Do what `apply_plan` does, with the lock held and the last run recovered already."""
    if plan.dest != held.dest:  # the plan leads elsewhere than what is locked
        raise OutputError(
            f"{printable(held.dest)} became a link to {printable(plan.dest)} during the run. Nothing "
            "was done. Run the command again."
        )
    read_books(plan.dest)  # before anything is touched: it must be one
    goes_on = held.stopped_mode in (plan.mode, Mode.WITHIN)
    within = Delivery((), (), ())
    first, end = None, ""
    tables: tuple[str, ...] = ()
    if plan.within or plan.sidecars_within:
        moves = Plan(
            plan.dest,
            plan.within,
            (),
            (),
            Mode.WITHIN,
            items=plan.items,
            sidecars=plan.sidecars_within,
        )
        deliverer = Deliverer(disk, held, Mode.WITHIN, plan.dest, continues=goes_on)
        # Until the rest is done too, a kill is one of both: they are undone together.
        end = "stopped" if plan.operations or plan.sidecars or plan.settling else "done"
        within = _Applying(moves, progress, disk, deliverer, end).run()
        first, tables = deliverer.journal, within.tables
    if first is not None and (settling := _free_by_now(plan, within)):
        moves = Plan(plan.dest, settling, (), (), Mode.WITHIN, items=plan.items)
        deliverer = Deliverer(disk, held, Mode.WITHIN, plan.dest, continues=True)
        end = "stopped" if plan.operations or plan.sidecars else "done"
        tables += _Applying(moves, progress, disk, deliverer, end).run().tables
        if deliverer.journal is None:
            end = "stopped"
        else:
            first = deliverer.journal
    deliverer = Deliverer(disk, held, plan.mode, _root(plan), continues=goes_on or first is not None)
    stay = {path for path, _ in within.failed}
    delivery = _Applying(plan, progress, disk, deliverer, stay=stay).run()
    if first is not None and deliverer.journal is None and end == "stopped":
        _say_done(disk, first.run)
    failed = (*within.failed, *delivery.failed)
    sidecars = (*within.sidecars, *delivery.sidecars)
    tables += delivery.tables
    return Delivery(delivery.done, delivery.same, failed, within.done, sidecars, tables)


def _free_by_now(plan: Plan, within: Delivery) -> tuple[Operation, ...]:
    """Return the second moves that are possible now: the first move succeeded and the name is free."""
    moved = {operation.target for operation in (*within.within, *within.done, *within.sidecars)}
    return tuple(
        operation
        for operation in plan.settling
        if operation.row.path in moved and not os.path.lexists(operation.target)
    )


def _say_done(disk: Disk, run: Run) -> None:
    """Say of moves within DEST that all is done: there was nothing that went on with them."""
    journal = reopen(disk, run)
    try:
        journal.mark(end="done")
    finally:
        journal.close()


def _root(plan: Plan) -> str:
    """The folder that all files of a move lie in; empty where nothing is moved."""
    if plan.move_from is not None:
        return plan.move_from
    operations = (*plan.operations, *plan.sidecars)
    if plan.mode is not Mode.MOVE or not operations:
        return ""
    folders = {parent_of(operation.source) for operation in operations}
    real = RealPaths()
    try:
        return os.path.commonpath([real.folder(folder) for folder in folders])
    except ValueError:  # on several drives
        return ""


def duplicates_in_place(
    plan: Plan,
    done: Collection[Operation],
    failed: Collection[tuple[str, str]],
    deliver: Callable[[Iterable[Operation]], None],
) -> Iterator[Operation]:
    """Yield the files whose content is in place; deliver a duplicate instead of each that failed.

    Parameters
    ----------
    done, failed : collection
        Files of the plan that were delivered and that were not; `deliver` adds to them.
    deliver : callable
        Function that delivers files.
    """
    waiting = list(plan.same)
    planned = {operation.target for operation in plan.operations} if failed else set()
    while waiting:
        empty = planned - {operation.target for operation in done} if planned else planned
        yield from (operation for operation in waiting if operation.target not in empty)
        waiting = [operation for operation in waiting if operation.target in empty]
        first = {operation.target: operation for operation in reversed(waiting)}
        deliver(first.values())
        waiting = [operation for operation in waiting if operation is not first[operation.target]]


class _Applying:
    def __init__(
        self,
        plan: Plan,
        progress: ByteProgress,
        disk: Disk,
        deliverer: Deliverer,
        end: str = "done",
        stay: Set[str] = frozenset(),
    ) -> None:
        self._end = end
        self._stay = stay
        self._plan = plan
        self._progress = progress
        self._disk = disk
        self._deliverer = deliverer
        self._done: list[Operation] = []
        self._same: list[Operation] = []
        self._sidecars: list[SideCar] = []
        self._failed: list[tuple[str, str]] = []
        self._bytes = 0
        self._saved_meanwhile = ""

    def run(self) -> Delivery:
        try:
            self._deliver(self._plan.operations)
            same = duplicates_in_place(self._plan, self._done, self._failed, self._deliver)
            self._same.extend(same)  # also those that come before an error
            self._deliver_sidecars()
        except BaseException:
            # The journal knows what was done. Where the books can't be brought up to date now, on a
            # full disk, the next run does it.
            with suppress(OSError, DigitsortError), interrupts_wait():
                self._close_books("stopped")
            raise
        try:
            with interrupts_wait():
                self._close_books(self._end)
        except OSError as error:
            raise OutputError(
                f"{printable(self._plan.dest)} can't be written: {error.strerror}. All files are "
                "sorted. Free some space, and run the command again to update its labels.csv."
            ) from error
        return Delivery(
            tuple(self._done),
            tuple(self._same),
            tuple(self._failed),
            sidecars=tuple(self._sidecars),
            tables=(self._saved_meanwhile,) if self._saved_meanwhile else (),
        )

    def _deliver(self, operations: Iterable[Operation]) -> None:
        error = None
        self._report()
        with interrupts_wait() as pressed:
            for batch in self._deliverer.deliver(operations, pressed):
                self._done += [o for o in batch.done if not isinstance(o, SideCar)]
                self._sidecars += [o for o in batch.done if isinstance(o, SideCar)]
                self._failed += [(operation.row.path, reason) for operation, reason in batch.failed]
                self._bytes += batch.size
                self._report()
                error = error or batch.error
        if error is not None:
            raise error

    def _report(self) -> None:
        done = len(self._done) + len(self._sidecars) + len(self._failed)
        self._progress(done, len(self._plan.operations) + len(self._plan.sidecars), self._bytes)

    def _deliver_sidecars(self) -> None:
        """Deliver sidecars after their pictures; leave a sidecar in place if its picture stays."""
        if not self._plan.sidecars:
            return
        stay = {path for path, _ in self._failed} | self._stay
        if self._plan.mode.is_move and self._deliverer.journal is not None:
            with open_places(self._disk) as places:
                # No power cut may take back pictures, and not these.
                self._deliverer.make_durable(places)
        self._deliver(sidecar for sidecar in self._plan.sidecars if sidecar.picture not in stay)
        left = (sidecar for sidecar in self._plan.sidecars if sidecar.picture in stay)
        self._failed += [(sidecar.row.path, WITHOUT_PICTURE) for sidecar in left]

    def _close_books(self, end: str) -> None:
        """Bring labels.csv up to date before the journal says that the run has ended."""
        done = len(self._done) + len(self._sidecars)
        planned = len(self._plan.operations) + len(self._plan.sidecars)
        with open_places(self._disk) as places:
            self._deliverer.end(places, self._write_books, end, is_whole=done >= planned)

    def _write_books(self) -> None:
        if self._done or self._same:
            self._saved_meanwhile = update_books(
                self._disk,
                self._plan.dest,
                delivered=map(self._sorted, self._done),
                moved=self._plan.mode.is_move,
                there=map(self._sorted, self._same),
            )

    def _sorted(self, operation: Operation) -> Sorted:
        source = operation.source
        item = self._plan.items.get(source) if self._plan.mode is Mode.WITHIN else None
        if item is None:
            return Sorted(operation.target, source, operation.cells)
        before = path_in(self._plan.dest, item.path)
        return Sorted(operation.target, item.source, operation.cells, before)
