"""Define the command `digitsort cut`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitsort.cli import options
from digitsort.cli.console import stderr_console, warn
from digitsort.cli.errors import reports_errors
from digitsort.cli.failures import MOST_NAMED
from digitsort.cli.summary import warn_unlisted
from digitsort.errors import ExitCode, UsageError
from digitsort.files.atomic import refuse_existing, replacing
from digitsort.files.names import printable
from digitsort.images.discover import Walk, check_sources, describe_skipped, nothing_found
from digitsort.plural import plural

if TYPE_CHECKING:
    from digitsort.pages.cutting import Account, FoundPage
    from digitsort.pages.layout import Layout


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
    follow_links: options.FollowLinks = False,
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
    from digitsort.pages.cutting import Account, CutOptions, cut_pages, find_pages, refuse_dest
    from digitsort.pages.layout import read_layout

    if layout and save_layout:
        raise UsageError("Choose one of --layout and --save-layout.")
    if save_layout and dry_run:
        raise UsageError("Choose one of --dry-run and --save-layout: a dry run writes nothing.")
    if save_layout:
        _check_save_layout(save_layout, dest)
    fields = read_layout(layout) if layout else None
    if not dry_run:
        refuse_dest(dest)
    limits = options.limits(max_pixels, max_side, max_bytes)
    walk = Walk(check_sources(sources), follow_links, pdf=True)
    account = Account()
    files = _at_least_one(walk)
    pages = _named(find_pages(files, limits, account, fields), quiet=quiet)
    if save_layout:
        pages = _saving_layout(pages, save_layout)
    if dry_run:
        _print_found(pages, account)
    else:
        cut_pages(pages, dest, CutOptions(limits, as_it_is, blank, preview, _folders(fields)), account)
    _print_account(account, walk, dest, dry_run=dry_run, quiet=quiet)
    has_failed = account.unreadable or account.unfit or walk.unreadable
    return ExitCode.SOME_FAILED if has_failed else ExitCode.DONE


def _folders(layout: Layout | None) -> tuple[str, ...]:
    """Return the names of the folders for pictures that do not show single digits."""
    from digitsort.pages.cutting import PICTURES, PICTURES_OF

    kinds = {field.kind for field in layout.fields} if layout is not None else set()
    return tuple(folder for kind, folder in PICTURES_OF.items() if kind in kinds and folder != PICTURES)


def _check_save_layout(path: Path, dest: Path) -> None:
    """Raise an error if the layout can't get this name."""
    refuse_existing(path, force=False, offers_force=False)
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(dest)):
        raise UsageError(
            f"{printable(str(path))} would be in DEST, which `cut` writes as a whole. Name a file "
            "outside of DEST with --save-layout."
        )


def _saving_layout(pages: Iterable[FoundPage], path: Path) -> Iterator[FoundPage]:
    """Yield the pages; at the end, write the layout of the first page with cells."""
    from digitsort.pages.layout import layout_of, toml_of

    text = ""
    for page in pages:
        if page.blocks and not text:
            text = toml_of(layout_of(page.blocks))
        yield page
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


def _named(pages: Iterable[FoundPage], *, quiet: bool) -> Iterator[FoundPage]:
    """Say of the first pages without cells why they have none, and how many more there are."""
    counts: Counter[str] = Counter()
    for page in pages:
        if page.reason and not (quiet and not page.leaf.reason):
            counts[page.reason] += 1
            if counts[page.reason] <= MOST_NAMED:
                warn(f"{_title(page)}: {page.reason}.")
        yield page
    for reason, count in counts.items():
        if count > MOST_NAMED:
            warn(f"… and {plural(count - MOST_NAMED, 'more page')}: {reason}.")


def _title(page: FoundPage) -> str:
    return f"{page.source}, page {page.leaf.number}" if page.leaf.number else page.source


def _print_found(pages: Iterable[FoundPage], account: Account) -> None:
    for page in pages:
        account.count(page, 0)
        shapes = ", ".join(f"{block.rows} x {block.columns}" for block in page.blocks)
        found = f"{plural(len(page.blocks), 'block')} ({shapes})" if shapes else page.reason
        cells = f", {plural(page.cells, 'cell')}, {len(page.blanks)} blank" if shapes else ""
        sys.stdout.write(f"{printable(_title(page))}: {found}{cells}\n")


def _print_account(account: Account, walk: Walk, dest: Path, *, dry_run: bool, quiet: bool) -> None:
    console = stderr_console(quiet=quiet)
    full = account.pages - account.empty - account.unreadable
    console.print(
        f"{plural(account.pages, 'page')} in {plural(account.files, 'file')} = {full} with cells + "
        f"{account.empty} without + {account.unreadable} unreadable"
    )
    with_ink = account.cells - account.blank
    console.print(f"{plural(account.cells, 'cell')} = {with_ink} with ink + {account.blank} blank")
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
    console.print(
        f"\n{plural(account.written, 'picture')} written to {name}. Next:\n"
        f"digitsort classify {name}/cells --cells {name}/cells.csv -o {name}/labels.csv\n"
        f"digitsort table {name}/labels.csv --cells {name}/cells.csv -o {name}/table.csv",
        markup=False,
    )
