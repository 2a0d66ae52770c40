"""Prove that the files of a DEST of `cut` are those that were cut, and remove them again."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from hmac import compare_digest
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Self

from digitsort.errors import OutputError, UsageError
from digitsort.files.atomic import Output
from digitsort.files.disk import DISK, NEW, NO_FOLLOW, READ_NO_WAIT, Disk, Place, write_all
from digitsort.files.names import natural_key, printable
from digitsort.files.places import Places, open_places
from digitsort.files.regular import open_regular, read_regular
from digitsort.files.sealed import seal
from digitsort.pages.cells_csv import read_cells

FOLDER, MANIFEST, SEAL = ".digitsort", "cut.jsonl", "cut.seal"
"""In DEST: the paths of the files with their SHA-256, a line each; and the seal of these lines."""

CELLS_CSV = "cells.csv"

PURPOSE = b"cut.jsonl"

MOST_BYTES = 2**31
"""Size of the largest manifest: some 10 million pictures."""

CHUNK_BYTES = 2**20


PICTURE_MODE = 0o666
"""Permission bits of files in DEST, without those that the umask takes away."""


@contextmanager
def new_file(disk: Disk, place: Place) -> Iterator[IO[bytes]]:
    """Write a file that is not there yet."""
    descriptor = disk.open(place, NEW, PICTURE_MODE)
    with io.BufferedWriter(Output(descriptor, Path(place.path), disk), CHUNK_BYTES) as file:
        yield file


def write_new(disk: Disk, place: Place, content: bytes) -> None:
    """Write the content of a file that is not there yet."""
    descriptor = disk.open(place, NEW, PICTURE_MODE)
    try:
        write_all(disk, descriptor, content)
    finally:
        disk.close(descriptor)


class ManifestWriter:
    """Manifest that is being written.

    Parameters
    ----------
    dest : str
        Without links.
    disk : Disk
    places : Places
    """

    def __init__(self, dest: str, disk: Disk, places: Places) -> None:
        self._disk, self._places = disk, places
        self._folder = os.path.join(dest, FOLDER)
        with suppress(FileExistsError):
            disk.mkdir(places.at(self._folder))
        self._digest = sha256()
        self._opened = ExitStack()
        place = places.at(os.path.join(self._folder, MANIFEST))
        self._file = self._opened.enter_context(new_file(disk, place))

    def __enter__(self) -> Self:
        return self

    def add(self, path: str, content: str) -> None:
        """Add a file, by its path below DEST and its SHA-256."""
        line = json.dumps({"path": path, "sha256": content}).encode() + b"\n"
        self._digest.update(line)
        self._file.write(line)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, trace)
        if error is None:
            place = self._places.at(os.path.join(self._folder, SEAL))
            write_new(self._disk, place, seal(PURPOSE, self._digest.digest()).encode())


@dataclass(frozen=True, slots=True)
class CutManifest:
    """Files that were cut into a DEST.

    Attributes
    ----------
    dest : str
        With links resolved.
    files : dict of str to str
        SHA-256 by path below DEST, with ``/``.
    foreign : bool
        Whether another user or machine wrote it: what it says is proof of nothing.
    """

    dest: str
    files: dict[str, str]
    foreign: bool


def partial_of(dest: Path) -> Path:
    """Return the folder in which a DEST is filled."""
    return Path(os.path.realpath(dest.parent)) / f".{dest.name}.partial"


def has_manifest(dest: Path) -> bool:
    """Return whether `cut` made this folder."""
    return os.path.isfile(dest / FOLDER / MANIFEST)


def is_undone(dest: Path) -> bool:
    """Return whether an undo was killed at its end: there is no manifest, and no more than its seal."""
    return _names_in(os.path.join(os.path.realpath(dest), FOLDER)) in ([], [SEAL]) and os.path.isdir(
        dest / FOLDER
    )


def read_cut_manifest(dest: Path) -> CutManifest:
    """Read the manifest of a DEST.

    Raises
    ------
    OutputError
        If it is damaged.
    """
    real = os.path.realpath(dest)
    if is_undone(dest):
        return CutManifest(real, {}, foreign=False)
    try:
        content = read_regular(os.path.join(real, FOLDER, MANIFEST), MOST_BYTES)
        records = [json.loads(line) for line in content.splitlines()]
        files = {str(record["path"]): str(record["sha256"]) for record in records}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise OutputError(f"{printable(real)}/{FOLDER}/{MANIFEST} is damaged.") from error
    if not all(map(_is_below, files)):
        raise OutputError(
            f"{printable(real)}/{FOLDER}/{MANIFEST} names files outside of its folder: cut has not "
            "written it."
        )
    return CutManifest(real, files, not _is_sealed(real, content))


def _is_below(path: str) -> bool:
    parts = PurePosixPath(path).parts
    is_plain = "/".join(parts) == path and ".." not in parts and "\0" not in path
    return bool(parts) and is_plain and not path.startswith("/") and parts[0] != FOLDER


def _is_sealed(dest: str, content: bytes) -> bool:
    try:
        found = read_regular(os.path.join(dest, FOLDER, SEAL), 1024)
    except OSError:
        return False
    return compare_digest(found, seal(PURPOSE, sha256(content).digest()).encode())


SAME, CHANGED, MISSING, UNKNOWN = "=", "*", "-", "+"


def verify_cut(manifest: CutManifest) -> Iterator[tuple[str, str]]:
    """Yield each file, in natural order, with ``=``, ``*`` changed, ``-`` missing or ``+`` unknown.

    Of unknown files only those among the pictures count: a labels.csv in DEST is the user's.
    """
    folders = sorted({path.partition("/")[0] for path in manifest.files if "/" in path})
    found = {
        f"{folder}/{name}"
        for folder in folders
        for name in _names_in(os.path.join(manifest.dest, folder))
        if not name.startswith(".")
    }
    with open_places(DISK) as places:
        for path in sorted(found.union(manifest.files), key=natural_key):
            content = manifest.files.get(path)
            yield UNKNOWN if content is None else _mark(places, manifest.dest, path, content), path


def _names_in(folder: str) -> list[str]:
    if os.path.islink(folder):
        return []
    with suppress(OSError):
        return os.listdir(folder)
    return []


def _mark(places: Places, dest: str, path: str, content: str) -> str:
    try:
        place = places.at(os.path.join(dest, *path.split("/")))
        return SAME if _sha256(place) == content else CHANGED
    except FileNotFoundError:
        return MISSING
    except OSError:
        return CHANGED


def _sha256(place: Place) -> str:
    """Return the SHA-256 of a regular file, in hex; empty for anything else."""
    digest = sha256()
    descriptor = DISK.open(place, NO_FOLLOW | READ_NO_WAIT)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Uncut:
    """Result of undoing a cut.

    Attributes
    ----------
    removed : int
        Files that are gone.
    left : tuple of str
        Files that were changed since, and stay; paths below DEST.
    alone : tuple of str
        Files of `files_alone`, which stay.
    """

    removed: int
    left: tuple[str, ...]
    alone: tuple[str, ...]


def uncut(manifest: CutManifest, disk: Disk = DISK) -> Uncut:
    """Remove the files that `cut` made and nobody changed, and the folders that are empty then.

    A picture whose page is gone stays, and cells.csv with it. An undo that was killed is finished by
    another one: cells.csv goes after the pictures, and the manifest last, when their removal is
    durable. It stays if any file does.

    Parameters
    ----------
    manifest : CutManifest
    disk : Disk
    """
    removed, left = 0, []
    own = os.path.join(manifest.dest, FOLDER)
    alone = files_alone(manifest)
    with open_places(disk) as places:
        for path, content in sorted(manifest.files.items(), key=lambda file: file[0] == CELLS_CSV):
            if path in alone:
                continue
            mark = _mark(places, manifest.dest, path, content)
            if mark == SAME:
                disk.unlink(places.at(os.path.join(manifest.dest, *path.split("/"))))
                removed += 1
            elif mark == CHANGED:
                left.append(path)
        _remove_empty(disk, places, (os.path.join(manifest.dest, name) for name in _folders(manifest)))
        for name in () if left or alone else (MANIFEST, SEAL):
            places.sync([own])
            with suppress(FileNotFoundError):
                disk.unlink(places.at(os.path.join(own, name)))
        _remove_empty(disk, places, (own, manifest.dest))
        places.sync([manifest.dest])
    return Uncut(removed, tuple(left), tuple(sorted(alone, key=natural_key)))


def files_alone(manifest: CutManifest) -> set[str]:
    """Return the pictures whose page is gone or has another content, and with these cells.csv.

    They may be all that is left of the page. Without cells.csv nothing is known of the pages, and no
    file is returned. Paths are below DEST.
    """
    top = os.path.join(manifest.dest, "")
    pages: dict[tuple[str, str], bool] = {}
    alone = set()
    try:
        for row in read_cells(Path(manifest.dest, CELLS_CSV)):
            page = row.source, row.source_sha256
            if page not in pages:
                pages[page] = _is_there(*page)
            if row.path and not pages[page]:
                alone.add(row.path.removeprefix(top).replace(os.sep, "/"))
    except (OSError, UsageError):
        return set()
    alone.intersection_update(manifest.files)
    return alone | {CELLS_CSV} if alone else alone


def _is_there(page: str, content: str) -> bool:
    try:
        descriptor = open_regular(page)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        return content in ("", file_digest(file, "sha256").hexdigest())


def _folders(manifest: CutManifest) -> list[str]:
    below = {path.partition("/")[0] for path in manifest.files if "/" in path}
    return sorted(below | {"cells", "numbers", "marks", "previews"})


def _remove_empty(disk: Disk, places: Places, folders: Iterable[str]) -> None:
    for folder in folders:
        with suppress(OSError):  # it holds something, or is not there
            disk.rmdir(places.at(folder))
