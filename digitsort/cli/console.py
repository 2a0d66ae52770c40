"""What all commands show on the terminal: progress, warnings, tables; all of it on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from digitsort.progress import ByteProgress, Progress, silent, silent_bytes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from digitsort.files.discover import Walk
    from digitsort.model.reading import Model

T = TypeVar("T")


def stderr_console(*, quiet: bool = False) -> Console:
    """Console on stderr; `NO_COLOR` is honoured by rich."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning."""
    from digitsort.files.names import printable

    stderr_console().print(f"digitsort: {printable(message)}", markup=False, soft_wrap=True)


def table() -> Table:
    """An empty table as all commands show them."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar for each stage of a work; only on a terminal."""
    if not _may_show(quiet):
        yield silent
        return
    from digitsort.cli import bars

    with bars.stages() as progress:
        yield progress


@contextmanager
def delivered(verb: str, *, quiet: bool = False) -> Iterator[ByteProgress]:
    """Show a bar of files and the bytes that they have."""
    if not _may_show(quiet):
        yield silent_bytes
        return
    from digitsort.cli import bars

    with bars.delivered(verb) as progress:
        yield progress


@contextmanager
def counted(items: Iterable[T], total: Walk | int, *, quiet: bool = False) -> Iterator[Iterable[T]]:
    """Show a bar over items; `total` is their number, or a walk that is counted meanwhile."""
    if not _may_show(quiet):
        yield items
        return
    from digitsort.cli import bars

    with bars.counted(items, total) as shown:
        yield shown


def _may_show(quiet: bool) -> bool:
    """Whether there may be a terminal; for certain only rich knows, which takes a while to load."""
    forced = any(name in os.environ for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))
    return not quiet and (forced or sys.stderr.isatty())


def open_model(path: Path | None) -> Model:
    """Load the model file, or the default model where none is named."""
    if path is not None:
        from digitsort.model.reading import load_model

        return load_model(path)
    from digitsort.training.default import default_model

    return default_model()
