"""The part of a labels file written so far: kept when a run is cut off, gone on with, published.

Beside ``labels.csv`` lies ``.labels.csv.partial/`` while it is written::

    rows        the file so far, byte for byte as it will be published
    run.json    what was asked for: rows of another run are not gone on with
    lock        held while a run writes
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from digitsort.errors import DigitsortError, InterruptedRunError, OutputError
from digitsort.files.atomic import make_folder, output_errors, publish_as, refuse_existing, writing_to
from digitsort.files.interrupts import interrupts_wait
from digitsort.files.names import printable
from digitsort.labels import Format, LabelsWriter, Layout
from digitsort.records import Outcome
from digitsort.rerun import Run, read_run
from digitsort.rows import outcome_of, whole_rows

if TYPE_CHECKING:
    from filelock import BaseFileLock

ROWS, RUN, LOCK = "rows", "run.json", "lock"


class LabelsFile:
    """A labels file being written.

    Attributes
    ----------
    kept : int
        Rows of an earlier run that were gone on with.
    """

    def __init__(self, rows: IO[bytes], layout: Layout, form: Format) -> None:
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
        for row_end, cells in whole_rows(self._rows, self._layout, self._form):
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
        self._rows.seek(end)
        self._rows.truncate()
        self._begin(header=end == 0)

    def _begin(self, *, header: bool) -> None:
        self._stream = io.TextIOWrapper(self._rows, encoding="utf-8", newline="", write_through=True)
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
    path = Path(os.path.realpath(path))
    folder = path.with_name(f".{path.name}.partial")
    with _locked(folder, path):
        _prepare(folder, run, path, force=force, resume=resume)
        with output_errors(path):
            descriptor = os.open(
                folder / ROWS, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600
            )
        with io.BufferedRandom(writing_to(descriptor, path)) as rows:
            file = LabelsFile(rows, layout, form)
            with _kept_for_later(file, folder):
                yield file
                file.flush()
                with output_errors(path):
                    os.fsync(descriptor)
        with output_errors(path):
            publish_as(folder / ROWS, path, force=force)
        _remove(folder)


def _prepare(folder: Path, run: Run, path: Path, *, force: bool, resume: bool) -> None:
    """Refuse or drop what an interrupted run left, or make sure that it is the same run's."""
    before = read_run(folder / RUN)
    if before is not None and resume:
        run.require_same(before, folder)
        return
    if before is not None and not force:
        raise OutputError(
            f"An interrupted run has left rows for {printable(str(path))}. Go on with them with "
            "--resume, or start over with --force."
        )
    with output_errors(path):
        (folder / ROWS).unlink(missing_ok=True)
        run.write(folder / RUN)


@contextmanager
def _locked(folder: Path, path: Path) -> Iterator[None]:
    """Make the folder and hold its lock; afterwards it goes if nothing is kept in it."""
    from filelock import FileLock

    lock: BaseFileLock = FileLock(folder / LOCK)
    try:
        with output_errors(path), interrupts_wait():
            make_folder(folder)
            _acquire(lock, path)
        yield
    finally:
        was_ours = lock.is_locked
        lock.release()
        if was_ours and not (folder / RUN).exists():
            _remove(folder)


def _acquire(lock: BaseFileLock, path: Path) -> None:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"Another run is writing {printable(path.name)} at this moment. Wait for it, or name "
            "another file."
        ) from error


@contextmanager
def _kept_for_later(file: LabelsFile, folder: Path) -> Iterator[None]:
    """Keep the rows when the block ends early, and say so; remove everything where there are none."""
    try:
        yield
    except BaseException as error:
        if not file.kept + file.written:
            _remove(folder)
            raise
        said = f"{file.kept + file.written} rows are kept: go on with the same command and --resume."
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(f"interrupted. {said}") from error
        if isinstance(error, DigitsortError):
            raise type(error)(f"{error} {said}") from error
        raise


def _remove(folder: Path) -> None:
    for name in (ROWS, f"{RUN}.tmp", RUN, LOCK):
        with suppress(OSError):  # Windows keeps a lock that is held
            (folder / name).unlink()
    with suppress(OSError):
        folder.rmdir()
