"""Cut pages: files in, pages with their cells and the cells' pictures out."""

from __future__ import annotations

import io
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from digitsort.files.names import fold, to_cell
from digitsort.images.limits import CRASHED, DEFAULT_LIMITS, TIMED_OUT, Limits
from digitsort.pages.blocks import Block, Cell, find_blocks
from digitsort.pages.cells_csv import Kind
from digitsort.pages.cutout import PagePixels, cleaned, shows_nothing
from digitsort.pages.layout import FITS_BADLY, Layout, LayoutError, fits_badly
from digitsort.pages.page_files import Leaf, count_pages, leaves_of
from digitsort.pages.ruling import Pixels
from digitsort.workers.choose_engine import chosen_engine
from digitsort.workers.engine import InHand
from digitsort.workers.loop import Loop
from digitsort.workers.tuning import usable_processors

NOTHING_FOUND = "no ruled cells found"

CHANGED = "changed while it was cut"

PICTURES, PREVIEWS = "cells", "previews"
"""Folders in DEST."""

PICTURES_OF = {"digit": PICTURES, "number": "numbers", "mark": "marks"}
"""Folders in DEST for pictures of each kind of field."""

PREVIEW_PX = 1600
"""Longer side, in pixels, of the largest preview."""

GREEN, GRAY, RED = (0, 160, 0), (150, 150, 150), (200, 0, 0)

MOST_STEM_CHARS = 60

FEW_PAGES, FEW_BYTES = 4, 2**20
"""Fewer files, with fewer bytes together, are cut before workers would have started."""

MAY_CRASH = (".pdf", ".tif", ".tiff")
"""Formats that are always read by workers: their files can have many pages, and their decoders have
many features."""

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
        Also make pictures of blank cells.
    preview : bool
        Make a picture of each page with its cells drawn on it.
    layout : Layout or None
        Its cells are cut instead of those that are found.
    pictures : bool
        Make the pictures of the cells.
    """

    limits: Limits = DEFAULT_LIMITS
    as_it_is: bool = False
    blank: bool = False
    preview: bool = False
    layout: Layout | None = None
    pictures: bool = True

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders in DEST."""
        kinds = {field.kind for field in self.layout.fields} if self.layout is not None else set()
        others = [name for kind, name in PICTURES_OF.items() if kind in kinds and name != PICTURES]
        return (PICTURES, *others, *([PREVIEWS] if self.preview else []))


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is told about a page that was cut.

    Attributes
    ----------
    source : str
    number : int
        As in `FoundPage`.
    is_last : bool
        It is the last page of its file.
    reason : str
        Why there are no cells; empty if there are.
    is_unread, is_unfit : bool
        It can't be read; the layout does not fit it.
    cells, blank, written : int
        Cells, blank ones among them, and pictures.
    doubt : str
        As in `FoundPage`.
    """

    source: str
    number: int
    is_last: bool
    reason: str
    is_unread: bool
    is_unfit: bool
    cells: int
    blank: int
    written: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Page, and the cells on it.

    Attributes
    ----------
    number : int
        In its file, from 1; 0 for a file of which no page can be read.
    unread : str
        Why the page can't be read.
    sha256 : str
        SHA-256 of the file, in hex; empty if it is not known.
    blocks : tuple of Block
    blanks : frozenset of (int, int, int)
        Block, row and column of the blank cells, from 1.
    nothing : str
        Reason to give if there are no cells.
    is_unfit : bool
        The layout does not fit the page.
    doubt : str
        Why the cells may not be in their places; empty if nothing says so.
    pictures : tuple of bytes
        PNG files of the cells, those of blank ones only on demand.
    preview : bytes
        JPEG file of the page with its cells; empty without one.
    source, stem : str
        Path of the file, and the start of the names of its pictures.
    is_last : bool
        It is the last page of its file.
    """

    number: int
    unread: str = ""
    sha256: str = ""
    blocks: tuple[Block, ...] = ()
    blanks: frozenset[tuple[int, int, int]] = frozenset()
    nothing: str = NOTHING_FOUND
    is_unfit: bool = False
    doubt: str = ""
    pictures: tuple[bytes, ...] = ()
    preview: bytes = b""
    source: str = ""
    stem: str = ""
    is_last: bool = True

    @property
    def facts(self) -> PageFacts:
        """What is told about the page."""
        return PageFacts(
            self.source,
            self.number,
            self.is_last,
            self.reason,
            bool(self.unread),
            self.is_unfit,
            self.cells,
            len(self.blanks),
            len(self.pictures),
            self.doubt,
        )

    @property
    def reason(self) -> str:
        """Reason why there are no cells; empty if there are."""
        return self.unread or ("" if self.blocks else self.nothing)

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
    doubtful : int
        Number of pages with cells that may not be in their places.
    """

    files: int = 0
    pages: int = 0
    empty: int = 0
    unreadable: int = 0
    cells: int = 0
    blank: int = 0
    written: int = 0
    unfit: int = 0
    doubtful: int = 0

    def count(self, page: PageFacts) -> None:
        """Count a page."""
        self.pages += 1
        self.unreadable += page.is_unread
        self.empty += bool(page.reason) and not page.is_unread
        self.unfit += page.is_unfit
        self.doubtful += bool(page.doubt)
        self.cells += page.cells
        self.blank += page.blank
        self.written += page.written


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


@dataclass(slots=True)
class Begun:
    """Where an interrupted run is continued.

    Attributes
    ----------
    files : int
        Files of which all pages are cut.
    skip : int
        Pages of the next file that are cut.
    stems : Stems
        With the names of the files that are cut.
    """

    files: int = 0
    skip: int = 0
    stems: Stems = field(default_factory=Stems)


def cut_files(
    paths: Iterable[str],
    options: CutOptions,
    account: Account,
    begun: Begun | None = None,
    *,
    workers: int | None = 0,
    dask: str | None = None,
) -> Iterator[FoundPage]:
    """Yield each page of each file with its cells, in order.

    Parameters
    ----------
    paths : iterable of str
        Files, which are consumed as they are needed.
    options : CutOptions
    account : Account
        Counts the files.
    begun : Begun, optional
        Pages of the first file that are passed over, and names that are taken.
    workers : int, optional
        Number of worker processes; 0 to work in this process; None for one per CPU, or none for few
        small pictures. A page that crashes its worker, or takes too long, is one that can't be read.
    dask : str, optional
        Address of a Dask scheduler, or ``local``.
    """
    if workers is None and dask is None:
        first = list(islice(paths := iter(paths), FEW_PAGES))
        workers, paths = None if _are_much(first) else 0, chain(first, paths)
        workers = usable_processors() if workers is None else workers
    queue = _Queue(account, begun or Begun())
    paths = queue.absolute(paths)
    with chosen_engine(PageJob(options), _given_up, paths, workers=workers, dask=dask) as (
        engine,
        items,
    ):
        pages = queue.pages(Loop(engine, _given_up, size=1).run(items))
        for batch, results in Loop(engine, _given_up, size=1).run(pages):
            for item, page in zip(batch, results, strict=True):
                yield queue.named(item, page)


def _are_much(paths: Sequence[str]) -> bool:
    """Return whether files are worth the start of workers, or must not be read without them."""
    size = 0
    for path in paths:
        with suppress(OSError):  # reading the file reports it
            size += os.stat(path).st_size
    may_crash = any(Path(path).suffix.lower() in MAY_CRASH for path in paths)
    return may_crash or len(paths) == FEW_PAGES or size > FEW_BYTES


@dataclass(slots=True)
class _Queue:
    """Files whose pages are being cut, in order; an item is a path, a NUL, and the number of a page."""

    account: Account
    begun: Begun
    paths: deque[str] = field(default_factory=deque)
    """Files whose pages are being counted, as they are shown: a worker may have another folder."""

    names: deque[tuple[str, str, int]] = field(default_factory=deque)
    """Each file, the start of its pictures' names, and the number of its pages that are to come."""

    def absolute(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield the absolute paths of files."""
        for path in paths:
            self.paths.append(path)
            yield os.path.abspath(path)

    def pages(self, counted: Iterable[tuple[Sequence[str], list[Any]]]) -> Iterator[str]:
        """Yield an item for each page of files that were counted."""
        for paths, counts in counted:
            for path, count in zip(paths, counts, strict=True):
                yield from self._pages_of(path, count)

    def _pages_of(self, path: str, count: int | FoundPage) -> Iterator[str]:
        self.account.files += 1
        shown = self.paths.popleft()
        stem = self.begun.stems.name(shown)
        if isinstance(count, FoundPage):  # it killed the worker that counted its pages
            self.names.append((shown, stem, 1))
            yield f"{path}\0{count.unread}"
        else:
            first, self.begun.skip = self.begun.skip + 1, 0
            self.names.append((shown, stem, count + 1 - first))
            yield from (f"{path}\0{number}" for number in range(first, count + 1))

    def named(self, item: str, page: FoundPage) -> FoundPage:
        """Return the next page with the names that belong to it."""
        number = item.partition("\0")[2]
        path, stem, left = self.names.popleft()
        if left > 1:
            self.names.appendleft((path, stem, left - 1))
        if page.unread in (CRASHED, TIMED_OUT) and number.isdecimal():
            page = replace(page, number=int(number))
        return replace(page, source=path, stem=stem, is_last=left == 1)


def _given_up(timed_out: bool) -> FoundPage:
    return FoundPage(0, TIMED_OUT if timed_out else CRASHED)


@dataclass(frozen=True, slots=True)
class PageJob:
    """Job of worker processes: count the pages of files, or cut pages.

    Attributes
    ----------
    options : CutOptions
    """

    options: CutOptions

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[int | FoundPage]:
        """Return the number of pages of a path, and the cut page for a path with a number."""
        cv2.setNumThreads(1)  # the other processors have workers of their own
        results: list[int | FoundPage] = []
        for path, some in groupby(items, lambda item: item.partition("\0")[0]):
            numbers = [item.partition("\0")[2] for item in some]
            results += self._of_file(path, numbers, len(results), in_hand)
        return results

    def _of_file(
        self, path: str, numbers: Sequence[str], first: int, in_hand: InHand
    ) -> Iterator[int | FoundPage]:
        wanted = {int(number) for number in numbers if number.isdecimal()}
        leaves = leaves_of(path, self.options.limits, wanted)
        for index, number in enumerate(numbers, first):
            in_hand(index)
            if not number:
                yield count_pages(path, self.options.limits)
            elif number.isdecimal():
                leaf = next(leaves, None) or Leaf(int(number), None, CHANGED)
                yield cut_page(leaf, self.options, partial(in_hand, index))
            else:
                yield FoundPage(0, number)


def cut_page(leaf: Leaf, options: CutOptions, tick: Callable[[], object] = lambda: None) -> FoundPage:
    """Find the cells of a page, or those of a layout, and make their pictures.

    Parameters
    ----------
    leaf : Leaf
    options : CutOptions
    tick : callable
        Called between the steps of the work, none of which takes long.
    """
    if leaf.gray is None:
        return FoundPage(leaf.number, leaf.reason, leaf.sha256)
    tick()
    found = tuple(find_blocks(leaf.gray))
    blocks, nothing, doubt = found, NOTHING_FOUND, ""
    if options.layout is not None:
        try:
            blocks = options.layout.on_page(found, leaf.gray.shape)
            doubt = FITS_BADLY if fits_badly(blocks, found) else ""
        except LayoutError as error:
            blocks, nothing = (), str(error)
    pixels = PagePixels(leaf.gray)
    blanks, pictures = set(), []
    for number, block in enumerate(blocks, 1):
        for cell in block.cells:
            tick()
            flat = pixels.flat_cell(cell.corners)
            is_blank = shows_nothing(flat)
            if is_blank:
                blanks.add((number, cell.row, cell.column))
            if options.pictures and (options.blank or not is_blank):
                picture = pixels.as_it_is(cell.corners) if options.as_it_is else cleaned(flat)
                pictures.append(_encoded(picture, "PNG"))
    is_unfit = nothing != NOTHING_FOUND
    page = FoundPage(
        leaf.number,
        sha256=leaf.sha256,
        blocks=blocks,
        blanks=frozenset(blanks),
        nothing=nothing,
        is_unfit=is_unfit,
        doubt=doubt,
        pictures=tuple(pictures),
    )
    if not options.preview:
        return page
    tick()
    return replace(page, preview=_encoded(drawn(page, leaf.gray), "JPEG", quality=85))


def _encoded(pixels: Pixels, form: str, **options: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, form, **options)
    return content.getvalue()


@dataclass(frozen=True, slots=True)
class CutFile:
    """File to write below DEST.

    Attributes
    ----------
    path : str
        Below DEST, with ``/``.
    content : bytes
    """

    path: str
    content: bytes


def files_of(page: FoundPage) -> Iterator[CutFile]:
    """Yield the pictures and the preview of a page, the pictures in the order of the cells."""
    names = (name for name in _names(page) if name)
    for name, picture in zip(names, page.pictures, strict=True):
        yield CutFile(name, picture)
    if page.preview:
        yield CutFile(f"{PREVIEWS}/{page.stem}_p{page.number}.jpg", page.preview)


def rows_of(page: FoundPage, dest: str) -> Iterator[Sequence[str]]:
    """Yield the rows of a page in the cells.csv of DEST."""
    source = to_cell(page.source, dest)
    if not page.blocks:
        kind = Kind.ERROR if page.unread else Kind.NONE
        numbers = [str(page.number or ""), "", "", ""]
        yield ["", source, *numbers, kind, page.reason, *[""] * 8, page.sha256, ""]
        return
    names = _names(page)
    for number, block in enumerate(page.blocks, 1):
        for cell in block.cells:
            place = [str(value) for value in (page.number, number, cell.row, cell.column)]
            kind = Kind.BLANK if page.is_blank(number, cell) else Kind.CELL
            corners = [f"{value:.1f}" for value in cell.corners.ravel()]
            yield [next(names), source, *place, kind, page.doubt, *corners, page.sha256, block.field]


def _names(page: FoundPage) -> Iterator[str]:
    """Yield the name of the picture of each cell, empty for one without a picture."""
    has_blank = len(page.pictures) == page.cells
    for number, block in enumerate(page.blocks, 1):
        rows, columns = (max(2, len(str(count))) for count in (block.rows, block.columns))
        folder = PICTURES_OF[block.kind]
        for cell in block.cells:
            is_there = has_blank or not page.is_blank(number, cell)
            place = f"b{number}_r{cell.row:0{rows}}_c{cell.column:0{columns}}"
            yield f"{folder}/{page.stem}_p{page.number}_{place}.png" if is_there else ""


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
