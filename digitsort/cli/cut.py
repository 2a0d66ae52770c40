"""Define the command `digitsort cut`."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.summary import MOST_NAMED, warn_unlisted
from digitsort.errors import ExitCode, UsageError
from digitsort.files.atomic import refuse_existing, replacing
from digitsort.files.names import printable
from digitsort.images.discover import Walk, check_sources, describe_skipped, nothing_found
from digitsort.labels.resume import RunSettings
from digitsort.plural import plural

if TYPE_CHECKING:
    from digitsort.pages.cutting import Account, CutOptions, FoundPage, PageFacts


@reports_errors
def cut(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE... DEST", help="Pages or folders of pages, then a new folder."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only print what was found on each page.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Also write each page with its cells drawn on it.")
    ] = False,
    blank: Annotated[
        bool, typer.Option("--blank", help="Also write the pictures of blank cells.")
    ] = False,
    as_it_is: Annotated[
        bool,
        typer.Option(
            "--as-it-is", help="Keep the page's gray levels: do not sharpen, do not even out."
        ),
    ] = False,
    layout: Annotated[
        Path | None,
        typer.Option(
            "--layout",
            metavar="FILE",
            help="Cut the cells of a saved layout, wherever the form lies on each page.",
        ),
    ] = None,
    save_layout: Annotated[
        Path | None,
        typer.Option(
            "--save-layout",
            metavar="FILE",
            help="Also save where the cells of the first page with cells are, for --layout.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run with the same options.")
    ] = False,
    follow_links: options.FollowLinks = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            help="Number of worker processes, 0 for none; default: one per CPU, none for few pictures.",
        ),
    ] = None,
    dask: options.Dask = None,
    max_pixels: options.MaxPixels = None,
    max_side: options.MaxSide = None,
    max_bytes: options.MaxBytes = None,
    quiet: options.Quiet = False,
) -> ExitCode:
    """Cut the ruled cells of scanned pages (pictures, TIFF, PDF) into one picture per cell."""
    if len(paths) < 2:
        raise UsageError("Name the pages, then DEST: digitsort cut SOURCE... DEST")
    *sources, dest = paths
    require_opencv("`digitsort cut`")  # which all that is imported from `pages` here needs
    from digitsort.pages.cut_folder import refuse_dest
    from digitsort.pages.cutting import CutOptions
    from digitsort.pages.layout import read_layout

    if layout and save_layout:
        raise UsageError("Choose one of --layout and --save-layout.")
    if dry_run and (save_layout or resume):
        other = "--resume" if resume else "--save-layout"
        raise UsageError(f"Choose one of --dry-run and {other}: a dry run writes nothing.")
    if save_layout:
        _check_save_layout(save_layout, dest)
    fields = read_layout(layout) if layout else None
    if not dry_run:
        refuse_dest(dest)
    limits = options.limits(max_pixels, max_side, max_bytes)
    cutting = CutOptions(limits, as_it_is, blank, preview and not dry_run, fields, not dry_run)
    walk = Walk(check_sources(sources), follow_links, pdf=True)
    work = _Work(walk, cutting, dest, workers, dask, quiet)
    if dry_run:
        account = work.describe()
    else:
        described = repr((cutting, bool(save_layout)))
        sha = sha256(described.encode()).hexdigest()
        run = RunSettings.of(map(os.fspath, sources), follow_links, "", sha, "csv")
        account = work.cut(run, save_layout, resume=resume)
    _print_account(account, walk, dest, dry_run=dry_run, quiet=quiet)
    has_failed = account.unreadable or account.unfit or account.doubtful or walk.unreadable
    return ExitCode.SOME_FAILED if has_failed else ExitCode.DONE


@dataclass(frozen=True)
class _Work:
    """What to cut, and how."""

    walk: Walk
    options: CutOptions
    dest: Path
    workers: int | None
    dask: str | None
    quiet: bool

    def describe(self) -> Account:
        """Print what is found on each page."""
        from digitsort.pages.cutting import Account, cut_files

        account = Account()
        warnings = _Warnings(self.quiet)
        for page in cut_files(
            _at_least_one(self.walk), self.options, account, workers=self.workers, dask=self.dask
        ):
            account.count(page.facts)
            warnings.say(page.facts)
            _print_found(page)
        warnings.close()
        return account

    def cut(self, run: RunSettings, save_layout: Path | None, *, resume: bool) -> Account:
        """Fill DEST, and save the layout of the first page with cells."""
        from digitsort.pages.cut_folder import cut_folder
        from digitsort.pages.cutting import Account, cut_files

        account = Account()
        warnings = _Warnings(self.quiet)
        with cut_folder(self.dest, run, self.options.folders, resume=resume) as folder:
            known, files, begun = folder.take_up(_at_least_one(self.walk))
            account.files = begun.files
            for facts in known:
                account.count(facts)
                warnings.say(facts)
            for page in cut_files(
                files, self.options, account, begun, workers=self.workers, dask=self.dask
            ):
                folder.add(page, _layout_of(page) if save_layout and not folder.layout else "")
                account.count(page.facts)
                warnings.say(page.facts)
            warnings.close()
            if save_layout:
                _save_layout(folder.layout, save_layout)
        return account


def _check_save_layout(path: Path, dest: Path) -> None:
    """Raise an error if the layout can't get this name."""
    refuse_existing(path, force=False, offers_force=False)
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(dest)):
        raise UsageError(
            f"{printable(str(path))} would be in DEST, which `cut` writes as a whole. Name a file "
            "outside of DEST with --save-layout."
        )


def _layout_of(page: FoundPage) -> str:
    """Return the layout of a page as a file; empty if there are no cells."""
    from digitsort.pages.layout import layout_of, toml_of

    return toml_of(layout_of(page.blocks)) if page.blocks else ""


def _save_layout(text: str, path: Path) -> None:
    if not text:
        warn(f"No layout was written to {printable(str(path))}: no cells were found on any page.")
        return
    with replacing(path, force=False) as file:
        file.write(text.encode())


def require_opencv(what: str) -> None:
    """Raise UsageError if OpenCV, which `what` needs, is not installed."""
    if importlib.util.find_spec("cv2") is None:
        raise UsageError(
            f"{what} needs OpenCV, which is not installed: pip install opencv-python-headless."
        )


def _at_least_one(walk: Walk) -> Iterator[str]:
    """Yield the files of a walk; raise its error if there are none."""
    found = False
    for path in walk.files():
        found = True
        yield path
    if not found:
        raise nothing_found(walk, "No pages found.")


class _Warnings:
    """Says why the first pages have no cells, or doubtful ones, and how many more there are."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._counts: Counter[str] = Counter()

    def say(self, page: PageFacts) -> None:
        """Warn about a page, unless it has cells that are in their places."""
        reason = page.reason or page.doubt
        if reason and not (self._quiet and not page.is_unread):
            self._counts[reason] += 1
            if self._counts[reason] <= MOST_NAMED:
                warn(f"{_title(page.source, page.number)}: {reason}.")

    def close(self) -> None:
        """Say how many pages were not named."""
        for reason, count in self._counts.items():
            if count > MOST_NAMED:
                warn(f"… and {plural(count - MOST_NAMED, 'more page')}: {reason}.")


def _title(source: str, number: int) -> str:
    return f"{source}, page {number}" if number else source


def _print_found(page: FoundPage) -> None:
    shapes = ", ".join(f"{block.rows} x {block.columns}" for block in page.blocks)
    found = f"{plural(len(page.blocks), 'block')} ({shapes})" if shapes else page.reason
    cells = f", {plural(page.cells, 'cell')}, {len(page.blanks)} blank" if shapes else ""
    sys.stdout.write(f"{printable(_title(page.source, page.number))}: {found}{cells}\n")


def _print_account(account: Account, walk: Walk, dest: Path, *, dry_run: bool, quiet: bool) -> None:
    console = stderr_console(quiet=quiet)
    full = account.pages - account.empty - account.unreadable
    console.print(
        f"{plural(account.pages, 'page')} in {plural(account.files, 'file')} = {full} with cells + "
        f"{account.empty} without + {account.unreadable} unreadable"
    )
    with_ink = account.cells - account.blank
    console.print(f"{plural(account.cells, 'cell')} = {with_ink} with ink + {account.blank} blank")
    if account.doubtful:
        console.print(
            f"  The layout fits {plural(account.doubtful, 'page')} badly: look at their cells with "
            "--preview. Save the layout again from a page that lies flat, or cut without --layout.",
            markup=False,
        )
    for line in describe_skipped(walk.skipped):
        console.print(f"  {line}", markup=False)
    warn_unlisted(walk)
    if dry_run:
        console.print("Nothing was written.")
        return
    name = printable(os.fspath(dest))
    if not account.written:
        none = "All cells are blank" if account.cells else "No cells were found"
        console.print(f"\n{none}: no picture was written. See {name}/cells.csv.", markup=False)
        return
    console.print(f"\n{plural(account.written, 'picture')} written to {name}.", markup=False, end="")
    steps = list(_next_steps(dest))
    console.print(" Next:" if steps else "", *steps, sep="\n", markup=False)
    if _has_pictures(dest, "mark"):
        console.print(
            f"{name}/marks has the pictures of marks. They are not read: `digitsort table` shows these "
            "cells as doubtful.",
            markup=False,
        )


def _next_steps(dest: Path) -> Iterator[str]:
    """Yield the commands that read what was cut and make a table of it."""

    def at(place: str) -> str:
        return shlex.quote(printable(f"{dest}/{place}"))

    cells_csv, tables = at("cells.csv"), []
    if _has_pictures(dest, "digit"):
        yield f"digitsort classify {at('cells')} --cells {cells_csv} -o {at('labels.csv')}"
        tables.append(at("labels.csv"))
    if _has_pictures(dest, "number"):
        yield f"digitsort classify {at('numbers')} --number -o {at('numbers.csv')}"
        tables.append(at("numbers.csv"))
    if tables:
        yield f"digitsort table {' '.join(tables)} --cells {cells_csv} -o {at('table.csv')}"


def _has_pictures(dest: Path, kind: str) -> bool:
    from digitsort.pages.cutting import PICTURES_OF

    folder = dest / PICTURES_OF[kind]
    return folder.is_dir() and any(folder.iterdir())
