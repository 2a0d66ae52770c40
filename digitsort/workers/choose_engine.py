"""Choose the engine (in line, worker processes or Dask) that fits the work, and start it early."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice

from digitsort.errors import DigitsortError, UsageError
from digitsort.sources.located import Located
from digitsort.workers.engine import FEW_BYTES, FEW_FILES, Engine, GiveUp, Inline, Job

Items = Iterable[str]


@contextmanager
def chosen_engine(
    job: Job,
    give_up: GiveUp,
    items: Items,
    *,
    workers: int | None = None,
    dask: str | None = None,
) -> Iterator[tuple[Engine, Items]]:
    """Yield the engine and all items; if the block raises, stop all work at once.

    Parameters
    ----------
    items : iterable of str
        Paths of files.
    workers : int, optional
        Number of processes; 0 for none; None for one per CPU, or none for few items.
    dask : str, optional
        Address of a scheduler, or ``local``.
    """
    if workers is not None and workers < 0:
        raise UsageError(f"--workers must be 0 or more, got {workers}.")
    if dask is None and workers is None:
        first = list(islice(items := iter(items), FEW_FILES))
        workers, items = (0 if _are_little(first) else None), chain(first, items)
    engine, items = _engine(job, give_up, items, workers, dask)
    try:
        yield engine, items
        engine.close()
    except BaseException:
        engine.close(at_once=True)
        raise


def _engine(
    job: Job, give_up: GiveUp, items: Items, workers: int | None, dask: str | None
) -> tuple[Engine, Items]:
    if dask is not None:
        from digitsort.workers.cluster import Cluster
        from digitsort.workers.kit import with_probe

        probe, items = with_probe(items)
        return Cluster(job, give_up, dask, workers, probe), items
    if workers == 0:
        return Inline(job), items
    from digitsort.workers.processes import Processes
    from digitsort.workers.tuning import usable_processors

    return Processes(job, workers or usable_processors()), items


def _are_little(paths: list[str]) -> bool:
    return len(paths) < FEW_FILES and sum(map(_size, paths)) < FEW_BYTES


def _size(path: str) -> int:
    if type(path) is Located:
        return path.nbytes
    try:
        return os.stat(path).st_size
    except OSError:
        return 0  # reading the file reports the error in its row


def start_early(sources: Sequence[str | os.PathLike[str]], workers: int | None) -> None:
    """Start the server that forks workers, if there will be workers and the system can fork.

    Parameters
    ----------
    sources : sequence of str or Path
        Files and folders, which need not exist.
    workers : int, optional
        Number of workers, as for `chosen_engine`.
    """
    if workers == 0 or (workers is None and not _are_many(sources)):
        return
    from digitsort.workers.server import has_server, start_server

    if has_server():
        with suppress(DigitsortError, OSError):  # the command starts it again, and reports the error
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
