"""Choose the engine (in line, worker processes or Dask) that fits the work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice

from digitsort.errors import UsageError
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
    job : Job
    give_up : callable
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
        engine.executor.shutdown()
    except BaseException:
        engine.executor.shutdown(wait=False, cancel_futures=True)
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
