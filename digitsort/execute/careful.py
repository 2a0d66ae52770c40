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

ATTEMPTS = 3
"""Number of times to try. Items can't kill the careful process, so its death blames no item."""


def perform_carefully(job: Job, give_up: GiveUp, items: Sequence[str]) -> Done:
    """Run a batch so that an item that crashes or hangs loses only its own result.

    Raises
    ------
    Exception
        The error that stopped the careful process. Its cause is not an item: no space for temporary
        files, no more processes, no memory, or an error in the job itself.
    WorkerDiedError
        If the careful process died in every attempt.
    """
    for _ in range(ATTEMPTS):
        process = start("digitsort.execute.careful")
        try:
            process.channel.send((job, give_up, list(items)))
            done: Done | Exception = process.channel.receive()
        except (EOFError, OSError):
            continue
        finally:
            process.end()
        if isinstance(done, Exception):
            raise done
        return done
    raise WorkerDiedError


def main() -> None:
    """Receive a batch from the parent, and send its results or the error that stopped it."""
    channel = to_parent()
    try:
        outcome: Done | Exception = _do(*channel.receive())
    except Exception as error:  # noqa: BLE001 - the parent raises it
        outcome = error
    channel.send_outcome(outcome)


def _do(job: Job, give_up: GiveUp, items: Sequence[str]) -> Done:
    engine = Processes(job, 1)
    try:
        batches = list(Loop(engine, give_up).run(items))
    finally:
        engine.executor.shutdown()
    results = [result for _, batch in batches for result in batch]
    # Slow on purpose: it says nothing of how large the next batches should be.
    return Done(results, None)
