"""Open an AVIF file with Pillow's decoder, without the EXIF data that Pillow's plugin unpacks."""

from __future__ import annotations

from PIL import Image

from digitsort.files.iso_media import check_iso_media, check_pixels
from digitsort.files.limits import Limits

MOST_PIXELS = 2**24
"""4,096 x 4,096. The decoder takes up to 16 bytes for each pixel, 256 MiB in all."""

SHARE = 4
"""Where more pixels are allowed: a fourth of them."""

NAME = "an AVIF"

THREADS = 1
"""Of the decoder: workers are processes already."""


def open_avif(data: bytes, limits: Limits) -> tuple[Image.Image, int, bool]:
    """Decode the first picture.

    Returns
    -------
    image : Image
    orientation : int
        As EXIF counts it, 1-8.
    several : bool
        Whether there are more pictures than this one.

    Raises
    ------
    UnreadableError
        If a size is beyond its limit.
    """
    most = max(MOST_PIXELS, limits.pixels // SHARE)
    check_iso_media(data, limits, most, NAME)
    from PIL import _avif

    decoder = _avif.AvifDecoder(data, "auto", THREADS)
    size, frames, mode, _, _, orientation, _ = decoder.get_info()
    check_pixels(size[0], size[1], limits, most, NAME)  # a film says its size elsewhere
    pixels, *_ = decoder.get_frame(0)
    return Image.frombytes(mode, size, pixels), orientation, frames > 1
