"""Cells of a page are found, whatever its tilt and light; what is no ruling is not."""

from __future__ import annotations

from itertools import accumulate, pairwise, product

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from digitsort.pages.blocks import Block, Quad, _is_ruled, _straightened, find_blocks
from digitsort.pages.cutout import PagePixels
from tests.pages_forms import CELL, Pixels, comb, form, grid, sheet


def shapes(page: Image.Image | Pixels) -> list[tuple[int, int, int]]:
    """Rows, columns and cells of each block."""
    blocks = find_blocks(np.asarray(page))
    return [(block.rows, block.columns, len(block.cells)) for block in blocks]


def corners(block: Block) -> list[tuple[float, float]]:
    """The middle of each cell."""
    return [tuple(cell.corners.mean(axis=0).tolist()) for cell in block.cells]


def test_corners_lie_inside_the_ruling() -> None:
    (block,) = find_blocks(np.asarray(form()))
    middles = [(60.5 + CELL * (c + 0.5), 50.5 + CELL * (r + 0.5)) for r in range(3) for c in range(4)]
    np.testing.assert_allclose(corners(block), middles, atol=0.8)  # 2 % of a cell
    for cell in block.cells:
        across = cell.corners[1, 0] - cell.corners[0, 0]
        assert CELL * 0.8 < across < CELL


@pytest.mark.parametrize("angle", [-4, pytest.param(4, marks=pytest.mark.slow)])
def test_a_tilted_page_in_uneven_light(angle: int) -> None:
    tilted = form().rotate(angle, fillcolor=245, resample=Image.Resampling.BICUBIC)
    light = np.linspace(0.5, 1, tilted.width)
    assert shapes((np.asarray(tilted) * light).astype(np.uint8)) == [(3, 4, 12)]


@pytest.mark.slow
def test_a_page_in_perspective() -> None:
    page = form()
    seen = (10, 0, 0, page.height, page.width + 20, page.height, page.width - 30, -15)
    page = page.transform(
        page.size, Image.Transform.QUAD, seen, Image.Resampling.BICUBIC, fillcolor=245
    )
    assert shapes(page) == [(3, 4, 12)]


def test_blocks_are_in_reading_order() -> None:
    page = sheet()
    grid(page, (260, 40), 2, 3)
    grid(page, (40, 50), 2, 2)
    comb(page, (40, 250), 5)
    assert shapes(page) == [(2, 2, 4), (2, 3, 6), (1, 5, 5)]


@pytest.mark.slow
def test_a_cell_with_a_broken_line_is_there() -> None:
    page = sheet()
    grid(page, (60, 50), 4, 5)
    ImageDraw.Draw(page).line((140, 95, 140, 125), fill=245, width=6)
    assert shapes(page) == [(4, 5, 20)]


def test_strokes_are_no_lines_where_boxes_are_evenly_spaced() -> None:
    page = sheet()
    grid(page, (60, 50), 1, 7)
    pen = ImageDraw.Draw(page)
    for column in (1, 4):  # a 1 as high as its box
        x = 60 + CELL * column + 17
        pen.line((x, 51, x + 4, 89), fill=30, width=3)
    pen.line((180, 54, 180, 86), fill=245, width=4)  # most of a line is missing
    assert shapes(page) == [(1, 7, 7)]


@pytest.mark.parametrize("is_ruling", [True, False])
def test_rows_of_letters_are_no_ruling(is_ruling: bool) -> None:
    """Their strokes are dark, but there is paper between them."""
    page = np.full((120, 320), 245, np.uint8)
    edges = (20, 100, 200, 300)
    for y, x in product((30, 76), range(20, 300, 7)):
        end = (x + 7, y) if is_ruling else (x + 3, y + 4)
        cv2.line(page, (x, y if is_ruling else y - 4), end, 90, 2)
    for x, y in product(edges, range(30, 76, 7)):
        end = (x, min(76, y + 7)) if is_ruling else (x + 4, y + 3)
        cv2.line(page, (x if is_ruling else x - 4, y), end, 90, 2)
    soft = np.asarray(cv2.GaussianBlur(page, (0, 0), 1.5), np.uint8)
    cells = {
        (0, n): np.array([[a + 3, 36], [b - 3, 36], [b - 3, 70], [a + 3, 70]], np.float64)
        for n, (a, b) in enumerate(pairwise(edges))
    }
    assert _is_ruled(cells, soft) == is_ruling


@pytest.mark.slow
def test_a_comb_with_a_broken_base_and_a_missing_tooth() -> None:
    page = sheet()
    comb(page, (60, 50), 8)
    pen = ImageDraw.Draw(page)
    pen.line((150, 90, 154, 90), fill=245, width=6)
    pen.line((220, 48, 220, 86), fill=245, width=4)
    assert shapes(page) == [(1, 8, 8)]


@pytest.mark.slow
def test_pages_without_cells() -> None:
    text = sheet()
    for line in range(8):
        font = ImageFont.load_default(18)
        ImageDraw.Draw(text).text((20, 20 + 40 * line), "DOGEBRAPQ 0689 over 1984 dogs", 30, font)
    noise = np.random.default_rng(1).normal(200, 20, (600, 800)).clip(0, 255).astype(np.uint8)
    assert shapes(sheet()) == []
    assert shapes(text) == []
    assert shapes(noise) == []


def test_blank_cells_are_told_from_digits() -> None:
    page = np.asarray(form())
    (block,) = find_blocks(page)
    pixels = PagePixels(page)
    written = [(c.row, c.column) for c in block.cells if not pixels.is_blank(c.corners)]
    assert written == [(2, 3)]


@pytest.mark.slow
def test_a_clean_picture_has_white_paper_and_no_ruling() -> None:
    page = (np.asarray(form()) * np.linspace(0.5, 1, 480)).astype(np.uint8)
    (block,) = find_blocks(page)
    cell = next(cell for cell in block.cells if (cell.row, cell.column) == (2, 3))
    picture = PagePixels(page).clean(cell.corners)
    border = np.concatenate([picture[:2].ravel(), picture[-2:].ravel(), picture[:, :2].ravel()])
    assert border.min() > 230
    assert picture.min() < 80


def lattice(columns: list[float], rows: int = 6) -> dict[tuple[int, int], Quad]:
    """Return cells of 40 x 40 pixels, the columns of other widths, slightly turned."""
    edges = [0.0, *accumulate(columns)]
    turn = np.array([[1.0, 0.03], [-0.03, 1.0]])
    found = {}
    for row, column in product(range(rows), range(len(columns))):
        left, right, top = 40 * edges[column], 40 * edges[column + 1], 40.0 * row
        quad = np.array([[left, top], [right, top], [right, top + 40], [left, top + 40]])
        found[row, column] = quad @ turn + 50
    return found


def test_cells_behind_a_broken_line_are_moved_back() -> None:
    whole = lattice([1.0] * 6)
    broken = dict(whole)
    for column in (0, 1):  # the line below row 3 is broken
        tall = np.concatenate([whole[3, column][:2], whole[4, column][2:]])
        broken[3, column], broken[4, column] = tall, whole[5, column]
        broken[5, column] = whole[5, column] + whole[5, column] - whole[4, column]
    mended = _straightened(broken)
    for at, quad in whole.items():
        np.testing.assert_allclose(mended[at], quad, atol=1)


def test_wide_columns_stay() -> None:
    cells = lattice([1.0] * 7 + [2.0])
    assert all(quad is cells[at] for at, quad in _straightened(cells).items())
