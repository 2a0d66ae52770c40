"""PNG files are read as the specification says; what is valid, as Pillow reads it."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, PngImagePlugin

from digitsort.images.limits import Limits, UnreadableError
from digitsort.images.png import (
    MOST_CHUNKS,
    MOST_UNPACKED_BYTES,
    SIGNATURE,
    SMALL_PX,
    Scanlines,
    read_png,
    unfilter,
)
from digitsort.images.read import read
from tests.images.hostile import chunk

LIMITS = Limits()


def png(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def picture(mode: str = "L", size: tuple[int, int] = (9, 7), seed: int = 0) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(seed).integers(0, 256, size[0] * size[1] * channels)
    return Image.frombytes(mode, size, noise.astype(np.uint8).tobytes())


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
    found = read_png(png(original, compress_level=level), LIMITS).content
    assert isinstance(found, Scanlines) == (mode == "L" and size[0] * size[1] <= SMALL_PX)
    assert decoded(found) == (mode, size, original.tobytes())


def test_a_large_picture_is_not_unpacked_beside_its_image() -> None:
    """Pillow does it row by row; its own memory is not traced."""
    width = 4096
    original = Image.new("RGB", (width, MOST_UNPACKED_BYTES // (3 * width) + 1), (1, 2, 3))
    data = png(original, compress_level=1)
    tracemalloc.start()
    found = read_png(data, LIMITS).content
    assert tracemalloc.get_traced_memory()[1] < MOST_UNPACKED_BYTES / 4
    tracemalloc.stop()
    assert isinstance(found, Image.Image)
    assert ImageChops.difference(found, original).getbbox() is None


def test_pixels_in_several_chunks_and_harmless_remarks() -> None:
    data = png(picture(), dpi=(300, 300))
    head, *_, pixels, end = chunks(data)
    halves = [chunk(b"IDAT", part) for part in (pixels[8:20], pixels[20:-4])]
    told = chunk(b"gAMA", bytes(4)) + chunk(b"tIME", bytes(7))
    found = read_png(SIGNATURE + head + told + b"".join(halves) + end + b"more", LIMITS).content
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


def as_pillow_reads(data: bytes) -> tuple[str, tuple[int, int], bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.size, image.tobytes()


READ = {
    "palette": png(picture("L").convert("P")),
    "one bit": png(picture("L").convert("1")),
    "alpha": png(picture("RGBA")),
    "gray and alpha": png(picture("LA")),
    "16 bits": png(Image.fromarray(np.arange(63, dtype=np.uint16).reshape(7, 9))),
    "transparent shade": png(picture(), transparency=7),
    "exif": png(picture(), exif=exif(6)),
    "text": png(picture(), pnginfo=meta("Raw profile type exif", "x")),
    "a text bomb": with_chunk(png(picture()), b"zTXt", b"k\0\0" + zlib.compress(bytes(2**22))),
    "an unknown chunk": with_chunk(png(picture()), b"abCd", b"x"),
    "a remark of a wrong length": with_chunk(png(picture()), b"gAMA", b"x"),
    "cut off behind the pixels": png(picture())[:-3],
}


@pytest.mark.parametrize("data", READ.values(), ids=READ)
def test_these_are_read_and_nothing_but_the_pixels_is_looked_at(data: bytes) -> None:
    seen = SIGNATURE + b"".join(part for part in chunks(data) if part[4:8] not in (b"zTXt", b"gAMA"))
    assert decoded(read_png(data, LIMITS).content) == as_pillow_reads(seen)


def test_exif_as_text_counts() -> None:
    """Three lines, and numbers in hexadecimal."""
    data = exif(6).tobytes()
    told = f"\nexif\n{len(data):8}\n{data.hex()}\n"
    for compressed in (False, True):
        info = PngImagePlugin.PngInfo()
        info.add_text("Raw profile type exif", told, zip=compressed)
        assert read_png(png(picture(), pnginfo=info), LIMITS).orientation == 6
    assert read_png(READ["exif"], LIMITS).orientation == 6
    assert read_png(READ["text"], LIMITS).orientation == 1


REFUSED = {
    "signature only": SIGNATURE,
    "a second header": with_chunk(png(picture()), b"IHDR", chunks(png(picture()))[0][8:-4]),
    "no header first": with_chunk(png(picture()), b"tIME", bytes(7), place=0),
    "cut off in the pixels": png(picture())[:50],
    "no end of the pixels": png(picture())[:-13],
    "a wrong checksum": png(picture()).replace(b"IDAT", b"IDAU"),
    "pixels after something else": with_chunk(
        with_chunk(png(picture()), b"IDAT", b"", place=1), b"tIME", bytes(7), place=2
    ),
    "no zlib stream": of_pixels(b"xy"),
    "a wrong sum of the pixels": of_pixels(zlib.compress(bytes(70))[:-1] + b"?"),
    "an unknown filter": of_pixels(zlib.compress(bytes([9] * 70))),
    "no palette": SIGNATURE
    + b"".join(part for part in chunks(png(picture("L").convert("P"))) if part[4:8] != b"PLTE"),
    "too many chunks": with_chunk(png(picture()), b"teXt", b"").replace(
        chunk(b"teXt", b""), chunk(b"teXt", b"") * MOST_CHUNKS
    ),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="broken image"):
        read_png(data, LIMITS)


FORMS = [(bits, 0) for bits in (1, 2, 4, 8, 16)] + [(bits, 3) for bits in (1, 2, 4, 8)]
FORMS += [(bits, color) for color in (2, 4, 6) for bits in (8, 16)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]
"""First pixel across and down, steps across and down (PNG, 8.2)."""

Values = npt.NDArray[np.int64]


def file_of(
    values: Values, bits: int, color: int, *extra: bytes, interlaced: bool = False, drop: int = 0
) -> bytes:
    """A PNG file of these values, of shape (height, width, channels), without the last `drop` rows."""
    height, width, _ = values.shape
    rows = []
    for x, y, across, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = values[y::down, x::across]
        if part.size:
            rows += [b"\0" + packed_row(row.ravel(), bits) for row in part]
    rows = rows[: len(rows) - drop]
    header = struct.pack(">II5B", width, height, bits, color, 0, 0, interlaced)
    grays = bytes(i * 255 // ((1 << bits) - 1) for i in range(min(1 << bits, 256)) for _ in range(3))
    palette = [chunk(b"PLTE", grays)] if color == 3 else []
    body = [*palette, *extra, chunk(b"IDAT", zlib.compress(b"".join(rows))), chunk(b"IEND", b"")]
    return SIGNATURE + chunk(b"IHDR", header) + b"".join(body)


def packed_row(values: Values, bits: int) -> bytes:
    if bits == 16:
        return values.astype(">u2").tobytes()
    whole = "".join(f"{value:0{bits}b}" for value in values)
    whole += "0" * (-len(whole) % 8)
    return bytes(int(whole[at : at + 8], 2) for at in range(0, len(whole), 8))


def noise(bits: int, color: int, size: tuple[int, int] = (13, 11)) -> Values:
    shape = (size[1], size[0], CHANNELS[color])
    return np.random.default_rng(bits * 10 + color).integers(0, 1 << bits, shape)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("bits", "color"), FORMS)
@pytest.mark.parametrize("size", [(13, 11), (1, 1), (5, 1), (1, 5), (3, 200)])
def test_every_form_is_what_pillow_reads(
    bits: int, color: int, interlaced: bool, size: tuple[int, int]
) -> None:
    data = file_of(noise(bits, color, size), bits, color, interlaced=interlaced)
    assert decoded(read_png(data, LIMITS).content) == as_pillow_reads(data)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("bits", "color"), FORMS)
@pytest.mark.parametrize("drop", [1, 3])
def test_missing_rows_are_an_error(bits: int, color: int, interlaced: bool, drop: int) -> None:
    """PNG, 13.2: also where Pillow, whose decoder this is, takes them for black."""
    data = file_of(noise(bits, color), bits, color, interlaced=interlaced, drop=drop)
    with pytest.raises(UnreadableError, match="broken image"):
        read_png(data, LIMITS)


def test_missing_rows_of_a_large_picture_are_an_error() -> None:
    """One that is not held unpacked."""
    width = 4096
    height = MOST_UNPACKED_BYTES // width + 1
    whole = np.zeros((height, width + 1), np.uint8)
    head = SIGNATURE + chunk(b"IHDR", struct.pack(">II5B", width, height, 8, 0, 0, 0, 0))
    for rows, good in ((height, True), (height - 1, False)):
        data = head + chunk(b"IDAT", zlib.compress(whole[:rows].tobytes())) + chunk(b"IEND", b"")
        if good:
            assert decoded(read_png(data, LIMITS).content)[1] == (width, height)
        else:
            with pytest.raises(UnreadableError, match="broken image"):
                read_png(data, LIMITS)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("beyond", [0, 1])
@pytest.mark.parametrize(("bits", "color"), [form for form in FORMS if form[1] in (0, 2)])
def test_the_transparent_level_is_white_and_no_other(
    tmp_path: Path, bits: int, color: int, interlaced: bool, beyond: int
) -> None:
    """PNG, 11.3.2: all bits of a level count, and those beyond its depth do not."""
    most = (1 << bits) - 1
    level = most // 3
    values = np.full((12, 12, CHANNELS[color]), 0)
    values[2:5] = level
    values[7:10] = level + 1 if bits > 1 else most  # differs in its last bit
    values[11] = most
    values[2, 0, -1] ^= 1  # one channel differs
    told = [(level | beyond << bits) & 0xFFFF] * CHANNELS[color]
    trns = chunk(b"tRNS", struct.pack(f">{len(told)}H", *told))
    path = tmp_path / "x.png"
    path.write_bytes(file_of(values, bits, color, trns, interlaced=interlaced))
    seen = read(str(path)).gray
    seen = seen / 255 if seen.dtype == np.uint8 else seen
    transparent = (values == level).all(axis=2)
    assert transparent.any()
    expected = np.where(transparent, 1, values.mean(axis=2) / most)
    if bits == 1:  # white ink on nothing: its shape is shown
        expected = np.where(transparent, 1, 0)
    np.testing.assert_allclose(seen, expected, atol=0.006)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_transparent_colors_of_a_palette_are_put_on_white(tmp_path: Path, bits: int) -> None:
    """Colors that have no entry are not transparent (PNG, 11.3.2)."""
    values = np.zeros((8, 8, 1), np.int64)
    values[2:6] = 1
    path = tmp_path / "x.png"
    path.write_bytes(file_of(values, bits, 3, chunk(b"tRNS", b"\x40")))
    seen = read(str(path)).gray / 255
    assert abs(seen[0, 0] - 0.75) < 0.01
    assert abs(seen[3, 3] - 1 / ((1 << bits) - 1)) < 0.01


@pytest.mark.parametrize("count", [9, 10, 11, 20, 69, 70, 71, 80])
def test_rows_that_are_too_many_are_left_out_and_too_few_an_error(count: int) -> None:
    """Seven rows of ten bytes are right."""
    data = of_pixels(zlib.compress(bytes([0, *[5] * 9] * 8)[:count]))
    if count < 70:
        with pytest.raises(UnreadableError, match="broken image"):
            read_png(data, LIMITS)
    else:
        assert decoded(read_png(data, LIMITS).content)[2] == bytes([5] * 63)


def test_limits_hold_before_anything_is_decoded() -> None:
    with pytest.raises(UnreadableError, match="--max-pixels"):
        read_png(png(picture(size=(9, 7))), Limits(pixels=62))
    with pytest.raises(UnreadableError, match="--max-side"):
        read_png(png(picture(size=(9, 7))), Limits(side_px=8))
