"""Define the command `digitsort verify`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stages, stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode
from digitsort.files.names import printable
from digitsort.plural import plural
from digitsort.sorting.verify import Mark, read_manifest
from digitsort.sorting.verify import verify as verify_files


@reports_errors
def verify(
    dest: Annotated[
        Path, typer.Argument(metavar="DEST", help="Folder that `digitsort sort` sorted into.")
    ],
    everything: Annotated[bool, typer.Option("--all", help="Also list unchanged files.")] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Check that every sorted file is there, unchanged: = same, * changed, - missing, + unknown.

    A file that you moved or renamed within DEST is found by its content: > moved by hand.
    """
    manifest = read_manifest(dest)
    counts: Counter[Mark] = Counter()
    with stages(quiet=quiet) as progress:
        for mark, path in verify_files(dest, manifest, progress=progress):
            counts[mark] += 1
            if everything or mark is not Mark.SAME:
                where = _said_of(path, manifest.moved[path]) if mark is Mark.MOVED else ""
                sys.stdout.write(f"{mark} {printable(path)}{where}\n")
    by_hand = f" + {counts[Mark.MOVED]} moved by hand" if counts[Mark.MOVED] else ""
    stderr_console(quiet=quiet).print(
        f"{plural(counts.total(), 'file')} = {counts[Mark.SAME]} same + {counts[Mark.CHANGED]} changed "
        f"+ {counts[Mark.MISSING]} missing + {counts[Mark.UNKNOWN]} unknown{by_hand}"
    )
    if not manifest.finished:
        warn("a sort was interrupted or is still running. Run the same sort again to finish it.")
    if manifest.foreign:
        warn(
            "the journals were written by another user or machine. Whoever changed a file could also "
            "have changed them."
        )
    proven = manifest.finished and counts[Mark.SAME] == counts.total()
    return ExitCode.DONE if proven else ExitCode.VERIFICATION


def _said_of(path: str, now: str) -> str:
    """Say where a person put a file: the folder, and the name where it has another one."""
    folder, _, name = path.rpartition("/")
    above, _, renamed = now.rpartition("/")
    if above == folder:
        return f": renamed by hand to {printable(renamed)}"
    return f": moved by hand to {printable(f'{above}/' if renamed == name and above else now)}"
