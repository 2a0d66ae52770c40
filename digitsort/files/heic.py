"""Open a HEIC file, the format of many phones, with the extra `heic` (pillow-heif)."""

from __future__ import annotations

from PIL import Image

from digitsort.files.iso_media import check_iso_media, check_pixels
from digitsort.files.limits import Limits
from digitsort.files.unreadable import UnreadableError

MOST_PIXELS = 2**25
"""Pixel limit. Phones write 12 or 24 million. The decoder needs 8 bytes per pixel: 256 MiB in total."""

SHARE = 2
"""Divisor of --max-pixels: if it is raised, half of it is the limit for HEIC."""

NAME = "a HEIC"

NOT_INSTALLED = "HEIC needs pip install pillow-heif"


def open_heic(data: bytes, limits: Limits) -> tuple[Image.Image, int, bool]:
    """Decode the main picture; the decoder turns it upright.

    Returns
    -------
    image : Image
    orientation : int
        Always 1, because the decoder already turned the picture upright.
    several : bool
        Whether there are more pictures than this one.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit, or the extra is not installed.
    """
    most = max(MOST_PIXELS, limits.pixels // SHARE)
    check_iso_media(data, limits, most, NAME)
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableError(NOT_INSTALLED) from error
    # Options are global in pillow-heif. One thread is enough: the workers already use all CPUs.
    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.options.AUX_IMAGES = False
    found = pillow_heif.open_heif(data)
    picture = found[found.primary_index]
    check_pixels(*picture.size, limits, most, NAME)
    image = picture.to_pillow()
    image.info.clear()
    return image, 1, len(found) > 1
