"""``DEST/labels.csv``: what every sorted file is and where it came from."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from digitsort.errors import OutputError
from digitsort.files.disk import NEW, Disk
from digitsort.files.names import printable
from digitsort.labels import read_labels
from digitsort.row import SOURCE, Row
from digitsort.sorting.booking import Booking, Sorted, columns_of_books
from digitsort.sorting.journal import FOLDER, write_all
from digitsort.sorting.publish import publish
from digitsort.sorting.task import Task
from digitsort.sorting.transfer import copy_to_temporary, remove_ours
from digitsort.table import Table

LABELS_NAME = "labels.csv"

BLOCK_BYTES = 2**20


def read_books(dest: str) -> dict[str, Row]:
    """What ``DEST/labels.csv`` says, by path; nothing where there is none.

    Raises
    ------
    UsageError
        If it is no labels.csv.
    OutputError
        If it is a link: nothing in DEST is written through one.
    """
    path = Path(dest, LABELS_NAME)
    if path.is_symlink():
        raise OutputError(f"{printable(str(path))} is a link: put the file itself there, or remove it.")
    return {row.path: row for row in read_labels(path)} if os.path.lexists(path) else {}


def update_books(
    disk: Disk,
    dest: str,
    books: Mapping[str, Row] | None = None,
    *,
    delivered: Iterable[Sorted] = (),
    moved: bool = False,
    there: Iterable[Sorted] = (),
    gone: Iterable[str] = (),
    ready: Iterable[str] = (),
) -> None:
    """Bring ``DEST/labels.csv`` up to date, as a whole; without rows it goes.

    Rows of earlier sorts stay. A file delivered now has the row of now. One whose content was there
    already keeps the source that it was copied from, and what a person wrote into its row.

    Parameters
    ----------
    disk : Disk
    dest : str
    books : mapping, optional
        What `read_books` says, if it was asked just before.
    delivered : iterable of Sorted
    moved : bool
        They are not at their sources any more, which may have been in DEST too.
    there : iterable of Sorted
    gone : iterable of str
        Paths that have no row any more.
    ready : iterable of str
        Instead of all these: the whole text, which counts where there are no books yet.
    """
    path = os.path.join(dest, LABELS_NAME)
    if ready and not os.path.lexists(path):
        _write(disk, dest, path, ready)
        return
    if books is None:
        books = read_books(dest)
    rows: dict[str, Mapping[str, str]] = {name: row.cells for name, row in books.items()}
    before = list(rows.items())
    booking = Booking(dest)
    for file in delivered:
        written = rows.pop(file.source, None) if moved and before else None
        rows[file.target] = booking.cells(file, written)
    for file in there:
        rows[file.target] = booking.cells(file, rows.get(file.target))
    for target in gone:
        rows.pop(target, None)
    if rows:
        if not before or before != list(rows.items()):
            table = Table(columns_of_books(rows.values()))
            _write(disk, dest, path, table.blocks(rows.values()))
    elif before:
        with suppress(FileNotFoundError):
            disk.unlink(path)


def keep_persons_work(
    disk: Disk, dest: str, books: Mapping[str, Row], written: Mapping[str, Mapping[str, str]]
) -> None:
    """Before rows go that a person has changed, keep a copy of labels.csv under another name.

    Parameters
    ----------
    disk : Disk
    dest : str
    books : mapping
        What `read_books` says.
    written : mapping
        Path to the cells that digitsort wrote.
    """
    if not any(
        path in books and _is_changed(books[path].cells, cells) for path, cells in written.items()
    ):
        return
    number = 1
    while True:
        ending = "" if number == 1 else f"_{number}"
        copy = os.path.join(dest, f"labels_before_undo{ending}.csv")
        if not os.path.lexists(copy):
            break
        number += 1
    task = Task(0, os.path.join(dest, LABELS_NAME), copy, "", "labels")
    remove_ours(disk, task.temporary)  # of an undo that was killed
    copy_to_temporary(disk, task)
    publish(disk, task.temporary, copy)


def _is_changed(now: Mapping[str, str], written: Mapping[str, str]) -> bool:
    ours = {"path", "sha256", SOURCE}
    return any(text != written.get(name, "") for name, text in now.items() if name not in ours)


def _write(disk: Disk, dest: str, path: str, blocks: Iterable[str]) -> None:
    temporary = os.path.join(dest, FOLDER, LABELS_NAME)
    with suppress(FileNotFoundError):
        disk.unlink(temporary)  # of a run that was killed
    descriptor = disk.open(temporary, NEW, 0o666)
    try:
        try:
            file = io.BufferedWriter(_Raw(disk, descriptor), BLOCK_BYTES)
            for block in blocks:
                file.write(block.encode())
            file.flush()
            disk.fsync(descriptor)
        finally:
            disk.close(descriptor)
        disk.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            disk.unlink(temporary)
        raise


class _Raw(io.RawIOBase):
    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk = disk
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        write_all(self._disk, self._descriptor, content)
        return len(content)
