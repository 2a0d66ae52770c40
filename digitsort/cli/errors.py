"""End every command with a sentence and an exit code, never with a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from digitsort import signals
from digitsort.errors import DigitsortError, ExitCode, InterruptedRunError

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
        typer.echo(f"digitsort: {error}", err=True)
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        _give_up_stdout()
        return ExitCode.READER_GONE
    if isinstance(error, OSError) and error.filename is None:  # no file, but a stream
        _give_up_stdout()
        typer.echo(f"digitsort: stdout can't be written: {error.strerror}.", err=True)
        return ExitCode.OUTPUT
    raise error


def _give_up_stdout() -> None:
    """The interpreter flushes stdout once more when it ends: give it somewhere to write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
