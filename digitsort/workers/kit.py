"""Set up Dask workers with the job, check that they fit, and run batches on them.

Dask blames every batch that a dead worker held, and can't tell which item killed it. So a batch that
was blamed runs in a separate worker process, whose note names the item in hand if it dies. This process
is started, not forked, because a Dask worker has threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import chain, islice
from typing import Any, TextIO

from digitsort.errors import ClusterError, DigitsortError
from digitsort.files.names import printable
from digitsort.images.limits import MOST_BYTES
from digitsort.sources.located import made_absolute
from digitsort.sources.members import read_anywhere
from digitsort.workers.engine import Done, GiveUp, Job, perform
from digitsort.workers.loop import Loop
from digitsort.workers.process import start, to_parent
from digitsort.workers.processes import TIME_LIMIT_S, Processes, WorkerDiedError
from digitsort.workers.worker import Clock

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
        process = start("digitsort.workers.kit")
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
        engine.close()
    results = [result for _, batch in batches for result in batch]
    # Slower than a normal batch, so its duration must not determine the size of later ones.
    return Done(results, None)


@dataclass(frozen=True, slots=True)
class Probe:
    """File that workers must see with the same content as the coordinator.

    Attributes
    ----------
    sha256 : str
        Hash of the content; empty if the coordinator can't read the file, which skips the check.
    """

    path: str
    sha256: str

    @classmethod
    def of(cls, path: str) -> Probe:
        """Return a probe for the file at `path`."""
        return cls(path, _hash(path))

    def complaint(self) -> str:
        """Return why this worker does not see the same file; empty if it does."""
        if not self.sha256 or _hash(self.path) == self.sha256:
            return ""
        return f"it does not see the same content of {printable(self.path)} as this machine"


@dataclass(frozen=True)
class Kit:
    """Job for each worker, with the version and probe file that it must agree on."""

    job: Job
    give_up: GiveUp
    probe: Probe | None
    version: str


def complaint(wanted: str, probe: Probe | None) -> str:
    """Return what is wrong with the worker that runs this; empty if nothing."""
    here = version("digitsort")
    if here != wanted:
        return f"it runs digitsort {here}, not {wanted}"
    return probe.complaint() if probe else ""


def with_probe(items: Iterable[str]) -> tuple[Probe | None, Iterable[str]]:
    """Return a probe of the first file, and all items."""
    rest = iter(items)
    first = list(islice(rest, 1))
    probe = Probe.of(made_absolute(first[0])) if first else None
    return probe, chain(first, rest)


def plugin_of(kit: Kit) -> Any:
    """Return the kit as a plugin, which Dask installs on every worker, even on one that joins later."""
    from distributed import WorkerPlugin

    class DigitsortPlugin(WorkerPlugin):  # type: ignore[misc,unused-ignore]
        idempotent = False  # sending it again reaches the workers that missed it

        def __init__(self) -> None:
            self.kit = kit
            self.complaint: str | None = None

    return DigitsortPlugin()


def work(name: str, items: Sequence[str], blamed: bool) -> Done:
    """Run a batch on a worker, with the kit that the worker has under this name."""
    from distributed import get_worker

    worker = get_worker()
    plugin: Any = worker.plugins[name]
    if plugin.complaint is None:  # once on each worker, also on one that joined during the run
        plugin.complaint = complaint(plugin.kit.version, plugin.kit.probe)
    if plugin.complaint:
        raise ClusterError(f"The worker at {worker.address} can't be used: {plugin.complaint}.")
    with _errors_of(worker.address):
        if blamed:
            return perform_carefully(plugin.kit.job, plugin.kit.give_up, items)
        if worker.state.nthreads > 1 or sys.__stderr__ is None:
            return perform(plugin.kit.job, items)  # a watchdog would end other threads
        return _perform_timed(plugin.kit.job, items, sys.__stderr__)


@contextmanager
def _errors_of(address: str) -> Iterator[None]:
    """Add the worker's address to errors; a bare OSError would look like a lost scheduler."""
    try:
        yield
    except DigitsortError as error:
        raise type(error)(f"On the Dask worker at {address}: {error}") from error
    except OSError as error:
        raise ClusterError(f"On the Dask worker at {address}: {error}. Start it again.") from error


def _perform_timed(job: Job, items: Sequence[str], stderr: TextIO) -> Done:
    clock = Clock(TIME_LIMIT_S, stderr)
    try:
        return perform(job, items, lambda _: clock.tick())
    finally:
        clock.stop()


def _hash(path: str) -> str:
    try:
        return sha256(read_anywhere(path, MOST_BYTES)).hexdigest()
    except OSError:
        return ""
