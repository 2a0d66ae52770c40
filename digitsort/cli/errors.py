"""End every command with a sentence and an exit code, never with a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec

import typer

from digitsort import signals
from digitsort.errors import DigitsortError, ExitCode, InterruptedRunError, UsageError
from digitsort.files.names import printable

P = ParamSpec("P")

INTERRUPTED = "interrupted. Nothing half done is left behind."


def reports_errors(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Exit with the code that the command returns, or with that of the error it raises."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code: int = _worked(command, *args, **kwargs)
        except KeyboardInterrupt:
            code = _interrupted(INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - raised again where there are no words for it
            if isinstance(error, InterruptedRunError):
                code = _interrupted(str(error))
            elif signals.has_come():  # in the midst of a class, say, Ctrl-C becomes another error
                code = _interrupted(INTERRUPTED)
            else:
                code = _explained(error)
        raise typer.Exit(code)

    return run


def _worked(command: Callable[P, ExitCode], *args: P.args, **kwargs: P.kwargs) -> ExitCode:
    """Do the work of a command; only meanwhile do signals raise KeyboardInterrupt."""
    try:
        signals.begin_work()
        _require_working_folder()
        code = command(*args, **kwargs)
        sys.stdout.flush()
        return code
    finally:
        signals.end_work()


def _interrupted(message: str) -> int:
    signals.end_work()  # it has gone on where the signal came right before it was ended
    signals.say_interrupted(message)
    return signals.exit_code() or ExitCode.INTERRUPTED


def _explained(error: Exception) -> ExitCode:
    """Say in a sentence what went wrong; raise what is a mistake in digitsort itself."""
    if isinstance(error, DigitsortError):
        _say(f"digitsort: {error}")
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        _give_up_stdout()
        return ExitCode.READER_GONE
    if isinstance(error, OSError):
        return end_with(error)
    raise error


def _require_working_folder() -> None:
    """Raise UsageError where the working folder was removed: relative paths start from it."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(f"The working folder: {error.strerror}. Change to another one.") from error


def end_with(error: OSError) -> ExitCode:
    """Say what the system said of a file, or else of stdout."""
    if error.filename is not None:
        _say(f"digitsort: {printable(os.fsdecode(error.filename))}: {error.strerror}.")
        return ExitCode.SOME_FAILED
    _give_up_stdout()
    _say(f"digitsort: stdout can't be written: {error.strerror}.")
    return ExitCode.OUTPUT


def _say(text: str) -> None:
    with suppress(OSError):  # where stderr can't be written either, the exit code has to do
        typer.echo(text, err=True)


def _give_up_stdout() -> None:
    """The interpreter flushes stdout once more when it ends: give it somewhere to write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
