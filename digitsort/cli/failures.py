"""List files that could not be read or delivered: a few for each reason, and a hint if they moved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from digitsort.cli.console import stderr_console, warn
from digitsort.errors import DigitsortError
from digitsort.files.names import printable
from digitsort.sources.members import member_exists

MOST_NAMED = 5
"""Largest number of files that are listed for one reason."""

Failure = tuple[str, str]
"""Path and reason."""


def some_of(failures: Iterable[Failure]) -> Iterator[str]:
    """Yield a line for each of the first few files with each reason, and how many more there are."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in failures:
        by_reason.setdefault(reason, []).append(path)
    for reason, paths in by_reason.items():
        for path in paths[:MOST_NAMED]:
            yield f"  {printable(path)}: {reason}"
        if len(paths) > MOST_NAMED:
            yield f"  … and {len(paths) - MOST_NAMED:,} more"


def hint_to_root(failures: Iterable[Failure]) -> Iterator[str]:
    """Yield a hint to --root if any of the files does not exist."""
    if any(_is_missing(path) for path, _ in failures):
        yield "If their folder was renamed or moved, name it with --root DIR."


def _is_missing(path: str) -> bool:
    """Return whether there is no such file; one in a folder that can't be entered may be there."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return not member_exists(path)
    except OSError:
        return False
    return False


def warn_of(failures: Sequence[Failure], total: int, *, may_be_elsewhere: bool) -> None:
    """Print how many of `total` files could not be read, and some of them."""
    if not failures:
        return
    warn(f"{len(failures):,} of {total:,} files can't be read:")
    for line in (*some_of(failures), *(hint_to_root(failures) if may_be_elsewhere else ())):
        stderr_console().print(line, markup=False)


def all_failed(table: Path, failures: Sequence[Failure], *, may_be_elsewhere: bool) -> DigitsortError:
    """Return the error for a command that could read none of the files of a table."""
    count = len(failures)
    what = "The file" if count == 1 else f"None of the {count:,} files"
    verb = "can't" if count == 1 else "can"
    lines = [f"{what} of {printable(str(table))} {verb} be read:", *some_of(failures)]
    return DigitsortError("\n".join([*lines, *(hint_to_root(failures) if may_be_elsewhere else ())]))
