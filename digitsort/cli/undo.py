"""Define the command `digitsort undo`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stages, stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import MOST_NAMED, print_undone
from digitsort.errors import ExitCode, OutputError
from digitsort.files.names import printable
from digitsort.pages.cut_manifest import (
    SAME,
    files_alone,
    has_manifest,
    is_undone,
    partial_of,
    read_cut_manifest,
    uncut,
    verify_cut,
)
from digitsort.plural import plural
from digitsort.sorting.foreign import describe_undo
from digitsort.sorting.journal import journals
from digitsort.sorting.undo import undo as undo_runs
from digitsort.workers.tuning import garbage_waits


@reports_errors
def undo(
    dest: Annotated[
        Path,
        typer.Argument(
            metavar="DEST", help="Folder that `digitsort sort` sorted into, or that `cut` made."
        ),
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
    if not journals(os.path.realpath(dest)) and _is_of_cut(dest):
        return _undo_cut(dest, adopt=adopt, dry_run=dry_run, quiet=quiet)
    if dry_run:
        sys.stdout.writelines(f"{line}\n" for line in describe_undo(dest, root, everything=everything))
        return ExitCode.DONE
    with stages(quiet=quiet) as progress, garbage_waits():
        undone = undo_runs(dest, everything=everything, adopt=adopt, root=root, progress=progress)
    print_undone(undone, quiet=quiet)
    return ExitCode.SOME_FAILED if undone.left else ExitCode.DONE


def _is_of_cut(dest: Path) -> bool:
    return has_manifest(dest) or is_undone(dest) or partial_of(dest).is_dir()


def _drop_partial(dest: Path) -> None:
    from digitsort.cli.cut import require_opencv

    require_opencv("`digitsort undo` of an interrupted `cut`")
    from digitsort.pages.cut_folder import drop_partial

    drop_partial(dest)


def _undo_cut(dest: Path, *, adopt: bool, dry_run: bool, quiet: bool) -> ExitCode:
    """Remove what `cut` made and nobody changed, or what an interrupted cut left."""
    console = stderr_console(quiet=quiet)
    name = printable(os.fspath(dest))
    if not (has_manifest(dest) or is_undone(dest)):
        if dry_run:
            sys.stdout.write(f"remove the pages of an interrupted run for {name}\n")
        else:
            _drop_partial(dest)
            console.print("Removed the pages of an interrupted run.")
        return ExitCode.DONE
    manifest = read_cut_manifest(dest)
    if manifest.foreign and not (adopt or dry_run):
        raise OutputError(
            f"The list of the files in {name} was written by another user or machine, or changed. Look "
            "at it with --dry-run. To undo it all the same, add --adopt."
        )
    if dry_run:
        alone = files_alone(manifest)
        same = (path for mark, path in verify_cut(manifest) if mark == SAME and path not in alone)
        sys.stdout.writelines(f"remove {printable(path)}\n" for path in same)
        return ExitCode.DONE
    undone = uncut(manifest)
    stays = bool(undone.left or undone.alone)
    if partial_of(dest).is_dir() and not stays:  # the run was killed after it had published DEST
        _drop_partial(dest)
    console.print(f"Removed {plural(undone.removed, 'file')}.")
    for path in undone.left[:MOST_NAMED]:
        warn(f"{printable(path)} was changed since and stays.")
    if len(undone.left) > MOST_NAMED:
        warn(f"… and {plural(len(undone.left) - MOST_NAMED, 'more file')}.")
    if undone.alone:
        warn(
            f"{plural(len(undone.alone), 'file')} of pages that are gone or were changed will not be "
            f"removed. Delete {name} yourself if you do not need them."
        )
    return ExitCode.SOME_FAILED if stays else ExitCode.DONE
