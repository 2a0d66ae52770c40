"""Look at the files of a batch, and make what is written of them into the journal before they go."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
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
from digitsort.sorting.task import NotDeliveredError, Status, source_errors
from digitsort.tuples import made


class Ready(NamedTuple):
    """What was seen of a file, and what will be written of it.

    Attributes
    ----------
    source : str
        Absolute path; of a move without links.
    sha256 : str
    status : Status or None
        None where nobody looked: a copy is compared while it is made.
    entry : str
        For the journal, by `entry_texts`.
    """

    source: str
    sha256: str
    status: Status | None
    entry: str


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
        self._real = RealPaths()

    def prepare(
        self, places: Places, operations: Sequence[Operation], stop: Stop = ()
    ) -> list[Ready | str]:
        """Prepare files; a reason for what can't be delivered. It ends early where it is to."""
        looked = list(self._looked(places, operations, stop))
        seen = [
            (operation, each)
            for operation, each in zip(operations, looked, strict=False)
            if isinstance(each, _Looked)
        ]
        sources, hashes, states = zip(*[each for _, each in seen], strict=True) if seen else ((),) * 3
        entries = entry_texts(
            sources,
            [below(self._dest, operation.target) for operation, _ in seen],
            hashes,
            list(map(self._before, states)),
            [operation.cells for operation, _ in seen],
        )
        ready = iter(made(Ready, sources, hashes, states, entries))
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
        folder, name = split_path(path)
        path = os.path.join(self._real.folder(folder), name)
        if not path.startswith(self._top):  # a folder became a link since this was planned
            raise NotDeliveredError(f"no longer inside {printable(self._top)}")
        check_not_own(path, self._dest)
        with source_errors():
            place = places.at(path)
        status, sha256 = look(self._disk, place, sha256, follow=False)
        return _Looked(path, sha256, status)

    def _before(self, status: Status | None) -> Before:
        """What an undo gives back."""
        if status is None or not self._is_move:
            return NOTHING_BEFORE
        return status.size, status.mtime_ns, stat.S_IMODE(status.mode)


def below(dest: str, path: str) -> str:
    """A path in DEST as journals have it: relative, with ``/``."""
    relative = path[len(dest) :].lstrip(os.sep)
    return relative if os.sep == "/" else relative.replace(os.sep, "/")
