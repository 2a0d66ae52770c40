"""Start processes of digitsort's own. Nothing else in the package starts any.

Each of them

- imports nothing from the working folder, nor do processes that it starts;
- is deaf to Ctrl-C, SIGTERM and SIGHUP, which a terminal sends to it as well: its parent ends it;
- learns of its parent's end, however that came, from the end of its channel;
- writes nothing to the terminal.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from socket import socket
from typing import cast

import digitsort
from digitsort.errors import DigitsortError
from digitsort.execute.channel import Channel
from digitsort.files.interrupts import deaf_to_interrupts, interrupts_wait

PATIENCE_S = 5.0
"""For a process to end by itself once its channel has ended."""

_running: set[Process] = set()


class Process:
    """A running process; `channel` leads to it."""

    def __init__(
        self, popen: subprocess.Popen[bytes], channel: Channel | None, *, has_group: bool
    ) -> None:
        self._popen = popen
        self._has_group = has_group
        self.channel = channel or Channel(cast(RawIOBase, popen.stdout), cast(RawIOBase, popen.stdin))

    def is_running(self) -> bool:
        """Return whether it has not ended yet."""
        return self._popen.poll() is None

    def kill(self) -> None:
        """End it at once, if it has not ended yet, and all that it has started if it has a group."""
        if self._has_group:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.kill()

    def end(self) -> None:
        """Send no more, and wait for its end; kill it where that takes too long."""
        self.channel.send_no_more()
        try:
            self._popen.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._popen.wait()
        self.channel.close()
        _running.discard(self)


def start(
    module: str, line: tuple[socket, socket] | None = None, *, starts_others: bool = False
) -> Process:
    """Start a process that calls `main` of a module of digitsort.

    Parameters
    ----------
    module : str
    line : pair of sockets, optional
        The end of this process and that of the new one, which becomes its stdin. By default its stdin
        and stdout are pipes, which there are on every system.
    starts_others : bool
        Give it a group of its own, where there are groups, so that `kill` ends what it has started too.

    Raises
    ------
    DigitsortError
        If the system allows no more processes.
    """
    code = f"import sys; sys.path[:] = {import_path()!r}; from {module} import main; main()"
    has_group = starts_others and hasattr(os, "killpg")
    try:
        with interrupts_wait(), deaf_to_interrupts():  # nobody else knows it before it is noted
            popen = subprocess.Popen(
                [sys.executable, *_flags(), "-c", code],
                env=_environment(),
                stdin=line[1].fileno() if line else subprocess.PIPE,
                stdout=subprocess.DEVNULL if line else subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                process_group=0 if has_group else None,
            )
            process = Process(popen, Channel.over(line[0]) if line else None, has_group=has_group)
            atexit.unregister(end_all)
            atexit.register(end_all)
            _running.add(process)
    except OSError as error:
        raise DigitsortError(
            f"Cannot start a worker process: {error.strerror}. --workers 0 runs without workers."
        ) from error
    return process


def end_all() -> None:
    """End every process that was started and not ended: this process is at its own end."""
    for process in list(_running):
        process.channel.send_no_more()
    for process in list(_running):
        process.end()


def import_path() -> list[str]:
    """Return the import path of this process without the working folder.

    Where digitsort itself was imported from the working folder, that comes last: what else is there is
    found only if it is nowhere else.
    """
    with suppress(OSError):  # a working folder that was removed holds nothing
        here = os.path.realpath(os.getcwd())
        path = [entry for entry in sys.path if os.path.isabs(entry) and os.path.realpath(entry) != here]
        home = str(Path(digitsort.__file__).parent.parent)
        return path if home in path else [*path, home]
    return [entry for entry in sys.path if os.path.isabs(entry)]


def _flags() -> list[str]:
    """Options of this process's interpreter that matter to a child, and the one for a safe path."""
    flags = ["-P"]
    flags += ["-E"] if sys.flags.ignore_environment else []
    flags += ["-s"] if sys.flags.no_user_site else []
    flags += ["-X", "utf8"] if sys.flags.utf8_mode else []
    return flags


def _environment() -> dict[str, str]:
    """The environment without what would lead children, and theirs, to the working folder."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
    return {**os.environ, "PYTHONPATH": named, "PYTHONSAFEPATH": "1"}
