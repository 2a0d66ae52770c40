"""End every command with a sentence and an exit code, never with a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec

import typer

from digitsort.errors import DigitsortError, ExitCode, UsageError
from digitsort.files.names import printable

P = ParamSpec("P")


def reports_errors(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Exit with the code that the command returns, or with that of the error it raises."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            _require_working_folder()
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except DigitsortError as error:
            _say(f"digitsort: {error}")
            code = error.exit_code
        except KeyboardInterrupt:
            _say("\ndigitsort: interrupted. Nothing half done is left behind.")
            code = ExitCode.INTERRUPTED
        except BrokenPipeError:
            _give_up_stdout()
            code = ExitCode.READER_GONE
        except OSError as error:
            code = end_with(error)
        raise typer.Exit(int(code))

    return run


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
