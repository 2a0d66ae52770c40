"""Apply a corrections.csv, and warn of rows that matched no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitsort.corrections import Corrections
    from digitsort.row import Row

MOST_NAMED = 5


def corrected(rows: Iterable[Row], path: Path | None, root: Path) -> Iterator[Row]:
    """Yield rows with a person's labels from the file `path`, if any; its paths start at `root`."""
    from digitsort.corrections import read_corrections

    if path is None:
        yield from rows
        return
    known = read_corrections(path, root)
    yield from known.correct(rows)
    warn_unused(known)


def warn_unused(known: Corrections) -> None:
    """Warn of corrections that matched no file."""
    from digitsort.cli.console import warn

    unused = known.unused()
    for row in unused[:MOST_NAMED]:
        warn(f"{row.path}: this correction matches no file here, or the file has changed.")
    if len(unused) > MOST_NAMED:
        warn(f"and {len(unused) - MOST_NAMED} more corrections match no file here.")
