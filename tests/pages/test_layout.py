"""`digitsort.pages.layout`: where the cells of a form are, on other scans of it."""

from __future__ import annotations

import os
import tracemalloc
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitsort.errors import UsageError
from digitsort.pages.blocks import Block, find_blocks
from digitsort.pages.layout import (
    Field,
    FieldKind,
    Layout,
    LayoutError,
    fits_badly,
    layout_of,
    read_layout,
    toml_of,
)
from tests.pages_forms import CELL, Pixels, form, grid, sheet

FIELD = Field("score", FieldKind.DIGIT, 1, (60, 100, 140, 180, 220), (50, 90, 130, 170))


MANY = f"[[field]]\ndigits = 32\nx = {list(range(0, 2_002, 2))[:1_000]}\ny = [0, 5, 10]\n" * 4
"""Layout of more cells than memory may have room for."""


def turned(page: Pixels, degrees: float, shift: float, scale: float) -> tuple[Pixels, Pixels]:
    """Return another scan of a page, and the map to it; shape (3, 3)."""
    turn = np.asarray(cv2.getRotationMatrix2D((240, 200), degrees, scale), np.float64)
    turn[:, 2] += shift
    size = round(520 * scale + 40), round(440 * scale + 40)
    scan = cv2.warpAffine(page, turn, size, flags=cv2.INTER_AREA, borderValue=245)
    return np.asarray(scan, np.uint8), np.vstack([turn, [0, 0, 1]])


def test_a_layout_says_where_the_edges_are() -> None:
    layout = layout_of(find_blocks(np.asarray(form())))
    (field,) = layout.fields
    assert np.allclose(field.x, FIELD.x, atol=2)
    assert np.allclose(field.y, FIELD.y, atol=2)


def test_a_layout_is_the_same_after_it_was_written_and_read(tmp_path: Path) -> None:
    (tmp_path / "form.toml").write_text(toml_of(Layout((FIELD,))))
    assert read_layout(tmp_path / "form.toml") == Layout((FIELD,))


@pytest.mark.parametrize(
    ("degrees", "shift", "scale"), [(0, 10, 1), (3, 0, 1), (-3, 10, 1), (0, 0, 0.5)]
)
def test_a_layout_is_registered_to_another_scan(degrees: float, shift: float, scale: float) -> None:
    scan, to_scan = turned(np.asarray(form()), degrees, shift, scale)
    (block,) = Layout((FIELD,)).on_page(find_blocks(scan), scan.shape)
    wanted = cv2.perspectiveTransform(FIELD.ruled().reshape(1, -1, 2), to_scan).reshape(-1, 4, 2)
    found = np.array([cell.corners for cell in block.cells])
    assert np.abs(found.mean(axis=1) - wanted.mean(axis=1)).max() < 0.02 * CELL * scale + 0.5
    assert np.abs(found - wanted).max() < 0.1 * CELL * scale


@pytest.mark.parametrize("from_photo", [True, False])
def test_a_layout_of_a_photo_fits_a_flat_scan_and_the_other_way(from_photo: bool) -> None:
    page = sheet()
    grid(page, (60, 50), 3, 4)
    grid(page, (60, 220), 1, 8)
    flat = np.asarray(page)
    corners = np.array([[0, 0], [480, 0], [480, 400], [0, 400]], np.float32)
    seen = np.array([[60, 40], [450, 5], [520, 470], [10, 400]], np.float32)
    view = cv2.getPerspectiveTransform(corners, seen)
    photo = np.asarray(cv2.warpPerspective(flat, view, (540, 500), borderValue=245), np.uint8)
    here, there = (photo, flat) if from_photo else (flat, photo)
    found = find_blocks(there)
    on_page = layout_of(find_blocks(here)).on_page(found, there.shape)
    apart = [
        np.abs(cell.corners - its.corners).max()
        for block, its_block in zip(on_page, found, strict=True)
        for cell, its in zip(block.cells, its_block.cells, strict=True)
    ]
    assert len(apart) == 20
    assert max(apart) < 0.08 * CELL
    assert not fits_badly(on_page, found)


def test_a_layout_that_fits_badly() -> None:
    """Its columns are wide and narrow in turn."""
    uneven = Field("score", FieldKind.DIGIT, 1, (60, 107, 140, 187, 220), FIELD.y)
    blocks, shape = _found_on_the_form()
    on_page = Layout((uneven,)).on_page(blocks, shape)
    assert fits_badly(on_page, blocks)
    assert not fits_badly(Layout((FIELD,)).on_page(blocks, shape), blocks)


def test_cells_are_cut_into_as_many_digits_as_the_field_has() -> None:
    field = Field("year", FieldKind.DIGIT, 4, (60, 100), (50, 90))
    layout = Layout((FIELD, field, Field("stamp", FieldKind.IGNORE, 1, (0, 20), (0, 20))))
    page = np.asarray(form())
    _, block = layout.on_page(find_blocks(page), page.shape)
    assert (block.field, block.rows, block.columns) == ("year", 1, 4)
    assert np.allclose([cell.corners[0, 0] for cell in block.cells], (60, 70, 80, 90), atol=2.5)


def test_a_layout_does_not_fit_another_form() -> None:
    other = Field("other", FieldKind.DIGIT, 1, (0, 40, 80, 120), (0, 40, 80))
    for field, page in ((other, np.asarray(form())), (FIELD, np.asarray(sheet()))):
        with pytest.raises(LayoutError, match="the layout does not fit this page"):
            Layout((field,)).on_page(find_blocks(page), page.shape)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((0, 999_999), (0, 999_999)),
        ((900_000, 900_500), (90, 130)),
        ((-800, -100), (90, 130)),
        ((60, 100), (-300, -20)),
    ],
)
def test_a_field_that_is_not_on_the_page(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    """It is no blank cell, and no picture that is larger than memory."""
    blocks, shape = _found_on_the_form()
    far = Field("far", FieldKind.NUMBER, 1, x, y)
    with pytest.raises(LayoutError, match="a field of the layout is not on this page: far"):
        Layout((FIELD, far)).on_page(blocks, shape)
    ignored = Field("far", FieldKind.IGNORE, 1, x, y)
    assert len(Layout((FIELD, ignored)).on_page(blocks, shape)) == 1


@cache
def _found_on_the_form() -> tuple[tuple[Block, ...], tuple[int, ...]]:
    page = np.asarray(form())
    return tuple(find_blocks(page)), page.shape


def test_a_large_layout_is_registered_in_little_memory() -> None:
    edges = tuple(float(at) for at in range(0, 20 * 70, 20))
    blocks = (Block(tuple(Field("", FieldKind.DIGIT, 1, edges, edges).cells(np.eye(3), 1.0))),)
    tracemalloc.start()
    found = layout_of(blocks).on_page(blocks, (1400, 1400))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [len(block.cells) for block in found] == [69 * 69]
    assert most_bytes < 150e6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="special files as POSIX has them")
def test_a_pipe_is_no_layout(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "form.toml")
    with pytest.raises(UsageError, match=r"form\.toml"):
        read_layout(tmp_path / "form.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no [[field]]"),
        ("[[fild]]", "the file has the unknown key 'fild'; the keys are field"),
        (
            "[[field]]\ndigts = 4",
            "field 1 has the unknown key 'digts'; the keys are name, kind, digits, x, y",
        ),
        (
            "[[field]]\nkind = 'letter'",
            "the kind of field 1 is 'letter', not one of digit, number, mark",
        ),
        ("[[field]]\ndigits = 0", "the digits of field 1 are 0, not a number from 1 to 32"),
        ("[[field]]\nx = [1, 9]", "field 1 has no list of 2 to 1,000 edges in y"),
        ("[[field]]\nx = [9, 1]\ny = [1, 9]", "x of field 1 has edges that do not ascend"),
        (
            "[[field]]\nx = [nan, 1]\ny = [1, 9]",
            "x of field 1 has an edge that is not a number of pixels",
        ),
        ("field = ", "Invalid value"),
        ("field = " + "[" * 10_000, "its brackets are nested too deep"),
        ("a" + ".a" * 1_001 + " = 1", "it has more than 1,000 dots outside of numbers"),
        ('"1.5,"' + '."1.5,"' * 1_001 + " = 1", "it has more than 1,000 dots outside of numbers"),
        (f"[[field]]\nx = [1, {'9' * 5_000}]", "it has a number with 100 digits"),
        (f"[[field]]\ndigits = 0x{'f' * 5_000}", "the digits of field 1 are a very large number, not"),
        ("[[field]]\ndigits = true", "the digits of field 1 are True, not a number from 1 to 32"),
        ("[[field]]\nx = [false, 9]\ny = [1, 9]", "x of field 1 has an edge that is not a number of"),
        (f"[[field]]\n{'k' * 5_000} = 1", f"the unknown key '{'k' * 39}…; the keys are name"),
        (f"[[field]]\nkind = '{'k' * 5_000}'", f"the kind of field 1 is '{'k' * 39}…, not one of"),
        ('[[field]]\nname = "a\\u001b[31m"', "the name of field 1 has control characters or more than"),
        (f"[[field]]\nname = '{'n' * 201}'", "the name of field 1 has control characters or more than"),
        (MANY, "it has 255,744 cells, more than 20,000"),
    ],
)
def test_wrong_layouts(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "form.toml").write_text(text)
    with pytest.raises(UsageError) as error:
        read_layout(tmp_path / "form.toml")
    assert message in str(error.value)
    assert "--save-layout" in str(error.value)
    assert len(str(error.value)) < 400


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "form.toml").write_bytes(b"\xff\xfe[")
    with pytest.raises(UsageError, match="it is not text in UTF-8"):
        read_layout(tmp_path / "form.toml")


def test_numbers_and_sentences_may_have_dots(tmp_path: Path) -> None:
    edges = tuple(value + 0.5 for value in range(0, 1_998, 2))
    field = Field("No. 7 of p. 3", FieldKind.DIGIT, 1, edges, (0.5, 5.5))
    (tmp_path / "form.toml").write_text(toml_of(Layout((field, field, field))))
    assert read_layout(tmp_path / "form.toml").fields == (field, field, field)
