"""Mutants of small good pictures, read and normalized. Arguments: seed, count."""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from digitsort.images.read import UnreadableError, read
from digitsort.recognition.vectorize import vectorize
from tests.conftest import encoded
from tests.drawing import scans
from tests.fuzz.report import Report, limit_memory

Mutate = Callable[[random.Random, bytes], bytes]


def main(seed: int, count: int) -> None:
    """Read `count` mutants through `read` and `normalize`."""
    goods = good_pictures()
    vectorize(scans(2))
    limit_memory()
    chance, report = random.Random(seed), Report()
    names = sorted(goods)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = os.path.join(folder, "x.png")
        for number in range(count):
            name = names[number % len(names)]
            Path(path).write_bytes(chance.choice(MUTATIONS)(chance, goods[name]))
            with report.timed():
                outcome = _read(path)
            key = f"{name.split()[0]}, {outcome}"
            report.outcomes[key] = report.outcomes.get(key, 0) + 1
    report.finish()


def _read(path: str) -> str:
    try:
        gray = read(path).gray
    except UnreadableError as error:
        reason = str(error)
    else:
        assert vectorize([gray]).normal.shape == (1, 32, 32)
        return "read"
    assert reason in REASONS or reason.startswith(BEGINNINGS), reason
    return "refused"


REASONS = {
    "broken image",
    "empty file",
    "not a supported image",
    "not enough memory",
    "text chunk too large",
    "too many scans for so large a JPEG",
    "unsupported kind of JPEG",
}

BEGINNINGS = ("over ", "TIFF compression ", "TIFF with ")


def good_pictures() -> dict[str, bytes]:
    """Small pictures of one digit, in every format and a few modes of each."""
    gray = Image.fromarray(scans(1, side=20, margin=4)[0])
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    alpha = gray.convert("RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    several = {"save_all": True, "append_images": [gray.rotate(90)]}
    return {
        "PNG gray": encoded(gray, "PNG"),
        "PNG palette": encoded(gray.convert("P"), "PNG", transparency=3),
        "PNG alpha": encoded(alpha, "PNG", exif=exif),
        "PNG deep": encoded(deep, "PNG"),
        "PNG animated": encoded(gray, "PNG", **several),
        "JPEG gray": encoded(gray, "JPEG", quality=80),
        "JPEG color": encoded(gray.convert("RGB"), "JPEG", quality=80, exif=exif),
        "JPEG progressive": encoded(gray.convert("CMYK"), "JPEG", progressive=True),
        "TIFF plain": encoded(gray, "TIFF"),
        "TIFF deflated": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF fax": encoded(gray.convert("1"), "TIFF", compression="group4"),
        "TIFF pages": encoded(gray.convert("RGB"), "TIFF", compression="tiff_lzw", **several),
        "TIFF jpeg": encoded(gray.convert("RGB"), "TIFF", compression="jpeg"),
        "BMP gray": encoded(gray, "BMP"),
        "BMP color": encoded(alpha, "BMP"),
        "GIF one": encoded(gray, "GIF"),
        "GIF several": encoded(gray, "GIF", **several),
        "WEBP lossy": encoded(gray, "WEBP"),
        "WEBP lossless": encoded(alpha, "WEBP", lossless=True, exif=exif),
        "WEBP several": encoded(gray, "WEBP", **several),
    }


def flip_bytes(chance: random.Random, good: bytes) -> bytes:
    """Set a few bytes to anything."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(len(data))] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    return bytes(data)


def flip_header(chance: random.Random, good: bytes) -> bytes:
    """Set bytes near the start, where sizes, depths and modes are."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 3)):
        where = chance.randrange(min(len(data), 80))
        data[where] = chance.choice((0, 1, 2, 255, chance.randrange(256)))
    return sealed(bytes(data))


def flip_sealed(chance: random.Random, good: bytes) -> bytes:
    """Set a few bytes, and make a PNG's checksums right again."""
    return sealed(flip_bytes(chance, good))


def cut(chance: random.Random, good: bytes) -> bytes:
    """Leave the end out, a piece in the middle, or all but noise."""
    a, b = sorted(chance.randrange(len(good)) for _ in range(2))
    return chance.choice((good[:a], good[:a] + good[b:], good[:a] + chance.randbytes(b - a) + good[b:]))


def numbers(chance: random.Random, good: bytes) -> bytes:
    """Write a wild number of two or four bytes somewhere."""
    form = chance.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    value = chance.choice((0, 1, 2**15, 2**16 - 1, *((2**31, 2**32 - 1, 10**8) if size == 4 else ())))
    at = chance.randrange(max(1, len(good) - size))
    return sealed(good[:at] + struct.pack(form, value) + good[at + size :])


def sealed(data: bytes) -> bytes:
    """The same PNG with right checksums, as far as its chunks can be followed; others as they are."""
    if not data.startswith(b"\x89PNG"):
        return data
    whole, at = bytearray(data), 8
    while at + 12 <= len(whole):
        end = at + 12 + int.from_bytes(whole[at : at + 4])
        if end > len(whole):
            break
        whole[end - 4 : end] = zlib.crc32(whole[at + 4 : end - 4]).to_bytes(4)
        at = end
    return bytes(whole)


MUTATIONS: list[Mutate] = [flip_bytes, flip_header, flip_sealed, cut, numbers]

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
