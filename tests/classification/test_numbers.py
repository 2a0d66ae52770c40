"""`digitsort.classification.numbers`: numbers of several digits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from digitsort import Settings, classify_images
from digitsort.classification.numbers import cut_into_digits, read_numbers, readings_of
from digitsort.classification.pieces import _seams, strip_of
from digitsort.classification.settings import Length
from digitsort.errors import UsageError
from digitsort.model.reading import default_model
from digitsort.outcomes import Status
from digitsort.recognition.canvas import Gray
from digitsort.recognition.vectorize import Vectors, vectorize


def printed(text: str, spacing: int = 26) -> Gray:
    """Return a picture of printed text."""
    picture = Image.new("L", (30 + spacing * len(text), 60), 250)
    for place, sign in enumerate(text):
        at = 25 + spacing * place, 44
        ImageDraw.Draw(picture).text(at, sign, fill=20, font=ImageFont.load_default(40), anchor="ms")
    return np.asarray(picture)


def test_numbers_are_read() -> None:
    pictures = [printed("1984"), printed("2735"), printed(""), 255 - printed("42")]
    found = [
        (n.verdict.status, n.verdict.label, n.note) for n in read_numbers(pictures, default_model())
    ]
    assert [label for _, label, _ in found] == ["1984", "2735", "", "42"]
    assert found[2][0] is Status.REJECTED


def test_two_ones_are_not_one_digit() -> None:
    """Two bars with a gap are two digits, also when both together are as wide as a 4."""
    picture = np.full((60, 60), 250, np.uint8)
    picture[10:48, 20:24] = picture[10:48, 30:34] = 20
    (found,) = read_numbers([picture], default_model())
    assert found.verdict.label == "11"


def test_touching_digits_are_cut() -> None:
    apart, touching = readings_of(
        [printed("22"), printed("22", spacing=19)], default_model(), min_confidence=0
    )
    assert (apart.verdict().label, apart.cuts) == ("22", 0)
    assert (touching.verdict().label, touching.cuts) == ("22", 1)


@pytest.mark.parametrize(("spacing", "reason"), [(26, "more or fewer digits"), (19, "digits touch")])
def test_a_number_that_is_not_sure_says_why(
    monkeypatch: pytest.MonkeyPatch, spacing: int, reason: str
) -> None:
    model, picture = default_model(), printed("22", spacing)
    (found,) = read_numbers([printed("22")], model, min_confidence=0)
    assert found.verdict.status is Status.OK
    monkeypatch.setattr("digitsort.classification.numbers.SURE", 1.1)
    (found,) = read_numbers([picture], model, min_confidence=0)
    assert (found.verdict.status, found.verdict.reason) == (Status.UNCERTAIN, reason)


def test_an_overhanging_digit_is_cut_from_its_neighbour() -> None:
    """No column between the two is free: the seam goes sideways below the bar of the 7."""
    picture = np.asarray(printed("7  "), np.uint8).copy()
    other = printed("2")
    rows, columns = np.flatnonzero((other < 128).any(axis=1)), np.flatnonzero((other < 128).any(axis=0))
    two = other[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    seven = np.flatnonzero((picture < 128).any(axis=0))
    stem = np.flatnonzero(picture[40] < 128)[-1]
    bottom = np.flatnonzero((picture < 128).any(axis=1))[-1] + 1
    low = slice(bottom - len(two) + 5, bottom + 5), slice(stem + 2, stem + 2 + two.shape[1])
    assert stem + 2 < seven[-1]
    picture[low] = np.minimum(picture[low], two)
    (found,) = read_numbers([picture], default_model())
    assert found.verdict.label == "72"


@pytest.mark.parametrize("count", [2, 3])
def test_a_number_is_cut_into_its_digits(count: int) -> None:
    digits = cut_into_digits(printed("22"), count, default_model())
    assert len(digits) == (2 if count == 2 else 0)


def test_a_part_is_cut_into_pieces_that_are_all_of_it() -> None:
    strip = strip_of(printed("22", spacing=17))
    assert strip.count > 2
    assert strip.is_cut.sum() == strip.count - 1  # one part
    assert sorted(set(strip.pieces[strip.pieces > 0].tolist())) == list(range(1, strip.count + 1))
    whole = strip.picture(0, strip.count)
    assert (np.asarray(whole) < 128).sum() == (strip.dark > 127).sum()


def test_strokes_that_touch_are_cut_along_the_pale_ink_between_them() -> None:
    """The way across one of the strokes is shorter, but dark."""
    picture = np.full((60, 60), 255, np.uint8)
    picture[10:50, 20:28] = picture[10:50, 29:37] = 0
    picture[20:36, 28] = 90
    pieces = strip_of(picture).pieces[1:-1, 1:-1]
    assert not set(pieces[:, :8].ravel()) & set(pieces[:, 9:].ravel())


def test_seams_do_not_cross() -> None:
    pictures = [printed("8352746", spacing=spacing)[:, :130] for spacing in (15, 17, 19)]
    dark = 255.0 - np.minimum.reduce(pictures)
    seams = np.array(_seams(dark > 120, dark))
    assert len(seams) > 10
    assert (np.diff(seams, axis=0) >= 0).all()


def test_dots_and_minus_signs_are_left_out_and_said() -> None:
    (found,) = read_numbers([printed("-23.7")], default_model())
    assert (found.verdict.label, found.note) == ("237", "left out: 2 signs")


def test_a_number_has_as_many_digits_as_are_asked_for() -> None:
    (found,) = read_numbers([printed("23")], default_model(), Length(5, 5))
    assert (found.verdict.status, found.verdict.reason) == (Status.REJECTED, "no number of this length")


@pytest.mark.parametrize("text", ["", "0", "4-2", "1-99", "a", "1-", "٣"])
def test_wrong_lengths(text: str) -> None:
    with pytest.raises(UsageError, match="--length must be"):
        Length.of(text)


def test_images_in_memory_are_single_digits() -> None:
    with pytest.raises(UsageError, match="can't read numbers"):
        next(classify_images([printed("23")], settings=Settings(number=Length())))


def test_a_wide_texture_takes_little_memory() -> None:
    texture = np.full((40, 2000), 255, np.uint8)
    texture[::2, ::2] = 0  # 20,000 parts
    texture[0] = 255
    tracemalloc.start()
    (found,) = read_numbers([texture], default_model())
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.verdict.status, found.verdict.reason) == (Status.REJECTED, "no digits found")
    assert most_bytes < 100e6


def test_groups_of_many_pieces_are_scored_in_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = []

    def counting(pictures: Sequence[Gray]) -> Vectors:
        stacks.append(len(pictures))
        return vectorize(pictures)

    monkeypatch.setattr("digitsort.classification.groups.vectorize", counting)
    monkeypatch.setattr("digitsort.classification.groups.STACK", 4)
    found = read_numbers([printed("31415")] * 2, default_model())
    assert [number.verdict.label for number in found] == ["31415"] * 2
    assert len(stacks) > 2
    assert max(stacks) <= 4


@pytest.mark.parametrize(("least", "most"), [(0, 4), (4, 2), (1, 33)])
def test_lengths_that_no_number_has(least: int, most: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 32 digits"):
        Length(least, most)
