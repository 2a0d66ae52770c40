"""A small file that unpacks to a large picture costs next to nothing."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from digitsort.images.read import UnreadableError, read
from tests.conftest import REPOSITORY, encoded
from tests.images.test_read import TOO_LONG, TOO_MANY, png_of_size, webp_of_size

PROGRAM = """
import json, sys
from tests.fuzz.report import peak_mib
from digitsort.images.read import UnreadableError, read
outcomes = []
for path in sys.argv[1:]:
    try:
        read(path)
    except UnreadableError as error:
        outcomes.append(str(error))
    else:
        outcomes.append("read")
print(json.dumps([outcomes, peak_mib()]))
"""

MEMORY_MIB = 300


def patched(form: str, at: int, layout: str, *sides: int) -> bytes:
    """A small picture whose header says that it has other sides."""
    data = bytearray(encoded(Image.new("L", (16, 16), 255), form))
    struct.pack_into(layout, data, at, *sides)
    return bytes(data)


def jpeg_of_size(width: int, height: int) -> bytes:
    data = encoded(Image.new("L", (16, 16), 255), "JPEG")
    return patched("JPEG", data.index(b"\xff\xc0") + 5, ">HH", height, width)


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    data = encoded(Image.new("L", (16, 16), 255), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (count + 1) + data[-2:]


def test_a_jpeg_of_endless_scans_is_refused_and_one_of_many_read(tmp_path: Path) -> None:
    """Each scan is a pass over all pixels: 33 KB of them kept a processor busy for 25 s."""
    (tmp_path / "x.jpg").write_bytes(jpeg_of_scans(3000))
    with pytest.raises(UnreadableError, match="over 256 scans in a JPEG"):
        read(str(tmp_path / "x.jpg"))
    (tmp_path / "x.jpg").write_bytes(jpeg_of_scans(200))
    assert read(str(tmp_path / "x.jpg")).gray.shape == (16, 16)


def bombs() -> dict[str, tuple[bytes, str]]:
    """Files and their reasons."""
    rows = bytes((1 + 9_381 // 8 + 1) * 9_381)
    flat = Image.new("1", (9_381, 9_381))
    return {
        "88 Mpx PNG": (png_of_size(9_381, 9_381, rows), TOO_MANY),
        "88 Mpx fax": (encoded(flat, "TIFF", compression="group4"), TOO_MANY),
        "1 x 89,000,000 PNG": (png_of_size(1, 89_000_000), TOO_LONG),
        "2 Gpx PNG": (png_of_size(46_000, 46_000), TOO_MANY),
        "268 Mpx WebP": (webp_of_size(16_383, 16_383), TOO_MANY),
        "4 Gpx JPEG": (jpeg_of_size(65_000, 65_000), TOO_MANY),
        "4 Gpx GIF": (patched("GIF", 6, "<HH", 65_535, 65_535), TOO_MANY),
        "4 Gpx BMP": (patched("BMP", 18, "<ii", 65_535, 65_535), TOO_MANY),
    }


@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is not told here")
def test_a_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    """A process that gets all of them stays below 300 MiB, interpreter and libraries included."""
    made = bombs()
    for name, (data, _) in made.items():
        (tmp_path / name).write_bytes(data)
        assert len(data) < 100_000, name
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(str(tmp_path / name) for name in made)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    outcomes, peak = json.loads(done.stdout)
    assert {name: reason for name, (_, reason) in made.items()} == dict(
        zip(made, outcomes, strict=True)
    )
    assert peak < MEMORY_MIB
