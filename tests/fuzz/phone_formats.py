"""Small AVIF, HEIC and JPEG 2000 files, and mutants that keep their structure."""

from __future__ import annotations

import io
import random
import struct
from importlib.util import find_spec

from PIL import Image, features

from tests.conftest import encoded

SIZES = (0, 1, 2, 7, 16, 255, 256, 1000, 4096, 8192, 20_000, 65_535, 2**20, 2**31, 2**32 - 1)

HEAD = 8
"""Bytes before a box's content."""

_PARENTS = (b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"jp2h")

_CODECS = {"AVIF": "avif", "JPEG2000": "jpg_2000"}

Box = tuple[int, int]
"""Where it begins and ends."""


def goods(gray: Image.Image) -> dict[str, bytes]:
    """Return small pictures of those formats that this machine has."""
    color, alpha, more = gray.convert("RGB"), gray.convert("RGBA"), [gray.rotate(90)]
    found = {}
    for form in filter(lambda name: features.check(_CODECS[name]), _CODECS):
        found[f"{form} gray"] = encoded(gray, form)
        found[f"{form} color"] = encoded(color, form)
        found[f"{form} alpha"] = encoded(alpha, form)
    if features.check("avif"):
        found["AVIF several"] = encoded(gray, "AVIF", save_all=True, append_images=more)
    if features.check("jpg_2000"):
        tiled = {"tile_size": (16, 16), "num_resolutions": 3, "irreversible": True, "no_jp2": True}
        found["JPEG2000 tiled"] = encoded(color, "JPEG2000", **tiled)
    if find_spec("pillow_heif"):
        found["HEIC gray"] = heic(gray)
        found["HEIC alpha"] = heic(alpha)
        found["HEIC several"] = heic(gray, *more)
    return found


def heic(image: Image.Image, *more: Image.Image) -> bytes:
    """Encode pictures."""
    import pillow_heif

    whole, file = pillow_heif.from_pillow(image), io.BytesIO()
    for each in more:
        whole.add_from_pillow(each)
    whole.save(file, quality=90)
    return file.getvalue()


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> list[Box]:
    """Return all boxes, outer ones before inner ones."""
    found, at, end = [], start, len(data) if end is None else end
    while at + HEAD <= end:
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        stop = at + size if HEAD <= size <= end - at else end
        found.append((at, stop))
        if kind in _PARENTS:
            found += boxes(data, at + HEAD, stop)
        elif kind == b"meta":
            found += boxes(data, at + HEAD + 4, stop)
        at = stop
    return found


def mutate_boxes(chance: random.Random, good: bytes) -> bytes:
    """Give boxes other lengths, kinds and numbers; leave some out, repeat some; noise in the codes."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 3)):
        at, end = chance.choice(boxes(data) or [(0, len(data))])
        action = chance.randrange(7)
        if action == 0:
            length = chance.choice((0, 1, 7, 8, 16, end - at + 8, 2**31, 2**32 - 1))
            data[at : at + 4] = length.to_bytes(4)
        elif action == 1:
            data[at + 4 : at + 8] = chance.choice(
                (b"free", b"meta", b"ispe", b"iprp", b"mdat", b"ipco")
            )
        elif action == 2:
            data[at:at] = data[at:end] * chance.choice((1, 2, 300))
            if len(data) > len(good) + 2:  # so that what is around it still fits
                _grow(data, at, len(data) - len(good))
        elif action == 3 and end - at > HEAD + 4:
            where = chance.randrange(at + HEAD, end - 3)
            data[where : where + 4] = chance.choice(SIZES).to_bytes(4)
        elif action == 4 and end - at > HEAD:
            data[chance.randrange(at + HEAD, end)] = chance.choice((0, 1, 2, 3, 128, 255))
        elif action == 5:
            name = chance.choice((b"ispe", b"tkhd", b"ihdr"))
            where = data.find(name)
            if where >= 0:
                _resize(data, where, name, chance)
        else:
            noise = chance.choice((1, 2, 4, 30))
            where = chance.randrange(len(data) // 2, len(data))
            data[where : where + noise] = chance.randbytes(noise)
    return bytes(data)


def _resize(data: bytearray, where: int, name: bytes, chance: random.Random) -> None:
    """Write other sides into a box that has them."""
    behind = {b"ispe": 8, b"ihdr": 4, b"tkhd": 80}[name]
    sides = [chance.choice(SIZES) for _ in "wh"]
    struct.pack_into(">II", data, min(where + behind, len(data) - 8), *sides)


def _grow(data: bytearray, at: int, by: int) -> None:
    """Make the boxes around a place longer."""
    for start, end in boxes(data):
        if start < at < end and data[start + 4 : start + 8] in (*_PARENTS, b"meta"):
            length = int.from_bytes(data[start : start + 4]) + by
            data[start : start + 4] = (length & 0xFFFFFFFF).to_bytes(4)


def mutate_jpeg2000(chance: random.Random, good: bytes) -> bytes:
    """Other sizes, tiles, samplings, layers, levels, blocks, precincts; tile parts again and again."""
    if chance.random() < 0.2:
        return mutate_boxes(chance, good)
    data = bytearray(good)
    sizes, style = data.index(b"\xff\x4f\xff\x51") + 2, data.index(b"\xff\x52")
    for _ in range(chance.randint(1, 3)):
        action = chance.randrange(7)
        if action == 0:  # of the picture, its offset, its tiles, their offset
            sides = [chance.choice((*SIZES, 20, 28)) for _ in "wh"]
            struct.pack_into(">II", data, sizes + 6 + 8 * chance.randrange(4), *sides)
        elif action == 1:
            data[sizes + 38 + chance.randrange(3)] = chance.choice((0, 1, 2, 8, 16, 38, 128, 255))
        elif action == 2:
            data[sizes + 41 + chance.randrange(2)] = chance.choice((0, 1, 2, 4, 255))
        elif action == 3:
            struct.pack_into(">H", data, style + 6, chance.choice((0, 1, 2, 255, 65_535)))
        elif action == 4:
            data[style + 4 + chance.randrange(10)] = chance.choice((0, 1, 2, 4, 5, 8, 32, 255))
        elif action == 5:
            _put_precincts(data, style, chance)
        else:
            part = data.find(b"\xff\x90")
            tail = data[part:-2]
            data[-2:-2] = tail * chance.choice((1, 3, 200))
            break
        part = data.find(b"\xff\x90")
        if part >= 0 and chance.random() < 0.3:
            data[part + chance.randrange(4, 12)] = chance.choice((0, 1, 2, 255))
    return bytes(data)


def _put_precincts(data: bytearray, style: int, chance: random.Random) -> None:
    """Say how large the precincts of each level are: 1 pixel and up."""
    length = int.from_bytes(data[style + 2 : style + 4])
    if data[style + 4] & 1 or length != 12:
        return
    levels = data[style + 9] % 33
    data[style + 4] |= 1
    each = bytes(chance.choice((0, 0x11, 0x22, 0xFF)) for _ in range(levels + 1))
    data[style + 2 : style + 4] = (length + len(each)).to_bytes(2)
    data[style + 14 : style + 14] = each
