"""The part of a labels file written so far: kept when a run is cut off, gone on with, published.

Beside ``labels.csv`` lies ``.labels.csv.partial/`` while it is written::

    rows        the file so far, byte for byte as it will be published
    seals       proof that this user's digitsort wrote the rows, for this run
    run.json    what was asked for, sealed: rows of another run are not gone on with
    lock        held while a run writes

The folder may lie among a stranger's files: nothing in it is opened through a link, or believed without
a seal.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain
from pathlib import Path

from digitsort.errors import DigitsortError, InterruptedRunError, OutputError
from digitsort.files.atomic import make_folder, output_errors, publish_as, refuse_existing
from digitsort.files.locking import locked
from digitsort.files.names import printable
from digitsort.files.own_folder import OwnFolder, own_folder
from digitsort.files.sealed import SealedFile
from digitsort.labels import Format, LabelsWriter, Layout
from digitsort.plural import plural
from digitsort.records import Outcome
from digitsort.rerun import Run, run_of
from digitsort.rows import outcome_of, whole_rows

ROWS, SEALS, RUN, LOCK = "rows", "seals", "run.json", "lock"

MOST_RUN_BYTES = 2**20
"""Of run.json: a hundred paths at most, of 4 KiB each."""


class LabelsFile:
    """A labels file being written.

    Attributes
    ----------
    kept : int
        Rows of an earlier run that were gone on with.
    """

    def __init__(self, rows: SealedFile, layout: Layout, form: Format) -> None:
        self.kept = 0
        self.written = 0
        self._rows = rows
        self._layout = layout
        self._form = form
        self._writer: LabelsWriter | None = None
        self._stream: io.TextIOWrapper | None = None

    def take_up(self, paths: Iterable[str]) -> tuple[Iterator[Outcome], Iterator[str]]:
        """Divide paths into the outcomes of those that have a row already, and the others.

        The first is to be taken to its end before the second is begun. Rows count as long as they are
        those of the paths, in order; where they part, what follows is done anew.
        """
        left = iter(paths)
        held: list[str] = []
        return self._known(left, held), chain.from_iterable((held, left))

    def _known(self, paths: Iterator[str], held: list[str]) -> Iterator[Outcome]:
        end = 0
        reader = io.BufferedReader(self._rows)
        try:
            for row_end, cells in whole_rows(reader, self._layout, self._form):
                if cells:
                    path = next(paths, None)
                    if path is None:
                        break
                    if cells["path"] != self._layout.cell_of(path):
                        held.append(path)
                        break
                    self.kept += 1
                    yield outcome_of(path, cells)
                end = row_end
        finally:
            reader.detach()
        self._rows.cut(end)
        self._begin(header=end == 0)

    def _begin(self, *, header: bool) -> None:
        buffered = io.BufferedWriter(self._rows)
        self._stream = io.TextIOWrapper(buffered, encoding="utf-8", newline="", write_through=True)
        self._writer = LabelsWriter(self._stream, self._layout, self._form, header=header)

    def write(self, outcome: Outcome) -> None:
        """Append a row, unless it is one that `take_up` found."""
        if self._writer is not None:
            self._writer.write(outcome)
            self.written += 1

    def flush(self) -> None:
        """Give everything to the operating system."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Flush and close."""
        if self._stream is not None:
            self._stream.close()


@contextmanager
def labels_file(
    path: Path,
    layout: Layout,
    run: Run,
    *,
    form: Format = "csv",
    force: bool = False,
    resume: bool = False,
) -> Iterator[LabelsFile]:
    """Open a labels file that appears under its name only when the block ends without an error.

    When it ends with one, the rows written so far are kept for a run with `resume`.

    Parameters
    ----------
    path : Path
    layout : Layout
    run : Run
    form : {"csv", "jsonl"}
    force : bool
        Replace an existing file, and drop rows that an interrupted run left.
    resume : bool
        Go on with those rows; where there are none, begin.

    Raises
    ------
    OutputError
        If the file exists, another run writes it, an interrupted one's rows are there and neither
        `force` nor `resume` is given, or they are of a run that asked for something else.
    InterruptedRunError
        Where Ctrl-C ends the block and rows are kept.
    """
    refuse_existing(path, force=force)
    path = Path(os.path.abspath(path))
    with output_errors(path):
        make_folder(path.parent)
    with _folder_beside(path) as folder, _locked(folder):
        _prepare(folder, run, path, force=force, resume=resume)
        with SealedFile(folder, (ROWS, SEALS), folder.read(RUN, MOST_RUN_BYTES), path) as rows:
            rows.keep_sealed()
            file = LabelsFile(rows, layout, form)
            with closing(file), _kept_for_later(file, folder):
                yield file
                file.flush()
                with output_errors(path):
                    os.fsync(rows.fileno())
                _publish(folder, rows.fileno(), path, force=force)
        _remove(folder)


@contextmanager
def _folder_beside(path: Path) -> Iterator[OwnFolder]:
    """Open the folder for what is written so far; it goes again if nothing is kept in it."""
    name = path.with_name(f".{path.name}.partial")
    with ExitStack() as stack:
        with output_errors(path):
            folder = stack.enter_context(own_folder(name))
        yield folder


def _publish(folder: OwnFolder, rows: int, path: Path, *, force: bool) -> None:
    if not folder.is_still(ROWS, rows):
        raise OutputError(f"{printable(str(folder.path))} was replaced during the run.")
    with output_errors(path):
        publish_as(folder.path / ROWS, path, force=force)


def _prepare(folder: OwnFolder, run: Run, path: Path, *, force: bool, resume: bool) -> None:
    """Refuse or drop what an interrupted run left, or make sure that it is the same run's."""
    is_left = folder.has(RUN) or folder.has(ROWS)
    before = None
    if is_left and not force:
        before = run_of(folder.read(RUN, MOST_RUN_BYTES))
        if before is None:
            raise OutputError(
                f"{printable(str(folder.path))} contains rows that your digitsort did not write, or "
                "that are damaged. Start over with --force, or choose another file."
            )
    if before is not None and resume:
        run.require_same(before, folder.path)
        return
    if before is not None:
        raise OutputError(
            f"An interrupted run left rows for {printable(str(path))}. Continue it with --resume, or "
            "start over with --force."
        )
    for name in (ROWS, SEALS, RUN):
        folder.remove(name)
    with output_errors(path):
        folder.write(RUN, run.to_bytes())


@contextmanager
def _locked(folder: OwnFolder) -> Iterator[None]:
    """Hold the lock; afterwards the folder goes if nothing is kept in it."""
    lock = folder.open(LOCK, os.O_RDWR | os.O_CREAT)
    try:
        if not (locked(lock) and folder.is_still(LOCK, lock)):
            raise OutputError(
                f"Another run is writing {printable(folder.path.name[1 : -len('.partial')])}. "
                "Wait until it ends, or choose another file."
            )
        try:
            yield
        finally:
            if not (folder.has(RUN) or folder.has(ROWS)):
                _remove(folder)
    finally:
        os.close(lock)


@contextmanager
def _kept_for_later(file: LabelsFile, folder: OwnFolder) -> Iterator[None]:
    """Keep the rows when the block ends early, and say so; remove everything where there are none."""
    try:
        yield
    except BaseException as error:
        if not file.kept + file.written:
            _remove(folder)
            raise
        rows = plural(file.kept + file.written, "row")
        said = f"Kept {rows}. Run the same command with --resume to continue."
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(f"interrupted. {said}") from error
        if isinstance(error, DigitsortError):
            raise type(error)(f"{error} {said}") from error
        raise


def _remove(folder: OwnFolder) -> None:
    for name in (ROWS, f"{SEALS}.tmp", SEALS, f"{RUN}.tmp", RUN, LOCK):
        with suppress(OutputError):  # Windows keeps a lock that is held
            folder.remove(name)
    with suppress(OSError):
        folder.path.rmdir()
