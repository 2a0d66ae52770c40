"""The digit's ink is told from everything else on the paper."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from digitsort.recognition.ink import Ink, find_ink
from tests.drawing import Pixels, digit_inks, enlarged, framed, scans


def bar(height: int = 60, width: int = 60) -> Pixels:
    """A dark upright bar of 6 x 36 pixels in the middle of white paper."""
    paper = np.full((height, width), 240, np.uint8)
    y, x = height // 2, width // 2
    paper[y - 18 : y + 18, x - 3 : x + 3] = 30
    return paper


def test_decisions_about_a_bar() -> None:
    ink = find_ink([bar()])
    assert ink.parts.tolist() == [1]
    assert ink.light_on_dark.tolist() == [False]
    assert ink.contrast[0] == pytest.approx(210, rel=0.15)  # bicubic resampling overshoots at edges
    assert ink.box[0] == pytest.approx([27, 12, 33, 48], abs=1.5)


def test_blank_paper_has_no_ink() -> None:
    ink = find_ink([np.full((50, 40), 200, np.uint8)])
    assert (ink.parts[0], ink.share[0], ink.contrast[0]) == (0, 0, 0)
    assert not ink.pixels.any()


@pytest.mark.parametrize(
    "spot",
    [(slice(2, 4), slice(50, 52)), (slice(0, 60), slice(0, 2)), (slice(57, 60), slice(0, 60))],
    ids=["speck", "left edge of a form", "line at the bottom"],
)
def test_what_does_not_belong_is_dropped(spot: tuple[slice, slice]) -> None:
    """A speck or a foreign stroke at the rim changes neither the box nor the number of parts."""
    dirty = bar()
    dirty[spot] = 30
    clean, found = find_ink([bar()]), find_ink([dirty])
    assert found.parts.tolist() == clean.parts.tolist()
    assert found.box[0] == pytest.approx(clean.box[0], abs=1)


def test_a_detached_bar_is_kept() -> None:
    """A 5 whose bar hangs free is one digit of two parts."""
    five = np.full((60, 60), 255, np.uint8)
    five[12:17, 24:44] = 0
    five[21:48, 24:29] = 0
    five[43:48, 24:42] = 0
    assert find_ink([five]).parts.tolist() == [2]


def test_a_small_digit_on_a_large_sheet_is_looked_at_closely() -> None:
    sheet = np.full((400, 500), 235, np.uint8)
    sheet[300:336, 60:66] = 20
    ink = find_ink([sheet])
    left, top, right, bottom = ink.frame[0]
    assert right - left < 100
    assert bottom - top < 100
    assert ink.box[0] == pytest.approx([60, 300, 66, 336], abs=2)


def test_a_digit_that_fills_the_frame_is_found() -> None:
    """Light on dark and touching the border: the rim then holds ink."""
    inks, _ = digit_inks()
    found = find_ink([enlarged(ink, 16) for ink in inks[:300]])
    assert found.light_on_dark.all()
    assert (found.share > 0.1).all()


def test_an_image_does_not_depend_on_its_company() -> None:
    """Ink of a stack is, to the last bit, the ink of its images one by one."""
    grays = [*scans(8), bar(), np.full((9, 9), 7, np.uint8), framed(bar(), 80, 240)]
    together = find_ink(grays)
    alone = Ink.concatenate([find_ink([gray]) for gray in grays])
    for field in fields(Ink):
        assert np.array_equal(getattr(together, field.name), getattr(alone, field.name)), field.name


@pytest.mark.parametrize("squared", [False, True])
def test_printed_lines_that_cross_the_digit_are_taken_out(squared: bool) -> None:
    """Ruled and squared paper, its lines paler than the ink: the ink is that of plain paper."""
    lined = bar(100, 100)
    for rows in (lined, lined.T) if squared else (lined,):
        for first in (8, 9):
            rows[first::21] = np.minimum(rows[first::21], 120)
    clean, found = find_ink([bar(100, 100)]), find_ink([lined])
    assert found.parts.tolist() == [1]
    assert found.box[0] == pytest.approx(clean.box[0], abs=2)


def test_a_dark_bar_from_side_to_side_is_no_printed_line() -> None:
    """The foot of a 2 that is cut tight is as dark as the rest of it, and stays."""
    two = np.full((60, 40), 245, np.uint8)
    two[:6, 4:36] = two[6:30, 30:36] = two[27:33, 4:36] = two[33:54, 4:10] = two[54:] = 25
    assert find_ink([two]).box[0] == pytest.approx([0, 0, 40, 60], abs=1.5)
