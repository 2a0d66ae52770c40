"""Draw pages with ruled cells for tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]

CELL = 40


def sheet(width: int = 480, height: int = 400) -> Image.Image:
    """Return white paper."""
    return Image.new("L", (width, height), 245)


def grid(page: Image.Image, at: tuple[int, int], rows: int, columns: int) -> None:
    """Draw a grid."""
    draw = ImageDraw.Draw(page)
    left, top = at
    for row in range(rows + 1):
        y = top + row * CELL
        draw.line((left, y, left + columns * CELL, y), fill=40, width=2)
    for column in range(columns + 1):
        x = left + column * CELL
        draw.line((x, top, x, top + rows * CELL), fill=40, width=2)


def comb(page: Image.Image, at: tuple[int, int], columns: int) -> None:
    """Draw a row of boxes without a top."""
    draw = ImageDraw.Draw(page)
    left, top = at
    draw.line((left, top + CELL, left + columns * CELL, top + CELL), fill=40, width=2)
    for column in range(columns + 1):
        x = left + column * CELL
        draw.line((x, top, x, top + CELL), fill=40, width=2)


def digit(page: Image.Image, text: str, at: tuple[int, int], row: int, column: int) -> None:
    """Print a digit into a cell of a grid; row and column count from 1."""
    middle = at[0] + (column - 0.5) * CELL, at[1] + (row - 0.5) * CELL
    ImageDraw.Draw(page).text(middle, text, fill=30, font=ImageFont.load_default(26), anchor="mm")


def form() -> Image.Image:
    """Return a page with a grid of 3 x 4, and 7 in row 2, column 3."""
    page = sheet()
    grid(page, (60, 50), 3, 4)
    digit(page, "7", (60, 50), 2, 3)
    return page
