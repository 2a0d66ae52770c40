"""The command line: one module a command; each parses, makes one library call, prints and exits."""

from __future__ import annotations

import io
import sys

import typer

from digitsort.cli.classify import classify
from digitsort.cli.evaluate import evaluate
from digitsort.cli.inspect import inspect
from digitsort.cli.model import model
from digitsort.cli.review import review
from digitsort.cli.sort import sort
from digitsort.cli.train import train
from digitsort.cli.undo import undo
from digitsort.cli.verify import verify


def _show_version(wanted: bool) -> None:
    if wanted:
        from digitsort import __version__

        typer.echo(f"digitsort {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Label a folder of digit scans, and sort the files by digit."""


def make_app() -> typer.Typer:
    """Build the command line."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for command in (classify, review, sort, undo, verify, evaluate, train, inspect, model):
        app.command()(command)
    return app


def main() -> None:
    """Run the command line with the arguments of the process."""
    _show_any_text()
    make_app()()


def _show_any_text() -> None:
    """Escape what the terminal's encoding lacks, rather than fail on a file name or a frame."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
