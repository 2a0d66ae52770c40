"""Set up Dask workers with the job, check that they fit, and run batches on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import chain, islice
from typing import Any, TextIO

from digitsort.errors import ClusterError, DigitsortError
from digitsort.execute.careful import perform_carefully
from digitsort.execute.clock import Clock
from digitsort.execute.engine import Done, GiveUp, Job
from digitsort.execute.inline import perform
from digitsort.execute.processes import TIME_LIMIT_S
from digitsort.files.limits import MOST_BYTES
from digitsort.files.names import printable
from digitsort.files.regular import read_regular


@dataclass(frozen=True, slots=True)
class Probe:
    """File that workers must see with the same content as the coordinator.

    Attributes
    ----------
    path : str
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
    probe = Probe.of(os.path.abspath(first[0])) if first else None
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
        return sha256(read_regular(path, MOST_BYTES)).hexdigest()
    except OSError:
        return ""
