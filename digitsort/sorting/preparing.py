"""Look at a file, and make what is to be written of it: its journal entry, its row in the books."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from digitsort.files.disk import Disk
from digitsort.files.names import absolute, to_cell, to_cell_below
from digitsort.sorting.booking import Booking
from digitsort.sorting.copying import Stop
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.run import entry_text
from digitsort.sorting.transfer import NotDeliveredError, Status, look
from digitsort.table import Cells, Table


class Order(NamedTuple):
    """One file to be delivered, as much of it as has to be known to prepare that.

    Attributes
    ----------
    path : str
        Where it lies.
    target : str
        Where it goes, an absolute path.
    sha256 : str
        Of the content that is meant; empty where any will do.
    cells : mapping
        Of its row.
    """

    path: str
    target: str
    sha256: str
    cells: Mapping[str, str]


class Ready(NamedTuple):
    """What was seen of a file, and what will be written.

    Attributes
    ----------
    sha256 : str
    status : Status or None
        None where nobody looked: a copy is compared while it is made.
    entry : str
        For the journal, by `entry_text`.
    row : str
        For books that are made anew; empty where there are some.
    """

    sha256: str
    status: Status | None
    entry: str
    row: str


class Preparer:
    """Prepares file after file of a run.

    Parameters
    ----------
    disk : Disk
    dest : str
    mode : Mode
    columns : sequence of str
        Of books that are made anew; none where there are some.
    """

    def __init__(self, disk: Disk, dest: str, mode: Mode, columns: Sequence[str] = ()) -> None:
        self._disk = disk
        self._dest = dest
        self._mode = mode
        self._booking = Booking(dest)
        self._table = Table(columns) if columns else None

    def prepare(self, order: Order) -> Ready:
        """Prepare one.

        Raises
        ------
        NotDeliveredError
            If it can't be read, or its content is not what is expected.
        """
        path, target, sha256, cells = order
        source, status = absolute(path), None
        if self._mode is not Mode.COPY or not sha256:  # a copy is compared while it is made
            status, sha256 = look(self._disk, path, sha256, follow=self._mode is not Mode.MOVE)
        before = _to_be_restored(status) if status and self._mode is Mode.MOVE else (0, 0, 0)
        to = below(self._dest, target)
        entry = entry_text(source, to, sha256, *before, cells)
        row = ""
        if self._table is not None:
            led = self._booking.led(cells, to_cell_below(to), to_cell(source, self._dest))
            row = self._table.line(led)
        return Ready(sha256, status, entry, row)


def below(dest: str, path: str) -> str:
    """A path in DEST as journals have it: relative, with ``/``."""
    relative = path[len(dest) :].lstrip(os.sep)
    return relative if os.sep == "/" else relative.replace(os.sep, "/")


def _to_be_restored(status: Status) -> tuple[int, int, int]:
    """Size, time and mode, which an undo gives back."""
    return status.size, status.mtime_ns, stat.S_IMODE(status.mode)


def order_of(operation: Operation) -> Order:
    """What has to be known of an operation."""
    row = operation.row
    return Order(row.path, operation.target, row.sha256, operation.cells)


Packed = list[tuple[Mapping[str, int] | None, list[tuple[Any, ...]]]]
"""Orders as they are sent: without classes, and the names of the columns only once."""


def packed(orders: Iterable[Order]) -> Packed:
    """Orders as they are sent to another process."""
    return [
        (index, [(*order[:3], _bare(order.cells)) for order in alike])
        for index, alike in groupby(orders, _index)
    ]


def unpacked(packed_orders: Packed) -> Iterator[Order]:
    """Orders that were sent."""
    for index, alike in packed_orders:
        for path, target, sha256, cells in alike:
            yield Order(path, target, sha256, cells if index is None else Cells(index, cells))


def _index(order: Order) -> Mapping[str, int] | None:
    return order.cells.index if isinstance(order.cells, Cells) else None


def _bare(cells: Mapping[str, str]) -> tuple[str, ...] | dict[str, str]:
    return cells.places if isinstance(cells, Cells) else dict(cells)


def prepare_all(preparer: Preparer, orders: Iterable[Order], stop: Stop) -> Iterator[Ready | str]:
    """Prepare all, or until a person wants the run to end; a reason for what can't be delivered."""
    for order in orders:
        if stop:
            break
        try:
            yield preparer.prepare(order)
        except NotDeliveredError as error:
            yield str(error)
