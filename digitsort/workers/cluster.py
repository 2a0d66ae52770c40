"""Run batches on a Dask cluster: a running one, or a local one in a separate process."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from digitsort.errors import ClusterError
from digitsort.files.interrupts import temporary
from digitsort.files.names import printable
from digitsort.files.signals import SIGNALS
from digitsort.sources.located import made_absolute
from digitsort.workers.engine import Death, Done, GiveUp, Job
from digitsort.workers.kit import Kit, Probe, complaint, plugin_of, work
from digitsort.workers.process import Channel, start, to_parent
from digitsort.workers.processes import BATCHES_PER_WORKER, WorkerDiedError
from digitsort.workers.tuning import usable_processors

LOCAL = "local"

CHATTY = ("distributed", "tornado", "asyncio")
"""Loggers of Dask and of its event loop, which only Dask uses."""

ATTEMPTS, PAUSE_S = 10, 0.2
"""Number of times to send the kit while workers die, and seconds between attempts."""

PATIENCE_S = 15.0
"""Time limit in seconds for the scheduler to answer, and for a first worker to appear."""


class Cluster:
    """The engine of a Dask cluster.

    Parameters
    ----------
    job : Job
        Sent to each worker once, also to those that join later.
    address : str
        Address of the scheduler, or ``local``: a cluster of processes on this machine, on loopback
        only.
    workers : int or None
        Number of processes of a local cluster.

    Raises
    ------
    ClusterError
        If Dask is not installed, the scheduler can't be reached, there are no workers, or one of them
        runs another version or does not see the files.
    """

    def __init__(
        self, job: Job, give_up: GiveUp, address: str, workers: int | None, probe: Probe | None
    ) -> None:
        distributed = _distributed()
        self._killed: type[BaseException] = distributed.KilledWorker
        self._closing = ExitStack()
        try:
            if address == LOCAL:
                address = self._closing.enter_context(local_cluster(workers))
            self._client = self._closing.enter_context(_client(distributed, address))
            self._name = f"digitsort-{uuid.uuid4().hex}"
            kit = Kit(job, give_up, probe, version("digitsort"))
            self._equip(kit, address)
            slots = sum(self._client.nthreads().values())
        except BaseException:
            self._closing.close()
            raise
        self.window = BATCHES_PER_WORKER * max(slots, 1)
        self._pure: Executor = self._client.get_executor(pure=False)

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        """Start a batch, with absolute paths: workers have other working folders."""
        absolute = list(map(made_absolute, items))
        try:
            return self._pure.submit(work, self._name, absolute, blamed)
        except (OSError, RuntimeError, ValueError) as error:
            raise _lost(error) from error

    def death(self, future: Future[Done]) -> Death | None:
        """Return how the worker died; which item it was working on is not known."""
        error = _failure(future)
        if isinstance(error, ClusterError):
            return None
        if isinstance(error, (self._killed, WorkerDiedError)):
            return Death(certain=False)
        if isinstance(error, CancelledError):
            if self._client.status == "running":
                return Death(started=False, fruitless=True)
            raise _lost(error) from error
        if isinstance(error, OSError):
            raise _lost(error) from error
        return None

    def _equip(self, kit: Kit, address: str) -> None:
        """Check the present workers, and give the kit to them and to those that join later."""
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError as error:
            raise ClusterError(
                f"The scheduler at {address} has no workers. Start some: dask worker {address}"
            ) from error
        answers = self._client.run(complaint, kit.version, kit.probe, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, OSError):
                continue  # it died; a worker that comes back is checked before its first batch
            said = (
                f"it has no fitting digitsort ({answer})" if isinstance(answer, Exception) else answer
            )
            if said:
                raise ClusterError(
                    f"The worker at {worker} can't be used: {said}. All workers need this version of "
                    "digitsort, and the files under the same paths, on a file system they share."
                )
        self._register(kit)

    def _register(self, kit: Kit) -> None:
        """Send the kit to all workers; try again if a worker dies during this."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                self._client.register_plugin(plugin_of(kit), name=self._name)
            except OSError as error:
                if self._client.status != "running" or not attempts_left:
                    raise _lost(error) from error
                time.sleep(PAUSE_S)
            else:
                return

    def close(self, *, at_once: bool = False) -> None:
        """Leave the cluster; Dask cancels the batches that nobody waits for."""
        self._pure.shutdown(wait=not at_once)
        if self._client.status == "running":
            self._client.unregister_worker_plugin(self._name)
        self._closing.close()


def _distributed() -> Any:
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise ClusterError(
            "--dask needs Dask's distributed, which is not installed: pip install distributed."
        ) from error
    # They log a traceback for each lost connection; digitsort reports such errors itself.
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in CHATTY:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return distributed


def _client(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {printable(address)} ({error}). Start one, `dask scheduler "
            "--host 127.0.0.1 --no-dashboard`, or use --dask local."
        ) from error


def _failure(future: Future[Done]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _lost(error: BaseException) -> ClusterError:
    return ClusterError(
        f"The Dask scheduler is gone ({type(error).__name__}): start the cluster again."
    )


START_LIMIT_S = 180.0
"""Time limit in seconds for a local cluster to start, which takes a few seconds on an idle computer."""


@contextmanager
def local_cluster(workers: int | None) -> Iterator[str]:
    """Start a scheduler and workers on loopback; yield the address of the scheduler.

    Parameters
    ----------
    workers : int, optional
        Number of processes; default: one per CPU.

    Raises
    ------
    ClusterError
        If it can't be started.
    """
    with temporary(lambda: Path(tempfile.mkdtemp(prefix="digitsort-"))) as folder:
        process = start("digitsort.workers.cluster", starts_others=True)
        try:
            yield _address(process.channel, workers or usable_processors(), folder)
        finally:
            process.kill()  # its state is not needed any more
            process.end()


def _address(channel: Channel, workers: int, folder: Path) -> str:
    try:
        channel.send((workers, str(folder)))
        address, complaint = channel.receive()
    except (EOFError, OSError) as error:
        raise ClusterError("The local cluster died before it began. Try again.") from error
    if address is None:
        raise ClusterError(f"The local cluster can't be started: {complaint} Try again.")
    return str(address)


def main() -> None:
    """Run the cluster until the parent ends; the parent kills it with all its processes."""
    channel = to_parent()
    workers, folder = channel.receive()
    os.environ["TMPDIR"] = tempfile.tempdir = folder  # Dask's processes write to more than one place
    _prepare_signals()
    threading.Thread(target=_end_with_parent, args=(channel, folder), daemon=True).start()
    clock = threading.Timer(START_LIMIT_S, _give_up, (channel,))
    clock.daemon = True
    clock.start()
    import dask
    from distributed import LocalCluster

    try:
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                silence_logs="CRITICAL",
                local_directory=folder,
            ) as cluster,
        ):
            clock.cancel()
            channel.send((cluster.scheduler_address, ""))
            threading.Event().wait()
    except RuntimeError as error:
        channel.send((None, str(error)))
    os._exit(0)


def _end_with_parent(channel: Channel, folder: str) -> None:
    """Wait for the parent's end, then end with all that Dask has started, however far it has come."""
    with suppress(EOFError, OSError):
        channel.receive()  # the parent sends nothing; this returns when it ends
    shutil.rmtree(folder, ignore_errors=True)  # a parent that was killed can't
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _give_up(channel: Channel) -> None:
    """End the cluster with an error: Dask waits forever for workers that can't start."""
    channel.send((None, f"it did not start within {START_LIMIT_S:.0f} s. Are more processes allowed?"))


def _prepare_signals() -> None:
    """Ignore signals from a terminal, but let SIGTERM end the workers, which inherit these settings."""
    for number in SIGNALS:
        if number is not signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)  # handlers, unlike SIG_IGN, are not inherited
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
