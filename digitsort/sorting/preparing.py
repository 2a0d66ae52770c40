"""Look at a file, and make what is to be written of it: its journal entry, its row in the books."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from digitsort.files.disk import Disk
from digitsort.files.names import absolute, to_cells, to_cells_below
from digitsort.sorting.booking import Booking
from digitsort.sorting.copying import Stop
from digitsort.sorting.look import look
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.run import NOTHING_BEFORE, Before, entry_texts
from digitsort.sorting.task import NotDeliveredError, Status
from digitsort.table import Cells, Table, alike
from digitsort.tuples import made


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
        For the journal, by `entry_texts`.
    row : str
        For books that are made anew; empty where there are some.
    """

    sha256: str
    status: Status | None
    entry: str
    row: str


_Looked = tuple[str, Status | None]
"""The sha256 of a file's content, and what was seen of it where somebody looked."""


class Preparer:
    """Prepares the files of a run.

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
        self._is_copy = mode is Mode.COPY  # asked for each file, and an enumeration is slow to say
        self._is_move = mode is Mode.MOVE
        self._booking = Booking(dest)
        self._table = Table(columns) if columns else None

    def prepare(self, orders: Sequence[Order], stop: Stop = ()) -> list[Ready | str]:
        """Prepare many at once; a reason for what can't be delivered. It ends early where it is to."""
        looked = list(self._looked(orders, stop))
        seen = [each for each in looked if not isinstance(each, str)]
        if len(seen) < len(orders):
            orders = [o for o, each in zip(orders, looked, strict=False) if not isinstance(each, str)]
        sources = [absolute(order.path) for order in orders]
        targets = [below(self._dest, order.target) for order in orders]
        cells = [order.cells for order in orders]
        hashes, states = [sha256 for sha256, _ in seen], [status for _, status in seen]
        entries = entry_texts(sources, targets, hashes, list(map(self._before, states)), cells)
        ready = made(Ready, hashes, states, entries, self._rows(sources, targets, cells))
        if len(ready) == len(looked):
            return list(ready)
        following = iter(ready)
        return [each if isinstance(each, str) else next(following) for each in looked]

    def _looked(self, orders: Iterable[Order], stop: Stop) -> Iterator[_Looked | str]:
        for path, _, sha256, _ in orders:
            if stop:
                return
            if self._is_copy and sha256:  # it is compared while it is made
                yield sha256, None
                continue
            try:
                status, sha256 = look(self._disk, path, sha256, follow=not self._is_move)
                yield sha256, status
            except NotDeliveredError as error:
                yield str(error)

    def _before(self, status: Status | None) -> Before:
        """What an undo gives back."""
        if status is None or not self._is_move:
            return NOTHING_BEFORE
        return status.size, status.mtime_ns, stat.S_IMODE(status.mode)

    def _rows(
        self, sources: Sequence[str], targets: Sequence[str], cells: Sequence[Mapping[str, str]]
    ) -> Sequence[str]:
        if self._table is None:
            return [""] * len(cells)
        paths, sources = to_cells_below(targets), to_cells(sources, self._dest)
        of_one_file = alike(cells)
        if of_one_file is None:
            return self._table.lines(map(self._booking.led, cells, paths, sources))
        index, places = of_one_file
        index = self._booking.index(index, len(places[0]))
        led = [
            (*row, path, source, "") for row, path, source in zip(places, paths, sources, strict=True)
        ]
        return self._table.lines_of_file(index, led)


def below(dest: str, path: str) -> str:
    """A path in DEST as journals have it: relative, with ``/``."""
    relative = path[len(dest) :].lstrip(os.sep)
    return relative if os.sep == "/" else relative.replace(os.sep, "/")


def orders_of(operations: Iterable[Operation]) -> list[Order]:
    """What has to be known of operations."""
    known = [(o.row.path, o.target, o.row.sha256, o.cells) for o in operations]
    return made(Order, *zip(*known, strict=True)) if known else []


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
    for index, of_one_file in packed_orders:
        for path, target, sha256, cells in of_one_file:
            yield Order(path, target, sha256, cells if index is None else Cells(index, cells))


def _index(order: Order) -> Mapping[str, int] | None:
    return order.cells.index if isinstance(order.cells, Cells) else None


def _bare(cells: Mapping[str, str]) -> tuple[str, ...] | dict[str, str]:
    return cells.places if isinstance(cells, Cells) else dict(cells)
