"""Write a labels file that an interrupted run keeps, and that `--resume` continues.

During a run, the folder ``.labels.csv.partial/`` next to ``labels.csv`` contains::

    rows        the file so far, byte for byte as it will be published
    adapted     the same file with the rows that a second pass changed; published in place of rows
    seals       proof that this user's digitsort wrote the rows, for this run
    run.json    settings of the run, signed: rows of a run with other settings are not used
    lock        held while a run writes

The folder may be among a stranger's files, so nothing in it is opened through a link or trusted without
a seal.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO

from digitsort.errors import DigitsortError, InterruptedRunError, OutputError
from digitsort.files.atomic import Output, make_folder, output_errors, publish_as, refuse_existing
from digitsort.files.disk import locked
from digitsort.files.names import printable
from digitsort.files.own_folder import OwnFolder, own_folder
from digitsort.files.sealed import SealedFile
from digitsort.labels.labels_csv import Format, LabelsWriter, Layout
from digitsort.labels.resume import Run, outcome_of, run_of, whole_rows
from digitsort.outcomes import Outcome
from digitsort.plural import plural

ROWS, SEALS, RUN, LOCK = "rows", "seals", "run.json", "lock"

ADAPTED = "adapted"
"""Name of the file from the second pass. Every run makes it again from the rows, also with --resume."""

MOST_RUN_BYTES = 2**20
"""Largest run.json, in bytes: at most a hundred paths of 4 KiB each."""


class LabelsFile:
    """Labels file that is being written.

    Attributes
    ----------
    kept : int
        Number of rows kept from an interrupted run.
    layout : Layout
    form : {"csv", "jsonl"}
    """

    def __init__(
        self, rows: SealedFile, layout: Layout, form: Format, folder: OwnFolder, path: Path
    ) -> None:
        self.kept = 0
        self.written = 0
        self.layout = layout
        self.form = form
        self._folder = folder
        self._path = path
        self._adapted: Output | None = None
        self._rows = rows
        self._writer: LabelsWriter | None = None
        self._stream: io.TextIOWrapper | None = None

    def take_up(self, paths: Iterable[str]) -> tuple[Iterator[Outcome], Iterator[str]]:
        """Return the outcomes of paths that already have a row, and the other paths.

        Exhaust the first iterator before the second. Rows count as long as they match the paths, in
        order; everything after the first difference is done again.
        """
        left = iter(paths)
        held: list[str] = []
        return self._known(left, held), chain.from_iterable((held, left))

    def _known(self, paths: Iterator[str], held: list[str]) -> Iterator[Outcome]:
        end = 0
        reader = io.BufferedReader(self._rows)
        try:
            for row_end, cells in whole_rows(reader, self.layout, self.form):
                if cells:
                    path = next(paths, None)
                    if path is None:
                        break
                    if cells["path"] != self.layout.cell_of(path):
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
        self._writer = LabelsWriter(self._stream, self.layout, self.form, header=header)

    def write(self, outcome: Outcome) -> None:
        """Append a row, unless `take_up` found it."""
        if self._writer is not None:
            self._writer.write(outcome)
            self.written += 1

    def flush(self) -> None:
        """Pass all buffered rows to the operating system."""
        if self._stream is not None:
            self._stream.flush()

    @contextmanager
    def reader(self) -> Iterator[IO[bytes]]:
        """Open the rows written so far, for reading from their beginning."""
        self.flush()
        with os.fdopen(self._folder.open(ROWS), "rb") as file:
            if not os.path.samestat(os.fstat(file.fileno()), os.fstat(self._rows.fileno())):
                raise self._folder.refused(ROWS)
            yield file

    def adapt(self, rows: Iterable[bytes]) -> None:
        """Publish these rows (with header) instead of those written, which stay for `resume`."""
        self._folder.remove(ADAPTED)
        descriptor = self._folder.open(ADAPTED, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        self._adapted = Output(descriptor, self._path)
        buffered = io.BufferedWriter(self._adapted)
        buffered.writelines(rows)
        buffered.flush()
        buffered.detach()

    @property
    def finished(self) -> tuple[str, int]:
        """Return the name and the descriptor of the file to publish."""
        if self._adapted is not None:
            return ADAPTED, self._adapted.fileno()
        return ROWS, self._rows.fileno()

    def close(self) -> None:
        """Flush and close."""
        if self._adapted is not None:
            self._adapted.close()
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
    """Open a labels file that appears at `path` only if the block ends without an error.

    After an error, the rows written so far are kept for a run with `resume`.

    Parameters
    ----------
    path : Path
    layout : Layout
    run : Run
    form : {"csv", "jsonl"}
    force : bool
        Replace an existing file, and delete the rows of an interrupted run.
    resume : bool
        Continue with those rows, if there are any.

    Raises
    ------
    OutputError
        If the file exists, if another run is writing it, if an interrupted run left rows and neither
        `force` nor `resume` is given, or if that run had other settings.
    InterruptedRunError
        If Ctrl-C ends the block and rows are kept.
    """
    refuse_existing(path, force=force)
    path = Path(os.path.abspath(path))
    with output_errors(path):
        make_folder(path.parent)
    with _folder_beside(path) as folder, _locked(folder):
        _prepare(folder, run, path, force=force, resume=resume)
        with SealedFile(folder, (ROWS, SEALS), folder.read(RUN, MOST_RUN_BYTES), path) as rows:
            rows.keep_sealed()
            file = LabelsFile(rows, layout, form, folder, path)
            with closing(file), _kept_for_later(file, folder):
                yield file
                file.flush()
                name, descriptor = file.finished
                with output_errors(path):
                    os.fsync(descriptor)
                _publish(folder, name, descriptor, path, force=force)
        _remove(folder)


@contextmanager
def _folder_beside(path: Path) -> Iterator[OwnFolder]:
    """Open the folder for unfinished rows; remove it at the end if it is empty."""
    name = path.with_name(f".{path.name}.partial")
    with ExitStack() as stack:
        with output_errors(path):
            folder = stack.enter_context(own_folder(name))
        yield folder


def _publish(folder: OwnFolder, name: str, descriptor: int, path: Path, *, force: bool) -> None:
    if not folder.is_still(name, descriptor):
        raise OutputError(f"{printable(str(folder.path))} was replaced during the run. Try again.")
    with output_errors(path):
        publish_as(folder.path / name, path, force=force)


def _prepare(folder: OwnFolder, run: Run, path: Path, *, force: bool, resume: bool) -> None:
    """Refuse, delete or accept the rows of an interrupted run."""
    is_left = folder.has(RUN) or folder.has(ROWS)
    before = None
    if is_left and (resume or not force):  # --force is also for the existing file, so --resume wins
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
    for name in (ROWS, ADAPTED, SEALS, RUN):
        folder.remove(name)
    with output_errors(path):
        folder.write(RUN, run.to_bytes())


@contextmanager
def _locked(folder: OwnFolder) -> Iterator[None]:
    """Hold the lock; then remove the folder if it has no rows."""
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
    """Keep the rows if the block raises, and say so; remove the folder if there are none."""
    try:
        yield
    except BaseException as error:
        if not file.kept + file.written:
            _remove(folder)
            raise
        kept = f"Kept {plural(file.kept + file.written, 'row')}."
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(f"interrupted. {kept}") from error
        if isinstance(error, DigitsortError):
            hint = "Run the same command with --resume to continue."
            raise type(error)(f"{error} {kept} {hint}") from error
        raise


def _remove(folder: OwnFolder) -> None:
    for name in (ROWS, ADAPTED, f"{SEALS}.tmp", SEALS, f"{RUN}.tmp", RUN, LOCK):
        with suppress(OutputError):  # Windows keeps a lock that is held
            folder.remove(name)
    with suppress(OSError):
        folder.path.rmdir()
