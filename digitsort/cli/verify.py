"""Define the command `digitsort verify`."""

from __future__ import annotations

import os
import shlex
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
from digitsort.pages.cut_manifest import has_manifest, read_cut_manifest, verify_cut
from digitsort.plural import plural
from digitsort.sorting.books import SAVED_MEANWHILE
from digitsort.sorting.journal import journals
from digitsort.sorting.verify import Mark, read_manifest
from digitsort.sorting.verify import verify as verify_files


@reports_errors
def verify(
    dest: Annotated[
        Path,
        typer.Argument(
            metavar="DEST", help="Folder that `digitsort sort` sorted into, or that `cut` made."
        ),
    ],
    everything: Annotated[bool, typer.Option("--all", help="Also list unchanged files.")] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Check that every sorted file is there, unchanged: = same, * changed, - missing, + unknown.

    A file that you moved or renamed within DEST is found by its content: > moved by hand.
    """
    if has_manifest(dest) and not journals(os.path.realpath(dest)):
        return _verify_cut(dest, everything=everything, quiet=quiet)
    manifest = read_manifest(dest)
    counts: Counter[Mark] = Counter()
    with stages(quiet=quiet) as progress:
        for mark, path in verify_files(dest, manifest, progress=progress):
            counts[mark] += 1
            if everything or mark is not Mark.SAME:
                where = _said_of(path, manifest.moved[path]) if mark is Mark.MOVED else ""
                sys.stdout.write(f"{mark} {printable(path)}{where}\n")
    by_hand = f" + {counts[Mark.MOVED]} moved by hand" if counts[Mark.MOVED] else ""
    stderr_console(quiet=quiet).print(f"{_counted(counts)}{by_hand}")
    for name in manifest.kept:
        warn(_said_of_kept(dest, name))
    if not manifest.finished:
        warn("a sort was interrupted or is still running. Run the same sort again to finish it.")
    if manifest.foreign:
        warn(
            "the journals were written by another user or machine. Whoever changed a file could also "
            "have changed them."
        )
    proven = manifest.finished and counts[Mark.SAME] == counts.total()
    return ExitCode.DONE if proven else ExitCode.VERIFICATION


def _said_of_kept(dest: Path, name: str) -> str:
    """Say where a table comes from that digitsort kept for a person, and what to do with it."""
    table, target = shlex.quote(str(dest / name)), shlex.quote(str(dest))
    if name.startswith(SAVED_MEANWHILE):
        return (
            f"{name} is a labels.csv that was saved while digitsort wrote its own. Apply its labels "
            f"with digitsort sort {table} {target}, then delete it."
        )
    return (
        f"{name} is the labels.csv before an undo, because it had your changes. To use its labels "
        f"again, add --corrections {table} to the next sort. Then delete it."
    )


def _verify_cut(dest: Path, *, everything: bool, quiet: bool) -> ExitCode:
    manifest = read_cut_manifest(dest)
    counts: Counter[Mark] = Counter()
    for sign, path in verify_cut(manifest):
        mark = Mark(sign)
        counts[mark] += 1
        if everything or mark is not Mark.SAME:
            sys.stdout.write(f"{mark} {printable(path)}\n")
    stderr_console(quiet=quiet).print(_counted(counts))
    if manifest.foreign:
        warn(
            "the list of the files was written by another user or machine, or changed. Whoever changed "
            "a file could also have changed the list."
        )
    return ExitCode.DONE if counts[Mark.SAME] == counts.total() else ExitCode.VERIFICATION


def _counted(counts: Counter[Mark]) -> str:
    return (
        f"{plural(counts.total(), 'file')} = {counts[Mark.SAME]} same + {counts[Mark.CHANGED]} changed "
        f"+ {counts[Mark.MISSING]} missing + {counts[Mark.UNKNOWN]} unknown"
    )


def _said_of(path: str, now: str) -> str:
    """Say where a person put a file: the folder, and the name where it has another one."""
    folder, _, name = path.rpartition("/")
    above, _, renamed = now.rpartition("/")
    if above == folder:
        return f": renamed by hand to {printable(renamed)}"
    return f": moved by hand to {printable(f'{above}/' if renamed == name and above else now)}"
