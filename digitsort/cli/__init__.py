"""The command line: one module per command; each parses, makes one library call, prints and exits."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer

from digitsort.cli.errors import end_with
from digitsort.cli.options import PlainCommand, PlainGroup
from digitsort.images.limits import limit_decoders

FILES, MODELS = "Read and sort", "Models"


class About(NamedTuple):
    """What `--help` shows for a command whose module is not imported."""

    section: str
    summary: str
    example: str


COMMANDS: Mapping[str, About] = {
    "classify": About(
        FILES,
        "Label every picture in files and folders: one row per file, into labels.csv.",
        "digitsort classify scans -o labels.csv",
    ),
    "review": About(
        FILES,
        "Write an HTML page for correcting doubtful labels, offline, with the keyboard.",
        "digitsort review labels.csv --open",
    ),
    "sort": About(
        FILES,
        "Copy, move or link images into one folder per digit. No file is ever replaced or lost.",
        "digitsort sort labels.csv sorted --corrections corrections.csv",
    ),
    "watch": About(
        FILES,
        "Wait for scans in a folder, and sort each into another one once it is complete.",
        "digitsort watch inbox sorted --move",
    ),
    "undo": About(
        FILES,
        "Undo the last sort into DEST: move files back, delete copies and links.",
        "digitsort undo sorted",
    ),
    "verify": About(
        FILES,
        "Check that every sorted file is there, unchanged: = same, * changed, - missing, + unknown.",
        "digitsort verify sorted",
    ),
    "evaluate": About(
        MODELS,
        "Measure how well digitsort reads images whose labels are known.",
        "digitsort evaluate scans --truth truth.csv --report report.html",
    ),
    "train": About(
        MODELS,
        "Train a model and test it on images that it has not seen.",
        "digitsort train -d default -d labels.csv -o my.pkl",
    ),
    "inspect": About(
        MODELS,
        "Show what the model sees in an image, its three best guesses, and why it decided so.",
        "digitsort inspect scans/0001.png",
    ),
    "model": About(
        MODELS,
        "Show the card of a model: data, date, versions, accuracy, thresholds, fingerprint.",
        "digitsort model my.pkl --verify",
    ),
    "cut": About(
        FILES,
        "Cut the ruled cells of scanned pages (pictures, TIFF, PDF) into one picture per cell.",
        "digitsort cut forms form_cells --preview",
    ),
    "table": About(
        FILES,
        "Put the labels of cells back into the rows and columns of their pages.",
        "digitsort table form_cells/labels.csv -o form_cells/table.csv",
    ),
}
"""All commands, in the order in which help lists them. The command `x` is the function `x` in the
module `digitsort.cli.x`, which is imported only when the command is named."""


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


def make_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Build the command line for these arguments.

    If they name a command, only that one can be run, and only its module is imported. Otherwise no
    command's module is imported: only the help or an error about a wrong name is shown.
    """
    app = typer.Typer(
        cls=PlainGroup,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    words = [word for word in arguments if not word.startswith("-")]
    if words and words[0] in COMMANDS:
        _add(app, words[0], _command(words[0]))
    else:
        for name in COMMANDS:
            _add(app, name, _no_command)
    return app


def _add(app: typer.Typer, name: str, command: Callable[..., Any]) -> None:
    about = COMMANDS[name]
    app.command(
        name,
        cls=PlainCommand,
        help=about.summary if command is _no_command else None,
        epilog=f"Example: [bold]{about.example}[/bold]",
        rich_help_panel=about.section,
    )(command)


def _command(name: str) -> Callable[..., Any]:
    command: Callable[..., Any] = getattr(import_module(f"digitsort.cli.{name}"), name)
    return command


def _no_command() -> None:
    """Stand in for a command in the list of commands."""


def _words() -> Sequence[str]:
    """Return the arguments; during shell completion, the words typed so far."""
    if "_DIGITSORT_COMPLETE" in os.environ:
        words = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
        return words.split()[1:]
    return sys.argv[1:]


def main() -> None:
    """Run the command line with the arguments of the process."""
    _show_any_text()
    limit_decoders()
    try:
        make_app(_words())()
    except OSError as error:  # from help or version: a command reports its own errors
        sys.exit(end_with(error))


def _show_any_text() -> None:
    """Escape characters that the terminal's encoding lacks, so that no file name ends the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
