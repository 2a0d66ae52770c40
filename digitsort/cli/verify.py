"""`digitsort verify`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from digitsort.cli import options
from digitsort.cli.errors import reports_errors
from digitsort.errors import ExitCode


@reports_errors
def verify(
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="What `digitsort sort` sorted into.")],
    everything: Annotated[
        bool, typer.Option("--all", help="List the files that are the same, too.")
    ] = False,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Prove that every sorted file is there, unchanged: = same, * changed, - missing, + unknown."""
    from digitsort.cli.console import stages, stderr_console, warn
    from digitsort.files.names import printable
    from digitsort.sorting.verify import Mark, read_manifest
    from digitsort.sorting.verify import verify as verify_files

    manifest = read_manifest(os.path.realpath(dest))
    counts: Counter[Mark] = Counter()
    with stages(quiet=quiet) as progress:
        for mark, path in verify_files(dest, manifest, progress=progress):
            counts[mark] += 1
            if everything or mark is not Mark.SAME:
                sys.stdout.write(f"{mark} {printable(path)}\n")
    stderr_console(quiet=quiet).print(
        f"{counts.total()} files = {counts[Mark.SAME]} same + {counts[Mark.CHANGED]} changed "
        f"+ {counts[Mark.MISSING]} missing + {counts[Mark.UNKNOWN]} unknown"
    )
    if not manifest.finished:
        warn("a run was interrupted, or is going on: run the same command again to finish it.")
    if manifest.foreign:
        warn(
            "the journals are of another user or machine: whoever changed a file could change them too."
        )
    proven = manifest.finished and counts[Mark.SAME] == counts.total()
    return ExitCode.DONE if proven else ExitCode.VERIFICATION
