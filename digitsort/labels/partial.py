"""Write a labels file that an interrupted run keeps, and that `--resume` continues.

During a run, the folder ``.labels.csv.partial/`` next to ``labels.csv`` contains::

    rows        the file so far, byte for byte as it will be published
    adapted     the same file with the rows that a second pass changed; published in place of rows
    joined      the same file with a person's columns and gone rows (--update); published in their place
    parquet     one of these files as Parquet, if that is asked for; published in their place
    seals       proof that this user's digitsort wrote the rows, for this run
    run.json    settings of the run, signed: rows of a run with other settings are not used
    lock        held while a run writes

The folder may be among a stranger's files, so nothing in it is opened through a link or trusted without
a seal.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, TypeVar

from digitsort.errors import DigitsortError, InterruptedRunError, OutputError
from digitsort.files.atomic import Output, make_folder, output_errors, publish_as, refuse_existing
from digitsort.files.interrupts import CleanUp, interrupts_wait
from digitsort.files.names import printable
from digitsort.files.own_folder import OwnFolder, locked_folder
from digitsort.files.sealed import SealedFile
from digitsort.labels.labels_csv import Format, LabelsWriter, Layout, LineFormat
from digitsort.labels.parquet import require_pyarrow, write_parquet
from digitsort.labels.resume import (
    MOST_RUN_BYTES,
    RowsHash,
    RunSettings,
    outcome_of,
    raw_rows,
    remember,
    run_of,
    whole_rows,
)
from digitsort.outcomes import Outcome
from digitsort.plural import plural

ROWS, SEALS, RUN, LOCK = "rows", "seals", "run.json", "lock"

ADAPTED = "adapted"
"""Name of the file from the second pass. Every run makes it again from the rows, also with --resume."""

JOINED = "joined"
"""Name of the file with what `--update` adds. Every run makes it again."""

PARQUET = "parquet"
"""Name of the file in this format. Every run makes it again at its end."""

MOST_LEFT = 20
"""Largest number of interrupted runs whose rows `kept_rows` keeps for later."""


T = TypeVar("T")

Join = Callable[[IO[bytes]], Iterable[bytes] | None]
"""Function that gets the finished rows, and returns the lines to publish instead, if any."""

IsStill = Callable[[str, str], bool]
"""Function that returns whether a file (path) has this content (SHA-256, empty if unreadable)."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Rules for the file and the unfinished rows that are there already.

    Attributes
    ----------
    force : bool
        Replace an existing file, and delete the rows of an interrupted run.
    resume : bool
        Continue with those rows, if there are any.
    update : bool
        Replace an existing file, and continue with the rows of an interrupted run, if there are any.
    discards : bool
        Delete the rows of an interrupted run with other settings, instead of an error.
    option : str
        Option with which the same command continues after an interruption; empty if it needs none.
    """

    force: bool = False
    resume: bool = False
    update: bool = False
    discards: bool = False
    option: str = "--resume"

    @property
    def replaces(self) -> bool:
        """Return whether an existing file may be replaced."""
        return self.force or self.update


_NEW = Beginning()


class LabelsFile:
    """Labels file that is being written.

    Attributes
    ----------
    kept : int
        Number of rows kept from an interrupted run.
    was_left : bool
        An interrupted run left rows that are not counted yet.
    form : {"csv", "jsonl"}
        Format of the rows; for a Parquet file, which is made of them at the end, CSV.
    """

    def __init__(
        self, rows: SealedFile, layout: Layout, form: Format, folder: OwnFolder, path: Path
    ) -> None:
        self.kept = 0
        self.was_left = False
        self.written = 0
        self.layout = layout
        self.form: LineFormat = "csv" if form == "parquet" else form
        self._is_parquet = form == "parquet"
        self._folder = folder
        self._path = path
        self._made: list[tuple[str, Output]] = []
        self._rows = rows
        self._writer: LabelsWriter | None = None
        self._stream: io.TextIOWrapper | None = None

    def take_up(
        self, paths: Iterable[str], is_still: IsStill | None = None
    ) -> tuple[Iterator[Outcome], Iterator[str]]:
        """Return the outcomes of paths that already have a row, and the other paths.

        Exhaust the first iterator before the second. Rows count as long as they match the paths, in
        order, and `is_still` is true of their contents; everything after the first difference is done
        again.
        """
        left = iter(paths)
        held: list[str] = []
        return self._known(left, held, is_still), chain.from_iterable((held, left))

    def _known(
        self, paths: Iterator[str], held: list[str], is_still: IsStill | None
    ) -> Iterator[Outcome]:
        end = 0
        reader = io.BufferedReader(self._rows)
        try:
            for row_end, cells in whole_rows(reader, self.layout, self.form):
                if cells:
                    path = next(paths, None)
                    if path is None:
                        break
                    is_same = cells["path"] == self.layout.cell_of(path)
                    if not is_same or (is_still and not is_still(path, cells["sha256"])):
                        held.append(path)
                        break
                    self.kept += 1
                    yield outcome_of(path, cells, self.layout)
                end = row_end
        finally:
            reader.detach()
        self.was_left = False
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

    def written_from(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Write and yield outcomes."""
        for outcome in outcomes:
            self.write(outcome)
            yield outcome

    def flush(self) -> None:
        """Pass all buffered rows to the operating system."""
        if self._stream is not None:
            self._stream.flush()

    @contextmanager
    def reader(self) -> Iterator[IO[bytes]]:
        """Open the rows written so far, for reading from their beginning."""
        self.flush()
        with self._opened(ROWS, self._rows.fileno()) as file:
            yield file

    def adapt(self, rows: Iterable[bytes]) -> None:
        """Publish these rows (with header) instead of those written, which stay for `resume`."""
        self._make(ADAPTED, lambda file: file.writelines(rows))

    def finish(self, run: RunSettings, join: Join | None) -> None:
        """Record the run with the rows that it made; then let `join` make the file to publish."""
        self.flush()
        with self._opened(*self.finished) as file:
            remember(_hash_of(raw_rows(file, self.form), self.form), run)
            rows = None if join is None else join(file)
            if rows is not None:
                lines = rows
                self._make(JOINED, lambda joined: joined.writelines(lines))
        if self._is_parquet:
            self._convert()

    def _convert(self) -> None:
        """Make a Parquet file of the finished file. Columns with cells that need it are text."""
        texts: list[str] = []
        is_whole = False
        with self._opened(*self.finished) as file:
            while not is_whole:
                text = self._make(PARQUET, lambda output: write_parquet(file, output, texts))
                is_whole = not text
                texts.append(text)

    def _make(self, name: str, fill: Callable[[IO[bytes]], T]) -> T:
        self._folder.remove(name)
        descriptor = self._folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        made = Output(descriptor, self._path)
        self._made.append((name, made))
        buffered = io.BufferedWriter(made)
        result = fill(buffered)
        buffered.flush()
        buffered.detach()
        return result

    @contextmanager
    def _opened(self, name: str, descriptor: int) -> Iterator[IO[bytes]]:
        with os.fdopen(self._folder.open(name), "rb") as file:
            if not os.path.samestat(os.fstat(file.fileno()), os.fstat(descriptor)):
                raise self._folder.refused(name)
            yield file

    @property
    def finished(self) -> tuple[str, int]:
        """Return the name and the descriptor of the file to publish."""
        name, file = self._made[-1] if self._made else (ROWS, self._rows)
        return name, file.fileno()

    def drop_unsealed(self) -> None:
        """Cut off rows without a valid seal, before anything else."""
        self._rows.keep_sealed()

    def close(self) -> None:
        """Flush and close."""
        for _, made in self._made:
            made.close()
        if self._stream is not None:
            self._stream.close()
        self._rows.close()


@contextmanager
def labels_file(
    path: Path,
    layout: Layout,
    run: RunSettings,
    *,
    form: Format = "csv",
    beginning: Beginning = _NEW,
    join: Join | None = None,
    before_publishing: Callable[[], object] = lambda: None,
) -> Iterator[LabelsFile]:
    """Open a labels file that appears at `path` only if the block ends without an error.

    After an error, the rows written so far are kept for a run with `resume`.

    Parameters
    ----------
    beginning : Beginning, optional
        Rules for what is there already; by default an existing file and unfinished rows are errors.
    join : callable, optional
        Function that makes the file to publish from the finished rows.
    before_publishing : callable, optional
        Function to call before an existing file is replaced.

    Raises
    ------
    OutputError
        If the file exists, if another run is writing it, if an interrupted run left rows and the
        beginning says nothing of them, or if that run had other settings.
    InterruptedRunError
        If Ctrl-C ends the block and rows are kept.
    """
    if form == "parquet":
        require_pyarrow(path)  # not after a night of work
    refuse_existing(path, force=beginning.replaces)
    path = Path(os.path.abspath(path))
    with output_errors(path):
        make_folder(path.parent)
    with CleanUp() as clean_up:
        folder = clean_up.enter_context(_folder_beside(path))
        file = clean_up.enter_context(_rows_in(folder, path, layout, run, form, beginning))
        file.drop_unsealed()
        yield file
        file.finish(run, join)
        name, descriptor = file.finished
        with output_errors(path):
            os.fsync(descriptor)
        before_publishing()
        with interrupts_wait():
            _publish(folder, name, descriptor, path, force=beginning.replaces)
            file.close()
            _remove(folder)


@contextmanager
def kept_rows(path: Path, layout: Layout, run: RunSettings) -> Iterator[LabelsFile]:
    """Open rows that are kept only while the block is interrupted, for the same run once more.

    Parameters
    ----------
    path : Path
        Nothing is published there; the folder for unfinished rows is beside it.
    run : RunSettings
        Rows of a run with other settings are deleted.

    Raises
    ------
    OutputError
        If the rows can't be written.
    InterruptedRunError
        If Ctrl-C ends the block and rows are kept.
    """
    with output_errors(path):
        make_folder(path.parent)
        _forget_old(path.parent)
    beginning = Beginning(update=True, discards=True, option="")
    with CleanUp() as clean_up:
        folder = clean_up.enter_context(_folder_beside(path))
        if run_of(folder.read(RUN, MOST_RUN_BYTES)) is None:
            _remove_rows(folder)
        file = clean_up.enter_context(_rows_in(folder, path, layout, run, "csv", beginning))
        file.drop_unsealed()
        yield file
        with interrupts_wait():
            file.close()
            _remove(folder)


def _forget_old(folder: Path) -> None:
    """Delete all but the newest folders with rows of interrupted runs, which nobody continued."""
    found = sorted(folder.glob(".*.partial"), key=lambda each: each.stat().st_mtime)
    for old in found[:-MOST_LEFT]:
        shutil.rmtree(old, ignore_errors=True)


def _hash_of(rows: Iterable[bytes], form: LineFormat) -> RowsHash:
    found = RowsHash()
    for row in islice(rows, form == "csv", None):  # the header is no row
        found.add(row)
    return found


@contextmanager
def _folder_beside(path: Path) -> Iterator[OwnFolder]:
    """Open and lock the folder for unfinished rows; remove it at the end if it has none."""
    name = path.with_name(f".{path.name}.partial")
    in_use = (
        f"Another run is writing {printable(path.name)}. Wait until it ends, or choose another file."
    )
    with ExitStack() as stack:
        with output_errors(path):
            folder = stack.enter_context(locked_folder(name, LOCK, in_use=in_use, clean=_clean))
        yield folder


def _clean(folder: OwnFolder) -> None:
    if not (folder.has(RUN) or folder.has(ROWS)):
        _remove(folder)


@contextmanager
def _rows_in(
    folder: OwnFolder, path: Path, layout: Layout, run: RunSettings, form: Format, beginning: Beginning
) -> Iterator[LabelsFile]:
    """Open the rows in the folder; after an error keep them and say so, unless there are none."""
    was_left = _prepare(folder, run, path, beginning)
    rows = SealedFile(folder, (ROWS, SEALS), folder.read(RUN, MOST_RUN_BYTES), path)
    file = LabelsFile(rows, layout, form, folder, path)
    file.was_left = was_left
    with closing(file), _kept_for_later(file, folder, beginning.option):
        yield file


def _publish(folder: OwnFolder, name: str, descriptor: int, path: Path, *, force: bool) -> None:
    if not folder.is_still(name, descriptor):
        raise OutputError(f"{printable(str(folder.path))} was replaced during the run. Try again.")
    with output_errors(path):
        publish_as(folder.path / name, path, force=force)


def _prepare(folder: OwnFolder, run: RunSettings, path: Path, beginning: Beginning) -> bool:
    """Refuse, delete or accept the rows of an interrupted run; return whether they are accepted."""
    is_left = folder.has(RUN) or folder.has(ROWS)
    before = None
    if is_left and (beginning.resume or not beginning.force):  # --resume wins over --force
        before = run_of(folder.read(RUN, MOST_RUN_BYTES))
        if before is None:
            raise OutputError(
                f"{printable(str(folder.path))} contains rows that your digitsort did not write, or "
                "that are damaged. Start over with --force, or choose another file."
            )
    if before is not None and beginning.discards and run.differences(before):
        before = None
    if before is not None and (beginning.resume or beginning.update):
        run.require_same(before, folder.path)
        return True
    if before is not None:
        raise OutputError(
            f"An interrupted run left rows for {printable(str(path))}. Continue it with --resume, or "
            "start over with --force."
        )
    _remove_rows(folder)
    with output_errors(path):
        folder.write(RUN, run.to_bytes())
    return False


@contextmanager
def _kept_for_later(file: LabelsFile, folder: OwnFolder, option: str) -> Iterator[None]:
    """Keep the rows if the block raises, and say so; remove the folder if there are none."""
    try:
        yield
    except BaseException as error:
        count = file.kept + file.written
        if not (count or file.was_left):
            _remove(folder)
        if not folder.has(RUN):  # removed, or the labels file is published already
            raise
        kept = f"Kept {plural(count, 'row')}." if count else "Kept the rows of the earlier run."
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedRunError(f"interrupted. {kept}", option) from error
        if isinstance(error, DigitsortError):
            hint = f"Run the same command {f'with {option}' if option else 'again'} to continue."
            raise type(error)(f"{error} {kept} {hint}") from error
        raise


def _remove_rows(folder: OwnFolder) -> None:
    for name in (ROWS, ADAPTED, JOINED, PARQUET, SEALS, RUN):
        folder.remove(name)


def _remove(folder: OwnFolder) -> None:
    for name in (ROWS, ADAPTED, JOINED, PARQUET, f"{SEALS}.tmp", SEALS, f"{RUN}.tmp", RUN, LOCK):
        with suppress(OutputError):  # Windows keeps a lock that is held
            folder.remove(name)
    with suppress(OSError):
        folder.path.rmdir()
