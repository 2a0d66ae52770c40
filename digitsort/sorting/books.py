"""Keep ``DEST/labels.csv``: what every sorted file is and where it came from."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from digitsort.errors import OutputError
from digitsort.files.disk import HAS_METADATA_BY_DESCRIPTOR, NEW, Disk, Place, write_all
from digitsort.files.names import printable, to_cell
from digitsort.files.places import Places, open_places
from digitsort.files.regular import read_regular
from digitsort.files.sealed import seal
from digitsort.labels.labels_csv import COLUMNS, read_labels
from digitsort.labels.row import SOURCE, Row
from digitsort.labels.table import Cells, Table, columns_of
from digitsort.sorting.deliver import publish
from digitsort.sorting.dest import SEAL_NAME, new_temporary, remove_temporaries
from digitsort.sorting.entries import is_of_sidecar
from digitsort.sorting.free_names import file_sha256
from digitsort.sorting.journal import FOLDER
from digitsort.sorting.transfer import copy_to_temporary, remove_ours


class Sorted(NamedTuple):
    """A file that is in DEST.

    Attributes
    ----------
    target, source : str
        Absolute paths.
    cells : mapping
        Of its row.
    before : str
        Where its row says that it lies, if that is not the source.
    """

    target: str
    source: str
    cells: Mapping[str, str]
    before: str = ""


class Booking:
    """Makes the rows of a DEST."""

    def __init__(self, dest: str) -> None:
        self._dest = dest
        self._of: Mapping[str, int] | None = None
        self._index: Mapping[str, int] = {}

    def cells(self, file: Sorted, written: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """A file's row; where there was one before, what it says and this one does not is kept."""
        path = to_cell(file.target, self._dest)
        source = (written or {}).get(SOURCE, "") or to_cell(file.source, self._dest)
        cells = self.led(file.cells, path, source)
        return _kept(written, cells) if written else cells

    def led(self, cells: Mapping[str, str], path: str, source: str) -> Mapping[str, str]:
        """A file's cells with its path in DEST and its source, both as they are written."""
        if not isinstance(cells, Cells):
            return {**cells, "path": path, SOURCE: source}
        return Cells(self.index(cells.index, len(cells.places)), (*cells.places, path, source))

    def index(self, index: Mapping[str, int], end: int) -> Mapping[str, int]:
        """Return the positions of the columns after a path in DEST and a source are added."""
        if index is not self._of:  # once for all rows of a file
            self._of = index
            self._index = {**index, "path": end, SOURCE: end + 1}
        return self._index


def columns_of_books(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The columns that books with these rows have, and with those that these are made of."""
    return tuple(dict.fromkeys((*COLUMNS, SOURCE, *columns_of(rows))))


def _kept(written: Mapping[str, str], cells: Mapping[str, str]) -> dict[str, str]:
    """Today's cells; from the row written before, the columns that they have not or leave empty."""
    further = {name: text for name, text in written.items() if name not in COLUMNS}
    return {**further, **{name: text for name, text in cells.items() if text or name not in further}}


LABELS_NAME, SAVED_MEANWHILE, BEFORE_UNDO = "labels.csv", "labels_saved_meanwhile", "labels_before_undo"

_KEPT = re.compile(rf"({SAVED_MEANWHILE}|{BEFORE_UNDO})(_\d+)?\.csv")

SEAL_PURPOSE, MOST_SEAL_BYTES = b"labels.csv", 256

BLOCK_BYTES = 2**20


def read_books(dest: str) -> dict[str, Row]:
    """Return what ``DEST/labels.csv`` says, by path; nothing where there is none.

    Raises
    ------
    UsageError
        If it is not a labels.csv.
    OutputError
        If it is a link, a folder, a pipe or a device.
    """
    path = Path(dest, LABELS_NAME)
    if not os.path.lexists(path):
        return {}
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OutputError(
            f"{printable(str(path))} is a link, folder, pipe or device, not a regular file. "
            "Replace it with a labels.csv, or remove it."
        )
    return {row.path: row for row in read_labels(path)}


class Books:
    """Reader of ``DEST/labels.csv`` that reads it again only if its content changed.

    Attributes
    ----------
    sha256 : str
        Of the content that was read last.
    """

    def __init__(self, dest: str) -> None:
        self.dest = dest
        self.sha256 = ""
        self._rows: dict[str, Row] = {}

    def read(self) -> Mapping[str, Row]:
        """Return what `read_books` does."""
        sha256 = file_sha256(os.path.join(self.dest, LABELS_NAME))
        if not sha256 or sha256 != self.sha256:
            self._rows, self.sha256 = read_books(self.dest), sha256
        return self._rows

    def is_as_written(self) -> bool:
        """Return whether digitsort wrote the content that was read last, and nobody changed it."""
        return _is_as_written(self.dest, self.sha256)


def update_books(
    disk: Disk,
    dest: str,
    books: Mapping[str, Row] | None = None,
    sha256: str = "",
    *,
    delivered: Iterable[Sorted] = (),
    moved: bool = False,
    there: Iterable[Sorted] = (),
    gone: Iterable[str] = (),
) -> str:
    """Bring ``DEST/labels.csv`` up to date, as a whole; without rows it goes.

    Rows of earlier sorts stay. A file delivered now gets its new row; a sidecar gets none. A file whose
    content was there already keeps the source that it was copied from, and what a person wrote into its
    row. A table that a person saves between the reading and the replacing is kept under another name.

    Parameters
    ----------
    books : mapping, optional
        What `read_books` says, if it was asked just before.
    sha256 : str
        Of the content that these were read from.
    moved : bool
        They are not at their sources any more, which may have been in DEST too.
    gone : iterable of str
        Paths that have no row any more.

    Returns
    -------
    str
        Path of a table that was saved meanwhile; empty if none was.
    """
    delivered = (file for file in delivered if not is_of_sidecar(file.cells))
    if books is None:
        reader = Books(dest)
        books, sha256 = reader.read(), reader.sha256
    rows: dict[str, Mapping[str, str]] = {name: row.cells for name, row in books.items()}
    before = list(rows.items())
    booking = Booking(dest)
    if moved and before:
        for file in delivered:
            rows[file.target] = booking.cells(file, rows.pop(file.before or file.source, None))
    else:
        rows |= {file.target: booking.cells(file) for file in delivered}
    for file in there:
        rows[file.target] = booking.cells(file, rows.get(file.target))
    for target in gone:
        rows.pop(target, None)
    if rows and (not before or before != list(rows.items())):
        table = Table(columns_of_books(rows.values()))
        return _write(disk, dest, table.blocks(rows.values()), sha256)
    if before and not rows:
        return _remove(disk, dest, sha256)
    return ""


def keep_persons_work(
    disk: Disk, dest: str, books: Mapping[str, Row], written: Mapping[str, Mapping[str, str]]
) -> str:
    """Before rows go that a person has changed, keep a copy of labels.csv under another name.

    Parameters
    ----------
    books : mapping
        What `read_books` says.
    written : mapping
        Path to the cells that digitsort wrote.

    Returns
    -------
    str
        Path of the copy; empty if none was made.
    """
    now = file_sha256(os.path.join(dest, LABELS_NAME))
    if _is_as_written(dest, now) or not any(
        path in books and _is_changed(books[path].cells, cells) for path, cells in written.items()
    ):
        return ""
    with open_places(disk) as places:
        temporary = places.at(new_temporary(os.path.join(dest, FOLDER)))
        copy_to_temporary(disk, places.at(os.path.join(dest, LABELS_NAME)), temporary, "")
        copy = _published(disk, places, temporary, dest, BEFORE_UNDO)
        places.sync([copy])  # the rows go next
    return copy


def is_kept_table(name: str) -> bool:
    """Return whether this is the name of a labels.csv that digitsort kept for a person."""
    return _KEPT.fullmatch(name) is not None


def _published(disk: Disk, places: Places, temporary: Place, dest: str, stem: str) -> str:
    """Give a kept table a free name in DEST, and return its path."""
    for number in count(1):
        ending = "" if number == 1 else f"_{number}"
        path = os.path.join(dest, f"{stem}{ending}.csv")
        with suppress(FileExistsError):
            publish(disk, temporary, places.at(path))
            return path
    raise AssertionError("numbers do not end")


def _is_as_written(dest: str, sha256: str) -> bool:
    """Tell whether labels.csv, with this content, is as digitsort wrote it."""
    try:
        found = read_regular(os.path.join(dest, FOLDER, SEAL_NAME), MOST_SEAL_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return False
    return _seal_of(sha256) in found.split()


def _seal_of(sha256: str) -> str:
    return seal(SEAL_PURPOSE, sha256.encode())


def _is_changed(now: Mapping[str, str], written: Mapping[str, str]) -> bool:
    ours = {"path", "sha256", SOURCE}
    return any(text != written.get(name, "") for name, text in now.items() if name not in ours)


def _write(disk: Disk, dest: str, blocks: Iterable[str], read: str) -> str:
    """Write labels.csv as a whole, and, just before it gets its name, the seal that digitsort wrote it.

    If a person has changed the present file, the new one gets no seal: an undo must keep that work.
    `read` is the hash of what the rows were read from; another content is kept, and its path returned.
    """
    digest = hashlib.sha256()

    def encoded() -> Iterator[bytes]:
        for block in blocks:
            data = block.encode()
            digest.update(data)
            yield data

    path, folder = os.path.join(dest, LABELS_NAME), os.path.join(dest, FOLDER)
    with open_places(disk) as places:
        remove_temporaries(disk, places, folder)
        temporary = places.at(new_temporary(folder))
        with _goes_if_unfinished(disk, temporary):
            _fill(disk, temporary, encoded(), _mode_of(disk, places.at(path)))
            before = file_sha256(path)
            if not os.path.lexists(path) or _is_as_written(dest, before):
                _write_seal(disk, places, dest, [digest.hexdigest(), before])
            second = _second_name(disk, places, dest, read)
            disk.replace(temporary, places.at(path))
        return _kept_if_saved(disk, places, dest, second, read)


def _remove(disk: Disk, dest: str, read: str) -> str:
    """Remove labels.csv and its seal; a content that was not read is kept, and its path returned."""
    with open_places(disk) as places:
        removed = places.at(new_temporary(os.path.join(dest, FOLDER)))
        with suppress(FileNotFoundError):
            disk.replace(places.at(os.path.join(dest, LABELS_NAME)), removed)
        remove_ours(disk, places.at(os.path.join(dest, FOLDER, SEAL_NAME)))
        return _kept_if_saved(disk, places, dest, removed, read)


def _second_name(disk: Disk, places: Places, dest: str, read: str) -> Place:
    """Give the present labels.csv a second name, by which its content is looked at once it is replaced.

    A person may save it at any moment. Where there are no hard links, one that was saved is copied.
    """
    place = places.at(os.path.join(dest, LABELS_NAME))
    second = places.at(new_temporary(os.path.join(dest, FOLDER)))
    try:
        disk.link(place, second)
    except FileNotFoundError:
        pass  # the first sort
    except OSError:
        if file_sha256(place.path) not in ("", read):
            copy_to_temporary(disk, place, second, "")
    return second


def _kept_if_saved(disk: Disk, places: Places, dest: str, second: Place, read: str) -> str:
    """Keep a labels.csv that has another content than was read, and return its path."""
    if file_sha256(second.path) in ("", read):
        remove_ours(disk, second)
        return ""
    return _published(disk, places, second, dest, SAVED_MEANWHILE)


def _write_seal(disk: Disk, places: Places, dest: str, hashes: Iterable[str]) -> None:
    """Write the seals of labels.csv: for its new content, and for the old one until it is replaced."""
    folder = os.path.join(dest, FOLDER)
    temporary = places.at(new_temporary(folder))
    seals = dict.fromkeys(_seal_of(sha256) for sha256 in hashes if sha256)
    with _goes_if_unfinished(disk, temporary):
        _fill(disk, temporary, ["\n".join(seals).encode()])
        disk.replace(temporary, places.at(os.path.join(folder, SEAL_NAME)))


@contextmanager
def _goes_if_unfinished(disk: Disk, temporary: Place) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            disk.unlink(temporary)
        raise


def _mode_of(disk: Disk, place: Place) -> int | None:
    """Return the permissions of a file that is to be replaced; None if there is none."""
    try:
        return stat.S_IMODE(disk.lstat(place).st_mode) & 0o777
    except FileNotFoundError:
        return None


def _fill(disk: Disk, temporary: Place, blocks: Iterable[bytes], mode: int | None = None) -> None:
    """Write a new file, perhaps with given permissions, and sync it to disk."""
    descriptor = disk.open(temporary, NEW, 0o666)
    try:
        file = io.BufferedWriter(_Raw(disk, descriptor), BLOCK_BYTES)
        for block in blocks:
            file.write(block)
        file.flush()
        if mode is not None and HAS_METADATA_BY_DESCRIPTOR:
            disk.set_mode(descriptor, mode)
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


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
