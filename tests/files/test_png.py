"""The quick way through a plain PNG file gives what Pillow gives, and steps aside for all others."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, PngImagePlugin

from digitsort.files.limits import Limits
from digitsort.files.png import MOST_UNPACKED_BYTES, SIGNATURE, plain_picture
from digitsort.files.scanlines import SMALL_PX, Scanlines, unfilter
from digitsort.files.unreadable import UnreadableError

LIMITS = Limits()


def png(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def picture(mode: str = "L", size: tuple[int, int] = (9, 7), seed: int = 0) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(seed).integers(0, 256, size[0] * size[1] * channels)
    return Image.frombytes(mode, size, noise.astype(np.uint8).tobytes())


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")


def chunks(data: bytes) -> list[bytes]:
    """The chunks of a file, whole."""
    found, at = [], len(SIGNATURE)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        found.append(data[at:end])
        at = end
    return found


def with_chunk(data: bytes, kind: bytes, content: bytes, place: int = 1) -> bytes:
    parts = chunks(data)
    return SIGNATURE + b"".join([*parts[:place], chunk(kind, content), *parts[place:]])


def decoded(found: Image.Image | Scanlines | None) -> tuple[str, tuple[int, int], bytes]:
    """Mode, width and height, and the pixels."""
    assert found is not None
    if isinstance(found, Image.Image):
        return found.mode, found.size, found.tobytes()
    (pixels,) = unfilter([found])
    return "L", (pixels.shape[1], pixels.shape[0]), pixels.tobytes()


@given(
    st.sampled_from(["L", "RGB"]),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_it_is_what_pillow_reads(mode: str, size: tuple[int, int], level: int, seed: int) -> None:
    original = picture(mode, size, seed)
    found = plain_picture(png(original, compress_level=level), LIMITS)
    assert isinstance(found, Scanlines) == (mode == "L" and size[0] * size[1] <= SMALL_PX)
    assert decoded(found) == (mode, size, original.tobytes())


def test_a_large_picture_is_not_unpacked_beside_its_image() -> None:
    """Pillow does it row by row; its own memory is not traced."""
    width = 4096
    original = Image.new("RGB", (width, MOST_UNPACKED_BYTES // (3 * width) + 1), (1, 2, 3))
    data = png(original, compress_level=1)
    tracemalloc.start()
    found = plain_picture(data, LIMITS)
    assert tracemalloc.get_traced_memory()[1] < MOST_UNPACKED_BYTES / 4
    tracemalloc.stop()
    assert isinstance(found, Image.Image)
    assert ImageChops.difference(found, original).getbbox() is None


def test_pixels_in_several_chunks_and_harmless_remarks() -> None:
    data = png(picture(), dpi=(300, 300))
    head, *_, pixels, end = chunks(data)
    halves = [chunk(b"IDAT", part) for part in (pixels[8:20], pixels[20:-4])]
    told = chunk(b"gAMA", bytes(4)) + chunk(b"tIME", bytes(7))
    found = plain_picture(SIGNATURE + head + told + b"".join(halves) + end + b"more", LIMITS)
    assert decoded(found) == ("L", picture().size, picture().tobytes())


def meta(key: str, text: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text(key, text)
    return info


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def of_pixels(compressed: bytes) -> bytes:
    """A file of 9 x 7 pixels, or what is said to be some."""
    head = chunks(png(picture()))[0]
    return SIGNATURE + head + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


OTHERS = {
    "no PNG": b"GIF89a",
    "empty": b"",
    "signature only": SIGNATURE,
    "palette": png(picture("L").convert("P")),
    "one bit": png(picture("L").convert("1")),
    "alpha": png(picture("RGBA")),
    "gray and alpha": png(picture("LA")),
    "16 bits": png(Image.fromarray(np.arange(63, dtype=np.uint16).reshape(7, 9))),
    "transparent shade": png(picture(), transparency=7),
    "exif": png(picture(), exif=exif(6)),
    "text": png(picture(), pnginfo=meta("Raw profile type exif", "x")),
    "an unknown chunk": with_chunk(png(picture()), b"abCd", b"x"),
    "a remark of a wrong length": with_chunk(png(picture()), b"gAMA", b"x"),
    "a second header": with_chunk(png(picture()), b"IHDR", chunks(png(picture()))[0][8:-4]),
    "no header first": with_chunk(png(picture()), b"tIME", bytes(7), place=0),
    "cut off": png(picture())[:-3],
    "cut off in the pixels": png(picture())[:50],
    "a wrong checksum": png(picture()).replace(b"IDAT", b"IDAU"),
    "pixels after something else": with_chunk(
        with_chunk(png(picture()), b"IDAT", b"", place=1), b"tIME", bytes(7), place=2
    ),
    "no zlib stream": SIGNATURE
    + chunks(png(picture()))[0]
    + chunk(b"IDAT", b"xy")
    + chunk(b"IEND", b""),
    "interlaced": SIGNATURE
    + chunk(b"IHDR", chunks(png(picture()))[0][8:-5] + b"\x01")
    + b"".join(chunks(png(picture()))[1:]),
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_others_are_left_to_pillow(data: bytes) -> None:
    assert plain_picture(data, LIMITS) is None


@pytest.mark.parametrize("count", [9, 10, 11, 20, 69, 70, 71, 80])
def test_a_stream_of_another_length_is_what_pillow_makes_of_it(count: int) -> None:
    """Seven rows of ten bytes are right; it takes whole rows that are too few, and ignores more."""
    data = of_pixels(zlib.compress(bytes([0, *[5] * 9] * 8)[:count]))
    with Image.open(io.BytesIO(data)) as image:
        try:
            expected = image.tobytes()
        except OSError:
            expected = None
    found = plain_picture(data, LIMITS)
    assert (found and decoded(found)[2]) == expected
    assert (expected is None) == (count in (9, 11, 69))


def test_limits_hold_before_anything_is_decoded() -> None:
    with pytest.raises(UnreadableError, match="--max-pixels"):
        plain_picture(png(picture(size=(9, 7))), Limits(pixels=62))
    with pytest.raises(UnreadableError, match="--max-side"):
        plain_picture(png(picture(size=(9, 7))), Limits(side_px=8))
