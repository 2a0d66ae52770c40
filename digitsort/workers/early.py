"""Start the server of worker processes while this process is still loading its own modules."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from digitsort.workers.engine import FEW_BYTES, FEW_FILES


def start_early(sources: Sequence[str | os.PathLike[str]], workers: int | None) -> None:
    """Start the server that forks workers, if there will be workers and the system can fork.

    Parameters
    ----------
    sources : sequence of str or Path
        Files and folders, which need not exist.
    workers : int, optional
        Number of workers, as for `choose.chosen_engine`.
    """
    if workers == 0 or (workers is None and not _are_many(sources)):
        return
    from digitsort.workers.server import has_server, start_server

    if has_server():
        start_server()


def _are_many(sources: Iterable[str | os.PathLike[str]]) -> bool:
    """Guess quickly whether there are enough files or bytes to use workers."""
    count = size = 0
    for file_size in _file_sizes(sources):
        count, size = count + 1, size + file_size
        if count >= FEW_FILES or size >= FEW_BYTES:
            return True
    return False


def _file_sizes(sources: Iterable[str | os.PathLike[str]]) -> Iterator[int]:
    """Yield the sizes of files in the sources and their subfolders, in any order."""
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
            continue  # the walk reports the error
