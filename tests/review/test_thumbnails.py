"""Small pictures, whatever the files are."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitsort.images.read import read
from digitsort.recognition.vectorize import vectorize
from digitsort.review import thumbnails as room
from digitsort.review.thumbnails import CHANGED, DEADLY, Thumbnail, Wanted, make_batch, thumbnails
from tests.conftest import digit_image, digit_png, make_tree


def decoded(url: str) -> Image.Image:
    head, data = url.split(",")
    assert head in ("data:image/webp;base64", "data:image/png;base64")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def one(path: Path, sha256: str = "") -> Thumbnail:
    (found,) = make_batch([Wanted(str(path), sha256)])
    return found


def test_the_picture_shows_the_ink_and_the_box_where_it_lies(tmp_path: Path) -> None:
    digit = digit_image(5).resize((40, 40))
    page = Image.new(digit.mode, (400, 200), digit.getpixel((0, 0)))
    page.paste(digit, (300, 20))
    make_tree(tmp_path, {"wide.png": page})
    made = one(tmp_path / "wide.png")
    left, top, width, height = made.box
    assert 700 <= left < left + width <= 880
    assert 50 <= top < top + height <= 340
    assert decoded(made.whole).size == (56, 28)
    assert max(decoded(made.picture).size) <= 88


def test_what_the_model_saw_is_dark_on_light(tmp_path: Path) -> None:
    make_tree(tmp_path, {"5.png": digit_image(5)})
    seen = np.asarray(decoded(one(tmp_path / "5.png").seen).convert("L"), np.float64)
    normal = vectorize([read(str(tmp_path / "5.png")).gray]).normal[0]
    assert seen.shape == (32, 32)
    assert np.abs(seen - (255.0 - normal)).mean() < 12


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "RGBA", "P", "LA"])
def test_every_mode_shows_the_same_digit(tmp_path: Path, mode: str) -> None:
    image = digit_image(3)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    make_tree(tmp_path, {"x.png": image})
    picture = np.asarray(decoded(one(tmp_path / "x.png").picture).convert("L"))
    assert picture.max() > 200
    assert picture.min() < 90


def test_a_file_without_a_picture_says_why(tmp_path: Path) -> None:
    make_tree(tmp_path, {"broken.png": digit_png(1)[:50], "empty.png": b""})
    assert one(tmp_path / "broken.png") == Thumbnail(note="broken image")
    assert one(tmp_path / "empty.png") == Thumbnail(note="empty file")
    assert one(tmp_path / "gone.png") == Thumbnail(note="file not found")


def test_a_file_that_changed_since_it_was_labelled_says_so(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    now = read(str(tmp_path / "7.png")).sha256
    assert one(tmp_path / "7.png", now).note == ""
    assert one(tmp_path / "7.png", "0" * 64).note == CHANGED


def test_workers_give_the_same_in_the_same_order(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"{i}.png": digit_png(i % 10, example=i // 10) for i in range(70)})
    files = [Wanted(str(tmp_path / f"{i}.png"), "") for i in range(70)]
    files[3] = Wanted(str(tmp_path / "gone.png"), "")
    assert list(thumbnails(files, workers=2)) == list(thumbnails(files))


class Deadly:
    """Stands for a file: whoever asks for its path dies."""

    sha256 = ""

    @property
    def path(self) -> str:
        import os

        os._exit(1)


def test_a_file_that_kills_its_worker_costs_its_own_picture_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BATCH", 2)
    make_tree(tmp_path, {f"{i}.png": digit_png(i) for i in range(5)})
    files = [Wanted(str(tmp_path / f"{i}.png"), "") for i in range(5)]
    mixed = [*files[:3], Deadly(), *files[3:]]
    found = list(thumbnails(mixed, workers=1))  # type: ignore[arg-type]
    assert [thumbnail.note for thumbnail in found] == ["", "", "", DEADLY, "", ""]
    assert [thumbnail.picture != "" for thumbnail in found] == [True, True, True, False, True, True]
