"""Define the command `digitsort watch`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from digitsort.classification.classify import classify_files
from digitsort.classification.settings import Settings
from digitsort.cli import options
from digitsort.cli.console import open_model, stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import print_recovered, warn_of_foreign_runs
from digitsort.errors import ExitCode, UsageError
from digitsort.files.names import printable
from digitsort.files.places import is_in, is_part_of
from digitsort.images.discover import Walk, check_sources
from digitsort.labels.labels_csv import COLUMNS, Layout, record_of
from digitsort.labels.resume import outcome_of
from digitsort.model.reading import Model
from digitsort.outcomes import Outcome, Status
from digitsort.plural import plural
from digitsort.sorting.arrivals import (
    FEW_FILES,
    SAVING_S,
    Arrivals,
    Batch,
    read_when_saved,
    sort_complete,
)
from digitsort.sorting.books import Sorted
from digitsort.sorting.dest import locked
from digitsort.sorting.inbox import (
    POLL_S,
    RESCAN_S,
    TICK_S,
    Inbox,
    Wait,
    needs_polling,
    waiting_for_changes,
)
from digitsort.sorting.plan import Mode, SortOptions
from digitsort.sorting.recover import recover

RECOVERED = "before a kill"
"""Action of a file that an interrupted run had sorted."""

MOST_LOOKING = 2
"""A look into a large inbox takes time: the wait until the next one is this many times as long."""


@reports_errors
def watch(
    inbox: Annotated[
        Path, typer.Argument(metavar="INBOX", help="Folder that a scanner or a program writes into.")
    ],
    dest: Annotated[
        Path,
        typer.Argument(
            metavar="DEST",
            help="Folder for the sorted files; gets 0-9, _uncertain, _rejected and _unreadable.",
        ),
    ],
    move: Annotated[
        bool, typer.Option("--move", help="Move the files; by default they are copied.")
    ] = False,
    keep_folders: Annotated[
        bool, typer.Option("--keep-folders", help="Recreate the subfolders of INBOX below each digit.")
    ] = False,
    accept_uncertain: Annotated[
        bool,
        typer.Option(
            "--accept-uncertain", help="Put uncertain files into the folder of their best guess."
        ),
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            metavar="SECONDS",
            min=0,
            help="A file is complete if it has not changed for this long; default: 2.",
        ),
    ] = 2.0,
    poll: Annotated[
        float | None,
        typer.Option(
            "--poll",
            metavar="SECONDS",
            min=0.01,
            help="Look every few seconds and do not wait for reports of the system; default on network "
            "file systems: 5.",
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Sort the files that are complete now, and end: for cron.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per file instead of a line.")
    ] = False,
    model: options.Model = None,
    min_confidence: options.MinConfidence = None,
    only_labels: options.OnlyLabels = None,
    workers: options.Workers = None,
    any_name: options.AnyName = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Wait for scans in a folder, and sort each into another one once it is complete."""
    check_sources([inbox])
    folder, target = os.path.realpath(inbox), os.path.realpath(dest)
    _check_apart(folder, target)
    limits = options.limits(max_pixels, max_side, max_bytes)
    settings = Settings(min_confidence, limits=limits)
    found = open_model(model)
    labels = options.labels(only_labels, found.class_names)
    chosen = SortOptions(
        Mode.MOVE if move else Mode.COPY,
        accept_uncertain=accept_uncertain,
        keep_folders_of=folder if keep_folders else None,
        move_from=folder if move else None,
        set_aside=True,
    )
    box = Inbox(folder, settle, options.patterns(exclude), any_name, target)
    labelling = _Labelling(found, replace(settings, only_labels=labels), workers)
    printing = _Printing(folder, Layout(folder, found.card.short), as_json=as_json)
    wait = None if once else _waiting(folder, poll, quiet=quiet)
    warn_of_foreign_runs(Path(target))
    with locked(Path(target)) as held:
        books = read_when_saved(held.dest, SAVING_S)  # before anything is touched: it must be a table
        recovered = recover(held, books=books)
        print_recovered(recovered, quiet=quiet)
        if recovered is not None:
            printing.print_arrived(recovered.arrived)
        arrivals = Arrivals(held, chosen)
        watching = _Watching(box, arrivals, labelling, printing)
        try:
            watching.once(settle) if wait is None else watching.run(wait)
        except BaseException:
            arrivals.stop()
            raise
        finally:
            for table in arrivals.tables:
                warn(f"labels.csv was saved while it was brought up to date: see {table}.")
    if not quiet:
        stderr_console().print(printing.summary(len(box.waiting)), markup=False)
    return ExitCode.SOME_FAILED if printing.failures else ExitCode.DONE


def _check_apart(folder: str, target: str) -> None:
    if not os.path.isdir(folder):
        raise UsageError(f"INBOX {printable(folder)} is not a folder. Name a folder.")
    if os.path.lexists(target) and not os.path.isdir(target):
        raise UsageError(f"DEST {printable(target)} is a file: name a folder.")
    if folder == target:
        raise UsageError("INBOX and DEST are the same folder. Choose another DEST.")
    is_inner = is_part_of(folder, target)
    if is_inner or is_in(target, folder):
        inner, outer = ("INBOX", "DEST") if is_inner else ("DEST", "INBOX")
        raise UsageError(f"{inner} is inside {outer}. Choose a DEST beside INBOX.")


def _waiting(folder: str, poll_s: float | None, *, quiet: bool) -> Wait:
    why = needs_polling(folder) if poll_s is None else ""
    if not why:
        try:
            return waiting_for_changes(folder, poll_s)
        except OSError as error:
            why = f"its changes can't be watched ({error.strerror or error})"
    if not quiet:
        warn(f"{folder}: {why}. It is looked at every {POLL_S:g} seconds.")
    return waiting_for_changes(folder, POLL_S)


@dataclass(frozen=True, slots=True)
class _Labelling:
    """Function that labels files; by default not in this process, which a file could crash."""

    model: Model
    settings: Settings
    workers: int | None

    def __call__(self, paths: Sequence[str]) -> Iterator[Outcome]:
        workers = self.workers
        if workers is None and len(paths) < FEW_FILES:
            workers = 1
        return classify_files(paths, self.model, self.settings, workers=workers)


class _Watching:
    """Looks into the inbox again and again."""

    def __init__(
        self, inbox: Inbox, arrivals: Arrivals, labelling: _Labelling, printing: _Printing
    ) -> None:
        self._inbox = inbox
        self._arrivals = arrivals
        self._labelling = labelling
        self._printing = printing

    def run(self, wait: Wait) -> None:
        """Sort what arrives, until a signal comes."""
        while True:
            took = self._look()
            if took is None:  # there may be more by now
                continue
            self._arrivals.close_books(now=False)
            time.sleep(max(TICK_S, MOST_LOOKING * took))
            wait(TICK_S if self._inbox.waiting else min(RESCAN_S, self._arrivals.due_in_s()))

    def once(self, settle_s: float) -> None:
        """Sort the files that do not change for some seconds."""
        self._look()
        if self._inbox.waiting:
            time.sleep(settle_s)
            self._look()
        self._arrivals.close_books(now=True)

    def _look(self) -> float | None:
        """Sort what is complete; if nothing is, return how many seconds a look takes."""
        began = time.monotonic()
        complete, walk = self._inbox.look()
        self._printing.warn_unlisted(walk)
        if not complete:
            return time.monotonic() - began
        model = self._labelling.model.card.short
        most_bytes = self._labelling.settings.limits.file_bytes
        for batch in sort_complete(
            self._inbox, complete, self._arrivals, self._labelling, model, most_bytes
        ):
            self._printing.print(batch)
        return None


class _Printing:
    """Prints one line per file, and counts."""

    def __init__(self, folder: str, layout: Layout, *, as_json: bool) -> None:
        self._top = os.path.join(folder, "")
        self._layout = layout
        self._line: Callable[[Outcome, str, str, str], str] = self._json if as_json else self._text
        self._unlisted: set[str] = set()
        self._dest = ""
        self._counts = Counter[str]()
        self.failures = 0

    def print(self, batch: Batch) -> None:
        """Print the files of a batch: those sorted to stdout, others to stderr."""
        for operation in batch.arrived.done:
            self._print(batch.outcomes[operation.row.path], operation.target, "sorted")
        for operation in batch.arrived.same:
            self._print(batch.outcomes[operation.row.path], operation.target, "already there")
        for path, reason in batch.arrived.left:
            self.failures += 1
            warn(f"{path} stays where it is: {reason}.")
        sys.stdout.flush()

    def print_arrived(self, files: Iterable[Sorted]) -> None:
        """Print the files that a killed run had sorted: it may have printed them too, or not."""
        for file in files:
            cells = {**dict.fromkeys(COLUMNS, ""), **file.cells}
            outcome = outcome_of(file.source, cells, self._layout)
            line = self._line(outcome, file.target, RECOVERED, cells["model"])
            sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _print(self, outcome: Outcome, target: str, what: str) -> None:
        self._counts[what] += 1
        self.failures += outcome.status is Status.ERROR
        sys.stdout.write(self._line(outcome, target, what, self._layout.model) + "\n")

    def _json(self, outcome: Outcome, target: str, what: str, model: str) -> str:
        record = record_of(outcome, replace(self._layout, model=model))
        return json.dumps({**record, "target": self._layout.cell_of(target), "action": what})

    def _text(self, outcome: Outcome, target: str, what: str, _: str) -> str:
        share = "" if outcome.confidence is None else f" {outcome.label} ({outcome.confidence:.4f})"
        reason = f": {outcome.reason}" if outcome.reason else ""
        place = f"{os.path.basename(os.path.dirname(target))}/{os.path.basename(target)}"
        there = f" ({what})" if what != "sorted" else ""
        name = outcome.path.removeprefix(self._top)
        return printable(f"{name} -> {place}{there}  {outcome.status.value}{share}{reason}")

    def warn_unlisted(self, walk: Walk) -> None:
        """Warn of folders that can't be listed, once."""
        for folder, reason in walk.unreadable:
            if folder not in self._unlisted:
                self._unlisted.add(folder)
                self.failures += 1
                warn(f"{folder} can't be listed: {reason}.")

    def summary(self, waiting: int) -> str:
        """Return the counts, given that of the files that are not complete."""
        said = [f"{plural(self._counts['sorted'], 'file')} sorted"]
        if there := self._counts["already there"]:
            said.append(f"{there} already there")
        if waiting:
            said.append(f"{waiting} not complete yet")
        return ", ".join(said) + "."
