"""Detect a picture's format from the first bytes of its file."""

from __future__ import annotations

MAGIC_BYTES = 32
"""Number of bytes that is enough to detect every format."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"RIFF", "WEBP"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIF"),
    **dict.fromkeys((b"mif1", b"msf1"), "HEIF"),
}
"""Format for each brand at the start of an ISO media file (ISO/IEC 14496-12)."""

_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
"""Valid header sizes of a BMP. They are checked because a text may also begin with ``BM``."""


def format_of(data: bytes) -> str:
    """Return the format detected from a file's first bytes; empty if it is not supported."""
    for start, name in _STARTS:
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    return ""


def _of_brands(data: bytes) -> str:
    """Return the format by the main brand, or by the compatible brands if the main one is generic."""
    size = min(int.from_bytes(data[:4]), len(data))
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size, 4))]
    if brands[0] in (b"mif1", b"msf1") and not {b"avif", b"avis"}.isdisjoint(brands):
        return "AVIF"
    return _BRANDS.get(brands[0], "")


def begins_as_picture(data: bytes) -> bool:
    """Return whether a file with any name looks like a picture; stricter than `format_of`."""
    found = format_of(data)
    if found == "BMP":
        return int.from_bytes(data[14:18], "little") in _BMP_HEADERS
    return bool(found) and (found != "WEBP" or data[8:12] == b"WEBP")
