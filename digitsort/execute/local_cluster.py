"""A Dask cluster on this machine, in a process of its own, which starts the workers."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from digitsort.errors import ClusterError
from digitsort.execute.channel import Channel, to_parent
from digitsort.execute.process import start
from digitsort.execute.processors import usable_processors
from digitsort.files.leftovers import temporary
from digitsort.signals import SIGNALS

START_LIMIT_S = 180.0
"""For the scheduler and the workers of a local cluster, which start in seconds on a quiet machine."""


@contextmanager
def local_cluster(workers: int | None) -> Iterator[str]:
    """Start a scheduler and workers on loopback; give the scheduler's address.

    Parameters
    ----------
    workers : int, optional
        Processes; by default one for each processor.

    Raises
    ------
    ClusterError
        If it can't be started.
    """
    with temporary(lambda: Path(tempfile.mkdtemp(prefix="digitsort-"))) as folder:
        process = start("digitsort.execute.local_cluster", starts_others=True)
        try:
            yield _address(process.channel, workers or usable_processors(), folder)
        finally:
            process.kill()  # it holds nothing that anybody needs
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
    """Run the cluster until the parent has ended; the parent ends it with all its processes."""
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
        channel.receive()  # nothing comes but the end
    shutil.rmtree(folder, ignore_errors=True)  # a parent that was killed can't
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _give_up(channel: Channel) -> None:
    """Dask waits without end for workers that can't start, as where no more processes are allowed."""
    channel.send((None, f"it did not start within {START_LIMIT_S:.0f} s. Are more processes allowed?"))


def _prepare_signals() -> None:
    """Ignore what a terminal sends, and let workers, which inherit that, be ended with SIGTERM."""
    for number in SIGNALS:
        if number is not signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)  # for this process; it isn't handed down
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
