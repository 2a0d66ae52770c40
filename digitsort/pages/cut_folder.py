"""Fill the DEST of `cut`: complete, or not there; what an interrupted run has cut is kept.

During a run, the folder ``.DEST.partial/`` beside DEST contains::

    tree        the folder that becomes DEST
    pages       a line for each page that is cut: its facts, its rows, its files with their SHA-256
    seals       proof that this user's digitsort wrote these lines, for this run
    run.json    settings of the run, signed
    lock        held while a run writes

`cells.csv` and the manifest (see `cut_manifest`) are written from the lines at the end.
"""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Container, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from digitsort.errors import DigitsortError, InterruptedRunError, OutputError
from digitsort.files.atomic import make_folder, output_errors
from digitsort.files.disk import DISK, Disk
from digitsort.files.interrupts import CleanUp, interrupts_wait
from digitsort.files.names import printable
from digitsort.files.own_folder import OwnFolder, locked_folder
from digitsort.files.places import open_places
from digitsort.files.regular import read_regular
from digitsort.files.sealed import SealedFile
from digitsort.labels.resume import MOST_RUN_BYTES, RunSettings, run_of
from digitsort.labels.table import line_of
from digitsort.pages.cells_csv import COLUMNS
from digitsort.pages.cut_manifest import CELLS_CSV, ManifestWriter, new_file, partial_of, write_new
from digitsort.pages.cutting import Begun, FoundPage, PageFacts, files_of, rows_of
from digitsort.plural import plural

TREE, PAGES, SEALS, RUN, LOCK = "tree", "pages", "seals", "run.json", "lock"

MOST_PICTURE_BYTES = 2**28
"""Largest file that is read to see whether it is still what was written."""


@dataclass(frozen=True, slots=True)
class Record:
    """Page that is cut.

    Attributes
    ----------
    facts : PageFacts
    sha256 : str
        SHA-256 of the page's file.
    rows : str
        Its lines of cells.csv.
    files : dict of str to str
        SHA-256 of its files, by their paths below DEST.
    layout : str
        What the run keeps for `--save-layout`, from the first page with cells.
    """

    facts: PageFacts
    sha256: str
    rows: str
    files: dict[str, str]
    layout: str = ""

    def line(self) -> bytes:
        """Return the record as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Record:
        """Return the record that was written as a line."""
        found: dict[str, Any] = json.loads(line)
        return cls(**{**found, "facts": PageFacts(**found["facts"])})


@dataclass(slots=True)
class CutFolder:
    """DEST that is being filled.

    Attributes
    ----------
    dest : Path
    kept : int
        Pages kept from an interrupted run.
    was_left : bool
        An interrupted run left pages that are not counted yet.
    written : int
        Pages cut by this one.
    layout : str
        What was given to `add` with the first page that has cells.
    """

    dest: Path
    tree: Path
    pages: SealedFile
    kept: int = 0
    was_left: bool = False
    written: int = 0
    layout: str = ""
    _disk: Disk = DISK

    def take_up(self, paths: Iterable[str]) -> tuple[list[PageFacts], Iterator[str], Begun]:
        """Return the pages that are cut already, the files that are left, and where those begin.

        Pages count as long as they match the files, in order, with their contents, and all of their
        pictures are there; everything after the first difference is cut again.
        """
        facts: list[PageFacts] = []
        begun = Begun()
        left = iter(paths)
        path: str | None = None
        sha256_of_path = ""
        end = 0
        expected: set[str] = set()
        for length, record in self._records():
            if path is None:
                path = next(left, None)
                sha256_of_path = "" if path is None else _sha256(path)
            if path != record.facts.source or not record.sha256 or record.sha256 != sha256_of_path:
                break
            if not all(_sha256(str(self.tree / name)) == found for name, found in record.files.items()):
                break
            facts.append(record.facts)
            expected.update(record.files)
            self.layout = self.layout or record.layout
            begun.skip += 1
            end = length
            if record.facts.is_last:
                begun.files += 1
                begun.stems.name(path)
                path, begun.skip = None, 0
        self.pages.cut(end)
        self.kept, self.was_left = len(facts), False
        self._remove_others(expected)
        return facts, left if path is None else chain([path], left), begun

    def _records(self) -> Iterator[tuple[int, Record]]:
        """Yield each record with the place where it ends."""
        self.pages.seek(0)
        length = 0
        reader = io.BufferedReader(self.pages)
        try:
            for line in reader:
                length += len(line)
                yield length, Record.of_line(line)
        finally:
            reader.detach()

    def _remove_others(self, expected: Container[str]) -> None:
        """Remove what a run wrote of a page that it did not finish."""
        with output_errors(self.dest), open_places(self._disk) as places:
            for folder in self.tree.iterdir():
                if not folder.is_dir():  # a cells.csv that was being written
                    self._disk.unlink(places.at(str(folder)))
                    continue
                for file in folder.iterdir():
                    if f"{folder.name}/{file.name}" not in expected:
                        self._disk.unlink(places.at(str(file)))

    def add(self, page: FoundPage, layout: str = "") -> None:
        """Write the files of a page; then it is cut."""
        files: dict[str, str] = {}
        with output_errors(self.dest), open_places(self._disk) as places:
            for file in files_of(page):
                write_new(self._disk, places.at(os.path.join(self.tree, file.path)), file.content)
                files[file.path] = sha256(file.content).hexdigest()
        rows = "".join(map(line_of, rows_of(page, str(self.dest.absolute()))))
        self.layout = self.layout or layout
        self.pages.write(Record(page.facts, page.sha256, rows, files, layout).line())
        self.written += 1

    def finish(self) -> None:
        """Write cells.csv and the manifest."""
        tree, rows = str(self.tree), (record.rows for _, record in self._records())
        with output_errors(self.dest), open_places(self._disk) as places:
            digest = sha256()
            with new_file(self._disk, places.at(os.path.join(tree, CELLS_CSV))) as table:
                for line in chain([line_of(COLUMNS)], rows):
                    table.write(line.encode())
                    digest.update(line.encode())
            with ManifestWriter(tree, self._disk, places) as manifest:
                manifest.add(CELLS_CSV, digest.hexdigest())
                for _, record in self._records():
                    for path, found in record.files.items():
                        manifest.add(path, found)


def _sha256(path: str) -> str:
    """Return the SHA-256 of a file, in hex; empty if it can't be read."""
    try:
        return sha256(read_regular(path, MOST_PICTURE_BYTES)).hexdigest()
    except OSError:
        return ""


def refuse_dest(dest: Path) -> None:
    """Raise OutputError if there is anything with the name of DEST."""
    if os.path.lexists(dest):
        _drop_published(dest)
        raise OutputError(
            f"{printable(str(dest))} already exists. Choose another DEST: cut never replaces anything."
        )


@contextmanager
def cut_folder(
    dest: Path,
    run: RunSettings,
    folders: Iterable[str],
    *,
    resume: bool = False,
    disk: Disk = DISK,
) -> Iterator[CutFolder]:
    """Open a DEST that gets its name if the block ends without an error.

    After an error, the pages that are cut are kept for a run with `resume`.

    Parameters
    ----------
    dest : Path
        Must not exist; its parent folders are created.
    run : RunSettings
    folders : iterable of str
        Names of the folders in DEST.
    resume : bool
        Go on with the pages of an interrupted run, if there are any.
    disk : Disk

    Raises
    ------
    OutputError
        If DEST exists, even if it appears during the run, or can't be written; if another run is
        filling it; if an interrupted run left pages and `resume` is not given, or its settings differ.
    InterruptedRunError
        If Ctrl-C ends the block and pages are kept.
    """
    refuse_dest(dest)
    with CleanUp() as clean_up:
        with output_errors(dest):
            make_folder(dest.parent)
            folder = clean_up.enter_context(_folder_of(dest, disk))
        cut = clean_up.enter_context(_cut_in(folder, dest, run, resume=resume))
        cut.pages.keep_sealed()
        with output_errors(dest):
            _make_folders(disk, [cut.tree, *(cut.tree / name for name in folders)])
        yield cut
        cut.finish()
        with interrupts_wait():
            _publish(cut, disk)
            folder.remove(RUN)


@contextmanager
def _cut_in(folder: OwnFolder, dest: Path, run: RunSettings, *, resume: bool) -> Iterator[CutFolder]:
    """Open the pages in the folder. After an error keep them and say so, unless there are none."""
    was_left = _prepare(folder, run, dest, resume=resume)
    pages = SealedFile(folder, (PAGES, SEALS), folder.read(RUN, MOST_RUN_BYTES), dest)
    cut = CutFolder(dest, folder.path / TREE, pages, was_left=was_left, _disk=folder.disk)
    with closing(pages), _kept_for_later(cut, folder):
        yield cut


def _make_folders(disk: Disk, folders: Iterable[Path]) -> None:
    with open_places(disk) as places:
        for folder in folders:
            with suppress(FileExistsError):
                disk.mkdir(places.at(str(folder)))


def _publish(cut: CutFolder, disk: Disk) -> None:
    """Give DEST its name, once its content is durable; the name is durable at the end."""
    target = os.path.join(os.path.realpath(cut.dest.parent), cut.dest.name)
    with output_errors(cut.dest), open_places(disk) as places:
        places.sync([str(cut.tree)])
        source, goal = places.at(str(cut.tree)), places.at(target)
        try:
            disk.rename_new(source, goal)
        except FileExistsError:
            raise
        except OSError:  # no such call here: a folder replaces only an empty folder
            if os.path.lexists(target):
                raise FileExistsError(target) from None
            disk.replace(source, goal)
        places.sync([target])


def _folder_of(dest: Path, disk: Disk) -> AbstractContextManager[OwnFolder]:
    """Open and lock the folder of a run; remove it at the end if nothing in it is worth keeping."""
    in_use = (
        f"Another run is filling {printable(str(dest))}. Wait until it ends, or choose another DEST."
    )
    return locked_folder(partial_of(dest), LOCK, in_use=in_use, clean=_clean, disk=disk)


def _clean(folder: OwnFolder) -> None:
    if not folder.has(RUN):
        _remove_own(folder)


def _prepare(folder: OwnFolder, run: RunSettings, dest: Path, *, resume: bool) -> bool:
    """Refuse, delete or accept what an interrupted run left; return whether it is accepted."""
    name = printable(str(dest))
    if folder.has(RUN):
        before = run_of(folder.read(RUN, MOST_RUN_BYTES))
        if before is None:
            raise OutputError(
                f"{printable(str(folder.path))} contains pages that your digitsort did not write, or "
                "that are damaged. Remove it, or choose another DEST."
            )
        if not resume:
            raise OutputError(
                f"An interrupted run left pages for {name}. Continue it with --resume, or remove them: "
                f"digitsort undo {name}"
            )
        if run.differences(before):
            raise OutputError(
                f"The interrupted run for {name} had other sources or options, or was of another "
                f"version. Use the same ones, or remove its pages: digitsort undo {name}"
            )
        return True
    for left in (TREE, PAGES, SEALS):  # of a run that was killed while it removed them
        _remove(folder.disk, folder.path / left)
    with output_errors(dest):
        folder.write(RUN, run.to_bytes(), durable=True)
    return False


@contextmanager
def _kept_for_later(cut: CutFolder, folder: OwnFolder) -> Iterator[None]:
    """Keep the pages if the block raises, and say so; if there are none, keep nothing."""
    try:
        yield
    except BaseException as error:
        pages = cut.kept + cut.written
        if not (pages or cut.was_left):
            folder.remove(RUN)
        if not folder.has(RUN):  # nothing is cut yet, or DEST is there already
            raise
        kept = f"Kept {plural(pages, 'page')}." if pages else "Kept the pages of the earlier run."
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(f"interrupted. {kept}", "--resume") from error
        if isinstance(error, DigitsortError):
            hint = "Run the same command with --resume to continue."
            raise type(error)(f"{error} {kept} {hint}") from error
        raise


def drop_partial(dest: Path, disk: Disk = DISK) -> bool:
    """Remove what an interrupted run left for DEST; return whether there was anything.

    Parameters
    ----------
    dest : Path
    disk : Disk

    Raises
    ------
    OutputError
        If a run is filling DEST, or the folder is not this user's.
    """
    path = partial_of(dest)
    if not path.is_dir():
        return False
    with _folder_of(dest, disk) as folder:
        folder.remove(RUN)
    return True


def _drop_published(dest: Path) -> None:
    """Remove what is left of a run that was killed after it had published DEST."""
    path = partial_of(dest)
    if path.is_dir() and not os.path.lexists(path / TREE):
        with suppress(OutputError):  # a run is filling it, or it is somebody else's
            drop_partial(dest)


def _remove_own(folder: OwnFolder) -> None:
    """Remove what a run wrote; the folder too, if a person has put nothing into it."""
    for name in (TREE, PAGES, SEALS, f"{SEALS}.tmp", f"{RUN}.tmp", LOCK):
        _remove(folder.disk, folder.path / name)
    with suppress(OSError), open_places(folder.disk) as places:
        folder.disk.rmdir(places.at(str(folder.path)))


def _remove(disk: Disk, path: Path) -> None:
    """Remove a file, or a folder with all that it holds; leave what can't be removed."""
    with suppress(OSError), open_places(disk) as places:
        if not stat.S_ISDIR(disk.lstat(places.at(str(path))).st_mode):
            disk.unlink(places.at(str(path)))
            return
        for name in sorted(os.listdir(path)):
            _remove(disk, path / name)
        disk.rmdir(places.at(str(path)))
