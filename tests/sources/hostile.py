"""Hostile archives: every field of every header changed, bombs, names that climb out, cut streams."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from tests.sources.making import padded, tar_bytes, tar_header, with_checksum

LOCAL = {
    "signature": 4,
    "needs": 2,
    "flags": 2,
    "method": 2,
    "clock": 2,
    "date": 2,
    "crc": 4,
    "stored": 4,
    "size": 4,
    "name": 2,
    "extra": 2,
}
CENTRAL = {
    "signature": 4,
    "made": 2,
    "needs": 2,
    "flags": 2,
    "method": 2,
    "clock": 2,
    "date": 2,
    "crc": 4,
    "stored": 4,
    "size": 4,
    "name": 2,
    "extra": 2,
    "comment": 2,
    "disk": 2,
    "internal": 2,
    "attributes": 4,
    "offset": 4,
}
END = {
    "signature": 4,
    "disk": 2,
    "its_disk": 2,
    "here": 2,
    "count": 2,
    "length": 4,
    "offset": 4,
    "comment": 2,
}
EXTRA_64 = {"kind": 2, "length": 2, "size": 8, "stored": 8, "offset": 8}
END_64 = {
    "signature": 4,
    "record": 8,
    "made": 2,
    "needs": 2,
    "disk": 4,
    "its_disk": 4,
    "here": 8,
    "count": 8,
    "length": 8,
    "offset": 8,
}
LOCATOR = {"signature": 4, "disk": 4, "offset": 8, "disks": 4}
DESCRIPTOR = {"signature": 4, "crc": 4, "stored": 4, "size": 4}
TAR = {
    "name": 100,
    "mode": 8,
    "uid": 8,
    "gid": 8,
    "size": 12,
    "mtime": 12,
    "checksum": 8,
    "kind": 1,
    "link": 100,
    "magic": 6,
    "version": 2,
    "user": 32,
    "group": 32,
    "major": 8,
    "minor": 8,
    "prefix": 155,
}

CLIMBING = (
    "../up.png",
    "../../up.png",
    "a/../../up.png",
    "/up.png",
    "//up.png",
    "./../up.png",
    "..",
    "\\..\\up.png",
    "C:/up.png",
    "a\0.png",
)


def good_zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def hostile_archives(picture: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of over 600 archives."""
    yield from _changed_zips(picture)
    yield from _changed_large_zips(picture)
    yield from _changed_tars(picture)
    yield from _pax(picture)
    yield from _names(picture)
    yield from _bombs(picture)
    yield from _cut(picture)


def _values(width: int) -> Iterator[bytes]:
    full = 2 ** (8 * width) - 1
    for value in (0, 1, full, full - 1, full // 2, 2 ** (8 * width - 1)):
        yield value.to_bytes(width, "little")


def _changed_zips(picture: bytes) -> Iterator[tuple[str, bytes]]:
    data = good_zip({"1.png": picture, "2.png": picture})
    headers = (
        ("local", 0, LOCAL),
        ("central", data.index(b"PK\1\2"), CENTRAL),
        ("end", data.index(b"PK\5\6"), END),
    )
    for header, begin, fields in headers:
        yield from _changed(f"zip_{header}", data, begin, fields)


def _changed(name: str, data: bytes, begin: int, fields: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """A zip with each field of one of its headers changed to each of a few values."""
    at = begin
    for field, width in fields.items():
        for number, value in enumerate(_values(width)):
            yield f"{name}_{field}_{number}.zip", data[:at] + value + data[at + width :]
        at += width


def _changed_large_zips(picture: bytes) -> Iterator[tuple[str, bytes]]:
    """The headers that only large archives have, and those that programs write that cannot seek."""
    data = large_zip(picture)
    at = data.index(b"PK\1\2") + sum(CENTRAL.values()) + len("1.png")
    yield from _changed("zip64_extra", data, at, EXTRA_64)
    yield from _changed("zip64_end", data, data.index(b"PK\6\6"), END_64)
    yield from _changed("zip64_locator", data, data.index(b"PK\6\7"), LOCATOR)
    streamed = streamed_zip(picture)
    yield from _changed("zip_descriptor", streamed, streamed.index(b"PK\7\x08"), DESCRIPTOR)


def large_zip(picture: bytes) -> bytes:
    """A zip of one member whose sizes and places are all in the fields of 64 bits."""
    name, crc, full = b"1.png", zlib.crc32(picture), 0xFFFFFFFF
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 33, crc, len(picture), len(picture), 5, 0)
    begin = len(local) + len(name) + len(picture)
    extra = struct.pack("<2H3Q", 1, 24, len(picture), len(picture), 0)
    fields = (45, 45, 0, 0, 0, 33, crc, full, full, len(name), len(extra), 0, 0, 0, 0, full)
    directory = struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields) + name + extra
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(directory), begin)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, begin + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, full, full, 0)
    return local + name + picture + directory + end64 + locator + end


def streamed_zip(picture: bytes) -> bytes:
    """A zip whose sizes follow the content, as those of programs that write to a pipe."""

    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise OSError("a pipe")

    file = Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", picture)
    return file.getvalue()


def _changed_tars(picture: bytes) -> Iterator[tuple[str, bytes]]:
    data = tar_bytes({"1.png": picture, "2.png": picture}, tarfile.USTAR_FORMAT)
    at = 0
    for field, width in TAR.items():
        values = [
            bytes(width),
            b"\xff" * width,
            b"7" * width,
            b"\x80" + b"\xff" * (width - 1),
            b" " * width,
            b"-1".ljust(width, b"\0")[:width],
        ]
        for number, value in enumerate(values):
            header = data[:at] + value + data[at + width : 512]
            fitting = header if field == "checksum" else with_checksum(header)
            yield f"tar_{field}_{number}.tar", fitting + data[512:]
        at += width
    for kind in b"0123456789ABDKLMNSVXgxz\0":
        header = with_checksum(data[:156] + bytes([kind]) + data[157:512])
        yield f"tar_type_{kind}.tar", header + data[512:]


def _pax(picture: bytes) -> Iterator[tuple[str, bytes]]:
    body = tar_header(b"1.png", len(picture)) + padded(picture) + bytes(1024)
    records = (
        b"",
        b"1",
        b"5 a=b\n",
        b"6 a=b\n",
        b"99999 a=b\n",
        b"-1 a=b\n",
        b"0 a=b\n",
        b"x a=b\n",
        b"5 a b\n",
        b"19 path=../../up.png\n"[:21],
        b"20 path=../../up.png\n",
        b"14 path=/a.png\n",
        b"12 size=-10\n",
        b"13 size=9999\n",
        b"25 size=9999999999999999\n",
        b"22 GNU.sparse.major=1\n",
        b"25 GNU.sparse.map=0,1,9,9\n",
        b"30 GNU.sparse.realsize=99999999\n",
        b"14 size=\xd9\xa3\xd9\xa3\n",
        b"11 path=\0\0\n",
        b"27 hdrcharset=BINARY\0\0\0\0\0\n",
    )
    for number, record in enumerate(records):
        for kind in (b"x", b"g"):
            yield (
                f"pax_{number}_{kind.decode()}.tar",
                tar_header(b"p", len(record), kind) + padded(record) + body,
            )
    for number, size in enumerate((0, 1, 4096, 2**16, 2**21, 8**11 - 1, 2**40, 2**62)):
        for kind in (b"L", b"K", b"x", b"g", b"S"):
            yield (
                f"long_{number}_{kind.decode()}.tar",
                tar_header(b"p", size, kind) + padded(b"a" * min(size, 2**16)) + body,
            )
    chain = b"".join(tar_header(b"p", 6, b"L") + padded(b"a.png\0") for _ in range(3000))
    yield "chain.tar", chain + body
    sparse = bytearray(tar_header(b"1.png", 512, b"S"))
    sparse[482] = 1
    yield "sparse_endless.tar", with_checksum(bytes(sparse)) + (b"\1" * 512) * 3000
    yield "sparse_open.tar", with_checksum(bytes(sparse))


def _names(picture: bytes) -> Iterator[tuple[str, bytes]]:
    for number, name in enumerate(CLIMBING):
        yield (
            f"name_{number}.tar",
            tar_header(name.encode(), len(picture)) + padded(picture) + bytes(1024),
        )
        data = good_zip({"x" * len(name): picture}).replace(b"x" * len(name), name.encode())
        yield f"name_{number}.zip", data
    links = (
        tar_header(b"a.png", 0, b"2", link=b"b.png"),
        tar_header(b"b.png", 0, b"2", link=b"a.png"),
        tar_header(b"c.png", 0, b"1", link=b"c.png"),
        tar_header(b"d", 0, b"2", link=b"/tmp"),
        tar_header(b"d/e.png", len(picture)),
        padded(picture),
        *(tar_header(b"f%d.png" % n, 0, b"%d" % n) for n in (3, 4, 6)),
        bytes(1024),
    )
    yield "links.tar", b"".join(links)
    info = zipfile.ZipInfo("link.png")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    yield "link.zip", file.getvalue()
    yield "nested.zip", good_zip({"a.zip": good_zip({"1.png": picture}), "2.png": picture})
    yield "twice.tar", tar_bytes({"1.png": picture})[:-9216] + tar_bytes({"./1.png": picture})


def overlapping(entries: int, size: int) -> bytes:
    """A zip whose entries are all the same bytes of its file: 1,000:1 each."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = squeezer.compress(bytes(size)) + squeezer.flush()
    crc, name = zlib.crc32(bytes(size)), b"000000.png"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(kernel), size, len(name), 0)
    begin = len(local) + len(name) + len(kernel)
    fields = (20, 20, 0, 8, 0, 33, crc, len(kernel), size, len(name), 0, 0, 0, 0, 0, 0)
    head = struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields)
    directory = b"".join(head + b"%06d.png" % number for number in range(entries))
    count = min(entries, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), begin, 0)
    if entries > 0xFFFF:
        at = begin + len(directory)
        end64 = struct.pack(
            "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, len(directory), begin
        )
        end = end64 + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1) + end
    return local + name + kernel + directory + end


def png_bomb() -> bytes:
    """A PNG of a gigapixel of 16 bits, all zeros: packed twice, it is 380,000 times smaller."""
    side = 2**15
    count = side * (2 * side + 1)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = {
        size: squeezer.compress(bytes(size)) + squeezer.flush(zlib.Z_FULL_FLUSH)
        for size in (2**20, count % 2**20)
    }
    checksum = struct.pack(">L", count % 65521 << 16 | 1)  # Adler-32 of zeros
    packed = zeros[2**20] * (count // 2**20) + zeros[count % 2**20] + squeezer.flush() + checksum
    pixels = b"\x78\xda" + packed
    chunks = (
        (b"IHDR", struct.pack(">2L5B", side, side, 16, 0, 0, 0, 0)),
        (b"IDAT", pixels),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _bombs(picture: bytes) -> Iterator[tuple[str, bytes]]:
    yield "bomb_overlap.zip", overlapping(1000, 15 * 2**20)
    yield "bomb_million_to_one.zip", overlapping(10_000, 200 * 2**20)
    yield "bomb_member.zip", overlapping(1, 200 * 2**20)
    yield "bomb_in_bomb.zip", good_zip({"1.png": png_bomb(), "2.png": picture})
    lying = bytearray(good_zip({"1.png": bytes(2**20)}))
    begin = lying.index(b"PK\1\2") + 24
    lying[begin : begin + 4] = b"\5\0\0\0"
    yield "bomb_lying.zip", bytes(lying)
    with_size = tar_header(b"1.png", 2**31) + bytes(2**20)
    yield "bomb_cut.tar", with_size
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(2**22)
    parts = [squeezer.compress(tar_header(b"1.png", 2**31))] + [
        squeezer.compress(zeros) for _ in range(300)
    ]
    yield "bomb.tar.gz", b"".join(parts) + squeezer.flush()
    empty = tar_header(b"a.txt", 0) * 20000
    yield (
        "headers.tgz",
        gzip.compress(empty + tar_header(b"1.png", len(picture)) + padded(picture) + bytes(1024)),
    )


def _cut(picture: bytes) -> Iterator[tuple[str, bytes]]:
    members = {"1.png": picture, "2.png": picture}
    for name, data in (
        ("c.zip", good_zip(members)),
        ("c.tar", tar_bytes(members)),
        ("c.tgz", gzip.compress(tar_bytes(members), mtime=0)),
    ):
        for part in range(20):
            yield f"cut_{part}_{name}", data[: len(data) * part // 20]
