"""Cut pages: files in, a folder with a picture for each cell and a cells.csv out."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from PIL import Image

from digitsort.errors import OutputError
from digitsort.files.atomic import make_folder, output_errors
from digitsort.files.disk import DISK
from digitsort.files.interrupts import temporary
from digitsort.files.names import fold, printable, to_cell
from digitsort.files.places import Places
from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.labels.table import line_of
from digitsort.pages.blocks import Block, Cell, find_blocks
from digitsort.pages.cells_csv import COLUMNS, Kind
from digitsort.pages.cutout import PagePixels
from digitsort.pages.layout import Layout, LayoutError
from digitsort.pages.page_files import Leaf, leaves_of
from digitsort.pages.ruling import Pixels

NOTHING_FOUND = "no ruled cells found"

CELLS_CSV, PICTURES, PREVIEWS = "cells.csv", "cells", "previews"
"""Names in DEST."""

PICTURES_OF = {"digit": PICTURES, "number": "numbers", "mark": "marks"}
"""Folders in DEST for pictures of each kind of field."""

PREVIEW_PX = 1600
"""Longer side, in pixels, of the largest preview."""

GREEN, GRAY, RED = (0, 160, 0), (150, 150, 150), (200, 0, 0)

MOST_STEM_CHARS = 60

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
"""What is replaced in a file's name when its pictures are named after it."""


@dataclass(frozen=True, slots=True)
class CutOptions:
    """Options for cutting pages.

    Attributes
    ----------
    limits : Limits
    as_it_is : bool
        Keep the gray levels of the page. Otherwise pictures are evenly lit and sharpened.
    blank : bool
        Also write pictures of blank cells.
    preview : bool
        Write a picture of each page with its cells drawn on it.
    other_folders : tuple of str
        Names of further folders in DEST, for pictures of numbers and marks.
    """

    limits: Limits = DEFAULT_LIMITS
    as_it_is: bool = False
    blank: bool = False
    preview: bool = False
    other_folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Page, and the cells on it.

    Attributes
    ----------
    source : str
        Path of the file.
    stem : str
        Start of the names of its pictures.
    leaf : Leaf
    blocks : tuple of Block
    blanks : frozenset of (int, int, int)
        Block, row and column of the blank cells, from 1.
    pixels : PagePixels or None
        None if the page can't be read.
    nothing : str
        Reason to give if there are no cells.
        Reason if there are no cells.
    is_unfit : bool
        The layout does not fit the page.
    """

    source: str
    stem: str
    leaf: Leaf
    blocks: tuple[Block, ...] = ()
    blanks: frozenset[tuple[int, int, int]] = frozenset()
    pixels: PagePixels | None = None
    nothing: str = NOTHING_FOUND
    is_unfit: bool = False

    @property
    def reason(self) -> str:
        """Reason why there are no cells; empty if there are."""
        return self.leaf.reason or ("" if self.blocks else self.nothing)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return sum(len(block.cells) for block in self.blocks)

    def is_blank(self, block: int, cell: Cell) -> bool:
        """Return whether a cell is blank."""
        return (block, cell.row, cell.column) in self.blanks


@dataclass(slots=True)
class Account:
    """Counts of a run.

    Attributes
    ----------
    files, pages : int
    empty, unreadable : int
        Pages on which nothing was found, and pages or files that can't be read.
    cells, blank, written : int
        Cells found, blank ones among them, and pictures.
    unfit : int
        Number of pages that the layout does not fit; they are also counted as empty.
    """

    files: int = 0
    pages: int = 0
    empty: int = 0
    unreadable: int = 0
    cells: int = 0
    blank: int = 0
    written: int = 0
    unfit: int = 0

    def count(self, page: FoundPage, written: int) -> None:
        """Count a page."""
        self.pages += 1
        self.unreadable += bool(page.leaf.reason)
        self.empty += not page.leaf.reason and not page.blocks
        self.unfit += page.is_unfit
        self.cells += page.cells
        self.blank += len(page.blanks)
        self.written += written


@dataclass(slots=True)
class Stems:
    """Names for files, each another one; on no file system two of them are the same."""

    _taken: set[str] = field(default_factory=set)

    def name(self, path: str) -> str:
        """Return a name for a file."""
        stem = _NOT_IN_NAMES.sub("_", Path(path).stem)[:MOST_STEM_CHARS].strip("._-") or "page"
        stem = stem.encode("ascii", "replace").decode().replace("?", "_")
        name, number = stem, 1
        while fold(name) in self._taken:
            number += 1
            name = f"{stem}~{number}"
        self._taken.add(fold(name))
        return name


def find_pages(
    paths: Iterable[str], limits: Limits, account: Account, layout: Layout | None = None
) -> Iterator[FoundPage]:
    """Yield each page of each file with the cells found on it, or with the cells of a layout."""
    stems = Stems()
    for path in paths:
        account.files += 1
        stem = stems.name(path)
        for leaf in leaves_of(path, limits):
            yield _found(path, stem, leaf, layout)


def _found(path: str, stem: str, leaf: Leaf, layout: Layout | None) -> FoundPage:
    if leaf.gray is None:
        return FoundPage(path, stem, leaf)
    blocks = tuple(find_blocks(leaf.gray))
    if layout is not None:
        try:
            blocks = layout.on_page(blocks, leaf.gray.shape)
        except LayoutError as error:
            return FoundPage(path, stem, leaf, nothing=str(error), is_unfit=True)
    pixels = PagePixels(leaf.gray)
    blanks = frozenset(
        (number, cell.row, cell.column)
        for number, block in enumerate(blocks, 1)
        for cell in block.cells
        if pixels.is_blank(cell.corners)
    )
    return FoundPage(path, stem, leaf, blocks, blanks, pixels)


def refuse_dest(dest: Path) -> None:
    """Raise OutputError if there is anything with the name of DEST."""
    if os.path.lexists(dest):
        raise OutputError(
            f"{printable(str(dest))} already exists. Choose another DEST: cut never replaces anything."
        )


def cut_pages(pages: Iterable[FoundPage], dest: Path, options: CutOptions, account: Account) -> None:
    """Write the pictures of all cells and a cells.csv into a new folder.

    The folder gets its name when all is written: it is complete, or not there.

    Parameters
    ----------
    pages : iterable of FoundPage
    dest : Path
        Must not exist; its parent folders are created.
    options : CutOptions
    account : Account
        Counts what was written.

    Raises
    ------
    OutputError
        If DEST exists, even if it appears during the run, or can't be written.
    """
    refuse_dest(dest)
    with _new_folder(dest) as folder, output_errors(dest):
        for name in (PICTURES, *options.other_folders, *([PREVIEWS] if options.preview else [])):
            (folder / name).mkdir()
        with (folder / CELLS_CSV).open("x", encoding="utf-8", newline="") as table:
            table.write(line_of(COLUMNS))
            for page in pages:
                account.count(page, _write_page(page, folder, dest, options, table))
            table.flush()
            os.fsync(table.fileno())


@contextmanager
def _new_folder(dest: Path) -> Iterator[Path]:
    """Yield a temporary folder that gets the name `dest` if the block ends without an error."""
    parent = dest.parent

    def make() -> Path:
        with output_errors(dest):
            make_folder(parent)
            return Path(
                tempfile.mkdtemp(prefix=".digitsort-", suffix=".tmp", dir=os.path.realpath(parent))
            )

    with temporary(make) as folder:
        yield folder
        places = Places(DISK)
        target = os.path.join(os.path.realpath(parent), dest.name)
        try:
            with output_errors(dest):
                folder.chmod(0o777 & ~_umask())
                places.sync([str(folder / CELLS_CSV)])
                _rename(places, str(folder), target)
        finally:
            places.close()


def _rename(places: Places, folder: str, target: str) -> None:
    source, goal = places.at(folder), places.at(target)
    try:
        DISK.rename_new(source, goal)
    except FileExistsError:
        raise
    except OSError:  # no such call here: a folder replaces only an empty folder
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.rename(folder, target)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _write_page(page: FoundPage, folder: Path, dest: Path, options: CutOptions, table: IO[str]) -> int:
    """Write the pictures and the rows of a page; return the number of pictures."""
    root = str(dest.absolute())
    source = to_cell(page.source, root)
    if not page.blocks or page.leaf.gray is None:
        kind = Kind.ERROR if page.leaf.reason else Kind.NONE
        numbers = [str(page.leaf.number or ""), "", "", ""]
        cells = ["", source, *numbers, kind, page.reason, *[""] * 8, page.leaf.sha256, ""]
        table.write(line_of(cells))
        if options.preview and page.leaf.gray is not None:
            _write_preview(page, page.leaf.gray, folder)
        return 0
    pixels = page.pixels or PagePixels(page.leaf.gray)
    cut = pixels.as_it_is if options.as_it_is else pixels.clean
    written = 0
    for number, block in enumerate(page.blocks, 1):
        digits = tuple(max(2, len(str(count))) for count in (block.rows, block.columns))
        for cell in block.cells:
            is_blank = page.is_blank(number, cell)
            name = ""
            if options.blank or not is_blank:
                name = f"{PICTURES_OF[block.kind]}/{_name(page, number, digits, cell)}"
                _write_png(folder / name, cut(cell.corners))
                written += 1
            place = [str(value) for value in (page.leaf.number, number, cell.row, cell.column)]
            kind = Kind.BLANK if is_blank else Kind.CELL
            corners = [f"{value:.1f}" for value in cell.corners.ravel()]
            table.write(
                line_of([name, source, *place, kind, "", *corners, page.leaf.sha256, block.field])
            )
    if options.preview:
        _write_preview(page, page.leaf.gray, folder)
    return written


def _name(page: FoundPage, number: int, digits: tuple[int, ...], cell: Cell) -> str:
    rows, columns = digits
    return (
        f"{page.stem}_p{page.leaf.number}_b{number}_r{cell.row:0{rows}}_c{cell.column:0{columns}}.png"
    )


def _write_png(path: Path, pixels: Pixels) -> None:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    with path.open("xb") as file:
        file.write(content.getvalue())


def _write_preview(page: FoundPage, gray: Pixels, folder: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(drawn(page, gray)).save(content, "JPEG", quality=85)
    with (folder / PREVIEWS / f"{page.stem}_p{page.leaf.number}.jpg").open("xb") as file:
        file.write(content.getvalue())


def drawn(page: FoundPage, gray: Pixels) -> Pixels:
    """Return the page with its cells drawn on it: green, or gray if blank; shape (height, width, 3)."""
    scale = min(1.0, PREVIEW_PX / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)
    for number, block in enumerate(page.blocks, 1):
        for cell in block.cells:
            color = GRAY if page.is_blank(number, cell) else GREEN
            points = np.rint(cell.corners * scale).astype(np.int32)
            cv2.polylines(picture, [points], True, color, 2, cv2.LINE_AA)
        first = np.rint(block.cells[0].corners[0] * scale).astype(int)
        at = int(first[0]), max(16, int(first[1]) - 6)
        name = (block.field or f"block {number}").encode("ascii", "replace").decode()
        cv2.putText(picture, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, RED, 2, cv2.LINE_AA)
    if not page.blocks:
        reason = page.reason.encode("ascii", "replace").decode()
        cv2.putText(picture, reason, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, RED, 2, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)
