"""Check the sizes in WebP, AVIF and HEIC files, and open the last two, which are ISO media files.

Their decoders use much memory per pixel.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from digitsort.images.gray import Opened
from digitsort.images.limits import BROKEN, Encoded, Limits, UnreadableError

MOST_BOXES = 2**12
"""Largest number of boxes per level. A phone photo has one for each of its 48 to 192 tiles and a few
more."""

_HEAD = 8
"""Number of bytes before the content of a box: its length and kind (ISO/IEC 14496-12, 4.2)."""

_LARGE_HEAD = 16

_Box = tuple[bytes, int, int]
"""Kind of a box, and the start and end of its content."""


def check_iso_media(data: bytes, limits: Limits, most_pixels: int, name: str) -> None:
    """Check every size in the file: of the picture, its tiles, its thumbnail and its alpha channel.

    Parameters
    ----------
    data : bytes
        The file.
    most_pixels : int
        Largest number of pixels that the decoder has memory for.
    name : str
        Name of the format with its article, for the reason in the row.

    Raises
    ------
    UnreadableError
        If there is no size, or a size exceeds its limit.
    """
    sizes = list(_sizes(data))
    if not sizes:
        raise UnreadableError(BROKEN)
    for width, height in sizes:
        check_pixels(width, height, limits, most_pixels, name)


def check_pixels(width: int, height: int, limits: Limits, most_pixels: int, name: str) -> None:
    """Check one size; the parameters are those of `check_iso_media`."""
    limits.check_size(width, height)
    if width * height > most_pixels:
        raise UnreadableError(f"over {most_pixels} pixels in {name}: raise --max-pixels")


def _sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the width and height in each ``ispe`` property (ISO/IEC 23008-12, 6.5.3)."""
    for _, meta, end in _boxes(data, 0, len(data), b"meta"):
        for _, properties, stop in _boxes(data, meta + 4, end, b"iprp"):
            for _, listed, last in _boxes(data, properties, stop, b"ipco"):
                for _, at, _ in _boxes(data, listed, last, b"ispe"):
                    yield int.from_bytes(data[at + 4 : at + 8]), int.from_bytes(data[at + 8 : at + 12])


def _boxes(data: bytes, at: int, end: int, kind: bytes) -> Iterator[_Box]:
    """Yield the boxes of one kind between two offsets."""
    for _ in range(MOST_BOXES):
        if at + _HEAD > end:
            return
        size, head, found = int.from_bytes(data[at : at + 4]), _HEAD, data[at + 4 : at + 8]
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), _LARGE_HEAD
        elif size == 0:  # the box extends to the end
            size = end - at
        if size < head or at + size > end:
            raise UnreadableError(BROKEN)
        if found == kind:
            yield found, at + head, at + size
        at += size
    raise UnreadableError(BROKEN)


AVIF_PIXELS = 2**24
"""Pixel limit, 4,096 x 4,096. The decoder needs up to 16 bytes per pixel: 256 MiB in total."""

AVIF_SHARE = 4
"""Divisor of --max-pixels: if it is raised, a quarter of it is the limit for AVIF."""

AVIF_NAME = "an AVIF"

THREADS = 1
"""Number of decoder threads: the workers already use all CPUs."""


def open_avif(data: bytes, limits: Limits) -> Opened:
    """Decode the first picture.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit.
    """
    most = max(AVIF_PIXELS, limits.pixels // AVIF_SHARE)
    check_iso_media(data, limits, most, AVIF_NAME)
    from PIL import _avif

    decoder = _avif.AvifDecoder(data, "auto", THREADS)
    size, frames, mode, _, _, orientation, _ = decoder.get_info()
    check_pixels(size[0], size[1], limits, most, AVIF_NAME)  # a film says its size elsewhere
    pixels, *_ = decoder.get_frame(0)
    return Opened(Image.frombytes(mode, size, pixels), orientation, frames > 1)


HEIC_PIXELS = 2**25
"""Pixel limit. Phones write 12 or 24 million. The decoder needs 8 bytes per pixel: 256 MiB in total."""

HEIC_SHARE = 2
"""Divisor of --max-pixels: if it is raised, half of it is the limit for HEIC."""

HEIC_NAME = "a HEIC"

NOT_INSTALLED = "HEIC needs pip install pillow-heif"


def open_heic(data: bytes, limits: Limits) -> Opened:
    """Decode the main picture; the decoder turns it upright.

    Raises
    ------
    UnreadableError
        If a size exceeds its limit, or the extra is not installed.
    """
    most = max(HEIC_PIXELS, limits.pixels // HEIC_SHARE)
    check_iso_media(data, limits, most, HEIC_NAME)
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
    check_pixels(*picture.size, limits, most, HEIC_NAME)
    image = picture.to_pillow()
    image.info.clear()
    return Opened(image, several=len(found) > 1)


WEBP_PIXELS = 2**24
"""Largest number of pixels, 4,096 x 4,096. The decoder uses 20 bytes per pixel, 320 MiB in all, and a
file of 34 bytes can demand any size."""

WEBP_SHARE = 4
"""With a larger --max-pixels, a WebP may have this fraction (a quarter) of it."""


def check_webp(data: bytes, limits: Limits) -> Encoded:
    """Return the file.

    Raises
    ------
    UnreadableError
        If the size is beyond its limit.
    """
    size = _webp_size(data)
    if size is not None:
        check_pixels(*size, limits, max(WEBP_PIXELS, limits.pixels // WEBP_SHARE), "a WebP")
    return Encoded(data)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height, from the container's first chunk (RFC 9649, 2.5-2.7)."""
    kind, start = data[12:16], data[20:30]
    if len(start) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(start[4:7], "little") + 1, int.from_bytes(start[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(start[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        sides = int.from_bytes(start[6:8], "little"), int.from_bytes(start[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    return None
