"""Start the server of worker processes while this process still loads its own modules."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from digitsort.execute import few


def start_early(sources: Sequence[str | os.PathLike[str]], workers: int | None) -> None:
    """Start what workers are forked from, where there will be workers and it is known how.

    Parameters
    ----------
    sources : sequence of str or Path
        Files and folders, which need not exist.
    workers : int, optional
        As `choose.chosen_engine` has it.
    """
    if workers == 0 or (workers is None and not _are_many(sources)):
        return
    from digitsort.execute.server import has_server, start_server

    if has_server():
        start_server()


def _are_many(sources: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether there are so many files, or bytes, that workers will be wanted; a guess, and quick."""
    count = size = 0
    for file_size in _file_sizes(sources):
        count, size = count + 1, size + file_size
        if count >= few.FILES or size >= few.BYTES:
            return True
    return False


def _file_sizes(sources: Iterable[str | os.PathLike[str]]) -> Iterator[int]:
    """Sizes of the files in sources and their sub-folders, as they come."""
    waiting = list(sources)
    while waiting:
        path = waiting.pop()
        try:
            status = os.stat(path)
            if stat.S_ISDIR(status.st_mode):
                with os.scandir(path) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        else:
                            yield entry.stat(follow_symlinks=False).st_size
            else:
                yield status.st_size
        except OSError:
            continue  # the walk itself will say what is wrong with it
