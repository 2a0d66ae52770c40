"""Do a batch in a process of its own, for a Dask worker that must not die with it.

Dask blames every batch that a dead worker held, and can't tell which item killed it. So a batch that
was blamed is done here: in a worker process that may die, whose note says what it had in hand. A
program, not a function: Dask's workers are daemons, and those may not have children of
`multiprocessing`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence

from digitsort.execute.engine import Done, GiveUp, Job
from digitsort.execute.loop import Loop
from digitsort.execute.processes import Processes


def perform_carefully(job: Job, give_up: GiveUp, items: Sequence[str]) -> Done:
    """Do a batch; an item that kills or hangs costs its own result only.

    Raises
    ------
    subprocess.CalledProcessError
        If the process that was to be careful died itself.
    """
    done = subprocess.run(
        [sys.executable, "-m", "digitsort.execute.careful"],
        input=pickle.dumps((job, give_up, list(items))),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # all that could be said there is that whoever asked has died
        check=True,
    )
    result: Done = pickle.loads(done.stdout)
    return result


def main() -> None:
    """Read the batch from stdin, write what became of it to stdout."""
    job, give_up, items = pickle.load(sys.stdin.buffer)
    engine = Processes(job, 1)
    try:
        batches = list(Loop(engine, give_up).run(items))
    finally:
        engine.executor.shutdown()
    results = [result for _, batch in batches for result in batch]
    # Slow on purpose: it says nothing of how large the next batches should be.
    pickle.dump(Done(results, None), sys.stdout.buffer)


if __name__ == "__main__":
    main()
