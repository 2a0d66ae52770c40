"""Printed digits: of fonts, segments, dots and wheels."""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from digitsort.errors import TrainingDataError
from digitsort.training.printed import (
    GRIDS,
    SEGMENTS,
    Face,
    draw_dots,
    draw_segments,
    find_faces,
    name_of_faces,
    on_a_wheel,
    on_screen,
    plain,
    print_digits,
    thresholded,
)
from tests.conftest import make_tree


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> list[Face]:
    """Pillow's own font."""
    monkeypatch.delenv("DIGITSORT_FONTS", raising=False)
    return find_faces()


def test_the_same_seed_prints_the_same_digits(faces: list[Face]) -> None:
    first, again, other = (list(print_digits(1, seed, faces)) for seed in (0, 0, 1))
    assert [label for _, label in first] == list("0123456789")
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert any(a.shape != b.shape for (a, _), (b, _) in zip(first, other, strict=True))


@pytest.mark.slow
def test_every_print_shows_something(faces: list[Face]) -> None:
    for gray, _ in islice(print_digits(40, 5, faces), 400):
        assert gray.dtype == np.uint8
        assert min(gray.shape) >= 4
        assert int(gray.max()) - int(gray.min()) >= 20


@pytest.mark.parametrize("label", SEGMENTS)
def test_segments_that_are_not_lit_stay_dark(label: str) -> None:
    """The share of lit pixels grows with the number of segments."""
    rng = np.random.default_rng(3)
    lit = np.mean([(draw_segments(label, rng) > 127).mean() for _ in range(8)])
    full = np.mean([(draw_segments("8", rng) > 127).mean() for _ in range(8)])
    assert lit == pytest.approx(full * len(SEGMENTS[label][0]) / 7, rel=0.5)


def test_dot_grids_have_rows_of_one_width() -> None:
    for grid in GRIDS:
        widths = {len(row) for choices in grid.values() for text in choices for row in text.split()}
        heights = {len(text.split()) for choices in grid.values() for text in choices}
        assert (len(grid), len(widths), len(heights)) == (10, 1, 1)


def test_a_wheel_hides_little_of_its_digit() -> None:
    rng = np.random.default_rng(0)
    ink = draw_dots("8", rng)
    for _ in range(20):
        seen = on_a_wheel(ink, rng)
        assert (seen > 0).sum() >= 0.7 * (ink > 0).sum()


@pytest.mark.parametrize("finish", [plain, thresholded, on_screen])
def test_a_finish_leaves_the_digit_there(finish: object) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        gray = finish(draw_segments("0", rng), rng)  # type: ignore[operator]
        assert int(gray.max()) - int(gray.min()) >= 20


def test_fonts_of_a_folder_are_found_once_and_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged font, one without digits and a copy in another folder are left out."""
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    data = font.path.getvalue() if hasattr(font.path, "getvalue") else Path(str(font.path)).read_bytes()
    make_tree(
        tmp_path,
        {"b": {"x.ttf": data}, "a": {"x.ttf": data, "bad.ttf": b"no font", "Weather.ttf": data}},
    )
    monkeypatch.setenv("DIGITSORT_FONTS", str(tmp_path))
    found = find_faces()
    assert [face.family for face in found] == ["a"]
    assert name_of_faces(found).startswith("1 font, ")
    (tmp_path / "a" / "x.ttf").unlink()
    assert [face.family for face in find_faces()] == ["b"]


def test_a_folder_without_fonts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="has no fonts with ten different digits"):
        find_faces(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders here")
def test_a_pipe_or_a_folder_named_as_a_font_is_passed_by(tmp_path: Path) -> None:
    """Whoever opened the pipe would wait forever."""
    font = ImageFont.load_default(110)
    assert isinstance(font, ImageFont.FreeTypeFont)
    make_tree(tmp_path, {"b/font.ttf": font.font_bytes, "folder.ttf/x": b""})
    os.mkfifo(tmp_path / "a.ttf")
    (tmp_path / "z.ttf").symlink_to("/dev/zero")
    assert [face.family for face in find_faces(tmp_path)] == ["b"]
