"""Digits with something around or beside them are read as they are without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

from digitsort import Model, Status
from digitsort.decide import LOW_CONFIDENCE, TWO_READINGS, UNFAMILIAR, decide, read_digits
from digitsort.recognition.gate import BLANK, LINES, why_no_digit
from digitsort.recognition.ink import find_ink
from digitsort.recognition.looks import IN_A_RING
from tests.conftest import digit_image

Pixels = npt.NDArray[np.uint8]

SIDE = 160


def on_paper(digit: int, example: int = 0) -> Image.Image:
    """A digit of load_digits in the middle of a sheet, half as high as that."""
    paper = Image.new("L", (SIDE, SIDE), 255)
    paper.paste(digit_image(digit, example=example, side=96), (32, 32))
    return paper.filter(ImageFilter.GaussianBlur(1))


def in_a_cell(picture: Image.Image) -> Image.Image:
    """Cut at the printed frame of a cell."""
    ImageDraw.Draw(picture).rectangle((1, 1, SIDE - 2, SIDE - 2), outline=40, width=5)
    return picture


def circled(picture: Image.Image) -> Image.Image:
    """In a ring that is wholly in the picture."""
    ImageDraw.Draw(picture).ellipse((8, 8, SIDE - 8, SIDE - 8), outline=30, width=5)
    return picture


def underlined(picture: Image.Image) -> Image.Image:
    """With a stroke below it."""
    ImageDraw.Draw(picture).line((30, 138, 130, 136), fill=30, width=5)
    return picture


def with_a_unit(picture: Image.Image) -> Image.Image:
    """With two small letters' worth of strokes beside it."""
    draw = ImageDraw.Draw(picture)
    for left in (124, 140):
        draw.line((left, 90, left, 118), fill=30, width=5)
        draw.line((left, 104, left + 10, 92), fill=30, width=4)
    return picture


SURROUNDINGS = [in_a_cell, circled, underlined, with_a_unit]


@pytest.mark.parametrize("around", SURROUNDINGS)
def test_a_digit_is_read_with_something_around_it(
    model: Model, around: Callable[[Image.Image], Image.Image]
) -> None:
    """Nine of ten are read, and none is accepted as another digit."""
    digits = [(digit, example) for digit in range(10) for example in range(3)]
    scans = [np.asarray(around(on_paper(*each))) for each in digits]
    verdicts = decide(scans, model)
    right = [verdict.label == str(digit) for verdict, (digit, _) in zip(verdicts, digits, strict=True)]
    assert sum(right) >= 27
    accepted = [v.status is Status.OK for v in verdicts]
    assert not [d for d, is_ok, r in zip(digits, accepted, right, strict=True) if is_ok and not r]


def test_a_bare_digit_is_looked_at_once(model: Model) -> None:
    """A zero is a ring with nothing in it."""
    readings = read_digits([np.asarray(on_paper(digit)) for digit in range(10)], model)
    assert [reading.verdict.label for reading in readings] == list("0123456789")
    sure = [reading for reading in readings if reading.verdict.status is Status.OK]
    assert len(sure) >= 8
    assert {reading.way for reading in sure} == {None}


def test_what_is_read_does_not_depend_on_the_other_pictures(model: Model) -> None:
    pictures = [np.asarray(around(on_paper(digit))) for around in SURROUNDINGS for digit in range(10)]
    together = decide(pictures, model)
    assert [decide([picture], model)[0] for picture in pictures] == together


def test_a_reading_says_how_it_was_made(model: Model) -> None:
    """What leaves out more than surroundings is doubtful, and says so in its reason."""
    ringed = read_digits([np.asarray(circled(on_paper(digit))) for digit in range(1, 10)], model)
    assert IN_A_RING in {reading.way.words for reading in ringed if reading.way is not None}
    beside = read_digits([np.asarray(underlined(on_paper(digit))) for digit in range(10)], model)
    taken = [reading for reading in beside if reading.way is not None]
    assert taken
    assert {reading.verdict.status for reading in taken} == {Status.UNCERTAIN}
    known = {TWO_READINGS, LOW_CONFIDENCE, UNFAMILIAR}
    assert {r.verdict.reason for r in taken} <= known | {f"read {r.way.words}" for r in taken if r.way}


def grid_remains() -> Pixels:
    """The left and upper line of an empty cell."""
    cell = np.full((28, 28), 255, np.uint8)
    cell[2:4, 2:26] = cell[2:26, 2:4] = 0
    return cell


def test_lines_along_the_edges_are_no_digit(model: Model) -> None:
    assert why_no_digit(find_ink([grid_remains()])) == [LINES]
    assert decide([grid_remains()], model)[0].status is not Status.OK


def test_a_small_digit_in_a_corner_is_one(model: Model) -> None:
    sheet = Image.new("L", (600, 600), 255)
    sheet.paste(digit_image(3, side=80), (8, 8))
    assert decide([np.asarray(sheet)], model)[0].label == "3"


def test_a_blank_sheet_is_not_looked_at_again(model: Model) -> None:
    readings = read_digits([np.full((50, 50), 250, np.uint8)], model)
    assert [(r.verdict.reason, r.way) for r in readings] == [(BLANK, None)]
