"""What runs first: the workers' server is started before the command line itself is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from digitsort.errors import ExitCode
from digitsort.files.interrupts import interrupts_wait
from digitsort.garbage import collect_seldom, leave_garbage
from digitsort.streams import open_closed_streams, speak_utf_8


def main() -> None:
    """Run the command line with the arguments of the process."""
    open_closed_streams()
    speak_utf_8()
    # No second thread is ever used; OpenBLAS starts one all the same, which turns round a while, idle.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    collect_seldom()
    try:
        with interrupts_wait():  # in the midst of a class Ctrl-C would become another error
            _begin_early(sys.argv[1:])
            from digitsort.cli import main as run
        run()
    except KeyboardInterrupt:  # a command says more; this is before it has begun
        sys.stderr.write("\ndigitsort: interrupted.\n")
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        leave_garbage()


def _begin_early(arguments: Sequence[str]) -> None:
    """Start the server where this looks like a command with workers; both take as long to load."""
    foreseen = foresee(arguments)
    if foreseen is not None:
        from digitsort.execute.early import start_early

        start_early(*foreseen)


def foresee(arguments: Sequence[str]) -> tuple[list[str], int | None] | None:
    """What `classify` would work on, and with how many workers, as far as a glance can tell.

    Values of options are taken for sources too: a wrong guess costs some milliseconds, no more.

    Parameters
    ----------
    arguments : sequence of str
        Of the process.

    Returns
    -------
    (sources, workers), or None
        None where there will be no workers of this machine's.
    """
    others = ("-h", "--help", "--dask")
    if arguments[:1] != ["classify"] or any(a.partition("=")[0] in others for a in arguments):
        return None
    return [a for a in arguments[1:] if not a.startswith("-")], _workers(arguments)


def _workers(arguments: Sequence[str]) -> int | None:
    workers = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = argument.partition("=")
        if name == "--workers":
            with suppress(ValueError):  # the command itself will say what is wrong with it
                workers = int(value if equals else following)
    return workers
