"""Carry a plan out, never replacing a file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from digitsort.errors import OutputError
from digitsort.files.atomic import publish
from digitsort.files.names import printable, to_cell
from digitsort.labels import COLUMNS, SOURCE, read_labels, write_rows
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
    failed : tuple of (path, reason)
        Files that could not be delivered; they are where they were.
    """

    done: tuple[Operation, ...]
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
    """
    done: list[Operation] = []
    failed: list[tuple[str, str]] = []
    try:
        for count, operation in enumerate(plan.operations):
            progress("sort", count, len(plan.operations))
            try:
                _copy(operation)
            except _SourceError as error:
                failed.append((operation.row.path, str(error)))
            else:
                done.append(operation)
        progress("sort", len(plan.operations), len(plan.operations))
    finally:
        _update_labels(Path(plan.dest), [*done, *plan.same])
    return Delivery(tuple(done), tuple(failed))


def _copy(operation: Operation) -> None:
    target = Path(operation.target)
    with _opened_source(operation.row.path) as source, _target_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".digitsort-", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as copy:
                sha256 = _copy_content(source, copy)
            if operation.row.sha256 not in ("", sha256):
                raise _SourceError("changed since it was labelled")
            shutil.copystat(operation.row.path, temporary)
            publish(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _opened_source(path: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise _SourceError(error.strerror or str(error)) from error
        yield file


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


def _update_labels(dest: Path, delivered: list[Operation]) -> None:
    """Rows of earlier sorts stay, a file delivered now has the row of now."""
    if not delivered:
        return
    path = dest / LABELS_NAME
    columns = [*COLUMNS, SOURCE]
    rows: dict[str, dict[str, str]] = {}
    if path.exists():
        for row in read_labels(path):
            rows[row.path] = row.cells
            columns.extend(name for name in row.cells if name not in columns)
    for operation in delivered:
        columns.extend(name for name in operation.row.cells if name not in columns)
        rows[operation.target] = {
            **operation.row.cells,
            "path": to_cell(operation.target, str(dest)),
            SOURCE: to_cell(operation.row.path, str(dest)),
        }
    write_rows(path, columns, rows.values())
