"""Digits with something around or beside them are read as they are without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

from digitsort import Model, Status, default_model
from digitsort.classification import decide as decide_module
from digitsort.classification.decide import (
    LOW_CONFIDENCE,
    TWO_READINGS,
    UNFAMILIAR,
    Reading,
    Verdict,
    _Candidates,
    _redrawn,
    decide,
    read_digits,
)
from digitsort.recognition.enclosing import (
    WORKING_PX,
    without_frame,
    without_ring,
    without_ruled_line,
    without_underline,
)
from digitsort.recognition.gate import BLANK, LINES, SHAPE, why_no_digit
from digitsort.recognition.ink import find_ink
from digitsort.recognition.looks import IN_A_FRAME, IN_A_RING, ROUNDS, look_again
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


def underlined_without_a_gap(picture: Image.Image) -> Image.Image:
    """With a stroke through its lowest pixels, wider than the digit."""
    box = Image.eval(picture, lambda gray: 255 * (gray < 128)).getbbox()
    assert box is not None
    bottom = box[3]
    ImageDraw.Draw(picture).line((20, bottom - 1, 140, bottom - 4), fill=30, width=6)
    return picture


def in_a_bold_ring(picture: Image.Image) -> Image.Image:
    """In a ring that runs over the ends of the digit, and is cut at its edge: most pixels are ink."""
    ImageDraw.Draw(picture).ellipse((1, 1, SIDE - 2, SIDE - 2), outline=30, width=33)
    return picture


def in_a_hard_shadow(picture: Image.Image) -> Image.Image:
    """Half of it at 30 % of the light."""
    pixels = np.asarray(picture).copy()
    pixels[np.add.outer(np.arange(SIDE), np.arange(SIDE)) > SIDE] = (
        pixels[np.add.outer(np.arange(SIDE), np.arange(SIDE)) > SIDE] * 0.3
    )
    return Image.fromarray(pixels)


def in_parentheses(picture: Image.Image) -> Image.Image:
    """Between parentheses that are taller than the digit."""
    draw = ImageDraw.Draw(picture)
    draw.arc((8, 10, 68, SIDE - 10), 110, 250, fill=30, width=6)
    draw.arc((SIDE - 68, 10, SIDE - 8, SIDE - 10), -70, 70, fill=30, width=6)
    return picture


def on_a_dark_table(picture: Image.Image) -> Image.Image:
    """On paper that ends within the picture, at two sides."""
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 18, SIDE), fill=40)
    draw.rectangle((0, SIDE - 22, SIDE, SIDE), fill=40)
    return picture


def with_print_on_the_back(picture: Image.Image) -> Image.Image:
    """With a paler stroke that shines through and crosses the digit."""
    behind = Image.new("L", (SIDE, SIDE), 255)
    ImageDraw.Draw(behind).arc((30, 40, 130, 150), 30, 300, fill=150, width=12)
    darker = np.minimum(np.asarray(picture), np.asarray(behind.filter(ImageFilter.GaussianBlur(1))))
    return Image.fromarray(darker)


TOUCHING = [
    boxed_in,
    with_a_ring_that_touches,
    in_a_hard_shadow,
    underlined_without_a_gap,
    in_a_bold_ring,
]

SURROUNDINGS = [
    in_a_cell,
    circled,
    underlined,
    with_a_unit,
    with_print_on_the_back,
]


@pytest.mark.parametrize("around", SURROUNDINGS)
def test_a_digit_is_read_with_something_around_it(
    model: Model, around: Callable[[Image.Image], Image.Image]
) -> None:
    """Nine of ten are read, and none is accepted as another digit."""
    digits = [(digit, example) for digit in range(10) for example in range(2)]
    scans = [np.asarray(around(on_paper(*each))) for each in digits]
    verdicts = decide(scans, model)
    right = [verdict.label == str(digit) for verdict, (digit, _) in zip(verdicts, digits, strict=True)]
    assert sum(right) >= 18
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


def test_what_stands_on_a_line_stays() -> None:
    """The line goes with all that hangs below it, the stroke above it stays whole."""
    picture = Image.new("L", (100, 100), 255)
    pen = ImageDraw.Draw(picture)
    pen.line((5, 80, 95, 76), fill=0, width=4)
    pen.line((50, 20, 50, 95), fill=0, width=8)
    left = without_underline(np.asarray(picture)) < 128
    assert left[20:74, 50].all()
    assert left.sum() == left[:80, 44:57].sum()


def seven_on_a_line(*ends: tuple[float, float], width: int = 4) -> Pixels:
    """A seven whose foot touches a line through these points; as large as the copy that is changed."""
    picture = Image.new("L", (WORKING_PX, WORKING_PX), 255)
    pen = ImageDraw.Draw(picture)
    pen.line([(36, 21), (73, 21), (53, 85)], fill=0, width=6, joint="curve")
    pen.line(list(ends), fill=0, width=width, joint="curve")
    return np.asarray(picture)


RULED = ((22, 87), (91, 86))


def test_a_ruled_line_that_is_longer_than_the_digit_is_no_base() -> None:
    """It is removed, even if it begins below the digit; one that bends as a hand draws it stays."""
    for line in (RULED, ((40, 87), (91, 86))):
        left = without_ruled_line(seven_on_a_line(*line)) < 128
        assert left[21:76].any(axis=1).all()
        assert not left[86:].any()
    by_hand = seven_on_a_line((22, 85), (42, 88), (59, 86), (77, 84), (91, 87))
    assert without_ruled_line(by_hand) is by_hand


def two_with_a_base(*base: tuple[float, float]) -> Pixels:
    """A 2 like a Z, whose base is drawn through these points; its joint is at (38, 86)."""
    picture = Image.new("L", (WORKING_PX, WORKING_PX), 255)
    pen = ImageDraw.Draw(picture)
    pen.line([(38, 21), (73, 21), (38, 86)], fill=0, width=6, joint="curve")
    pen.line(list(base), fill=0, width=4, joint="curve")
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("base", "is_removed"),
    [
        (((36, 87), (75, 87)), False),  # sharply ruled, but no longer than the rest, as in print
        (((36, 87), (75, 87), (97, 85)), False),  # longer, but drawn by hand and joined at its end
        (((22, 87), (61, 87), (83, 85)), True),
        (((22, 87), (83, 87)), True),
        (((36, 87), (97, 87)), True),
    ],
)
def test_a_base_is_no_longer_than_the_rest_or_begins_at_the_joint(
    base: tuple[tuple[float, float], ...], is_removed: bool
) -> None:
    """A line that is longer is no base if it goes beyond the joint, or if no hand draws so straight."""
    picture = two_with_a_base(*base)
    assert (without_ruled_line(picture) is not picture) == is_removed


def test_a_straight_edge_of_the_picture_is_no_ruled_line() -> None:
    """A digit that is cut through its base has one, and a shadow."""
    whole = seven_on_a_line((22, 87), (91, 87))
    assert without_ruled_line(whole) is not whole
    cut = whole[:88]
    assert without_ruled_line(cut) is cut


def on_a_thick_line(digit: int) -> Pixels:
    """A digit that a thick line runs through at its foot."""
    scan = on_paper(digit)
    bottom = int(np.argwhere(np.asarray(scan) < 128)[:, 0].max())
    ImageDraw.Draw(scan).line((34, bottom - 2, 136, bottom - 4), fill=30, width=16)
    return np.asarray(scan)


def test_a_digit_on_a_thick_line_is_not_accepted_as_a_one() -> None:
    """The lowest ink is thin in a few columns only, but its lower edge is straight in all."""
    digits = (0, 2, 3, 4, 6, 8)
    verdicts = decide(list(map(on_a_thick_line, digits)), default_model())
    assert {verdict.status for verdict in verdicts} == {Status.UNCERTAIN}
    # The 8 loses its lower half with the line, and is read as a 1.
    assert [verdict.label for verdict in verdicts[:-1]] == list(map(str, digits[:-1]))


def test_two_lines_below_a_digit_are_both_removed() -> None:
    picture = Image.fromarray(seven_on_a_line(*RULED))
    ImageDraw.Draw(picture).line((20, 99, 88, 101), fill=0, width=4)
    left = without_underline(np.asarray(picture)) < 128
    assert left[21:76].any(axis=1).all()
    assert not left[86:].any()


def test_a_seven_on_a_ruled_line_is_not_accepted_as_a_one() -> None:
    """It looks like a 1 with a flag and a base, and the first look is sure of that."""
    verdict = decide([seven_on_a_line(*RULED, width=6)], default_model())[0]
    assert (verdict.label, verdict.status) == ("7", Status.UNCERTAIN)


def test_a_picture_that_a_way_gives_back_is_not_looked_at_again() -> None:
    """The first look has seen it."""
    underline = next(way for way in ROUNDS[1] if way.redraw is without_underline)
    blurred = next(way for way in ROUNDS[2] if way.redraw is None)
    bare, lined = np.asarray(on_paper(7)), seven_on_a_line(*RULED)
    jobs = [(0, underline), (0, blurred), (1, underline)]
    kept, pictures = _redrawn(jobs, [bare, lined])
    assert kept == [(0, blurred), (1, underline)]
    assert pictures[0] is bare
    assert pictures[1] is not lined


def test_a_bold_ring_is_removed_whole() -> None:
    """Paper is what lies in the corners, though most pixels are ink."""
    scan = np.asarray(in_a_bold_ring(on_paper(5)))
    assert np.median(scan) < 128
    left = without_ring(scan) < 128
    away = np.hypot(*(np.indices(left.shape) - (len(left) - 1) / 2)) / (len(left) / 2)
    assert left.any()
    assert not left[away > 0.6].any()


def seven_along_a_ring() -> Pixels:
    """A 7 whose stem runs down beside the ring that it touches."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((28, 20, 132, 140), outline=30, width=6)
    pen.line([(52, 36), (110, 36), (104, 130)], fill=30, width=7, joint="curve")
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(1)))


def test_a_digit_along_its_ring_is_not_accepted_as_a_zero() -> None:
    """Few rays meet ink inside the ring, and none of it is near the middle."""
    verdict = decide([seven_along_a_ring()], default_model())[0]
    assert (verdict.label, verdict.status) == ("7", Status.UNCERTAIN)


def test_a_doubtful_label_is_the_one_that_most_looks_agree_on() -> None:
    def reading(label: str, confidence: float, familiarity: float = 0.6) -> Reading:
        verdict = Verdict(Status.UNCERTAIN, label, confidence, familiarity=familiarity)
        return Reading(verdict, ROUNDS[1][0])

    first = Verdict(Status.UNCERTAIN, "2", 0.9, LOW_CONFIDENCE, familiarity=0.6)
    candidates = _Candidates(first)
    candidates.others = [reading("7", 0.85, 0.58), reading("7", 0.85, 0.55)]
    assert candidates.best().verdict.label == "7"
    # A look that changed nothing is the first look again.
    candidates.others = [reading("7", 0.9), *[reading("2", 0.9)] * 5]
    assert candidates.best().verdict.label == "2"
    candidates.others = [reading("7", 1.0, 0.66), *[reading("2", 0.9)] * 5]
    assert candidates.best().verdict.label == "7"


def test_a_picture_with_nothing_to_take_out_is_given_back() -> None:
    """A zero is a ring with nothing in it, and a seven has one line."""
    zero, seven = (np.asarray(on_paper(digit)) for digit in (0, 7))
    assert without_ring(zero) is zero
    assert without_frame(seven) is seven
    assert without_underline(seven) is seven


def test_a_bare_digit_is_looked_at_once(model: Model) -> None:
    """A zero is a ring with nothing in it."""
    readings = read_digits([np.asarray(on_paper(digit)) for digit in range(10)], model)
    assert [reading.verdict.label for reading in readings] == list("0123456789")
    sure = [reading for reading in readings if reading.verdict.status is Status.OK]
    assert len(sure) >= 8
    assert {reading.way for reading in sure} == {None}


def test_what_is_read_does_not_depend_on_the_other_pictures(model: Model) -> None:
    every = SURROUNDINGS + TOUCHING
    pictures = [np.asarray(around(on_paper(digit))) for around in every for digit in range(0, 10, 2)]
    together = decide(pictures, model)
    assert [decide([picture], model)[0] for picture in pictures] == together


@pytest.mark.parametrize(
    ("around", "words"),
    [(in_parentheses, "in parentheses"), (on_a_dark_table, IN_A_FRAME), (in_a_cell, IN_A_FRAME)],
)
def test_a_way_finds_the_ink_of_the_digit_alone(
    around: Callable[[Image.Image], Image.Image], words: str
) -> None:
    """The first way of this name sees the same box as a look at the bare digit."""
    way = next(way for ways in ROUNDS for way in ways if way.words == words)
    bare = [np.asarray(on_paper(digit)) for digit in range(10)]
    scans = [np.asarray(around(on_paper(digit))) for digit in range(10)]
    assert way.helps(find_ink(scans)).all()
    boxes = look_again(scans, [way] * len(scans)).box
    assert np.abs(boxes - find_ink(bare).box).max() <= SIDE / 32


def test_rounds_only_save_looks(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is the same, whether all ways are tried at once or round by round."""
    every = SURROUNDINGS + TOUCHING
    pictures = [np.asarray(around(on_paper(digit))) for around in every for digit in (3, 6)]
    at_once = decide(pictures, model)
    monkeypatch.setattr(decide_module, "FEW_JOBS", 0)
    assert decide(pictures, model) == at_once


def two_in_a_box(left: int, right: int) -> Pixels:
    """Two digits side by side in a printed box."""
    sheet = Image.new("L", (240, SIDE), 255)
    for digit, place in ((left, 40), (right, 124)):
        sheet.paste(digit_image(digit, side=80), (place, 40))
    ImageDraw.Draw(sheet).rectangle((14, 14, 224, 146), outline=40, width=5)
    return np.asarray(sheet)


def test_none_of_two_digits_is_accepted(model: Model) -> None:
    """A look within the frame leaves one of them out, but knows that the first look saw two."""
    pictures = [two_in_a_box(left, right) for left, right in ((3, 8), (1, 6), (7, 0), (2, 2))]
    assert find_ink(pictures).crowded.all()
    assert Status.OK not in {verdict.status for verdict in decide(pictures, model)}


def test_a_digit_with_its_surroundings_is_no_crowd() -> None:
    """Frames, rings and lines lie around it, not beside it."""
    alone = (in_a_cell, circled, underlined)
    pictures = [np.asarray(around(on_paper(digit))) for around in alone for digit in range(10)]
    assert not find_ink(pictures).crowded.any()


@pytest.mark.parametrize(
    "letter", [[(30, 30, 130, 30), (80, 30, 80, 130)], [(50, 20, 50, 130), (50, 130, 120, 130)]]
)
def test_the_lines_of_a_letter_are_no_frame(letter: list[tuple[int, int, int, int]]) -> None:
    """A T and an L are given back as they are; a frame has three lines or more."""
    sheet = Image.new("L", (SIDE, SIDE), 255)
    for line in letter:
        ImageDraw.Draw(sheet).line(line, fill=20, width=8)
    pixels = np.asarray(sheet)
    assert without_frame(pixels) is pixels


@pytest.mark.parametrize("is_like", [True, False])
def test_ink_unlike_a_digit_is_worth_less(is_like: bool) -> None:
    """A ring may be as sure and as familiar as the digit within it."""
    verdict = Verdict(Status.UNCERTAIN, "0", 1.0, familiarity=0.7, is_like=is_like)
    assert verdict.strength == pytest.approx(0.7 if is_like else 0.35)


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
