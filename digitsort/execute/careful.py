"""Do a batch in a process of its own, for a Dask worker that must not die with it.

Dask blames every batch that a dead worker held, and can't tell which item killed it. So a batch that
was blamed is done here: in a worker process that may die, whose note says what it had in hand. A
process that is started, not forked: a Dask worker has threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from digitsort.errors import DigitsortError
from digitsort.execute.channel import to_parent
from digitsort.execute.engine import Done, GiveUp, Job
from digitsort.execute.loop import Loop
from digitsort.execute.process import start
from digitsort.execute.processes import Processes, WorkerDiedError

ATTEMPTS = 3
"""No item can end the careful process itself, so that one that died is no evidence against any."""


def perform_carefully(job: Job, give_up: GiveUp, items: Sequence[str]) -> Done:
    """Do a batch; an item that kills or hangs costs its own result only.

    Raises
    ------
    DigitsortError
        If the batch can't be done here: no room for temporary files, no more processes.
    WorkerDiedError
        If the process that was to be careful died itself, each time.
    """
    for _ in range(ATTEMPTS):
        process = start("digitsort.execute.careful")
        try:
            process.channel.send((job, give_up, list(items)))
            done: Done | DigitsortError = process.channel.receive()
        except (EOFError, OSError):
            continue
        finally:
            process.end()
        if isinstance(done, DigitsortError):
            raise done  # it says nothing of the items: else good files would be given up
        return done
    raise WorkerDiedError


def main() -> None:
    """Take a batch from the parent, and send what became of it."""
    channel = to_parent()
    job, give_up, items = channel.receive()
    try:
        channel.send(_do(job, give_up, items))
    except DigitsortError as error:
        channel.send(error)


def _do(job: Job, give_up: GiveUp, items: Sequence[str]) -> Done:
    engine = Processes(job, 1)
    try:
        batches = list(Loop(engine, give_up).run(items))
    finally:
        engine.executor.shutdown()
    results = [result for _, batch in batches for result in batch]
    # Slow on purpose: it says nothing of how large the next batches should be.
    return Done(results, None)
