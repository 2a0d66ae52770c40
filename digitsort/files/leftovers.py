"""Remember temporary files and folders, so that the end of the process removes what is left of them.

Whoever makes one removes it as well. But KeyboardInterrupt may come between any two steps, also right
before the block that would remove it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from digitsort.files.interrupts import interrupts_wait

_known: set[Path] = set()


@contextmanager
def temporary(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a temporary file or folder; it is gone when the block ends, or else the process."""
    with interrupts_wait():
        path = make()
        _known.add(path)
    try:
        yield path
    finally:
        with interrupts_wait():
            _remove(path)


def remove_leftovers() -> None:
    """Remove what is still there at the end of the process."""
    for path in list(_known):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    _known.discard(path)
