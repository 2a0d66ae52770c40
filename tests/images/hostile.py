"""Small picture files that ask for much: each is good enough for a decoder to begin with."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

from PIL import Image

from tests.conftest import encoded

SIDE = 8192
"""Of the largest pictures, 2**26 pixels."""


def tiff(tags: Sequence[tuple[int, int, int, int]], behind: bytes = b"", head: int = 8) -> bytes:
    """A TIFF file of these entries (tag, type, count, value); `behind` follows the directory."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", head, len(tags)) + entries + bytes(4) + behind


def behind(tags: int) -> int:
    """Where in a file of so many tags the rest begins."""
    return 8 + 2 + 12 * tags + 4


def gray(width: int, height: int, compression: int) -> list[tuple[int, int, int, int]]:
    """Entries of a gray picture of 8 bits."""
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
    ]


def tiff_with_a_large_tile(compression: int = 5) -> bytes:
    """A picture of 16 x 16 in a tile of 2 GiB."""
    tags = [*gray(16, 16, compression), (322, 4, 1, 32752), (323, 4, 1, 65520)]
    start = behind(len(tags) + 2)
    return tiff([*tags, (324, 4, 1, start), (325, 4, 1, 16)], zlib.compress(b"")[:16].ljust(16, b"\0"))


def tiff_of_shared_strips() -> bytes:
    """One strip of 4 MiB, named 100,000 times."""
    count, side = 100_000, 2048
    tags = [*gray(side, side, 1), (278, 4, 1, side - 1)]
    start = behind(len(tags) + 2)
    pixels = start + 8 * count
    starts = struct.pack("<I", pixels) * count
    lengths = struct.pack("<I", side * side) * count
    tags += [(273, 4, count, start), (279, 4, count, start + 4 * count)]
    return tiff(tags, starts + lengths + bytes(side * side))


def tiff_of_many_fractions() -> bytes:
    """A resolution of two million numbers."""
    count = 2**21
    tags = [*gray(16, 16, 1), (278, 4, 1, 16)]
    start = behind(len(tags) + 4)
    fractions = (282, 5, count, start + 256), (283, 5, count, start + 256)
    tags += [(273, 4, 1, start), (279, 4, 1, 256), *fractions]
    return tiff(tags, bytes(256) + struct.pack("<II", 1, 3) * count)


def webp_of_size(width: int, height: int) -> bytes:
    """34 bytes that say they have this size."""
    bits = (width - 1) | (height - 1) << 14
    data = b"VP8L" + struct.pack("<IBI", 14, 0x2F, bits) + bytes(9)
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP" + data


def flat_webp(side: int) -> bytes:
    """A blank sheet, which takes no bits a pixel."""
    small = encoded(Image.new("L", (16, 16), 255), "WEBP", lossless=True)
    data = bytearray(small)
    struct.pack_into(
        "<I",
        data,
        21,
        (side - 1) | (side - 1) << 14 | int.from_bytes(small[21:25], "little") >> 28 << 28,
    )
    return bytes(data)


def webp_of_code_tables(groups: int = 2**16) -> bytes:
    """One pixel in 16 has code tables of its own (RFC 9649, 3.7.2): 5 KiB unpacked, 3 bytes packed."""
    bits: list[str] = []  # each from its lowest bit to its highest

    def put(value: int, count: int) -> None:
        bits.append(f"{value:0{count}b}"[::-1])

    def one_symbol() -> None:
        put(1, 1)  # a simple code
        put(0, 3)  # of one symbol, of one bit: 0

    def all_bytes(symbols: int) -> None:
        put(0, 1)
        put(15 - 4, 4)  # lengths of the codes for lengths, in the order 17 18 0 1 2 3 4 5 16 6 7 8 …
        for symbol in (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11):
            put(int(symbol in (0, 8)), 3)
        put(0, 1)
        for symbol in range(symbols):
            put(int(symbol < 256), 1)  # 8 bits, or none

    put(1023 | 1023 << 14, 32)
    put(0, 2)  # no transform, no color cache
    put(1, 1)
    put(0, 3)  # tables for blocks of 4 x 4
    put(0, 1)
    all_bytes(280)
    all_bytes(256)
    for _ in range(3):
        one_symbol()
    for number in range(2**16):
        group = number % groups
        bits += f"{group & 255:08b}", f"{group >> 8:08b}"  # codes: from the highest bit
    tables = "1000" * 5
    bits.append(tables * groups)
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    data = b"\x2f" + int(text[::-1], 2).to_bytes(len(text) // 8, "little") + bytes(8)
    data += bytes(len(data) % 2)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_of_runs(bits: int = 8) -> bytes:
    """2**26 pixels in the ends of empty lines, each a pixel at a time for Pillow."""
    palette = bytes(v for i in range(1 << bits) for v in (i, 255 - i, i, 0))
    start = 14 + 40 + len(palette)
    packed = b"\x01\x01\x00\x00" * 1024 + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, 65535, 1024, 1, bits, 1 if bits == 8 else 2, 0, 0, 0, 0, 0)
    return struct.pack("<2sIII", b"BM", start + len(packed), 0, start) + header + palette + packed


def jpeg_of_scans(count: int, side: int = SIDE) -> bytes:
    """A progressive JPEG file whose last scan comes again and again."""
    data = encoded(Image.new("L", (side, side), 255), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (count + 1 - data.count(b"\xff\xda")) + data[-2:]


def _with_segments(segments: bytes) -> bytes:
    data = encoded(Image.new("L", (16, 16), 255), "JPEG")
    return data[:2] + segments + data[2:]


def jpeg_of_comments() -> bytes:
    """Two million empty comments."""
    return _with_segments(b"\xff\xfe\0\2" * 2**21)


def jpeg_of_fill() -> bytes:
    """A marker after 2**24 bytes that fill up."""
    return _with_segments(b"\xff" * 2**24)


def jpeg_of_exif() -> bytes:
    """2,000 pieces of EXIF data, each added to a copy of those before."""
    content = b"Exif\0\0" + bytes(2**15)
    return _with_segments((b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content) * 2000)


def gif_of_blocks() -> bytes:
    """A comment of 2**23 blocks of one byte."""
    data = encoded(Image.new("L", (16, 16), 255), "GIF")
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    return data[:at] + b"!\xfe" + b"\1x" * 2**23 + b"\0" + data[at:]


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_of_profiles() -> bytes:
    """20,000 color profiles that unpack to 1 MiB each."""
    data = encoded(Image.new("L", (16, 16), 255), "PNG")
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(2**20), 9))
    return data[:33] + profile * 20_000 + data[33:]


def png_of_fractions() -> bytes:
    """EXIF data in which the orientation is a list of two million fractions."""
    count = 2**21
    exif = tiff([(0x0112, 5, count, behind(1))], struct.pack("<II", 1, 3) * count)
    data = encoded(Image.new("L", (16, 16), 255), "PNG")
    return data[:33] + chunk(b"eXIf", exif) + data[33:]


def large_png(color: int, bits: int, *, interlaced: bool = False) -> bytes:
    """2**26 black pixels: as much as is allowed."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    packer, row = zlib.compressobj(9), bytes(1 + SIDE * channels * bits // 8)
    # The passes of an interlaced picture have 15 rows for 8, and as many pixels.
    packed = b"".join([packer.compress(row) for _ in range(SIDE + 2)]) + packer.flush()
    header = struct.pack(">II5B", SIDE, SIDE, bits, color, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


HOSTILE: dict[str, Callable[[], bytes]] = {
    "TIFF, a tile of 2 GiB": tiff_with_a_large_tile,
    "TIFF, 100,000 strips in one place": tiff_of_shared_strips,
    "TIFF, resolutions of 2 million numbers": tiff_of_many_fractions,
    "WebP of 34 bytes, 64 Mpx": lambda: webp_of_size(SIDE, SIDE),
    "WebP of 34 bytes, 16 Mpx": lambda: webp_of_size(SIDE // 2, SIDE // 2),
    "WebP, a blank sheet of 64 Mpx": lambda: flat_webp(SIDE),
    "WebP, a blank sheet of 16 Mpx": lambda: flat_webp(SIDE // 2),
    "WebP, 65,536 code tables": webp_of_code_tables,
    "BMP, run lengths of 8 bits, 64 Mpx": bmp_of_runs,
    "BMP, run lengths of 4 bits, 64 Mpx": lambda: bmp_of_runs(4),
    "JPEG, 256 scans of 64 Mpx": lambda: jpeg_of_scans(256),
    "JPEG, 16 scans of 64 Mpx": lambda: jpeg_of_scans(16),
    "JPEG, 256 scans of 4 Mpx": lambda: jpeg_of_scans(256, SIDE // 4),
    "JPEG, 2 million comments": jpeg_of_comments,
    "JPEG, 16 MiB of fill": jpeg_of_fill,
    "JPEG, EXIF in 2,000 pieces": jpeg_of_exif,
    "GIF, a comment of 8 million blocks": gif_of_blocks,
    "PNG, 20,000 color profiles": png_of_profiles,
    "PNG, an orientation of 2 million fractions": png_of_fractions,
    "PNG, 64 Mpx, RGB and alpha": lambda: large_png(6, 8),
    "PNG, 64 Mpx, RGB and alpha of 16 bits": lambda: large_png(6, 16),
    "PNG, 64 Mpx, RGB of 16 bits, interlaced": lambda: large_png(2, 16, interlaced=True),
    "PNG, 64 Mpx, gray of 16 bits": lambda: large_png(0, 16),
}
"""Name to a maker. The last ones are good pictures, as large as is allowed."""
