"""Limits on the size of image files."""

from __future__ import annotations

from dataclasses import dataclass

from digitsort.files.unreadable import UnreadableError

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
