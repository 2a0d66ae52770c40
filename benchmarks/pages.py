"""Measure how many photographed sudokus are read without any error.

    python -m benchmarks.pages [--half first|second] [--model FILE] [--previews FOLDER]

The pages are those of `pages` in the development data: 126 printed puzzles, and 128 filled in by hand.
They are ordered by their number. Choices were made on the first half of each; the second half is
reported. Each page is cut as `digitsort cut` does, and its cells are read as by
`digitsort classify --only-labels 1-9 --cells cells.csv`. A page is right if all 81 cells are: a digit
has its label, sure or uncertain, and an empty cell is blank or rejected.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from PIL import Image

from benchmarks.data import data_folder
from benchmarks.verdicts import open_model
from digitsort.classification.decide import Verdict, decide
from digitsort.classification.settings import allowed_classes
from digitsort.images.limits import DEFAULT_LIMITS
from digitsort.model.reading import Model
from digitsort.outcomes import Status
from digitsort.pages.blocks import Block
from digitsort.pages.cutout import PagePixels
from digitsort.pages.cutting import CutOptions, FoundPage, cut_page, drawn
from digitsort.pages.page_files import leaves_of
from digitsort.pages.page_pass import page_verdicts
from digitsort.pages.ruling import Pixels

SIDE = 9
LABELS = tuple("123456789")
MOST_NAMED = 12


@dataclass(slots=True)
class Score:
    """Counts for the pages of a kind."""

    pages: int = 0
    found: int = 0
    right_pages: int = 0
    cells: int = 0
    right: int = 0
    empty: int = 0
    false_ok: int = 0
    false_uncertain: int = 0
    wrong_ok: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    by_errors: Counter[int] = field(default_factory=Counter)

    def lines(self, name: str) -> Iterator[str]:
        """Yield the report."""
        yield f"{name}: {self.pages} pages, all 81 cells found on {self.found}"
        yield f"  pages right         {_share(self.right_pages, self.pages)}"
        yield f"  cells right         {_share(self.right, self.cells)}"
        yield f"  wrong but ok        {_share(self.wrong_ok, self.cells)}"
        if self.empty:
            yield f"  false digits, ok    {_share(self.false_ok, self.empty)} of empty cells"
            yield f"  false digits, all   {_share(self.false_ok + self.false_uncertain, self.empty)}"
        pages = ", ".join(f"{count} with {errors}" for errors, count in sorted(self.by_errors.items()))
        yield f"  pages by errors     {pages}"
        for kind, count in self.failures.most_common(MOST_NAMED):
            yield f"    {count:4} {kind}"


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({count / max(total, 1):.2%})"


def pages_of(kind: str, half: str) -> list[Path]:
    """Return a half of the pictures of a kind, ordered by their number."""
    files = sorted(
        (data_folder("pages") / kind).glob("image*.jpg"),
        key=lambda p: int(p.stem.removeprefix("image")),
    )
    middle = len(files) // 2
    return files[:middle] if half == "first" else files[middle:]


def truth_of(picture: Path) -> list[list[str]]:
    """Return the digits of a page, nine rows of nine; 0 is an empty cell."""
    lines = picture.with_suffix(".dat").read_text().splitlines()[2 : 2 + SIDE]
    return [line.split() for line in lines]


def measure(kind: str, half: str, model: Model, previews: Path | None) -> Score:
    """Cut and read the pages of a kind."""
    score = Score()
    for file in pages_of(kind, half):
        (leaf,) = leaves_of(str(file), DEFAULT_LIMITS)
        page = cut_page(leaf, CutOptions(pictures=False))
        errors = _read_page(page, leaf.gray, truth_of(file), model, score)
        score.pages += 1
        score.right_pages += errors == 0
        score.by_errors[errors] += 1
        if previews is not None and errors and leaf.gray is not None:
            previews.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(drawn(page, leaf.gray))
            picture.save(previews / f"{kind}_{file.stem}.jpg")
    return score


def _read_page(
    page: FoundPage, gray: Pixels | None, truth: list[list[str]], model: Model, score: Score
) -> int:
    """Count what is right on a page, and return the number of errors."""
    score.cells += SIDE * SIDE
    score.empty += sum(row.count("0") for row in truth)
    numbers = [n for n, block in enumerate(page.blocks, 1) if _is_grid(block)]
    if len(numbers) != 1 or gray is None:
        score.failures["grid not found"] += 1
        return SIDE * SIDE
    (number,) = numbers
    score.found += 1
    cells = [cell for cell in page.blocks[number - 1].cells if not page.is_blank(number, cell)]
    pixels = PagePixels(gray)
    allowed = allowed_classes(LABELS, model.class_names)
    verdicts = decide([pixels.clean(cell.corners) for cell in cells], model, None, allowed)
    corners = {index: cell.corners for index, cell in enumerate(cells)}
    verdicts = page_verdicts(pixels, corners, verdicts, LABELS)
    read = {(cell.row, cell.column): verdict for cell, verdict in zip(cells, verdicts, strict=True)}
    places = [(row, column) for row in range(1, SIDE + 1) for column in range(1, SIDE + 1)]
    wrong = sum(not _count(truth[r - 1][c - 1], read.get((r, c)), score) for r, c in places)
    score.right += SIDE * SIDE - wrong
    return wrong


def _is_grid(block: Block) -> bool:
    return (block.rows, block.columns, len(block.cells)) == (SIDE, SIDE, SIDE * SIDE)


def _count(wanted: str, verdict: Verdict | None, score: Score) -> bool:
    """Count a cell, and return whether it is right."""
    is_read = verdict is not None and verdict.status is not Status.REJECTED
    label = verdict.label if verdict is not None and is_read else "0"
    if label == wanted:
        return True
    is_ok = verdict is not None and verdict.status is Status.OK
    score.wrong_ok += is_ok
    if wanted == "0":
        score.false_ok += is_ok
        score.false_uncertain += not is_ok
        score.failures["empty cell read as a digit"] += 1
    elif verdict is None:
        score.failures["digit taken for a blank cell"] += 1
    elif not is_read:
        score.failures[f"digit rejected: {verdict.reason}"] += 1
    else:
        score.failures[f"{wanted} read as {label}, {verdict.status}"] += 1
    return False


def main() -> None:
    """Print the report for both kinds of pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--half", choices=("first", "second"), default="second")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--previews", type=Path, help="write the pages with errors into this folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    model = open_model(arguments.model)
    for kind in ("puzzle", "puzzle_filled"):
        score = measure(kind, arguments.half, model, arguments.previews)
        print("\n".join(score.lines(f"{kind}, {arguments.half} half")), flush=True)


if __name__ == "__main__":
    main()
