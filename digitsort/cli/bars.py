"""Progress bars; loaded only if there may be a terminal to show them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

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
from rich.text import Text

from digitsort.images.discover import Walk
from digitsort.progress import ByteProgress, Progress

T = TypeVar("T")

BETWEEN_MOVES_S = 0.05


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class _Size(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(decimal(int(task.fields.get("size", 0))), style="progress.download")


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
        disable=not console.is_terminal,
    )


@contextmanager
def stages(console: Console) -> Iterator[Progress]:
    """Show a bar for each stage of the work; only on a terminal."""
    with _bars(console) as bars:
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
def delivered(console: Console, verb: str) -> Iterator[ByteProgress]:
    """Show a bar that counts files and bytes."""
    with _bars(console, _Size()) as bars:
        task = bars.add_task(verb, total=None)

        def show(done: int, total: int, size: int) -> None:
            bars.update(task, completed=done, total=total, size=size)

        yield show


@contextmanager
def counted(console: Console, items: Iterable[T], total: Walk | int) -> Iterator[Iterator[T]]:
    """Show a bar over items; `total` is their number, or a walk to count in another thread."""
    with _bars(console) as bars:
        task = bars.add_task("classify", total=total if isinstance(total, int) else None)
        if not isinstance(total, int) and not bars.disable:
            threading.Thread(target=_count, args=(total, bars, task), daemon=True).start()
        yield _advancing(items, bars, task)


def _count(walk: Walk, bars: Bars, task: TaskID) -> None:
    """Count files by a second walk beside the first: the system has cached the folders by then."""
    again = Walk(walk.sources, walk.follow_links, walk.exclude, walk.any_name, walk.patterns)
    again.archives = walk.archives
    bars.update(task, total=sum(1 for _ in again.files()))


def _advancing(items: Iterable[T], bars: Bars, task: TaskID) -> Iterator[T]:
    """Yield the items, and move the bar every 0.05 s: moving it takes longer than many items."""
    shown = time.monotonic()
    waiting = 0
    for item in items:
        yield item
        waiting += 1
        if not bars.disable and time.monotonic() - shown > BETWEEN_MOVES_S:
            bars.advance(task, waiting)
            shown, waiting = time.monotonic(), 0
