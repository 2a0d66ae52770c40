"""End every command with a sentence and an exit code, never with a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from digitsort.errors import DigitsortError, ExitCode

P = ParamSpec("P")


def reports_errors(command: Callable[P, ExitCode]) -> Callable[P, None]:
    """Exit with the code that the command returns, or with that of the error it raises."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except DigitsortError as error:
            typer.echo(f"digitsort: {error}", err=True)
            code = error.exit_code
        except KeyboardInterrupt:
            typer.echo("\ndigitsort: interrupted. Nothing half done is left behind.", err=True)
            code = ExitCode.INTERRUPTED
        except BrokenPipeError:
            _give_up_stdout()
            code = ExitCode.READER_GONE
        except OSError as error:
            if error.filename is not None:  # no stream, but a file: a mistake in digitsort
                raise
            _give_up_stdout()
            typer.echo(f"digitsort: stdout can't be written: {error.strerror}.", err=True)
            code = ExitCode.OUTPUT
        raise typer.Exit(int(code))

    return run


def _give_up_stdout() -> None:
    """The interpreter flushes stdout once more when it ends: give it somewhere to write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
