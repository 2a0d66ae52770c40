"""Open an AVIF file with Pillow's decoder, without the EXIF data that Pillow's plugin unpacks."""

from __future__ import annotations

from PIL import Image

from digitsort.files.iso_media import check_iso_media, check_pixels
from digitsort.files.limits import Limits

MOST_PIXELS = 2**24
"""Pixel limit, 4,096 x 4,096. The decoder needs up to 16 bytes per pixel: 256 MiB in total."""

SHARE = 4
"""Divisor of --max-pixels: if it is raised, a quarter of it is the limit for AVIF."""

NAME = "an AVIF"

THREADS = 1
"""Number of decoder threads: the workers already use all CPUs."""


def open_avif(data: bytes, limits: Limits) -> tuple[Image.Image, int, bool]:
    """Decode the first picture.

    Returns
    -------
    image : Image
    orientation : int
        EXIF orientation, 1-8.
    several : bool
        Whether there are more pictures than this one.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit.
    """
    most = max(MOST_PIXELS, limits.pixels // SHARE)
    check_iso_media(data, limits, most, NAME)
    from PIL import _avif

    decoder = _avif.AvifDecoder(data, "auto", THREADS)
    size, frames, mode, _, _, orientation, _ = decoder.get_info()
    check_pixels(size[0], size[1], limits, most, NAME)  # a film says its size elsewhere
    pixels, *_ = decoder.get_frame(0)
    return Image.frombytes(mode, size, pixels), orientation, frames > 1
