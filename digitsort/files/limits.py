"""How large a picture file may be."""

from __future__ import annotations

from dataclasses import dataclass

from digitsort.files.unreadable import UnreadableError

MOST_PIXELS = 2**26
"""A4 at 800 dpi, or the picture of a 64-megapixel phone. With transparency or 32 bits a pixel it takes
0.8 GiB while it is decoded, in color 0.4, as JPEG next to nothing."""

MOST_SIDE_PX = 65_535
"""The most that JPEG can have; at 1200 dpi a sheet of 1.4 m. A longer side is a crafted header."""

MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before it is decoded.

    Attributes
    ----------
    pixels : int
        Width times height, as the file's header says; `--max-pixels`.
    side_px : int
        The longer side; `--max-side`.
    file_bytes : int
        Of the file; `--max-bytes`.
    """

    pixels: int = MOST_PIXELS
    side_px: int = MOST_SIDE_PX
    file_bytes: int = MOST_BYTES

    def check_size(self, width: int, height: int) -> None:
        """Raise UnreadableError, naming the limit and its option, for too large a picture."""
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
