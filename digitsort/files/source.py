"""Hold an image file that was checked and is ready for a decoder."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_OF_SEVERAL = "first of several pages"
"""Note of a picture whose file has more than one."""


@dataclass(frozen=True, slots=True)
class Source:
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
