"""`digitsort undo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode


@reports_errors
def undo(
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="What `digitsort sort` sorted into.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Take back every sort into DEST, the last one first.")
    ] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Take the last sort into DEST back: moved files return, copies and links go."""
    from digitsort.cli.console import stages
    from digitsort.cli.delivery import print_undone
    from digitsort.garbage import garbage_waits
    from digitsort.sorting.undo import undo as undo_runs

    with stages(quiet=quiet) as progress, garbage_waits():
        undone = undo_runs(dest, everything=everything, progress=progress)
    print_undone(undone, quiet=quiet)
    return ExitCode.SOME_FAILED if undone.left else ExitCode.DONE
