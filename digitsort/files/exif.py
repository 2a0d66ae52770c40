"""Read the orientation, and nothing else, from EXIF or XMP data.

Pillow reads all tags, and a small block of tags can make it use gigabytes.
"""

from __future__ import annotations

import re

from digitsort.files.ifd import first_directory
from digitsort.files.unreadable import UnreadableError

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
