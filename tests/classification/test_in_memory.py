"""`classify_images`: arrays and Pillow images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitsort import Settings, UsageError, classify_files, classify_images, default_model
from digitsort.classification import in_memory

HERE = Path(__file__).parents[2] / "sample_images"
SAMPLES = sorted(HERE.rglob("*.png"))
THREE = HERE / "office" / "pen_4.png"


def test_images_are_read_as_their_files_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "AT_A_TIME", 4)
    paths = SAMPLES[:10]
    expected = list(classify_files(map(str, paths), default_model()))
    found = list(classify_images(map(Image.open, paths)))
    assert [each[1:7] for each in found] == [each[1:7] for each in expected]
    assert [each.path for each in found] == [str(number) for number in range(10)]


@pytest.mark.parametrize(
    "changed",
    [
        lambda gray: gray,
        lambda gray: 255 - gray,
        lambda gray: gray / 255,
        lambda gray: gray.astype(np.float32) / 16 - 3,
        lambda gray: gray.astype(np.uint16) * 200,
        lambda gray: gray.astype(np.int64),
        lambda gray: gray > 100,
        lambda gray: gray[None],
        lambda gray: gray[:, :, None],
        lambda gray: np.dstack([gray] * 3),
        lambda gray: np.dstack([gray] * 3 + [np.full_like(gray, 255)]),
        lambda gray: gray.tolist(),
        lambda gray: gray[:, ::-1][:, ::-1],
    ],
)
def test_any_kind_of_array_is_read(changed: Any) -> None:
    gray = np.asarray(Image.open(THREE).convert("L"))
    (outcome,) = classify_images([changed(gray)])
    assert (outcome.status, outcome.label) == ("ok", "3")


def test_an_image_is_turned_as_its_exif_says() -> None:
    image = Image.open(THREE).convert("L").transpose(Image.Transpose.ROTATE_90)
    image.getexif()[0x0112] = 6  # turn by 90 degrees clockwise to view it
    (outcome,) = classify_images([image])
    assert outcome.label == "3"


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "x.png",
        np.zeros((0, 3)),
        np.zeros(5),
        np.zeros((3, 3, 3)),
        np.zeros((2, 2, 2, 2)),
        np.full((9, 9), np.nan),
        np.zeros((4, 4), complex),
        [["a"]],
        Image.new("L", (70_000, 1)),
    ],
)
def test_what_is_no_image_is_named(wrong: Any) -> None:
    good = np.asarray(Image.open(THREE))
    with pytest.raises(UsageError, match="Image 1 can't be read: "):
        list(classify_images([good, wrong]))


def test_settings_hold() -> None:
    images = [Image.open(THREE)]
    (outcome,) = classify_images(images, settings=Settings(only_labels=("1", "2"), probabilities=True))
    assert outcome.label in ("1", "2", "")
    with pytest.raises(UsageError):
        list(classify_images(images, settings=Settings(only_labels=("x",))))


def test_no_image_is_no_outcome() -> None:
    assert list(classify_images([])) == []


def test_a_model_is_shown_on_one_line() -> None:
    model = default_model()
    assert repr(model) == f"<Model {model.card.fingerprint}, classes 0 1 2 3 4 5 6 7 8 9>"
