"""Do a batch in a process of its own, for a Dask worker that must not die with it.

Dask blames every batch that a dead worker held, and can't tell which item killed it. So a batch that
was blamed is done here: in a worker process that may die, whose note says what it had in hand. A
process that is started, not forked: a Dask worker has threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from digitsort.execute.channel import to_parent
from digitsort.execute.engine import Done, GiveUp, Job
from digitsort.execute.loop import Loop
from digitsort.execute.process import start
from digitsort.execute.processes import Processes, WorkerDiedError


def perform_carefully(job: Job, give_up: GiveUp, items: Sequence[str]) -> Done:
    """Do a batch; an item that kills or hangs costs its own result only.

    Raises
    ------
    WorkerDiedError
        If the process that was to be careful died itself.
    """
    process = start("digitsort.execute.careful")
    try:
        process.channel.send((job, give_up, list(items)))
        done: Done = process.channel.receive()
    except (EOFError, OSError) as error:
        raise WorkerDiedError from error
    finally:
        process.end()
    return done


def main() -> None:
    """Take a batch from the parent, and send what became of it."""
    channel = to_parent()
    job, give_up, items = channel.receive()
    engine = Processes(job, 1)
    try:
        batches = list(Loop(engine, give_up).run(items))
    finally:
        engine.executor.shutdown()
    results = [result for _, batch in batches for result in batch]
    # Slow on purpose: it says nothing of how large the next batches should be.
    channel.send(Done(results, None))
