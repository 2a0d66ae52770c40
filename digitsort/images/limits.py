"""Define what an image file may be, the memory that decoding it may take, and why one can't be read.

The reasons are part of the public interface: docs/reference.md lists them. The reader of a `labels.csv`
accepts any text, so tables from older versions stay readable.

The sizes in a file's header are checked before it is decoded. The limit on memory is for everything
that the header does not tell: a decoder fails instead of using more than an image can need. It applies
to the whole process, so only workers and the command line set it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

BROKEN = "broken image"
BROKEN_LINK = "broken link"
CRASHED = "crashed the decoder"
DENIED = "permission denied"
EMPTY = "empty file"
MISSING = "file not found"
NO_MEMORY = "not enough memory"
NOT_AN_IMAGE = "not a supported image"
NOT_REGULAR = "not a regular file"
READ_ERROR = "read error"
TIMED_OUT = "timed out"
UNUSUAL_JPEG = "unsupported kind of JPEG"


class UnreadableError(Exception):
    """Raised for a file that can't be read; the message is one of a few fixed phrases.

    Attributes
    ----------
    sha256 : str
        SHA-256 of the bytes, in hex; empty if they could not be read.
    """

    def __init__(self, reason: str, sha256: str = "") -> None:
        super().__init__(reason)
        self.sha256 = sha256


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

MOST_PASSES = 32
"""Scans of JPEG data with as many pixels as the limit allows; fewer pixels may have more scans."""


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

    def check_scans(self, scans: int, pixels: int) -> None:
        """Raise UnreadableError if JPEG data has too many scans: each is a pass over all pixels."""
        if scans * pixels > MOST_PASSES * self.pixels:
            raise UnreadableError("too many scans for so large a JPEG")

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


BEYOND_BYTES = 300 * 2**20
"""Memory in bytes that a decoder may use in addition to the pixels and one copy of the file."""

PIXEL_BYTES = 4
"""Bytes per pixel in Pillow, also for RGB."""

_MEMORY_STATUS = Path("/proc/self/statm")
_DATA_PAGES = 5
"""Index of the number of data and stack pages, which RLIMIT_DATA counts (proc(5))."""

_limiting = threading.Lock()
_limits_memory = False


def limit_decoders() -> None:
    """Turn on the limit for every image that this process decodes from now on; only on Linux."""
    global _limits_memory
    _limits_memory = sys.platform == "linux" and _MEMORY_STATUS.exists()


@contextmanager
def ceiling(file_bytes: int) -> Iterator[Callable[[int], None]]:
    """Limit the memory in the block; beyond it, MemoryError is raised or the decoder fails.

    Yield a function to call with the number of pixels when it is known, which raises the limit for
    them.

    Parameters
    ----------
    file_bytes : int
        Size of the file, which is already in memory.
    """
    # Another thread's limit counts for all.
    if not _limits_memory or not _limiting.acquire(blocking=False):
        yield lambda _: None
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    present = int(_MEMORY_STATUS.read_bytes().split()[_DATA_PAGES]) * os.sysconf("SC_PAGE_SIZE")
    lowest = min((limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY), default=None)

    def allow(pixels: int) -> None:
        limit = present + BEYOND_BYTES + file_bytes + PIXEL_BYTES * pixels
        resource.setrlimit(
            resource.RLIMIT_DATA, (limit if lowest is None else min(limit, lowest), hard)
        )

    try:
        allow(0)
        yield allow
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        _limiting.release()
