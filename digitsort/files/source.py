"""A picture file that was checked, and is ready for a decoder."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_OF_SEVERAL = "first of several pages"
"""Note of a picture whose file has more than one."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is decoded, and what the decoder is not asked for.

    Attributes
    ----------
    data : bytes
        The file, or what its pixels need of it.
    orientation : int
        By EXIF, 1-8; 1 is upright.
    several : bool
        Whether there are more pages or frames than this one.
    """

    data: bytes
    orientation: int = 1
    several: bool = False
