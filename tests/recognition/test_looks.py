"""Digits with something around or beside them are read as they are without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

from digitsort import Model, Status
from digitsort.classification.decide import (
    LOW_CONFIDENCE,
    TWO_READINGS,
    UNFAMILIAR,
    decide,
    read_digits,
)
from digitsort.recognition.enclosing import without_frame, without_ring
from digitsort.recognition.gate import BLANK, LINES, SHAPE, why_no_digit
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


def boxed_in(picture: Image.Image) -> Image.Image:
    """In a box whose sides touch the digit."""
    dark = np.argwhere(np.asarray(picture) < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    ImageDraw.Draw(picture).rectangle((left - 20, top - 4, right + 3, bottom + 20), outline=40, width=5)
    return picture


def with_a_ring_that_touches(picture: Image.Image) -> Image.Image:
    """In a ring that runs over the ends of the digit."""
    dark = np.argwhere(np.asarray(picture) < 128)
    y, x = (dark.min(axis=0) + dark.max(axis=0)) / 2
    reach = float(np.hypot(dark[:, 0] - y, dark[:, 1] - x).max())
    box = (x - reach - 3, y - reach - 3, x + reach + 3, y + reach + 3)
    ImageDraw.Draw(picture).ellipse(box, outline=30, width=6)
    return picture


def in_a_hard_shadow(picture: Image.Image) -> Image.Image:
    """Half of it at 30 % of the light."""
    pixels = np.asarray(picture).copy()
    pixels[np.add.outer(np.arange(SIDE), np.arange(SIDE)) > SIDE] = (
        pixels[np.add.outer(np.arange(SIDE), np.arange(SIDE)) > SIDE] * 0.3
    )
    return Image.fromarray(pixels)


TOUCHING = [boxed_in, with_a_ring_that_touches, in_a_hard_shadow]

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


@pytest.mark.parametrize("around", TOUCHING)
def test_a_digit_is_read_that_hangs_together_with_something(
    model: Model, around: Callable[[Image.Image], Image.Image]
) -> None:
    """Four of five are read, and none is accepted as another digit."""
    digits = [str(digit) for digit in range(1, 10)]
    verdicts = decide([np.asarray(around(on_paper(int(digit)))) for digit in digits], model)
    right = [verdict.label == digit for verdict, digit in zip(verdicts, digits, strict=True)]
    assert sum(right) >= 7
    accepted = [verdict.status is Status.OK for verdict in verdicts]
    assert not [d for d, is_ok, r in zip(digits, accepted, right, strict=True) if is_ok and not r]


def test_what_crosses_a_line_stays() -> None:
    """A stroke across the frame that is taken out has no gap."""
    picture = Image.new("L", (100, 100), 255)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((10, 10, 90, 90), outline=0, width=3)
    pen.line((50, 20, 50, 99), fill=0, width=10)
    left = without_frame(np.asarray(picture)) < 128
    assert left[20:99, 50].all()
    assert left.sum() == left[:, 44:57].sum()


def test_a_picture_with_nothing_to_take_out_is_given_back() -> None:
    """A zero is a ring with nothing in it, and a seven has one line."""
    zero, seven = (np.asarray(on_paper(digit)) for digit in (0, 7))
    assert without_ring(zero) is zero
    assert without_frame(seven) is seven


def test_a_bare_digit_is_looked_at_once(model: Model) -> None:
    """A zero is a ring with nothing in it."""
    readings = read_digits([np.asarray(on_paper(digit)) for digit in range(10)], model)
    assert [reading.verdict.label for reading in readings] == list("0123456789")
    sure = [reading for reading in readings if reading.verdict.status is Status.OK]
    assert len(sure) >= 8
    assert {reading.way for reading in sure} == {None}


def test_what_is_read_does_not_depend_on_the_other_pictures(model: Model) -> None:
    every = SURROUNDINGS + TOUCHING
    pictures = [np.asarray(around(on_paper(digit))) for around in every for digit in range(10)]
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


def face() -> Image.Image:
    """A ring, two eyes and a mouth."""
    sheet = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(sheet)
    pen.ellipse((20, 20, 140, 140), outline=20, width=9)
    for left in (55, 95):
        pen.ellipse((left, 60, left + 12, 72), fill=20)
    pen.arc((55, 70, 105, 115), 20, 160, fill=20, width=8)
    return sheet


def mark(gap: int) -> Image.Image:
    """An upright stroke, and a dot so far below it."""
    sheet = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(sheet)
    pen.line((80, 20, 80, 110), fill=20, width=12)
    pen.ellipse((73, 110 + gap, 87, 124 + gap), fill=20)
    return sheet


@pytest.mark.parametrize("sign", [face(), mark(14)])
def test_a_sign_is_not_accepted(model: Model, sign: Image.Image) -> None:
    assert why_no_digit(find_ink([np.asarray(sign)])) == [SHAPE]
    assert decide([np.asarray(sign)], model)[0].status is not Status.OK


def test_a_stroke_without_a_dot_is_no_sign() -> None:
    """What joins the stroke is its foot; a digit has a shape of its own."""
    pictures = [mark(-10), *map(on_paper, range(10))]
    assert not find_ink([np.asarray(picture) for picture in pictures]).sign.any()
