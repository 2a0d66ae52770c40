"""Read the directory of a TIFF file, which EXIF data also is; check a TIFF file before it is decoded.

The decoder (libtiff) reserves memory for a whole strip or tile before it reads the data, and Pillow
reads all tags, of which a small block can make it use gigabytes. So the sizes are limited here, and
only the tags that the pixels need are kept. Of EXIF and XMP data, only the orientation is read.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from digitsort.images.limits import BROKEN, Encoded, Limits, UnreadableError

BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
"""Byte order by the first four bytes of the file. BigTIFF is not supported."""

VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes per value, by the type of an entry."""

_NUMBERS = {1: "B", 3: "H", 4: "I"}
"""Types of unsigned integers: BYTE, SHORT and LONG."""

_ENTRY = 12
"""Size of an entry in bytes: tag, type, count, and the values or their offset."""


@dataclass(frozen=True, slots=True)
class ExifEntry:
    """One entry of a directory.

    Attributes
    ----------
    kind : int
        Type of the values.
    count : int
        Number of values, as the file says.
    packed : bytes
        All 12 bytes, as they are in the file.
    """

    kind: int
    count: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Directory:
    """The first directory of a TIFF file.

    Attributes
    ----------
    data : bytes
        The whole file.
    order : str
        Byte order, as `struct` writes it.
    start : int
        Where the directory begins.
    entries : dict
        Tag to entry; the first one, where a tag comes twice.
    following : bytes
        Four bytes that say where the next directory is.
    """

    data: bytes
    order: str
    start: int
    entries: dict[int, ExifEntry]
    following: bytes

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the unsigned integers of an entry; none if there is no such entry, or it has others.

        Raises
        ------
        UnreadableError
            If the values lie outside of the file.
        """
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _NUMBERS:
            return ()
        size = entry.count * VALUE_BYTES[entry.kind]
        (start,) = struct.unpack(self.order + "I", entry.packed[8:])
        values = entry.packed[8 : 8 + size] if size <= 4 else self.data[start : start + size]
        if len(values) != size:
            raise UnreadableError(BROKEN)
        return struct.unpack(f"{self.order}{entry.count}{_NUMBERS[entry.kind]}", values)

    def number(self, tag: int, default: int) -> int:
        """Return the first number of an entry."""
        entry = self.entries.get(tag)
        if entry is None:
            return default
        if entry.kind not in _NUMBERS or not 0 < entry.count <= 2**10:
            raise UnreadableError(BROKEN)
        return self.numbers(tag)[0]


def first_directory(data: bytes) -> Directory:
    """Return the first directory of a TIFF file.

    Raises
    ------
    UnreadableError
        If it is not a TIFF file, or the directory is cut off.
    """
    order = BYTE_ORDERS.get(data[:4])
    if order is None or len(data) < 8:
        raise UnreadableError(BROKEN)
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        raise UnreadableError(BROKEN)
    (count,) = struct.unpack_from(order + "H", data, start)
    end = start + 2 + count * _ENTRY
    if not count or end > len(data):
        raise UnreadableError(BROKEN)
    entries: dict[int, ExifEntry] = {}
    for at in range(start + 2, end, _ENTRY):
        tag, kind, values = struct.unpack_from(order + "HHI", data, at)
        entries.setdefault(tag, ExifEntry(kind, values, data[at : at + _ENTRY]))
    return Directory(data, order, start, entries, data[end : end + 4].ljust(4, b"\0"))


ORIENTATION = 0x0112
UPRIGHT = 1

_EXIF_HEAD = b"Exif\0\0"

_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=\"|>)([0-9])")


def orientation(exif: bytes, xmp: bytes = b"") -> int:
    """Return the EXIF orientation, 1-8; 1 if there is none or the data is broken.

    Parameters
    ----------
    exif : bytes
        A TIFF file, with or without ``Exif`` before it; or empty.
    xmp : bytes
        Used if EXIF has no orientation.
    """
    while exif.startswith(_EXIF_HEAD):
        exif = exif[len(_EXIF_HEAD) :]
    try:
        directory = first_directory(exif)
        if ORIENTATION in directory.entries:
            return directory.number(ORIENTATION, UPRIGHT)
    except UnreadableError:  # the pixels are still good
        pass
    found = _XMP_ORIENTATION.search(xmp)
    return int(found[1]) if found else UPRIGHT


MOST_PARTS = 2**17
"""Largest number of strips or tiles: twice the longest side in pixels."""

MOST_TILE_BYTES = 2**25
"""Largest decompressed tile: 2,896 x 2,896 pixels in color. Usual tiles have 256 x 256."""

MOST_STRIP_BYTES = 2**28
"""Largest decompressed strip. Many programs write an image as a single strip."""

MOST_SAMPLES, MOST_BITS = 6, 64

MOST_VALUES = 2**18
"""Largest number of values of a tag, except offsets and lengths. A 16-bit palette has 3 * 2**16."""

NONE, JPEG = 1, 7

COMPRESSIONS = frozenset({NONE, 2, 3, 4, 5, JPEG, 8, 32773, 32946, 50000})
"""Supported: none, fax (2-4), LZW, JPEG, Deflate (8, 32946), PackBits, Zstandard. Scanners do not write
others; LZMA uses as much memory as the file demands."""

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, PLANES = 256, 257, 258, 259, 277, 284
STRIP_STARTS, STRIP_ROWS, STRIP_LENGTHS = 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_STARTS, TILE_LENGTHS = 322, 323, 324, 325
XMP = 700

_PLACES = frozenset({STRIP_STARTS, STRIP_LENGTHS, TILE_STARTS, TILE_LENGTHS})

_NEEDED = _PLACES | {
    *(WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, PLANES, STRIP_ROWS, TILE_WIDTH, TILE_HEIGHT),
    *(262, 266),  # what the values mean; order of bits
    *(292, 293, 317, 347),  # options of fax, predictor, tables of JPEG
    *(320, 332, 338, 339),  # palette, inks, extra samples, format of samples
    *(529, 530, 531, 532),  # YCbCr: coefficients, subsampling, position, black and white
}


@dataclass(frozen=True, slots=True)
class _Parts:
    """Size and number of the strips or tiles."""

    width: int
    height: int
    across: int
    down: int
    row_bytes: int
    planes: int

    @property
    def count(self) -> int:
        return self.across * self.down * self.planes

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def nbytes(self) -> int:
        return self.row_bytes * self.height


def prepare_tiff(data: bytes, limits: Limits) -> Encoded:
    """Return the file without the tags that its pixels do not need.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit, or the parts of the image do not fit together.
    """
    directory = first_directory(data)
    width, height = directory.number(WIDTH, 0), directory.number(HEIGHT, 0)
    if not width or not height:
        raise UnreadableError(BROKEN)
    limits.check_size(width, height)
    compression = directory.number(COMPRESSION, NONE)
    if compression not in COMPRESSIONS:
        raise UnreadableError(f"TIFF compression {compression} is not supported")
    _check_parts(directory, _parts(directory, width, height), compression, limits)
    (start,) = struct.unpack(directory.order + "I", directory.following)
    return Encoded(
        _without_other_tags(directory),
        orientation=_orientation(directory),
        several=start not in (0, directory.start),
    )


def _parts(directory: Directory, width: int, height: int) -> _Parts:
    is_tiled = TILE_STARTS in directory.entries
    if is_tiled == (STRIP_STARTS in directory.entries):
        raise UnreadableError(BROKEN)
    if is_tiled:
        part = directory.number(TILE_WIDTH, 0), directory.number(TILE_HEIGHT, 0)
    elif TILE_WIDTH in directory.entries or TILE_HEIGHT in directory.entries:
        raise UnreadableError(BROKEN)
    else:
        part = width, min(directory.number(STRIP_ROWS, height), height)
    samples, bits = directory.number(SAMPLES, 1), directory.number(BITS, 1)
    if not (min(part) and 0 < samples <= MOST_SAMPLES and 0 < bits <= MOST_BITS):
        raise UnreadableError(BROKEN)
    planes = samples if directory.number(PLANES, 1) == 2 else 1
    row_bytes = -(-part[0] * bits * samples // 8)  # of all planes: a decoder may join them
    return _Parts(*part, -(-width // part[0]), -(-height // part[1]), row_bytes, planes)


def _check_parts(directory: Directory, parts: _Parts, compression: int, limits: Limits) -> None:
    is_tiled = TILE_STARTS in directory.entries
    if parts.nbytes > (MOST_TILE_BYTES if is_tiled else MOST_STRIP_BYTES):
        raise UnreadableError(f"TIFF with a {'tile' if is_tiled else 'strip'} that is too large")
    if parts.count > MOST_PARTS or parts.pixels * parts.across * parts.down > 2 * limits.pixels + 2**22:
        raise UnreadableError(f"TIFF with too many {'tiles' if is_tiled else 'strips'}")
    starts, lengths = (TILE_STARTS, TILE_LENGTHS) if is_tiled else (STRIP_STARTS, STRIP_LENGTHS)
    for tag in (starts, lengths):
        if tag in directory.entries and directory.entries[tag].count > parts.count:
            raise UnreadableError(BROKEN)  # Pillow would decode one part over and over
    if compression == NONE:
        return
    if sum(directory.numbers(lengths)) > 2 * len(directory.data):
        raise UnreadableError(BROKEN)  # parts that share their data, each to be unpacked
    if compression == JPEG:
        limits.check_scans(directory.data.count(b"\xff\xda"), parts.pixels)


def _without_other_tags(directory: Directory) -> bytes:
    """Return the file with a shorter directory in the same place; nothing else moves."""
    kept = []
    for tag, entry in directory.entries.items():
        if tag not in _NEEDED:
            continue
        if (tag not in _PLACES and entry.count > MOST_VALUES) or entry.kind not in VALUE_BYTES:
            raise UnreadableError(BROKEN)
        kept.append(entry.packed)
    data, start = directory.data, directory.start
    packed = struct.pack(directory.order + "H", len(kept)) + b"".join(kept) + bytes(4)
    return data[:start] + packed + data[start + len(packed) :]


def _orientation(directory: Directory) -> int:
    """Return the orientation from the tag, or else from XMP data."""
    if ORIENTATION in directory.entries:
        return orientation(directory.data)
    entry = directory.entries.get(XMP)
    if entry is None or entry.kind not in (1, 7):
        return 1
    (start,) = struct.unpack(directory.order + "I", entry.packed[8:])
    return orientation(b"", directory.data[start : start + entry.count])
