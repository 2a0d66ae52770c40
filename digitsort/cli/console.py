"""What all commands show on the terminal: progress, warnings, tables; all of it on stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from digitsort.progress import ByteProgress, Progress

if TYPE_CHECKING:
    from digitsort.files.discover import Walk
    from digitsort.model.reading import Model

T = TypeVar("T")

BETWEEN_MOVES_S = 0.05


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class _Size(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(decimal(int(task.fields.get("size", 0))), style="progress.download")


def stderr_console(*, quiet: bool = False) -> Console:
    """Console on stderr; `NO_COLOR` is honoured by rich."""
    return Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning."""
    from digitsort.files.names import printable

    stderr_console().print(f"digitsort: {printable(message)}", markup=False, soft_wrap=True)


def table() -> Table:
    """An empty table as all commands show them."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))


def _bars(console: Console, *further: ProgressColumn) -> Bars:
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        *further,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=console.quiet or not console.is_terminal,
    )


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar for each stage of a work; only on a terminal."""
    with _bars(stderr_console(quiet=quiet)) as bars:
        known: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in known:
                for task in known.values():
                    bars.remove_task(task)
                known.clear()
                known[stage] = bars.add_task(stage, total=total)
            bars.update(known[stage], completed=done, total=total)

        yield show


@contextmanager
def delivered(verb: str, *, quiet: bool = False) -> Iterator[ByteProgress]:
    """Show a bar of files and the bytes that they have."""
    with _bars(stderr_console(quiet=quiet), _Size()) as bars:
        task = bars.add_task(verb, total=None)

        def show(done: int, total: int, size: int) -> None:
            bars.update(task, completed=done, total=total, size=size)

        yield show


@contextmanager
def counted(items: Iterable[T], total: Walk | int, *, quiet: bool = False) -> Iterator[Iterator[T]]:
    """Show a bar over items; `total` is their number, or a walk that is counted meanwhile."""
    with _bars(stderr_console(quiet=quiet)) as bars:
        task = bars.add_task("classify", total=total if isinstance(total, int) else None)
        if not isinstance(total, int) and not bars.disable:
            threading.Thread(target=_count, args=(total, bars, task), daemon=True).start()
        yield _advancing(items, bars, task)


def _count(walk: Walk, bars: Bars, task: TaskID) -> None:
    """Walk a second time beside the first: the tree is in the system's cache then."""
    from digitsort.files.discover import Walk

    again = Walk(walk.sources, walk.follow_links, walk.exclude)
    bars.update(task, total=sum(1 for _ in again.files()))


def _advancing(items: Iterable[T], bars: Bars, task: TaskID) -> Iterator[T]:
    """Pass items on, and move the bar now and then: each move costs more than many an item."""
    shown = time.monotonic()
    waiting = 0
    for item in items:
        yield item
        waiting += 1
        if not bars.disable and time.monotonic() - shown > BETWEEN_MOVES_S:
            bars.advance(task, waiting)
            shown, waiting = time.monotonic(), 0


def open_model(path: Path | None, *, quiet: bool = False) -> Model:
    """Load the model file, or the default model where none is named."""
    if path is not None:
        from digitsort.model.reading import load_model

        return load_model(path)
    from digitsort.training.default import default_model, default_model_path

    if not default_model_path().exists():
        stderr_console(quiet=quiet).print(
            "First use: training the default model. This takes a few seconds, once."
        )
    with stages(quiet=quiet) as progress:
        return default_model(progress, warn)
