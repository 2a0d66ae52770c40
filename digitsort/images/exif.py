"""Read the orientation, and nothing else, from EXIF or XMP data.

Pillow reads all tags, and a small block of tags can make it use gigabytes.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from digitsort.images.unreadable import BROKEN, UnreadableError

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

_HEAD = b"Exif\0\0"

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
    while exif.startswith(_HEAD):
        exif = exif[len(_HEAD) :]
    try:
        directory = first_directory(exif)
        if ORIENTATION in directory.entries:
            return directory.number(ORIENTATION, UPRIGHT)
    except UnreadableError:  # the pixels are still good
        pass
    found = _XMP_ORIENTATION.search(xmp)
    return int(found[1]) if found else UPRIGHT
