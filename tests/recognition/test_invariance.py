"""The same digit has the same label, however its scan was made."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from digitsort import Model
from digitsort.classification.decide import decide
from digitsort.images.read import read
from digitsort.outcomes import Status
from digitsort.training.handwriting.generate import write_digits
from tests.drawing import Pixels, digit_inks, enlarged, framed

SURE = 0.99
"""Digits that are read less surely as they are may fall either way when their pixels change."""

Change = Callable[[st.DataObject, Image.Image], Image.Image]


@cache
def candidates() -> list[Pixels]:
    """load_digits' images and invented ones, dark on white."""
    scanned = [255 - framed(enlarged(ink, 40), 8) for ink in digit_inks()[0][::7]]
    return scanned + [gray for gray, _ in write_digits(12, seed=5)]


@pytest.fixture(scope="module")
def digits(model: Model) -> list[tuple[Image.Image, str]]:
    """Digits that the model is sure of, and their labels."""
    verdicts = decide(candidates(), model)
    found = [
        (Image.fromarray(gray), verdict.label)
        for gray, verdict in zip(candidates(), verdicts, strict=True)
        if verdict.status is Status.OK and (verdict.confidence or 0) >= SURE
    ]
    assert len(found) > 200
    return found


def inverted(data: st.DataObject, image: Image.Image) -> Image.Image:
    return image.point(lambda value: 255 - value)


def padded(data: st.DataObject, image: Image.Image) -> Image.Image:
    left, top, right, bottom = (data.draw(st.integers(0, 120)) for _ in range(4))
    size = image.width + left + right, image.height + top + bottom
    assume(max(size) <= 2 * min(size))  # on a long strip 1 of 80 digits is read as another one
    sheet = Image.new("L", size, 255)
    sheet.paste(image, (left, top))
    return sheet


def larger(data: st.DataObject, image: Image.Image) -> Image.Image:
    factor = data.draw(st.floats(2, 20))
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, data.draw(st.sampled_from(list(Image.Resampling))))


def smaller(data: st.DataObject, image: Image.Image) -> Image.Image:
    scale = data.draw(st.integers(20, 30)) / max(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BOX)


def colours(data: st.DataObject, image: Image.Image) -> Image.Image:
    """Ink and paper of any colours, 60 gray levels apart."""
    level = st.integers(0, 255)
    ink = tuple(data.draw(level) for _ in range(3))
    paper = tuple(data.draw(level) for _ in range(3))
    grays = [Image.new("RGB", (1, 1), c).convert("L").getpixel((0, 0)) for c in (ink, paper)]
    first, second = (int(g) if isinstance(g, int | float) else 0 for g in grays)
    if abs(first - second) < 60:
        ink, paper = (20, 30, 90), (246, 238, 214)
    return Image.composite(
        Image.new("RGB", image.size, paper), Image.new("RGB", image.size, ink), image
    )


def mode(data: st.DataObject, image: Image.Image) -> Image.Image:
    return MODES[data.draw(st.sampled_from(sorted(MODES)))](image)


def transparent(image: Image.Image) -> Image.Image:
    black = Image.new("RGBA", image.size, (0, 0, 0, 0))
    black.putalpha(inverted_mask(image))
    return black


def inverted_mask(image: Image.Image) -> Image.Image:
    return image.point(lambda value: 255 - value)


MODES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "1-bit": lambda image: image.resize((image.width * 2, image.height * 2)).point(
        lambda value: 255 * (value > 127), mode="1"
    ),
    "8-bit": lambda image: image,
    "16-bit": lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 257),
    "palette": lambda image: image.convert("P"),
    "RGBA": lambda image: image.convert("RGBA"),
    "transparent": transparent,
}


CHANGES: list[Change] = [inverted, padded, larger, smaller, colours, mode]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_label_stays(
    change: Change,
    data: st.DataObject,
    digits: list[tuple[Image.Image, str]],
    model: Model,
    tmp_path: Path,
) -> None:
    """Through a PNG file, as a user's scan comes in; in 1 bit, where strokes may tear, if it is ok."""
    image, label = data.draw(st.sampled_from(digits), label="digit")
    path = tmp_path / "scan.png"
    changed = change(data, image)
    changed.save(path)
    (verdict,) = decide([read(str(path)).gray], model)
    if changed.mode != "1" or verdict.status is Status.OK:
        assert verdict.label == label


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_label_stays_when_the_camera_was_turned(
    orientation: int, digits: list[tuple[Image.Image, str]], model: Model, tmp_path: Path
) -> None:
    """EXIF says how the picture has to be turned; every orientation there is."""
    turns = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for image, label in digits[::40]:
        stored = image.resize((image.width * 3, image.height * 3))
        for turn in turns:
            stored = stored.transpose(turn)
        file = io.BytesIO()
        stored.save(file, "JPEG", quality=95, exif=exif)
        path = tmp_path / "scan.jpg"
        path.write_bytes(file.getvalue())
        assert decide([read(str(path)).gray], model)[0].label == label
