"""The command line: one module per command; each parses, makes one library call, prints and exits."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import typer

from digitsort.cli.classify import classify
from digitsort.cli.cut import cut
from digitsort.cli.errors import end_with
from digitsort.cli.evaluate import evaluate
from digitsort.cli.inspect import inspect
from digitsort.cli.model import model
from digitsort.cli.options import EXAMPLES, MODEL_COMMANDS, PlainCommand, PlainGroup
from digitsort.cli.review import review
from digitsort.cli.sort import sort
from digitsort.cli.table import table
from digitsort.cli.train import train
from digitsort.cli.undo import undo
from digitsort.cli.verify import verify
from digitsort.images.ceiling import limit_decoders


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
    """Label a folder of scanned digits and sort the files by digit."""


COMMANDS = (classify, review, sort, undo, verify, evaluate, train, inspect, model, cut, table)
"""All commands, in the order in which the help lists them."""


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Build the command line, with only the named command if `arguments` name one.

    Building all commands takes a tenth of the time until the first file is read.
    """
    app = typer.Typer(
        cls=PlainGroup,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    named = [command for command in COMMANDS if command.__name__ in arguments[:1]]
    for command in named or COMMANDS:
        name = command.__name__
        section = "Models" if name in MODEL_COMMANDS else "Read and sort"
        example = f"Example: [bold]{EXAMPLES[name]}[/bold]"
        app.command(cls=PlainCommand, epilog=example, rich_help_panel=section)(command)
    return app


def main() -> None:
    """Run the command line with the arguments of the process."""
    _show_any_text()
    limit_decoders()
    try:
        make_app(sys.argv[1:])()
    except OSError as error:  # from help or version: a command reports its own errors
        sys.exit(end_with(error))


def _show_any_text() -> None:
    """Escape characters that the terminal's encoding lacks, so that no file name ends the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
