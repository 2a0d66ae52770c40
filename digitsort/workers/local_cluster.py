"""Run a Dask cluster on this machine, in a separate process that starts the workers."""

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
from digitsort.files.interrupts import temporary
from digitsort.files.signals import SIGNALS
from digitsort.workers.process import Channel, start, to_parent
from digitsort.workers.tuning import usable_processors

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
        process = start("digitsort.workers.local_cluster", starts_others=True)
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
