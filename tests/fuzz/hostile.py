"""Mutants of all formats but PNG that ask for much, read as a worker reads them.

Arguments: seed, count, and a part of the names of the formats that are wanted.
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import Image

from digitsort.images import read as reading
from digitsort.images.gray import Opened
from digitsort.images.limits import Limits, limit_decoders
from digitsort.images.read import UnreadableError, open_picture, read
from digitsort.workers.worker import Clock
from tests.conftest import encoded
from tests.drawing import scans
from tests.fuzz import phone_formats
from tests.fuzz.images import cut, flip_bytes, flip_header, good_pictures, numbers
from tests.fuzz.report import Report

Mutate = Callable[[random.Random, bytes], bytes]

SIZES = (0, 1, 2, 7, 16, 255, 256, 1000, 4096, 8192, 20_000, 65_535)
LARGE = (2**17, 2**20, 2**26, 2**31 - 1, 2**31, 2**32 - 1)

TAGS = (
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282, 284, 317, 322, 323, 324, 325, 330, 338),
    *(347, 530, 700, 34665),
)

REASONS = {
    "broken image",
    "empty file",
    "not a supported image",
    "not enough memory",
    "unsupported kind of JPEG",
}
BEGINNINGS = ("over ", "TIFF ", "too many scans ", "unusual kind of JPEG 2000")
"""Of the other reasons."""


def main(seed: int, count: int, forms: str = "") -> None:
    """Read `count` mutants, each under the limits that a worker has."""
    goods = {name: data for name, data in _goods().items() if forms in name}
    for data in goods.values():
        _read_data(data)
    limit_decoders()
    chance, report, pixels = random.Random(seed), Report(), _Pixels()
    vars(reading)["open_picture"] = pixels.open
    names = sorted(goods)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = os.path.join(folder, "x")
        clock = Clock(300, sys.stderr)
        for number in range(count):
            name = names[number % len(names)]
            form = name.split()[0]
            mutate = chance.choice((*BLIND, *[STRUCTURED[form]] * 6))
            Path(path).write_bytes(mutate(chance, goods[name]))
            pixels.count = 0
            clock.tick()
            with report.measured(lambda: pixels.count):
                outcome = _read(path)
            key = f"{form}, {outcome}"
            report.outcomes[key] = report.outcomes.get(key, 0) + 1
        clock.stop()
    report.finish()


class _Pixels:
    """Notes how many a picture has that is opened."""

    count = 0

    def __init__(self) -> None:
        self._open = open_picture

    def open(self, data: bytes, limits: Limits) -> Opened:
        opened = self._open(data, limits)
        self.count = opened.image.width * opened.image.height
        return opened


def _read(path: str) -> str:
    try:
        gray = read(path).gray
    except UnreadableError as error:
        reason = str(error)
    else:
        assert gray.ndim == 2
        return "read"
    assert reason in REASONS or reason.startswith(BEGINNINGS), reason
    return "refused"


def _read_data(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x").write_bytes(data)
        read(os.path.join(folder, "x"))


@cache
def _goods() -> dict[str, bytes]:
    """Those of the other fuzzer but PNG, and a few with more to turn: tiles, run lengths, a canvas."""
    gray = Image.fromarray(scans(1, side=20, margin=4)[0])
    goods = {name: data for name, data in good_pictures().items() if not name.startswith("PNG")}
    goods["TIFF tiled"] = encoded(gray, "TIFF", tiffinfo={322: 16, 323: 16}, compression="tiff_lzw")
    goods["BMP runs"] = bmp_of_runs(8)
    goods["BMP runs of 4"] = bmp_of_runs(4)
    goods["WEBP alpha"] = encoded(gray.convert("RGBA"), "WEBP", quality=50, exif=Image.Exif().tobytes())
    goods["GIF transparent"] = encoded(gray.convert("P"), "GIF", transparency=3, interlace=1)
    return goods | phone_formats.goods(gray)


def bmp_of_runs(bits: int) -> bytes:
    """A picture of 8 x 4 in every kind of run; color i is 37 i, modulo 256."""
    palette = bytes(v for i in range(1 << bits) for v in (*[i * 37 % 256] * 3, 0))
    packed = b"\x08\x12\0\0\x02\x34\0\4\1\2\3\4\0\0\0\2\1\1\3\5\0\0\0\1"
    start = 54 + len(palette)
    header = struct.pack(
        "<IiiHHIIiiII", 40, 8, 4, 1, bits, 1 if bits == 8 else 2, len(packed), 0, 0, 0, 0
    )
    return struct.pack("<2sIII", b"BM", start + len(packed), 0, start) + header + palette + packed


def _size(chance: random.Random) -> int:
    return chance.choice(SIZES if chance.random() < 0.8 else LARGE)


def mutate_tiff(chance: random.Random, good: bytes) -> bytes:
    """Give entries of the directory other types, counts and values; add some, double some."""
    order = "<" if good.startswith(b"II") else ">"
    (start,) = struct.unpack_from(order + "I", good, 4)
    (count,) = struct.unpack_from(order + "H", good, start)
    entries = [list(struct.unpack_from(order + "HHII", good, start + 2 + 12 * i)) for i in range(count)]
    for _ in range(chance.randint(1, 4)):
        tag = chance.choice(TAGS)
        found = [entry for entry in entries if entry[0] == tag]
        if not found or chance.random() < 0.1:
            found = [[tag, chance.choice((3, 4)), 1, 0]]
            entries += found
        action = chance.random()
        if action < 0.1:
            found[0][1] = chance.randrange(14)
        elif action < 0.2:
            found[0][2] = _size(chance)
        elif tag == 259:
            found[0][3] = chance.choice((1, 2, 3, 4, 5, 6, 7, 8, 32773, 34925, 50000, 50001, 34676))
        elif tag in (258, 277, 262, 266, 284, 317):
            found[0][3] = chance.choice((0, 1, 2, 3, 4, 5, 6, 8, 16, 32, 64, 255))
        else:
            found[0][3] = _size(chance) & 0xFFFFFFFF
        if found[0][1] == 3 and order == ">":
            found[0][3] = (found[0][3] & 0xFFFF) << 16
    directory = struct.pack(order + "H", len(entries))
    directory += b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    directory += struct.pack(order + "I", chance.choice((0, 0, 8, start, len(good))))
    return good[:4] + struct.pack(order + "I", len(good)) + good[8:] + directory


def mutate_jpeg(chance: random.Random, good: bytes) -> bytes:
    """Other sizes, samplings and kinds of frame; segments and scans again and again."""
    data = bytearray(good)
    frames = [i for i in range(len(data) - 20) if data[i] == 0xFF and data[i + 1] in (0xC0, 0xC1, 0xC2)]
    for _ in range(chance.randint(1, 2)):
        at, action = frames[0], chance.randrange(5)
        if action == 0:
            struct.pack_into(">HH", data, at + 5, _size(chance) & 0xFFFF, _size(chance) & 0xFFFF)
        elif action == 1:
            data[at + 1] = chance.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA))
        elif action == 2:
            data[at + 11] = chance.choice((0x11, 0x44, 0x14, 0x41, 0x00, 0xFF))
        elif action == 3:
            scan = data.rindex(b"\xff\xda")
            data[scan:-2] = data[scan:-2] * chance.choice((2, 3, 20, 200, 300))
        else:
            kind = chance.choice((0xFE, 0xE1, 0xE2, 0xDB, 0xC4, 0xDD, 0xFF))
            content = bytes(chance.choice((0, 2, 4, 30, 600)))
            segment = bytes((0xFF, kind)) + struct.pack(">H", len(content) + 2) + content
            data[2:2] = segment * chance.choice((1, 3, 300, 5000))
            break
    return bytes(data)


def mutate_gif(chance: random.Random, good: bytes) -> bytes:
    """Other canvases and frames, flags, widths of codes; blocks again and again."""
    data = bytearray(good)
    table = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    at = data.index(b",\0\0\0\0", table)
    for _ in range(chance.randint(1, 3)):
        action = chance.randrange(5)
        if action == 0:
            struct.pack_into("<HH", data, 6, *(_size(chance) & 0xFFFF for _ in "wh"))
        elif action == 1:
            struct.pack_into("<4H", data, at + 1, *(_size(chance) & 0xFFFF for _ in "xywh"))
        elif action == 2:
            data[at + 9] ^= chance.choice((0x80, 0x40, 0x07))
        elif action == 3:
            data[at + 10] = chance.randrange(256)
        else:
            block = chance.choice(
                (b"!\xfe\1x\0", b"!\xf9\4\x09\0\0\0\0", b"!\xff\0", b"\0", bytes(data[at:-1]))
            )
            data[at:at] = block * chance.choice((1, 2, 500))
            break
    return bytes(data)


def mutate_bmp(chance: random.Random, good: bytes) -> bytes:
    """Other sizes, depths, compressions and palettes; runs that go on and on."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 3)):
        action = chance.randrange(5)
        if action == 0:
            struct.pack_into("<II", data, 18, _size(chance), _size(chance))
        elif action == 1:
            struct.pack_into("<HI", data, 28, chance.choice((1, 4, 8, 16, 24, 32)), chance.randrange(6))
        elif action == 2:
            struct.pack_into(
                "<I", data, chance.choice((10, 14, 46)), chance.choice((12, 40, 54, 124, 1 << 20))
            )
        elif action == 3:
            data += chance.randbytes(chance.choice((10, 1000)))
        else:
            run = chance.choice((b"\0\0", b"\0\2\xff\xff", b"\1\1\0\0", b"\xff\1", b"\0\2\0\0"))
            data[-2:-2] = run * chance.choice((1, 1000, 30_000))
    return bytes(data)


def mutate_webp(chance: random.Random, good: bytes) -> bytes:
    """Another canvas, other sides of the picture itself, chunks again, noise where the codes are."""
    data = bytearray(good)
    if data[12:16] != b"VP8X" and chance.random() < 0.4:
        data[12:12] = b"VP8X" + struct.pack("<I", 10) + bytes(10)
        data[20] = chance.choice((0, 0x02, 0x10, 0x12))
    if data[12:16] == b"VP8X":
        for at in (24, 27):
            data[at : at + 3] = (_size(chance) & 0xFFFFFF).to_bytes(3, "little")
    for kind, width in ((b"VP8 ", 14), (b"VP8L", 9), (b"ANMF", 16)):
        at = data.find(kind)
        if at >= 0 and chance.random() < 0.7:
            sides = [_size(chance) & 0x3FFF for _ in "wh"]
            if kind == b"VP8 ":
                struct.pack_into("<HH", data, at + width, *sides)
            elif kind == b"VP8L":
                struct.pack_into("<I", data, at + width, sides[0] | sides[1] << 14)
            else:
                data[at + width - 2 : at + width + 1] = sides[0].to_bytes(3, "little")
            where = at + width + 4
            noise = min(chance.choice((0, 1, 4, 30)), len(data) - where)
            data[where : where + max(0, noise)] = chance.randbytes(max(0, noise))
    if chance.random() < 0.2:
        data += data[12:] * chance.choice((1, 50))
    struct.pack_into("<I", data, 4, len(data) - 8)
    return bytes(data)


BLIND: tuple[Mutate, ...] = (flip_bytes, flip_header, cut, numbers)

STRUCTURED: dict[str, Mutate] = {
    "TIFF": mutate_tiff,
    "JPEG": mutate_jpeg,
    "GIF": mutate_gif,
    "BMP": mutate_bmp,
    "WEBP": mutate_webp,
    "AVIF": phone_formats.mutate_boxes,
    "HEIC": phone_formats.mutate_boxes,
    "JPEG2000": phone_formats.mutate_jpeg2000,
}

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
