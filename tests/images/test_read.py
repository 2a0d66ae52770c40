"""Picture files to gray pixels."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import struct
import warnings
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from digitsort.images.gray import REDUCE_TO_PX
from digitsort.images.limits import MOST_SIDE_PX, Limits, UnreadableError
from digitsort.images.read import FIRST_OF_SEVERAL, read
from tests.conftest import Link, digit_image, encoded, make_tree, png
from tests.images.hostile import chunk

WIDTH, HEIGHT = 24, 16


def plain() -> Image.Image:
    """Dark on white, different in every corner and along every edge."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return Image.fromarray((60 + x * 5 + y * 3).astype(np.uint8))


def ink_mask() -> Image.Image:
    """White where there is ink."""
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    mask.paste(255, (4, 3, 9, 12))
    return mask


def read_bytes(tmp_path: Path, data: bytes, name: str = "x.png") -> npt.NDArray[np.float64]:
    """Gray levels 0-1 of a file with these bytes."""
    (tmp_path / name).write_bytes(data)
    gray = read(str(tmp_path / name)).gray
    if gray.dtype == np.uint8:
        return gray / 255
    return np.asarray(gray, np.float64) / (65535 if gray.dtype == np.uint16 else 1)


def gray16(full: int) -> Image.Image:
    """`plain` on a scale of 0 to `full`, with white somewhere."""
    levels = np.asarray(plain(), np.float64) / 255
    levels[0, 0] = 1
    return Image.fromarray(np.rint(levels * full).astype(np.uint16))


def plain_with_white() -> npt.NDArray[np.float64]:
    levels = np.asarray(plain(), np.float64) / 255
    levels[0, 0] = 1
    return levels


def palette(*, transparent: bool) -> bytes:
    image = Image.new("P", (WIDTH, HEIGHT), 0)
    image.putpalette([0, 0, 0, 0, 0, 0, 255, 255, 255])
    image.paste(1, (4, 3, 9, 12))
    if transparent:  # the paper is black, and transparent
        return encoded(image, "PNG", transparency=0)
    image.putpalette([255, 255, 255, 0, 0, 0])
    return png(image)


def with_alpha(mode: str, ink: int, hidden: int) -> bytes:
    """Opaque ink on transparent paper, of whatever color the paper would have."""
    image = Image.new("L", (WIDTH, HEIGHT), hidden)
    image.paste(ink, mask=ink_mask())
    image = image.convert(mode[:-1])
    image.putalpha(ink_mask())
    assert image.mode == mode
    return png(image)


BLACK_INK = 1 - np.asarray(ink_mask(), np.float64) / 255


@pytest.mark.parametrize(
    "data",
    [
        png(ImageOps.invert(ink_mask()).convert("1")),
        png(ImageOps.invert(ink_mask())),
        png(ImageOps.invert(ink_mask()).convert("RGB")),
        palette(transparent=False),
        palette(transparent=True),
        with_alpha("RGBA", 0, 0),
        with_alpha("RGBA", 0, 200),
        with_alpha("LA", 0, 0),
        with_alpha("LA", 255, 255),
        with_alpha("RGBA", 255, 255),
        with_alpha("LA", 255, 0),
        encoded(ImageOps.invert(ink_mask()), "PNG", transparency=255),
        encoded(ink_mask(), "PNG", transparency=0),
        encoded(ImageOps.invert(ink_mask()).convert("CMYK"), "TIFF"),
        encoded(ImageOps.invert(ink_mask()).convert("1"), "TIFF", compression="group4"),
        encoded(ImageOps.invert(ink_mask()), "BMP"),
        encoded(ImageOps.invert(ink_mask()), "GIF"),
        encoded(ImageOps.invert(ink_mask()), "WEBP", lossless=True),
    ],
    ids=[
        "1-bit",
        "gray",
        "RGB",
        "palette",
        "palette with transparency",
        "RGBA, black on black",
        "RGBA, black on gray",
        "gray with alpha, black",
        "gray with alpha, white ink on nothing",
        "RGBA, white ink on nothing",
        "gray with alpha, white ink on black that is not seen",
        "gray, white is transparent",
        "gray, black is transparent and the ink white",
        "CMYK TIFF",
        "fax TIFF",
        "BMP",
        "GIF",
        "WebP",
    ],
)
def test_every_mode_shows_the_same_ink_dark_on_white(tmp_path: Path, data: bytes) -> None:
    """Transparency is white paper; white ink on nothing is shown by its shape."""
    np.testing.assert_allclose(read_bytes(tmp_path, data), BLACK_INK, atol=1 / 255)


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (png(plain()), 0),
        (png(plain().convert("RGB")), 0.003),
        (png(plain().convert("P")), 0),
        (encoded(plain(), "TIFF", compression="tiff_lzw"), 0),
        (encoded(plain(), "TIFF", compression="packbits"), 0),
        (encoded(plain().convert("CMYK"), "TIFF"), 0.01),
        (encoded(plain(), "JPEG", quality=100), 0.02),
        (encoded(plain().convert("RGB"), "JPEG", quality=100), 0.02),
        (encoded(plain().convert("CMYK"), "JPEG", quality=100), 0.02),
        (encoded(plain(), "WEBP", lossless=True), 0),
        (encoded(plain(), "GIF"), 0),
        (encoded(plain(), "BMP"), 0),
    ],
    ids=[
        *("gray PNG,RGB PNG,palette PNG,LZW TIFF,PackBits TIFF,CMYK TIFF".split(",")),
        *("gray JPEG,RGB JPEG,CMYK JPEG,WebP,GIF,BMP".split(",")),
    ],
)
def test_every_format_keeps_the_gray_levels(tmp_path: Path, data: bytes, tolerance: float) -> None:
    expected = np.asarray(plain(), np.float64) / 255
    np.testing.assert_allclose(read_bytes(tmp_path, data), expected, atol=tolerance + 1e-9)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_deep_gray_is_scaled_by_the_depth_that_it_uses(tmp_path: Path, bits: int, form: str) -> None:
    """12-bit scanners write 12 bits into files of 16."""
    data = encoded(gray16(2**bits - 1), form)
    np.testing.assert_allclose(read_bytes(tmp_path, data), plain_with_white(), atol=0.003)


def test_a_transparent_level_of_deep_gray_is_white(tmp_path: Path) -> None:
    levels = np.full((HEIGHT, WIDTH), 0, np.uint16)
    levels[3:12, 4:9] = 30000
    levels[0, 0] = 65535
    data = encoded(Image.fromarray(levels), "PNG", transparency=0)
    seen = read_bytes(tmp_path, data)
    assert seen[1, 1] == 1
    assert abs(seen[5, 5] - 30000 / 65535) < 0.001


@pytest.mark.parametrize(
    "values",
    [
        lambda levels: np.rint(levels * (2**31 - 1)).astype(np.int32),
        lambda levels: np.rint(levels * 65535).astype(np.int32),
        lambda levels: np.rint(levels * 2000 - 1000).astype(np.int32),
        lambda levels: levels.astype(np.float32),
        lambda levels: (levels * 1e30 - 5e29).astype(np.float32),
    ],
    ids=["int32", "16 bits in int32", "negative int32", "float 0-1", "float, wild range"],
)
def test_numbers_of_32_bits_are_scaled_to_gray(
    tmp_path: Path, values: Callable[[npt.NDArray[np.float64]], npt.NDArray[Any]]
) -> None:
    levels = plain_with_white()
    levels[-1, -1] = 0
    data = encoded(Image.fromarray(values(levels)), "TIFF")
    np.testing.assert_allclose(read_bytes(tmp_path, data, "x.tif"), levels, atol=0.003)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_float_tiff_with_numbers_that_are_none_is_broken(tmp_path: Path, value: float) -> None:
    levels = plain_with_white().astype(np.float32)
    levels[3, 3] = value
    with pytest.raises(UnreadableError, match="broken image"):
        read_bytes(tmp_path, encoded(Image.fromarray(levels), "TIFF"))


@pytest.mark.parametrize("value", [0, 7, -7])
def test_a_flat_picture_of_32_bits_is_flat(tmp_path: Path, value: int) -> None:
    flat = Image.fromarray(np.full((HEIGHT, WIDTH), value, np.int32))
    assert len(np.unique(read_bytes(tmp_path, encoded(flat, "TIFF")))) == 1


def test_the_lightness_of_a_lab_tiff_is_its_gray(tmp_path: Path) -> None:
    neutral = Image.new("L", (WIDTH, HEIGHT), 128)
    lab = Image.merge("LAB", (plain(), neutral, neutral))
    expected = np.asarray(plain(), np.float64) / 255
    np.testing.assert_allclose(read_bytes(tmp_path, encoded(lab, "TIFF")), expected, atol=1e-9)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


@pytest.mark.parametrize(
    ("form", "orientation"),
    [
        *product(["PNG", "JPEG", "TIFF", "WEBP", "16-bit PNG"], range(10)),
        *product(["TIFF deflated"], range(1, 9)),  # libtiff writes no number that is no orientation
    ],
)
def test_pictures_are_turned_upright_as_pillow_does(
    tmp_path: Path, form: str, orientation: int
) -> None:
    """All eight orientations, and two numbers that are none."""
    image = gray16(2**16 - 1) if form == "16-bit PNG" else plain()
    options: dict[str, Any] = {"exif": exif(orientation)}
    if form == "TIFF deflated":
        options["compression"] = "tiff_adobe_deflate"
    data = encoded(image, form.removeprefix("16-bit ").split()[0], **options)
    with Image.open(io.BytesIO(data)) as opened:
        upright = ImageOps.exif_transpose(opened)
        if form != "16-bit PNG":
            upright = upright.convert("L")
        expected = np.asarray(upright, np.float64) / (65535 if form == "16-bit PNG" else 255)
    assert expected.shape == ((WIDTH, HEIGHT) if 5 <= orientation <= 8 else (HEIGHT, WIDTH))
    np.testing.assert_allclose(read_bytes(tmp_path, data), expected, atol=1e-4)


BROKEN_EXIF = [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*junk"]


def photo_with_exif(junk: bytes) -> bytes:
    """A JPEG file with these bytes where EXIF data belongs."""
    whole = encoded(plain(), "JPEG", quality=100)
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(junk) + 2) + junk + whole[2:]


@pytest.mark.parametrize("junk", BROKEN_EXIF)
def test_a_photo_with_broken_exif_is_still_a_photo(tmp_path: Path, junk: bytes) -> None:
    expected = np.asarray(plain(), np.float64) / 255
    seen = read_bytes(tmp_path, photo_with_exif(junk), "x.jpg")
    np.testing.assert_allclose(seen, expected, atol=0.02)


def gif(*frames: Image.Image) -> bytes:
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def black() -> Image.Image:
    return Image.new("L", (WIDTH, HEIGHT), 0)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (gif(plain(), black()), FIRST_OF_SEVERAL),
        (gif(plain()), ""),
        (encoded(plain(), "TIFF", save_all=True, append_images=[black()]), FIRST_OF_SEVERAL),
        (encoded(plain(), "TIFF"), ""),
        (encoded(plain(), "PNG", save_all=True, append_images=[black()]), FIRST_OF_SEVERAL),
        (
            encoded(plain(), "WEBP", save_all=True, append_images=[black()], lossless=True),
            FIRST_OF_SEVERAL,
        ),
    ],
    ids=["GIF of 2", "GIF of 1", "TIFF of 2", "TIFF of 1", "PNG of 2", "WebP of 2"],
)
def test_of_several_frames_or_pages_the_first_is_read_and_it_is_said(
    tmp_path: Path, data: bytes, note: str
) -> None:
    np.testing.assert_allclose(read_bytes(tmp_path, data), np.asarray(plain()) / 255, atol=1e-9)
    assert note == read(str(tmp_path / "x.png")).note


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("side", [REDUCE_TO_PX, 2 * REDUCE_TO_PX - 1, 2 * REDUCE_TO_PX, 3000])
def test_large_scans_are_reduced_and_look_the_same(tmp_path: Path, form: str, side: int) -> None:
    """To 512-1023 pixels on the longer side; JPEG may decode at a fraction of the size itself."""
    scan = digit_image(3, side=side)
    seen = read_bytes(tmp_path, encoded(scan, form))
    assert REDUCE_TO_PX <= max(seen.shape) < 2 * REDUCE_TO_PX
    assert abs(seen.mean() - np.asarray(scan).mean() / 255) < 0.02
    small = np.asarray(Image.fromarray(seen.astype(np.float32)).resize((32, 32)), np.float64)
    expected = np.asarray(scan.resize((32, 32)), np.float64) / 255
    assert np.abs(small - expected).mean() < 0.02


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    data = png(plain())
    (tmp_path / "x.png").write_bytes(data)
    assert hashlib.sha256(data).hexdigest() == read(str(tmp_path / "x.png")).sha256


def test_the_content_counts_and_not_the_extension(tmp_path: Path) -> None:
    data = encoded(plain(), "JPEG", quality=100)
    assert read_bytes(tmp_path, data, "x.png").shape == (HEIGHT, WIDTH)


def png_of_size(width: int, height: int, rows: bytes = b"") -> bytes:
    """A 1-bit PNG file that says it has this size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def webp_of_size(width: int, height: int) -> bytes:
    """A WebP file that says it has this size and holds nothing."""
    bits = (width - 1) | (height - 1) << 14
    data = b"VP8L" + struct.pack("<IBI", 5, 0x2F, bits) + bytes(5)
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP" + data


def webp_with_canvas(width: int, height: int) -> bytes:
    """A WebP file whose canvas has this size; nothing is on it."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    data = b"VP8X" + struct.pack("<II", 10, 0) + sides
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP" + data


def png_with_text(text: bytes) -> bytes:
    """A good PNG file with a compressed text."""
    whole = png(plain())
    return whole[:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(text, 9)) + whole[33:]


TOO_MANY = "over 67108864 pixels: raise --max-pixels"
TOO_LONG = "over 65535 px on a side: raise --max-side"

TIFF_HEADER = struct.pack("<2sHI", b"II", 42, 8)

BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty file"),
    "text": (b"7\n", "not a supported image"),
    "zeros": (bytes(100), "not a supported image"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a supported image"),
    "PDF": (b"%PDF-1.7\n", "not a supported image"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a supported image"),
    "ICO": (encoded(plain(), "ICO"), "not a supported image"),
    "PPM": (encoded(plain(), "PPM"), "not a supported image"),
    "signature only": (png(plain())[:8], "broken image"),
    "half a header": (png(plain())[:20], "broken image"),
    "truncated PNG": (png(plain())[:-40], "broken image"),
    "truncated JPEG": (encoded(plain(), "JPEG")[:-60], "broken image"),
    "truncated TIFF": (encoded(plain(), "TIFF")[:-100], "broken image"),
    "truncated BMP": (encoded(plain(), "BMP")[:-100], "broken image"),
    "truncated WebP": (encoded(plain(), "WEBP", lossless=True)[:-20], "broken image"),
    "PNG without data": (png_of_size(24, 16), "broken image"),
    "PNG of no size": (png_of_size(0, 16), "broken image"),
    "TIFF without pages": (TIFF_HEADER + bytes(6), "broken image"),
    "RIFF that is a sound": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(24), "broken image"),
    "1 x 89,000,000": (png_of_size(1, 89_000_000), TOO_LONG),
    "89,000,000 x 1": (png_of_size(89_000_000, 1), TOO_LONG),
    "a side too long": (png_of_size(MOST_SIDE_PX + 1, 8), TOO_LONG),
    "8,193 x 8,192": (png_of_size(8_193, 8_192), TOO_MANY),
    "10,000 x 10,000": (png_of_size(10_000, 10_000), TOO_MANY),
    "2 Gpx": (png_of_size(46_000, 46_000), TOO_MANY),
    "WebP of 268 Mpx": (webp_of_size(16_383, 16_383), TOO_MANY),
    "WebP with a canvas of 2^48": (
        webp_with_canvas(2**24, 2**24),
        TOO_LONG,
    ),
    "wrong checksum": (png(plain())[:-20] + b"x" + png(plain())[-19:], "broken image"),
    "65,537 chunks": (
        png(plain())[:33] + chunk(b"teXt", b"") * 2**16 + png(plain())[33:],
        "broken image",
    ),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_what_is_no_picture_is_refused_with_a_reason_and_its_hash(
    tmp_path: Path, data: bytes, reason: str, name: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableError) as caught:
        read(str(tmp_path / name))
    assert reason == str(caught.value)
    assert hashlib.sha256(data).hexdigest() == caught.value.sha256


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(pixels=WIDTH * HEIGHT - 1), f"over {WIDTH * HEIGHT - 1} pixels: raise --max-pixels"),
        (Limits(pixels=1), "over 1 pixels: raise --max-pixels"),
        (Limits(side_px=WIDTH - 1), f"over {WIDTH - 1} px on a side: raise --max-side"),
        (Limits(file_bytes=50), "over 50 bytes: raise --max-bytes"),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"])
def test_a_limit_that_is_broken_is_named_with_its_option(
    tmp_path: Path, form: str, limits: Limits, says: str
) -> None:
    (tmp_path / "x").write_bytes(encoded(plain(), form))
    with pytest.raises(UnreadableError) as caught:
        read(str(tmp_path / "x"), limits)
    assert says == str(caught.value)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"])
def test_at_the_limit_a_picture_is_read(tmp_path: Path, form: str) -> None:
    data = encoded(plain(), form)
    (tmp_path / "x").write_bytes(data)
    limits = Limits(pixels=WIDTH * HEIGHT, side_px=WIDTH, file_bytes=len(data))
    assert read(str(tmp_path / "x"), limits).gray.shape == (HEIGHT, WIDTH)


def test_limits_can_be_raised_beyond_pillow_s_own(tmp_path: Path) -> None:
    """A blank sheet of 90 million pixels; Pillow's limit is afterwards what it was."""
    side = 9_500
    data = png_of_size(side, side, bytes((1 + (side + 7) // 8) * side))
    (tmp_path / "x.png").write_bytes(data)
    before = Image.MAX_IMAGE_PIXELS
    assert before is not None
    assert before < side * side
    gray = read(str(tmp_path / "x.png"), Limits(pixels=10**8)).gray
    assert (gray.max(), max(gray.shape) >= REDUCE_TO_PX) == (0, True)
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_picture_cut_off_anywhere_is_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    for form in ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"):
        whole = encoded(plain(), form)
        for end in range(0, len(whole), max(1, len(whole) // 40)):
            (tmp_path / "x").write_bytes(whole[:end])
            try:
                read(str(tmp_path / "x"))
            except UnreadableError as error:
                reason = str(error)
                assert reason in ("empty file", "not a supported image", "broken image")


def _fifo(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs here")
    os.mkfifo(path)


def _socket(path: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no Unix sockets here")
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket may only be 100 bytes long
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _device(path: Path) -> None:
    if not os.path.exists("/dev/zero"):
        pytest.skip("no devices here")
    make_tree(path.parent, {path.name: Link("/dev/zero")})


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**28 + 1)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "file not found"),
        (lambda path: make_tree(path.parent, {path.name: Link("nowhere")}), "broken link"),
        (lambda path: make_tree(path.parent, {path.name: Link(path.name)}), "read error"),
        (Path.mkdir, "not a regular file"),
        (_fifo, "not a regular file"),
        (_device, "not a regular file"),
        (_socket, "not a regular file"),
        (_sparse, "over 268435456 bytes: raise --max-bytes"),
    ],
    ids="missing,dangling link,link to itself,folder,FIFO,device,socket,256 MiB".split(","),
)
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    """A FIFO that nobody writes to would hang for ever, a device never end."""
    make(tmp_path / "x.png")
    with pytest.raises(UnreadableError) as caught:
        read(str(tmp_path / "x.png"))
    assert (reason, "") == (str(caught.value), caught.value.sha256)


def test_a_file_without_permission_is_refused(unprivileged: Path) -> None:
    (unprivileged / "x.png").write_bytes(png(plain()))
    (unprivileged / "x.png").chmod(0)
    with pytest.raises(UnreadableError, match="permission denied"):
        read(str(unprivileged / "x.png"))


def test_no_file_stays_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("open files can't be counted here")
    make_tree(tmp_path, {"x.png": png(plain()), "broken.png": b"x", "folder.png": {}})
    before = len(os.listdir(descriptors))
    for name in ("x.png", "broken.png", "folder.png"):
        for _ in range(3):
            try:
                read(str(tmp_path / name))
            except UnreadableError:
                continue
    assert before == len(os.listdir(descriptors))


def test_no_warning_escapes_and_filters_are_as_before(tmp_path: Path) -> None:
    data = photo_with_exif(BROKEN_EXIF[2])
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        Image.open(io.BytesIO(data)).close()
    filters = list(warnings.filters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_bytes(tmp_path, data)
    assert filters == list(warnings.filters)


PNGSUITE = Path(os.environ.get("DIGITSORT_DEV_DATA", ""), "pngsuite")


@pytest.fixture
def pngsuite() -> Path:
    if "DIGITSORT_DEV_DATA" not in os.environ or not PNGSUITE.is_dir():
        pytest.skip("PngSuite is not there: set DIGITSORT_DEV_DATA to a folder with pngsuite/")
    return PNGSUITE


def test_every_valid_png_is_read_and_every_broken_one_refused(pngsuite: Path) -> None:
    refused = set()
    for path in pngsuite.glob("*.png"):
        try:
            gray = read(str(path)).gray
        except UnreadableError:
            refused.add(path.name)
        else:
            assert gray.ndim == 2, path.name
    broken = {path.name for path in pngsuite.glob("x*.png")}
    assert (len(broken), len(set(pngsuite.glob("*.png")))) == (14, 175)
    assert broken == refused
