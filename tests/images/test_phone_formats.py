"""AVIF, HEIC and JPEG 2000: read by content, and bounded before anything is decoded."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from digitsort.images import webp_avif_heic
from digitsort.images.discover import Walk
from digitsort.images.limits import DEFAULT_LIMITS, Limits, format_of
from digitsort.images.read import UnreadableError, read
from tests.conftest import digit_image, encoded, make_tree

FORMATS = ["AVIF", "HEIC", "JPEG2000"]


def picture(form: str, image: Image.Image, *more: Image.Image) -> bytes:
    if form != "HEIC":
        if not features.check({"AVIF": "avif", "JPEG2000": "jpg_2000"}[form]):
            pytest.skip(f"this Pillow has no {form}")
        return encoded(image, form, **({"save_all": True, "append_images": more} if more else {}))
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    whole = heif.from_pillow(image)
    for each in more:
        whole.add_from_pillow(each)
    whole.save(file, quality=90)
    return file.getvalue()


def read_bytes(folder: Path, data: bytes, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    (folder / "x").write_bytes(data)
    return read(str(folder / "x"), limits).gray


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("form", FORMATS)
def test_the_pixels_are_those_of_the_picture(tmp_path: Path, form: str, mode: str) -> None:
    image = digit_image(7)
    gray = read_bytes(tmp_path, picture(form, image.convert(mode)))
    assert gray.shape == (64, 64)
    assert np.abs(gray.astype(float) - np.asarray(image)).mean() < 2


@pytest.mark.parametrize("form", ["AVIF", "HEIC"])
def test_the_first_of_several_is_read(tmp_path: Path, form: str) -> None:
    data = picture(form, digit_image(7), digit_image(3))
    (tmp_path / "x").write_bytes(data)
    found = read(str(tmp_path / "x"))
    assert found.note == "first of several pages"
    assert np.abs(found.gray.astype(float) - np.asarray(digit_image(7))).mean() < 4


@pytest.mark.parametrize("form", ["AVIF", "HEIC"])
def test_the_picture_is_turned_upright(tmp_path: Path, form: str) -> None:
    """The file says it by a property of its own (irot)."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = digit_image(7).resize((64, 32)).transpose(Image.Transpose.ROTATE_90)
    turned.info["exif"] = exif.tobytes()
    if form == "HEIC":
        pytest.importorskip("pillow_heif").register_heif_opener()
    gray = read_bytes(tmp_path, encoded(turned, form.replace("HEIC", "HEIF"), exif=exif.tobytes()))
    assert gray.shape == (32, 64)
    assert np.abs(gray.astype(float) - np.asarray(digit_image(7).resize((64, 32)))).mean() < 4


def of_size(data: bytes, width: int, height: int) -> bytes:
    """Return an AVIF or HEIC file that says it has another size."""
    changed = bytearray(data)
    at = changed.index(b"ispe") + 8
    changed[at : at + 8] = width.to_bytes(4) + height.to_bytes(4)
    return bytes(changed)


def stream_of_size(data: bytes, width: int, height: int, tile: int = 64) -> bytes:
    """Return a JPEG 2000 file whose code stream says that it has another size."""
    changed = bytearray(data)
    at = changed.index(b"\xff\x4f\xff\x51") + 8
    changed[at : at + 8] = width.to_bytes(4) + height.to_bytes(4)
    changed[at + 16 : at + 24] = 2 * tile.to_bytes(4)
    return bytes(changed)


REFUSED = [
    ("AVIF", lambda data: of_size(data, 70_000, 1), "over 65535 px on a side: raise --max-side"),
    ("AVIF", lambda data: of_size(data, 9000, 9000), "over 67108864 pixels: raise --max-pixels"),
    ("AVIF", lambda data: of_size(data, 4097, 4097), "over 16777216 pixels in an AVIF: raise --max-p"),
    ("AVIF", lambda data: data.replace(b"ispe", b"skip"), "broken image"),
    ("AVIF", lambda data: data[:60], "broken image"),
    ("AVIF", lambda data: data[:32] + b"\0\0\0\x08free" * 5000, "broken image"),
    ("AVIF", lambda data: data[:32] + b"\0\0\0\x01meta" + b"\xff" * 8 + data[40:], "broken image"),
    ("HEIC", lambda data: of_size(data, 9000, 9000), "over 67108864 pixels: raise --max-pixels"),
    ("HEIC", lambda data: of_size(data, 5793, 5793), "over 33554432 pixels in a HEIC: raise --max-p"),
    ("HEIC", lambda data: of_size(data, 16, 16), "broken image"),
    ("HEIC", lambda data: data[:-100], "broken image"),
    ("JPEG2000", lambda data: stream_of_size(data, 9000, 9000), "over 67108864 pixels: raise"),
    ("JPEG2000", lambda data: stream_of_size(data, 3000, 3000), "over 8388608 pixels in a JPEG 2000"),
    ("JPEG2000", lambda data: stream_of_size(data, 2048, 2048, 1), "unusual kind of JPEG 2000"),
    ("JPEG2000", lambda data: stream_of_size(data, 64, 64, 0), "broken image"),
    ("JPEG2000", lambda data: data.replace(b"colr", b"pclr"), "unusual kind of JPEG 2000"),
    ("JPEG2000", lambda data: data[:100], "broken image"),
]


@pytest.mark.parametrize(("form", "change", "said"), REFUSED)
def test_what_is_beyond_a_limit_or_broken_is_refused(
    tmp_path: Path, form: str, change: object, said: str
) -> None:
    assert callable(change)
    with pytest.raises(UnreadableError, match=said):
        read_bytes(tmp_path, change(picture(form, digit_image(7))))


def test_a_film_says_its_size_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the property of its first picture."""
    data = of_size(picture("AVIF", digit_image(7), digit_image(3)), 32, 32)
    assert read_bytes(tmp_path, data).shape == (64, 64)
    monkeypatch.setattr(webp_avif_heic, "AVIF_PIXELS", 4095)
    with pytest.raises(UnreadableError, match="over 4095 pixels in an AVIF: raise --max-pixels"):
        read_bytes(tmp_path, data, Limits(pixels=4096))


@pytest.mark.parametrize("form", FORMATS)
def test_the_limits_are_those_of_other_formats(tmp_path: Path, form: str) -> None:
    data = picture(form, digit_image(7))
    assert read_bytes(tmp_path, data, Limits(pixels=4096, side_px=64)).shape == (64, 64)
    for limits, option in ((Limits(pixels=4095), "--max-pixels"), (Limits(side_px=63), "--max-side")):
        with pytest.raises(UnreadableError, match=option):
            read_bytes(tmp_path, data, limits)


def test_without_the_extra_a_heic_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders skip such files then, and name them."""
    data = picture("HEIC", digit_image(7))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadableError, match=r"HEIC needs pip install pillow-heif"):
        read_bytes(tmp_path, data)
    make_tree(tmp_path, {"scans": {"a.heic": data, "b.HEIF": data}})
    for is_there, files, skipped in ((True, 2, {}), (False, 0, {".heic": 1, ".heif": 1})):
        monkeypatch.setattr("digitsort.images.limits.reads_heic", lambda answer=is_there: answer)
        walk = Walk([str(tmp_path / "scans")])
        assert (len(list(walk.files())), walk.skipped) == (files, skipped)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypavis\0\0\0\0avif", "AVIF"),
        (b"\0\0\0\x18ftypheix\0\0\0\0mif1", "HEIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp41avif", ""),
        (b"\0\0\0\x14ftypqt  ", ""),
        (b"", ""),
    ],
)
def test_the_brand_tells_the_format(start: bytes, name: str) -> None:
    assert format_of(start) == name
