"""Define the command `digitsort undo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stages
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import print_undone
from digitsort.errors import ExitCode
from digitsort.sorting.foreign import describe_undo
from digitsort.sorting.undo import undo as undo_runs
from digitsort.workers.tuning import garbage_waits


@reports_errors
def undo(
    dest: Annotated[
        Path, typer.Argument(metavar="DEST", help="Folder that `digitsort sort` sorted into.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="Undo every sort into DEST, the last one first.")
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Also undo a sort by another user or machine. Check it with --dry-run first.",
        ),
    ] = False,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="DIR", help="With --adopt: the folder that moved files return to."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only print what would be done.")
    ] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Undo the last sort into DEST: move files back, delete copies and links."""
    if dry_run:
        sys.stdout.writelines(f"{line}\n" for line in describe_undo(dest, root, everything=everything))
        return ExitCode.DONE
    with stages(quiet=quiet) as progress, garbage_waits():
        undone = undo_runs(dest, everything=everything, adopt=adopt, root=root, progress=progress)
    print_undone(undone, quiet=quiet)
    return ExitCode.SOME_FAILED if undone.left else ExitCode.DONE
