"""Look at the files of a batch, and make what is written of them into the journal before they go."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from digitsort.files.disk import Disk
from digitsort.files.names import absolute, printable, split_path
from digitsort.files.places import Places
from digitsort.files.realpaths import RealPaths
from digitsort.sorting.copying import Stop
from digitsort.sorting.look import anywhere, look
from digitsort.sorting.own import check_not_own
from digitsort.sorting.plan import Mode, Operation
from digitsort.sorting.run import NOTHING_BEFORE, Before, entry_texts
from digitsort.sorting.task import NotDeliveredError, Status, source_place
from digitsort.table import columns_of_cells
from digitsort.tuples import made


class Ready(NamedTuple):
    """State of a file, and the journal entry to write for it.

    Attributes
    ----------
    source : str
        Absolute path; of a move without links.
    sha256 : str
    status : Status or None
        None if it was not checked: a copy is compared while it is made.
    entry : str
        For the journal, by `entry_texts`.
    columns : iterable of str
        Of the cells in the entry.
    """

    source: str
    sha256: str
    status: Status | None
    entry: str
    columns: Iterable[str]


class _Looked(NamedTuple):
    """A file's path, the sha256 of its content, and what was seen of it where somebody looked."""

    source: str
    sha256: str
    status: Status | None


class Preparer:
    """Prepares the files of a run.

    Parameters
    ----------
    disk : Disk
    dest : str
    mode : Mode
    root : str
        Only what is below this folder is moved, links resolved; empty for anything.
    """

    def __init__(self, disk: Disk, dest: str, mode: Mode, root: str = "") -> None:
        self._disk = disk
        self._dest = dest
        self._is_copy = mode is Mode.COPY  # asked for each file, and an enumeration is slow to say
        self._is_move = mode is Mode.MOVE
        self._is_hard = mode is Mode.HARD
        self._top = os.path.join(root, "")
        self._in_dest = os.path.join(dest, "")
        self._real = RealPaths()
        self._allowed: dict[str, str] = {}
        """Folders of this batch that files may be moved from, with their real paths and a separator."""

    def prepare(
        self, places: Places, operations: Sequence[Operation], stop: Stop = ()
    ) -> list[Ready | str]:
        """Prepare files; a reason for what can't be delivered. It ends early where it is to."""
        self._allowed.clear()
        looked = list(self._looked(places, operations, stop))
        seen = [
            (operation, each)
            for operation, each in zip(operations, looked, strict=False)
            if isinstance(each, _Looked)
        ]
        sources, hashes, states = zip(*[each for _, each in seen], strict=True) if seen else ((),) * 3
        targets = [below(self._dest, operation.target) for operation, _ in seen]
        cells = [operation.cells for operation, _ in seen]
        entries = entry_texts(sources, targets, hashes, list(map(self._before, states)), cells)
        ready = iter(made(Ready, sources, hashes, states, entries, map(columns_of_cells, cells)))
        return [next(ready) if isinstance(each, _Looked) else each for each in looked]

    def _looked(
        self, places: Places, operations: Sequence[Operation], stop: Stop
    ) -> Iterator[_Looked | str]:
        for operation in operations:
            if stop:
                return
            path, sha256 = absolute(operation.row.path), operation.row.sha256
            if self._is_copy and sha256:  # it is compared while it is made
                yield _Looked(path, sha256, None)
                continue
            try:
                yield self._look(places, path, sha256)
            except NotDeliveredError as error:
                yield str(error)

    def _look(self, places: Places, path: str, sha256: str) -> _Looked:
        if self._is_hard:
            check_not_own(os.path.realpath(path), self._dest)
        if not self._is_move:
            status, sha256 = look(self._disk, anywhere(path), sha256)
            return _Looked(path, sha256, status)
        above, name = split_path(path)
        inside = self._allowed.get(above) or self._allow(above)
        path = inside + name
        if inside == self._in_dest:
            check_not_own(path, self._dest)
        status, sha256 = look(self._disk, source_place(places, path), sha256, follow=False)
        return _Looked(path, sha256, status)

    def _allow(self, folder: str) -> str:
        """Return the real path, with a separator, of a folder that files may be moved from.

        Raises
        ------
        NotDeliveredError
            If it lies outside of the root, or among digitsort's own files.
        """
        inside = os.path.join(self._real.folder(folder), "")
        if not inside.startswith(self._top):  # a folder became a link after this was planned
            raise NotDeliveredError(f"now outside of {printable(self._top)}")
        check_not_own(inside, self._dest)
        self._allowed[folder] = inside
        return inside

    def _before(self, status: Status | None) -> Before:
        """What an undo gives back."""
        if status is None or not self._is_move:
            return NOTHING_BEFORE
        return status.size, status.mtime_ns, stat.S_IMODE(status.mode)


def below(dest: str, path: str) -> str:
    """A path in DEST as journals have it: relative, with ``/``."""
    relative = path[len(dest) :].lstrip(os.sep)
    return relative if os.sep == "/" else relative.replace(os.sep, "/")
