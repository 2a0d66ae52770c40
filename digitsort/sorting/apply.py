"""Carry a plan out, never replacing a file."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from digitsort.errors import OutputError
from digitsort.files.atomic import publish
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import printable, to_cell
from digitsort.labels import COLUMNS, SOURCE, Row, read_labels, write_rows
from digitsort.progress import Progress, silent
from digitsort.sorting.plan import Operation, Plan

CHUNK_BYTES = 2**20

LABELS_NAME = "labels.csv"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a plan.

    Attributes
    ----------
    done : tuple of Operation
    same : tuple of Operation
        Files whose content is at the target, under the name they would have got.
    failed : tuple of (path, reason)
        Files that could not be delivered; they are where they were.
    """

    done: tuple[Operation, ...]
    same: tuple[Operation, ...]
    failed: tuple[tuple[str, str], ...]


class _SourceError(Exception):
    """A source that can't be delivered; the message says why."""


def apply_plan(plan: Plan, progress: Progress = silent) -> Delivery:
    """Copy every file of the plan to its target; times and modes are kept.

    Each copy is written under a temporary name, compared with the content that was labelled, and then
    given its final name, so that a target is whole or absent. ``DEST/labels.csv`` is brought up to
    date, also when the run is interrupted.

    Raises
    ------
    OutputError
        If DEST can't be written.
    UsageError
        If ``DEST/labels.csv`` is none; nothing is copied then.
    """
    earlier = _labels_of(Path(plan.dest))
    done: list[Operation] = []
    same: list[Operation] = []
    failed: list[tuple[str, str]] = []
    empty: set[str] = set()  # targets of those that failed

    def deliver(operation: Operation) -> None:
        try:
            _copy(operation)
        except _SourceError as error:
            failed.append((operation.row.path, str(error)))
            empty.add(operation.target)
        else:
            done.append(operation)
            empty.discard(operation.target)

    try:
        for count, operation in enumerate(plan.operations):
            progress("sort", count, len(plan.operations))
            with interrupts_wait():  # a file is copied and in the books, or neither
                deliver(operation)
        for operation in plan.same:
            if operation.target in empty:  # its twin failed: it takes the place
                with interrupts_wait():
                    deliver(operation)
            else:
                same.append(operation)
        progress("sort", len(plan.operations), len(plan.operations))
    finally:
        with interrupts_wait():
            _update_labels(Path(plan.dest), earlier, done, same)
    return Delivery(tuple(done), tuple(same), tuple(failed))


def _copy(operation: Operation) -> None:
    target = Path(operation.target)
    with _opened_source(operation.row.path) as source, _target_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.parent.is_symlink():
            raise _SourceError(f"{printable(str(target.parent))} became a link meanwhile")
        descriptor, name = tempfile.mkstemp(prefix=".digitsort-", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as copy:
                sha256 = _copy_content(source, copy)
            if operation.row.sha256 not in ("", sha256):
                raise _SourceError("changed since it was labelled")
            _copy_times_and_mode(operation.row.path, temporary)
            publish(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _opened_source(path: str) -> Iterator[IO[bytes]]:
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _SourceError(error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _SourceError("no regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _copy_times_and_mode(source: str, copy: Path) -> None:
    try:
        shutil.copystat(source, copy)
    except FileNotFoundError as error:
        raise _SourceError(error.strerror or str(error)) from error


@contextmanager
def _target_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise _SourceError(f"{printable(str(target))} appeared meanwhile") from error
    except OSError as error:
        raise OutputError(
            f"{printable(str(target))} can't be written: {error.strerror}. The sources are untouched; "
            "make room or name another DEST, and run the command again to go on."
        ) from error


def _copy_content(source: IO[bytes], copy: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := _read_chunk(source):
        digest.update(chunk)
        copy.write(chunk)
    return digest.hexdigest()


def _read_chunk(source: IO[bytes]) -> bytes:
    try:
        return source.read(CHUNK_BYTES)
    except OSError as error:
        raise _SourceError(error.strerror or str(error)) from error


def _labels_of(dest: Path) -> dict[str, Row]:
    """What ``DEST/labels.csv`` says already, by path."""
    path = dest / LABELS_NAME
    return {row.path: row for row in read_labels(path)} if os.path.lexists(path) else {}


def _update_labels(
    dest: Path, earlier: dict[str, Row], done: Sequence[Operation], same: Sequence[Operation]
) -> None:
    """Rows of earlier sorts stay; a file delivered now has the row of now.

    A file whose content was there already keeps the source that it was copied from, and what a person
    wrote into its row.
    """
    if not (done or same):
        return
    rows = {path: row.cells for path, row in earlier.items()}
    for operation in done:
        rows[operation.target] = _cells(operation, dest, "")
    for operation in same:
        written = rows.get(operation.target, {})
        rows[operation.target] = _kept(written, _cells(operation, dest, written.get(SOURCE, "")))
    further = (name for cells in rows.values() for name in cells)
    write_rows(dest / LABELS_NAME, list(dict.fromkeys([*COLUMNS, SOURCE, *further])), rows.values())


def _kept(written: dict[str, str], cells: dict[str, str]) -> dict[str, str]:
    """Today's cells; from the row written before, the columns that they have not or leave empty."""
    further = {name: text for name, text in written.items() if name not in COLUMNS}
    return {**further, **{name: text for name, text in cells.items() if text or name not in further}}


def _cells(operation: Operation, dest: Path, source: str) -> dict[str, str]:
    return {
        **operation.row.cells,
        "path": to_cell(operation.target, str(dest)),
        SOURCE: source or to_cell(operation.row.path, str(dest)),
    }
