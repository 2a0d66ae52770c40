"""Print progress, warnings and tables on stderr, for all commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from digitsort.files.names import printable
from digitsort.progress import ByteProgress, Progress, silent, silent_bytes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from digitsort.images.discover import Walk
    from digitsort.model.reading import Model

T = TypeVar("T")


def stderr_console(*, quiet: bool = False) -> Console:
    """Return a console on stderr; rich honours `NO_COLOR`."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning."""
    stderr_console().print(f"digitsort: {printable(message)}", markup=False, soft_wrap=True)


def table() -> Table:
    """Return an empty table in the style of all commands."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar for each stage of the work; only on a terminal."""
    if not _may_show(quiet):
        yield silent
        return
    from digitsort.cli import bars

    with bars.stages(stderr_console()) as progress:
        yield progress


@contextmanager
def delivered(verb: str, *, quiet: bool = False) -> Iterator[ByteProgress]:
    """Show a bar that counts files and bytes."""
    if not _may_show(quiet):
        yield silent_bytes
        return
    from digitsort.cli import bars

    with bars.delivered(stderr_console(), verb) as progress:
        yield progress


@contextmanager
def counted(items: Iterable[T], total: Walk | int, *, quiet: bool = False) -> Iterator[Iterable[T]]:
    """Show a bar over items; `total` is their number, or a walk to count in another thread."""
    if not _may_show(quiet):
        yield items
        return
    from digitsort.cli import bars

    with bars.counted(stderr_console(), items, total) as shown:
        yield shown


def _may_show(quiet: bool) -> bool:
    """Return whether stderr may be a terminal; only rich knows for certain, but it loads slowly."""
    forced = any(name in os.environ for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))
    return not quiet and (forced or sys.stderr.isatty())


def open_model(path: Path | None) -> Model:
    """Load the model file, or the default model where none is named."""
    if path is not None:
        from digitsort.model.reading import load_model

        return load_model(path)
    from digitsort.model.reading import default_model

    return default_model()
