"""The command line: one module a command; each parses, makes one library call, prints and exits."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import typer

from digitsort.cli.classify import classify
from digitsort.cli.errors import end_with
from digitsort.cli.evaluate import evaluate
from digitsort.cli.inspect import inspect
from digitsort.cli.model import model
from digitsort.cli.review import review
from digitsort.cli.sort import sort
from digitsort.cli.train import train
from digitsort.cli.undo import undo
from digitsort.cli.verify import verify
from digitsort.files.ceiling import limit_decoders


def _show_version(wanted: bool) -> None:
    if wanted:
        from digitsort import __version__

        typer.echo(f"digitsort {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False,
        "--version",
        "-V",
        callback=_show_version,
        is_eager=True,
        help="Show the version and exit.",
    ),
) -> None:
    """Label a folder of digit scans, and sort the files by digit."""


COMMANDS = (classify, review, sort, undo, verify, evaluate, train, inspect, model)
"""In the order of the help."""


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Build the command line; only the one command that arguments name, where they do.

    All of them take a tenth of the time until the first file.
    """
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    named = [command for command in COMMANDS if command.__name__ in arguments[:1]]
    for command in named or COMMANDS:
        app.command()(command)
    return app


def main() -> None:
    """Run the command line with the arguments of the process."""
    _show_any_text()
    limit_decoders()
    try:
        make_app(sys.argv[1:])()
    except OSError as error:  # of help or version; what a command meets is its own to say
        sys.exit(end_with(error))


def _show_any_text() -> None:
    """Escape what the terminal's encoding lacks, rather than fail on a file name or a frame."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
