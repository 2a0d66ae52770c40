"""Say what an image file may be: its name, its format, its size, and its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from digitsort.images.unreadable import UnreadableError

PICTURE_SUFFIXES = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .jif .tif .tiff .bmp .dib .gif .webp".split()
    + ".avif .jp2 .j2k .j2c .jpx .jpf".split()
)

HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""Extensions of phone pictures that need the extra `heic`."""

MOST_PIXELS = 2**26
"""Largest number of pixels: A4 at 800 dpi, or a photo from a 64-megapixel phone."""

MOST_SIDE_PX = 65_535
"""Longest side: the limit of JPEG, and 1.4 m at 1200 dpi. A longer side means a crafted header."""

MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that are checked before an image is decoded.

    Attributes
    ----------
    pixels : int
        Width times height, as the file's header says; `--max-pixels`.
    side_px : int
        The longer side; `--max-side`.
    file_bytes : int
        Size of the file; `--max-bytes`.
    """

    pixels: int = MOST_PIXELS
    side_px: int = MOST_SIDE_PX
    file_bytes: int = MOST_BYTES

    def check_size(self, width: int, height: int) -> None:
        """Raise UnreadableError, with the limit and its option, if the image is too large."""
        if max(width, height) > self.side_px:
            raise UnreadableError(f"over {self.side_px} px on a side: raise --max-side")
        if width * height > self.pixels:
            raise UnreadableError(self.too_many_pixels)

    @property
    def too_many_pixels(self) -> str:
        """The reason of a row that breaks the limit."""
        return f"over {self.pixels} pixels: raise --max-pixels"

    @property
    def too_many_bytes(self) -> str:
        """The reason of a row that breaks the limit."""
        return f"over {self.file_bytes} bytes: raise --max-bytes"


DEFAULT_LIMITS = Limits()


FIRST_OF_SEVERAL = "first of several pages"
"""Note of a picture whose file has more than one."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Data for the decoder, and facts that were read without it.

    Attributes
    ----------
    data : bytes
        The file, or only the parts that its pixels need.
    orientation : int
        EXIF orientation, 1-8; 1 is upright.
    several : bool
        Whether the file has more pages or frames.
    """

    data: bytes
    orientation: int = 1
    several: bool = False


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


def has_picture_suffix(name: str) -> bool:
    """Return whether a visible file is a picture by its name."""
    _, dot, suffix = name.rpartition(".")
    suffix = dot + suffix.lower()
    return suffix in PICTURE_SUFFIXES or (suffix in HEIC_SUFFIXES and reads_heic())


@cache
def reads_heic() -> bool:
    """Return whether the extra `heic` is installed."""
    return find_spec("pillow_heif") is not None
