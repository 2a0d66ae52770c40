"""Pictures that ask for much cost little: memory, processor time, and never another row."""

from __future__ import annotations

import csv
import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile_images import measured
from digitsort.images.limits import BEYOND_BYTES, PIXEL_BYTES, Limits
from digitsort.images.read import UnreadableError, read
from digitsort.workers.worker import PROCESSOR_LIMIT_S
from tests.conftest import REPOSITORY, digit_png, encoded, make_tree, run_digitsort
from tests.fuzz.hostile import bmp_of_runs
from tests.images import hostile
from tests.images.hostile import HOSTILE, behind, gray, tiff

linux = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is not told here")

FAST = ("TIFF, a tile of 2 GiB", "WebP, a blank sheet of 64 Mpx", "JPEG, EXIF in 2,000 pieces")


def check(name: str) -> None:
    memory, seconds, outcome = measured(HOSTILE[name](), str(REPOSITORY))
    own = PIXEL_BYTES * hostile.SIDE**2 if outcome.startswith("read") and "64 Mpx" in name else 0
    assert memory * 2**20 <= BEYOND_BYTES + own, outcome
    assert seconds < PROCESSOR_LIMIT_S, outcome
    assert not outcome.startswith(("ended", "given up"))


@linux
@pytest.mark.parametrize("name", FAST)
def test_a_hostile_picture_costs_little(name: str) -> None:
    check(name)


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in FAST])
def test_every_hostile_picture_costs_little(name: str) -> None:
    check(name)


REFUSED = {
    "a tile larger than any memory": (
        hostile.tiff_with_a_large_tile(),
        "TIFF with a tile that is too large",
    ),
    "LZMA, which asks for what it likes": (
        tiff([*gray(16, 16, 34925), (273, 4, 1, 8), (279, 4, 1, 9)]),
        "TIFF compression 34925 is not supported",
    ),
    "more strips than there are": (
        tiff([*gray(16, 16, 1), (273, 4, 2, 200), (279, 4, 2, 200)], bytes(300)),
        "broken image",
    ),
    "tiles of one pixel, without end": (
        tiff(
            [*gray(8192, 8192, 1), (322, 3, 1, 1), (323, 3, 1, 1), (324, 4, 2**26, 8), (325, 4, 1, 1)]
        ),
        "TIFF with too many tiles",
    ),
    "tiles and strips": (
        tiff([*gray(16, 16, 1), (322, 3, 1, 16), (323, 3, 1, 16), (273, 4, 1, 8), (324, 4, 1, 8)]),
        "broken image",
    ),
    "64 Mpx in a WebP": (hostile.flat_webp(8192), "over 16777216 pixels in a WebP: raise --max-pixels"),
    "JPEG comments": (hostile.jpeg_of_comments(), "broken image"),
    "an arithmetic JPEG": (
        encoded(Image.new("L", (16, 16)), "JPEG").replace(b"\xff\xc0", b"\xff\xc9", 1),
        "unsupported kind of JPEG",
    ),
    "GIF comments": (hostile.gif_of_blocks(), "broken image"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_structure_that_asks_for_too_much_is_refused(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(UnreadableError) as caught:
        read(str(tmp_path / "x"))
    assert str(caught.value) == reason


def test_compressed_strips_do_not_share_their_data(tmp_path: Path) -> None:
    """Each would be unpacked."""
    row = zlib.compress(bytes(1000))
    tags = [*gray(1000, 1000, 8), (278, 4, 1, 1)]
    start = behind(len(tags) + 2)
    pixels = start + 8 * 1000
    for shared, good in ((False, True), (True, False)):
        starts = [pixels + (0 if shared else i * len(row)) for i in range(1000)]
        places = struct.pack("<1000I", *starts) + struct.pack("<I", len(row)) * 1000
        data = tiff(
            [*tags, (273, 4, 1000, start), (279, 4, 1000, start + 4000)],
            places + row * (1 if shared else 1000),
        )
        (tmp_path / "x").write_bytes(data)
        if good:
            assert read(str(tmp_path / "x")).gray.shape == (1000, 1000)
        else:
            with pytest.raises(UnreadableError):
                read(str(tmp_path / "x"))


def test_a_tiff_of_many_usual_tags_is_read(tmp_path: Path) -> None:
    """Resolution, color profile, description and a second page stand beside the pixels."""
    picture = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    for options in (
        {"compression": "tiff_lzw", "tiffinfo": {322: 16, 323: 16}},
        {"compression": "jpeg", "quality": 100},
        {"compression": "tiff_adobe_deflate", "dpi": (300, 300), "description": "x" * 1000},
        {"compression": "zstd"},
        {"icc_profile": bytes(5000), "save_all": True, "append_images": [picture]},
        {"big_endian": True},
    ):
        (tmp_path / "x").write_bytes(encoded(picture, "TIFF", **options))
        seen = read(str(tmp_path / "x")).gray
        assert np.abs(seen.astype(int) - np.asarray(picture).astype(int)).max() <= 2, options


@pytest.mark.parametrize("bits", [4, 8])
def test_run_lengths_are_unpacked_as_the_format_says(tmp_path: Path, bits: int) -> None:
    """From the bottom up: a run, the end of a line, a few as they are, a step, the rest is color 0."""
    (tmp_path / "x").write_bytes(bmp_of_runs(bits))
    first, second = [0x12] * 8, [0x34, 0x34, 1, 2, 3, 4, 0, 0]
    if bits == 4:  # a byte is two pixels; the last run has no room for its third
        first, second = [1, 2] * 4, [3, 4, 0, 1, 0, 2, 0, 4]
    third, fourth = [0] * 8, [0, *([5] * 3 if bits == 8 else [0, 5, 0]), 0, 0, 0, 0]
    expected = np.array([fourth, third, second, first]) * 37 % 256
    assert np.array_equal(read(str(tmp_path / "x")).gray, expected)


def test_run_lengths_are_what_pillow_makes_of_them(tmp_path: Path) -> None:
    """Full rows, each with its end: there Pillow agrees with the format."""
    chance = np.random.default_rng(0)
    for bits in (4, 8):
        palette = bytes(v for i in range(1 << bits) for v in (i, 255 - i, i // 2, 0))
        packed = b""
        for _ in range(9):
            left = 37
            while left:
                count = int(chance.integers(1, min(left, 9) + 1))
                packed += bytes((count, int(chance.integers(256))))
                left -= count
            packed += b"\0\0"
        start = 54 + len(palette)
        head = struct.pack("<2sIII", b"BM", 0, 0, start)
        head += struct.pack("<IiiHHIIiiII", 40, 37, 9, 1, bits, 1 if bits == 8 else 2, 0, 0, 0, 0, 0)
        data = head + palette + packed + b"\0\1"
        (tmp_path / "x").write_bytes(data)
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(read(str(tmp_path / "x")).gray, np.asarray(image.convert("L")))


def test_more_pixels_may_be_asked_for_in_webp_too(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(hostile.flat_webp(4200))
    with pytest.raises(UnreadableError, match="--max-pixels"):
        read(str(tmp_path / "x"))
    assert read(str(tmp_path / "x"), Limits(pixels=2**27)).gray.min() == 255


def test_a_photo_keeps_its_colors_and_its_orientation_without_the_rest(tmp_path: Path) -> None:
    """Comments, color profile, XMP and fill before the pixels change nothing."""
    picture = Image.fromarray(np.arange(24 * 16 * 3, dtype=np.uint8).reshape(16, 24, 3))
    turned = Image.Exif()
    turned[0x0112] = 6
    for mode in ("RGB", "CMYK", "L"):
        data = encoded(picture.convert(mode), "JPEG", quality=100)
        more = encoded(
            picture.convert(mode),
            "JPEG",
            quality=100,
            exif=turned,
            comment=b"x" * 100,
            icc_profile=bytes(70_000),
        )
        (tmp_path / "x").write_bytes(data)
        expected = read(str(tmp_path / "x")).gray
        (tmp_path / "x").write_bytes(more[:2] + b"\xff\xff\xff" + more[2:])
        assert np.array_equal(read(str(tmp_path / "x")).gray, np.rot90(expected, -1))


CHEAP = (
    "TIFF, a tile of 2 GiB",
    "WebP, a blank sheet of 64 Mpx",
    "WebP, 65,536 code tables",
    "BMP, run lengths of 4 bits, 64 Mpx",
    "JPEG, 2 million comments",
    "GIF, a comment of 8 million blocks",
    "PNG, an orientation of 2 million fractions",
)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_each_is_a_row_and_no_other_row_changes(tmp_path: Path, model_file: Path, workers: int) -> None:
    """By the command line, which has the limits of a worker where it has none."""

    def rows() -> list[dict[str, str]]:
        arguments = ("classify", "s", "-m", model_file, "-o", "-", "--workers", str(workers))
        done = run_digitsort(*arguments, cwd=tmp_path)
        assert "Traceback" not in done.stderr
        return list(csv.DictReader(io.StringIO(done.stdout)))

    make_tree(tmp_path / "s", {f"good{digit}.png": digit_png(digit) for digit in range(10)})
    good = rows()
    names = {f"bad{index}.png": name for index, name in enumerate(CHEAP)}
    make_tree(tmp_path / "s", {file: HOSTILE[name]() for file, name in names.items()})
    found = rows()
    assert [row for row in found if "good" in row["path"]] == good
    bad = {row["path"]: row for row in found if row["path"] not in {row["path"] for row in good}}
    assert len(bad) == len(CHEAP)
    if sys.platform == "linux":  # nothing in its header tells it
        (tables,) = (file for file, name in names.items() if name == "WebP, 65,536 code tables")
        assert bad[f"s/{tables}"]["status"] == "error"
