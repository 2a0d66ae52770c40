"""Measure how well cells are found on simulated pages, whose cells are known exactly.

    python -m benchmarks.made_pages [--count N] [--seed N] [--previews FOLDER]

Each page has one to three blocks (a grid, a table with columns of several widths, a row of boxes, a
comb), printed text, a stamp, and handwriting that may reach beyond its cell. Lines may be thin, faint
or broken. The page is tilted by up to 5 degrees, seen in perspective, unevenly lit, blurred and
grainy. A cell is found if all its corners are within half of its shorter side from their places; its
error is the distance of its middle, by this side. Pages of text alone, empty pages and gradients have
no cells. The handwriting is invented.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from digitsort.pages.blocks import find_blocks
from digitsort.pages.cutting import FoundPage, drawn
from digitsort.pages.ruling import Pixels
from digitsort.training.handwriting.generate import STYLES
from digitsort.training.handwriting.hand import Hand, write

Points = npt.NDArray[np.float64]
Rng = np.random.Generator

WIDTH, HEIGHT = 1240, 1754
"""A4 at 150 dpi."""

MOST_TILT, MOST_PERSPECTIVE = 5.0, 0.03
"""Degrees, and share of a side by which a corner of the page moves."""

KINDS = ("grid", "table", "boxes", "comb")
BLANK_KINDS = ("empty page", "text page", "gradient")
FOUND_WITHIN = 0.5


@dataclass(slots=True)
class Sheet:
    """Page that is being drawn, and its cells so far."""

    image: Image.Image
    rng: Rng
    cells: list[Points] = field(default_factory=list)

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """Pen for the page."""
        return ImageDraw.Draw(self.image)


@dataclass(slots=True)
class Tally:
    """Counts of a kind of page."""

    pages: int = 0
    cells: int = 0
    found: int = 0
    false: int = 0
    errors: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """Return a line of the report."""
        error = f"{100 * float(np.mean(self.errors)):.1f} %" if self.errors else "-"
        high = f"{100 * float(np.percentile(self.errors, 95)):.1f} %" if self.errors else "-"
        return (
            f"{name:12} {self.pages:5} {self.cells:7} {self.found / max(self.cells, 1):9.2%} "
            f"{self.false:6} {error:>8} {high:>8}"
        )


def made_page(rng: Rng, kinds: tuple[str, ...]) -> tuple[Pixels, Points]:
    """Return a page with a block of each kind, and the corners of its cells, shape (n, 4, 2)."""
    sheet = Sheet(Image.new("L", (WIDTH, HEIGHT), int(rng.integers(235, 254))), rng)
    top = 130.0
    for kind in kinds:
        sheet.pen.text((120, top), "Entries and totals", fill=60, font=ImageFont.load_default(24))
        top = _block(sheet, kind, top + 60) + 90
    _text(sheet, top)
    if rng.random() < 0.5:
        _stamp(sheet)
    return _photographed(sheet, np.array(sheet.cells).reshape(-1, 4, 2))


def _block(sheet: Sheet, kind: str, top: float) -> float:
    """Draw a block and what is written in it; return where it ends."""
    rng = sheet.rng
    side = float(rng.uniform(46, 80))
    rows = int(rng.integers(3, 7)) if kind in ("grid", "table") else 1
    columns = int(rng.integers(5, 11))
    widths = rng.uniform(1.0, 2.4, columns) if kind == "table" else np.ones(columns)
    x = 120 + side * np.concatenate([[0], np.cumsum(widths)])
    x = x[x < WIDTH - 120]
    y = top + side * np.arange(rows + 1)
    width, level = int(rng.integers(1, 5)), int(rng.integers(40, 150))
    for row, here in enumerate(y):
        if not (kind == "comb" and row == 0):
            _line(sheet, (x[0], here), (x[-1], here), width, level)
    for here in x:
        _line(sheet, (here, y[0]), (here, y[-1]), width, level)
    for above, below in pairwise(y.tolist()):
        for left, right in pairwise(x.tolist()):
            sheet.cells.append(np.array([[left, above], [right, above], [right, below], [left, below]]))
            if rng.random() < 0.8:
                _digit(sheet, (left + right) / 2, (above + below) / 2, side)
    return float(y[-1])


def _line(
    sheet: Sheet, start: tuple[float, float], end: tuple[float, float], width: int, level: int
) -> None:
    """Draw a line of ruling; one in four has a gap."""
    here, there = np.array(start), np.array(end)
    parts = [(0.0, 1.0)]
    if sheet.rng.random() < 0.25:
        gap = float(sheet.rng.uniform(0.1, 0.9))
        parts = [(0.0, gap), (gap + 8 / float(np.hypot(*(there - here))), 1.0)]
    for low, high in parts:
        ends = np.rint(np.concatenate([here + low * (there - here), here + high * (there - here)]))
        sheet.pen.line(ends.tolist(), fill=level, width=width)


def _digit(sheet: Sheet, x: float, y: float, side: float) -> None:
    """Write a digit around a place; one in twenty reaches beyond its cell."""
    rng = sheet.rng
    styles = [style for style, weight in STYLES[str(rng.integers(10))] if weight >= 1]
    hand = Hand(rng, 1)
    strokes = [curve[0] for curve in write(hand, styles[rng.integers(len(styles))](hand))]
    points = np.concatenate(strokes)
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    height = side * (float(rng.uniform(0.9, 1.15)) if rng.random() < 0.05 else 0.62)
    scale = min(height / size[1], 0.8 * side / max(float(size[0]), 1e-6))
    middle = np.array([x, y]) + rng.uniform(-0.08, 0.08, 2) * side
    level = int(rng.integers(20, 90))
    for stroke in strokes:
        line = ((stroke - low - size / 2) * scale + middle).ravel().tolist()
        sheet.pen.line(line, fill=level, width=max(2, round(0.06 * side)), joint="curve")


def _text(sheet: Sheet, top: float) -> None:
    font = ImageFont.load_default(22)
    for line in np.arange(top, HEIGHT - 120, 40):
        words = sheet.rng.integers(2, 11, 12)
        text = " ".join("".join(sheet.rng.choice(list("aeinrstlomHB"), count)) for count in words)
        sheet.pen.text((120, float(line)), text[:70], fill=70, font=font)


def _stamp(sheet: Sheet) -> None:
    x, y = sheet.rng.uniform((300, 200), (WIDTH - 300, HEIGHT - 300))
    box = (float(x) - 110, float(y) - 60, float(x) + 110, float(y) + 60)
    sheet.pen.ellipse(box, outline=150, width=5)
    sheet.pen.text(
        (float(x) - 70, float(y) - 15), "RECEIVED", fill=150, font=ImageFont.load_default(28)
    )


def _photographed(sheet: Sheet, cells: Points) -> tuple[Pixels, Points]:
    """Return the page as a camera sees it, with the corners of its cells there."""
    rng = sheet.rng
    frame = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float64)
    angle = np.radians(rng.uniform(-MOST_TILT, MOST_TILT))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (frame - frame.mean(axis=0)) @ turn.T + frame.mean(axis=0)
    moved += rng.uniform(-MOST_PERSPECTIVE, MOST_PERSPECTIVE, (4, 2)) * (WIDTH, HEIGHT)
    seen = cv2.getPerspectiveTransform(frame.astype(np.float32), moved.astype(np.float32))
    pixels = cv2.warpPerspective(
        np.asarray(sheet.image), seen, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=90
    )
    left, right, top, bottom = rng.uniform((0.6, 0.6, 0.8, 0.8), 1).tolist()
    shade = np.linspace(left, right, WIDTH)[None, :] * np.linspace(top, bottom, HEIGHT)[:, None]
    blurred = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.4)))
    grainy = blurred * shade + rng.normal(0, float(rng.uniform(0.5, 4)), shade.shape)
    gray = np.clip(grainy, 0, 255).astype(np.uint8)
    if not len(cells):
        return gray, cells
    # Corners are edges of pixels, and the pen's whole numbers are the pixels' middles.
    flat = cv2.perspectiveTransform((cells + 0.5).reshape(1, -1, 2), seen)
    return gray, np.asarray(flat, np.float64).reshape(cells.shape)


def blank_page(rng: Rng, kind: str) -> Pixels:
    """Return a page without cells."""
    sheet = Sheet(Image.new("L", (WIDTH, HEIGHT), int(rng.integers(225, 254))), rng)
    if kind == "text page":
        _text(sheet, 130)
    if kind == "gradient":
        levels = np.linspace(0, 255, WIDTH)[None, :] * np.linspace(0.3, 1, HEIGHT)[:, None]
        sheet.image = Image.fromarray(levels.astype(np.uint8))
    return _photographed(sheet, np.empty((0, 4, 2)))[0]


def count(tally: Tally, truth: Points, gray: Pixels) -> FoundPage:
    """Find the cells of a page and count them; return what was found."""
    blocks = tuple(find_blocks(gray))
    its = np.array([cell.corners for block in blocks for cell in block.cells]).reshape(-1, 4, 2)
    tally.pages += 1
    tally.cells += len(truth)
    taken: set[int] = set()
    for quad in truth:
        side = min(float(np.hypot(*(quad[1] - quad[0]))), float(np.hypot(*(quad[3] - quad[0]))))
        apart = np.hypot(*np.moveaxis(its - quad, -1, 0))  # (n, 4)
        if len(its) and apart.max(axis=1).min() < FOUND_WITHIN * side:
            nearest = int(apart.max(axis=1).argmin())
            taken.add(nearest)
            tally.found += 1
            # Found corners lie inside the lines: what counts is the middle and the size.
            middle = np.hypot(*(its[nearest].mean(axis=0) - quad.mean(axis=0)))
            tally.errors.append(float(middle / side))
    tally.false += len(its) - len(taken)
    return FoundPage(1, blocks=blocks)


def pages(rng: Rng, number: int) -> Iterator[tuple[str, Pixels, Points]]:
    """Yield pages of each kind, of several blocks, and without cells."""
    for _ in range(number):
        for kind in KINDS:
            yield kind, *made_page(rng, (kind,))
        yield "several", *made_page(rng, tuple(rng.choice(KINDS, 3).tolist()))
        for kind in BLANK_KINDS:
            yield kind, blank_page(rng, kind), np.empty((0, 4, 2))


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=20, help="pages of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--previews", type=Path, help="write the pages with errors into this folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    tallies = {kind: Tally() for kind in (*KINDS, "several", *BLANK_KINDS)}
    numbers: Counter[str] = Counter()
    rng = np.random.default_rng(arguments.seed)
    for kind, gray, truth in pages(rng, arguments.count):
        tally = tallies[kind]
        before = tally.cells - tally.found + tally.false
        page = count(tally, truth, gray)
        numbers[kind] += 1
        if arguments.previews and tally.cells - tally.found + tally.false > before:
            arguments.previews.mkdir(parents=True, exist_ok=True)
            name = f"{kind}_{numbers[kind]}.jpg"
            Image.fromarray(drawn(page, gray)).save(arguments.previews / name)
    print("kind         pages   cells     found  false    error  95th of middles, by side")
    print("\n".join(tally.line(kind) for kind, tally in tallies.items()))
    cells = sum(tally.cells for tally in tallies.values())
    found = sum(tally.found for tally in tallies.values())
    false = sum(tally.false for tally in tallies.values())
    print(f"all: {found} of {cells} cells found ({found / cells:.2%}), {false} false")


if __name__ == "__main__":
    main()
