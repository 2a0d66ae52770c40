"""Run the command line: set up signals, the import path and streams first, and clean up last."""

import io
import os
import sys

TYPE_CHECKING = False  # what type checkers take for true

# Only what Python has loaded by itself is imported here: where PYTHONPATH leads to the working folder,
# that is still on the path.

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO


def main() -> None:
    """Run the command line with the arguments of the process."""
    leave_working_folder()
    from digitsort.files import signals

    signals.listen()
    try:
        _run()
    except SystemExit as end:
        code = end.code
    except BaseException:
        if not signals.has_come():  # what a signal has broken needs no words of its own
            raise
        code = None
    else:
        code = None
    finally:
        signals.end_work()
        signals.ignore()
        _clean_up()
    if signals.has_come():
        if not signals.was_said():
            signals.say_interrupted("interrupted.")
        code = signals.exit_code()
    sys.exit(code)


def _run() -> None:
    open_closed_streams()
    speak_utf_8()
    # No second thread is ever used; OpenBLAS starts one all the same, which turns round a while, idle.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from digitsort.workers.tuning import collect_seldom

    collect_seldom()
    _begin_early(sys.argv[1:])
    from digitsort.cli import main as run

    run()


def leave_working_folder() -> None:
    """Remove the working folder from the import path of this process and its children.

    An empty or relative entry of PYTHONPATH means the working folder, often by accident, as in
    ``PYTHONPATH=$PYTHONPATH:/opt/lib`` without an earlier PYTHONPATH. Absolute entries stay.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    path = os.environ.get("PYTHONPATH")
    entries = path.split(os.pathsep) if path else []
    named = [entry for entry in entries if os.path.isabs(entry)]
    if len(named) < len(entries):
        os.environ["PYTHONPATH"] = os.pathsep.join(named)
        if not sys.flags.ignore_environment:
            unnamed = {os.path.abspath(entry) for entry in entries} - set(named)
            sys.path[:] = [entry for entry in sys.path if entry and entry not in unnamed]


_FLAGS = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""Flags to replace closed stdin, stdout and stderr with the null device. Reading stdin and writing
stdout then fail, as they should; output to a closed stderr is lost."""


def open_closed_streams() -> None:
    """Open the null device for each standard stream that the caller closed.

    Otherwise the next open file would get its number, and the output that is meant for the stream.
    """
    for number, flags in enumerate(_FLAGS):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")


def _stream(number: int, mode: str) -> "TextIO":
    return io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8")


def speak_utf_8() -> None:
    """Restart the process in Python's UTF-8 mode if file names have another encoding.

    In a locale such as Latin-1, Python could not open files that a labels.csv names in UTF-8, and the
    same folder would give another labels.csv. Bytes that are not UTF-8 are kept.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or not sys.executable:
        return
    os.environ["PYTHONUTF8"] = "1"  # for the processes that this one starts
    os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _clean_up() -> None:
    """End child processes and remove temporary files, wherever the command was interrupted."""
    for name, last in (
        ("digitsort.workers.process", "end_all"),
        ("digitsort.files.interrupts", "remove_leftovers"),
        ("digitsort.workers.tuning", "leave_garbage"),
    ):
        if name in sys.modules:  # else there is nothing to be done
            getattr(sys.modules[name], last)()


def _begin_early(arguments: "Sequence[str]") -> None:
    """Start the workers' server if this looks like a command with workers, while the command loads."""
    foreseen = foresee(arguments)
    if foreseen is not None:
        from digitsort.workers.choose_engine import start_early

        start_early(*foreseen)


def foresee(arguments: "Sequence[str]") -> tuple[list[str], int | None] | None:
    """Guess the sources and the number of workers of `classify` from the arguments.

    Values of options may be taken for sources: a wrong guess costs only some milliseconds.

    Parameters
    ----------
    arguments : sequence of str
        Command line arguments.

    Returns
    -------
    (sources, workers), or None
        None if there will be no local workers.
    """
    others = ("-h", "--help", "--dask")
    if arguments[:1] != ["classify"] or any(a.partition("=")[0] in others for a in arguments):
        return None
    return [a for a in arguments[1:] if not a.startswith("-")], _workers(arguments)


def _workers(arguments: "Sequence[str]") -> int | None:
    workers = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = argument.partition("=")
        if name == "--workers":
            try:
                workers = int(value if equals else following)
            except ValueError:
                continue  # the command itself will say what is wrong with it
    return workers
