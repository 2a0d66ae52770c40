"""Find out what a run would do with a plan: which files it could not deliver, and what would end it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace as with_fields
from typing import TypeVar

from digitsort.errors import OutputError
from digitsort.files.disk import DISK, Disk
from digitsort.files.names import parent_of, printable
from digitsort.files.places import Places, open_places
from digitsort.sorting.apply import WITHOUT_PICTURE, duplicates_in_place
from digitsort.sorting.batch import Preparer
from digitsort.sorting.books import read_books
from digitsort.sorting.dest import Folders
from digitsort.sorting.journal import FOLDER
from digitsort.sorting.plan import Mode, Operation, Plan, SideCar
from digitsort.sources.members import member_size

READ_ONLY = "Permission denied"
"""What the system says of a file that can't be moved out of its folder."""

T = TypeVar("T", bound=Operation)

NO_HARD_LINK = "on another file system: hard links cannot cross file systems"


def rehearse(plan: Plan, operations: Iterable[Operation], disk: Disk = DISK) -> Plan:
    """Return a plan with the operations that would succeed; the others are in `left`, with reasons.

    Every file is read, as the run would read it. Nothing is written.

    Parameters
    ----------
    operations : iterable of Operation
        `plan.operations`, perhaps wrapped in a progress bar. Moves within DEST and sidecars are
        taken from the plan itself.

    Raises
    ------
    UsageError, OutputError
        If DEST has an unusable labels.csv, which would end the run before any file.
    """
    read_books(plan.dest)
    return _Rehearsing(plan, disk).run(operations)


class _Rehearsing:
    def __init__(self, plan: Plan, disk: Disk) -> None:
        self._plan = plan
        self._preparers = {
            plan.mode: Preparer(disk, plan.dest, plan.mode, plan.move_from or ""),
            Mode.WITHIN: Preparer(disk, plan.dest, Mode.WITHIN, plan.dest),
        }
        self._folders = Folders(disk, plan.dest)
        self._disk = disk
        self._device = os.stat(_existing(plan.dest)).st_dev
        self._changeable: dict[str, bool] = {}
        self._done: list[Operation] = []
        self._failed: list[tuple[str, str]] = []

    def run(self, operations: Iterable[Operation]) -> Plan:
        plan = self._plan
        with open_places(self._disk) as places:
            within = self._possible(places, plan.within, Mode.WITHIN)
            sidecars_within = self._sidecars(places, plan.sidecars_within, Mode.WITHIN)
            self._done += self._possible(places, operations, plan.mode)
            same = tuple(
                duplicates_in_place(
                    plan,
                    self._done,
                    self._failed,
                    lambda others: self._done.extend(self._possible(places, others, plan.mode)),
                )
            )
            sidecars = self._sidecars(places, plan.sidecars, plan.mode)
        return with_fields(
            plan,
            within=tuple(within),
            sidecars_within=sidecars_within,
            operations=tuple(self._done),
            same=same,
            sidecars=sidecars,
            left=(*plan.left, *self._failed),
        )

    def _sidecars(self, places: Places, sidecars: Iterable[SideCar], mode: Mode) -> tuple[SideCar, ...]:
        """Return the sidecars that would go with their pictures."""
        stay = {path for path, _ in self._failed}
        going = [sidecar for sidecar in sidecars if sidecar.picture not in stay]
        left = [sidecar for sidecar in sidecars if sidecar.picture in stay]
        done = self._possible(places, going, mode)
        self._failed += [(sidecar.row.path, WITHOUT_PICTURE) for sidecar in left]
        return tuple(done)

    def _possible(self, places: Places, operations: Iterable[T], mode: Mode) -> list[T]:
        """Return the operations that would succeed; record why the others would fail."""
        possible = []
        for operation in operations:
            reason = self._folders.refusal(parent_of(operation.target))
            reason = reason or self._preparers[mode].try_one(places, operation)
            reason = reason or self._obstacle(operation, mode)
            if reason:
                self._failed.append((operation.row.path, reason))
            else:
                possible.append(operation)
        return possible

    def _obstacle(self, operation: Operation, mode: Mode) -> str:
        """Return why a file that can be read can't be moved or linked; usually empty."""
        source, target = operation.source, parent_of(operation.target)
        if mode is Mode.HARD and os.stat(source).st_dev != self._device:
            return NO_HARD_LINK
        if mode.is_move and not self._may_change(parent_of(source)):
            return READ_ONLY
        if mode.is_move and os.lstat(source).st_dev == self._device and os.path.isdir(target):
            return "" if self._may_change(target) else READ_ONLY
        return ""

    def _may_change(self, folder: str) -> bool:
        if folder not in self._changeable:
            self._changeable[folder] = _may_write(folder)
        return self._changeable[folder]


def check_room(plan: Plan) -> None:
    """Raise the error that would end a run with this plan: DEST is read-only, or too small.

    Raises
    ------
    OutputError
    """
    operations = (*plan.operations, *plan.sidecars)
    if not (operations or plan.within or plan.sidecars_within):
        return
    top = _existing(plan.dest)
    own = os.path.join(plan.dest, FOLDER)
    device = os.stat(top).st_dev
    made = [o for o in operations if plan.mode is not Mode.MOVE or _is_far(o, device)]
    for folder in (top, own):
        if os.path.isdir(folder) and not _may_write(folder):
            raise OutputError(
                f"{printable(folder)} can't be written: Permission denied. "
                "Choose a folder where you can write and that has free space."
            )
    is_copied = plan.mode in (Mode.COPY, Mode.MOVE)
    needed = sum(_size(o.source) for o in made) if is_copied else 0
    free = _free(top)
    if free is not None and needed > free:
        raise OutputError(
            f"{printable(plan.dest)} has no room: the files need {needed:,} bytes, {free:,} are free. "
            "Free some space or choose another DEST."
        )


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except NotADirectoryError:
        return member_size(path)


def _is_far(operation: Operation, device: int) -> bool:
    return os.stat(operation.source).st_dev != device


def _free(folder: str) -> int | None:
    if not hasattr(os, "statvfs"):
        return shutil.disk_usage(folder).free
    found = os.statvfs(folder)
    # A file system without a size, such as some network ones, says 0 of everything.
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def _existing(folder: str) -> str:
    """Return a folder, or the nearest one above it that exists."""
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder


def _may_write(folder: str) -> bool:
    is_effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=is_effective)
