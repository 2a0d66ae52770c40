"""End every command with a one-line message and an exit code, never with a traceback."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec

import typer

from digitsort.errors import DigitsortError, ExitCode, InterruptedRunError, UsageError
from digitsort.files import signals
from digitsort.files.names import printable

P = ParamSpec("P")

LEFT = {
    "sort": "The files sorted so far stay",
    "undo": "The files put back so far stay",
    "watch": "The files sorted so far stay",
}
"""What an interrupted command leaves behind, if anything."""


def reports_errors(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Exit with the code that the command returns, or with that of the error it raises."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code: int = _worked(command, *args, **kwargs)
        except KeyboardInterrupt:
            code = _interrupted(_left(command.__name__))
        except Exception as error:  # noqa: BLE001 - raised again if there is no message for it
            if isinstance(error, InterruptedRunError):
                code = _interrupted(f"{error} Continue with: {_same_command(error.option)}")
            elif (
                signals.has_come()
            ):  # Ctrl-C can surface as another error, for example inside a class body
                code = _interrupted(_left(command.__name__))
            else:
                code = _explained(error)
        raise typer.Exit(code)

    return run


def _worked(command: Callable[P, ExitCode], *args: P.args, **kwargs: P.kwargs) -> ExitCode:
    """Run the command; signals raise KeyboardInterrupt only while it runs."""
    try:
        signals.begin_work()
        _require_working_folder()
        code = command(*args, **kwargs)
        sys.stdout.flush()
        return code
    finally:
        signals.end_work()


def _interrupted(message: str) -> int:
    signals.end_work()  # the work may have continued if the signal came right before its end
    signals.say_interrupted(message)
    return signals.exit_code() or ExitCode.INTERRUPTED


def _left(command: str) -> str:
    """Return the message for an interrupted command, with the command that goes on."""
    if command in LEFT:
        return f"interrupted. {LEFT[command]}. Finish with: {_same_command()}"
    return f"interrupted. No partial output remains. Start again with: {_same_command()}"


def _same_command(option: str = "") -> str:
    """Return the command as it was typed, with an option more."""
    words = sys.argv[1:]
    more = [option] if option and option not in words else []
    return printable(shlex.join(["digitsort", *words, *more]))


def _explained(error: Exception) -> ExitCode:
    """Print what went wrong and return the exit code; raise errors that are bugs of digitsort."""
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
    """Raise UsageError if the working folder was removed: relative paths start there."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(
            f"The working folder is not usable: {error.strerror}. Change to another folder."
        ) from error


def end_with(error: OSError) -> ExitCode:
    """Print an operating system error about a file or about stdout; return the exit code."""
    if error.filename is not None:
        _say(f"digitsort: {printable(os.fsdecode(error.filename))}: {error.strerror}.")
        return ExitCode.SOME_FAILED
    _give_up_stdout()
    _say(f"digitsort: cannot write to stdout: {error.strerror}.")
    return ExitCode.OUTPUT


def _say(text: str) -> None:
    with suppress(OSError):  # if stderr cannot be written either, the exit code must be enough
        typer.echo(text, err=True)


def _give_up_stdout() -> None:
    """Redirect stdout to the null device: the interpreter flushes stdout again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
