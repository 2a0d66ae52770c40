"""Open picture data by its content, within limits, before anything is decoded."""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from PIL import Image

from digitsort.files.limits import Limits
from digitsort.files.png import SIGNATURE
from digitsort.files.unreadable import BROKEN, UnreadableError

MOST_PNG_CHUNKS = 2**16
"""256 MiB in the chunks of 8 KiB that libpng writes are 2**15."""

MOST_SCANS = 256
"""Of a progressive JPEG; encoders write 10. Each is a pass over all pixels, however few bytes it has:
33 KB of them kept a processor busy for 25 s."""

_START_OF_SCAN = b"\xff\xda"

_MAGIC = (
    (SIGNATURE, "PNG", "PngImagePlugin"),
    (b"\xff\xd8\xff", "JPEG", "JpegImagePlugin"),
    (b"II*\x00", "TIFF", "TiffImagePlugin"),
    (b"MM\x00*", "TIFF", "TiffImagePlugin"),
    (b"BM", "BMP", "BmpImagePlugin"),
    (b"GIF87a", "GIF", "GifImagePlugin"),
    (b"GIF89a", "GIF", "GifImagePlugin"),
    (b"RIFF", "WEBP", "WebPImagePlugin"),
)


def open_picture(data: bytes, limits: Limits) -> Image.Image:
    """Open a picture file; only the one plugin that its first bytes call for is asked.

    Raises
    ------
    UnreadableError
        For what is no PNG, JPEG, TIFF, BMP, GIF or WebP, and for what breaks a limit.
    """
    if not data:
        raise UnreadableError("empty file")
    for magic, name, plugin in _MAGIC:
        if data.startswith(magic):
            _check_before(data, name, limits)
            import_module(f"PIL.{plugin}")
            # What Image.open does, without its search for a plugin: a third of a small picture's time.
            image: Image.Image = Image.OPEN[name][0](io.BytesIO(data), "")
            limits.check_size(*image.size)
            return image
    raise UnreadableError("no picture format")


@contextmanager
def bombs_as_errors(limits: Limits) -> Iterator[None]:
    """Pillow's warning of a bomb is an error, and warns at our limit.

    Other warnings (broken EXIF …) don't make a photo less of one.
    """
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = limits.pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check_before(data: bytes, name: str, limits: Limits) -> None:
    """What Pillow does not look at, or looks at too late."""
    if name == "PNG":
        _check_png(memoryview(data))
    elif name == "JPEG" and data.count(_START_OF_SCAN) > MOST_SCANS:
        raise UnreadableError(f"over {MOST_SCANS} scans in a JPEG")
    elif name == "WEBP" and (size := _webp_size(data)):
        limits.check_size(*size)  # the decoder reserves two canvases when it is opened


def _check_png(view: memoryview) -> None:
    """Refuse a wrong checksum (CRC) in a critical chunk, as libpng does: the pixels may be others."""
    at = len(SIGNATURE)
    for _ in range(MOST_PNG_CHUNKS):
        end = at + 12 + int.from_bytes(view[at : at + 4])
        if len(view) < at + 12 or len(view) < end:
            return  # cut off: Pillow takes what there is, or refuses it
        kind = bytes(view[at + 4 : at + 8])
        is_critical = not kind[0] & 0x20
        if is_critical and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise UnreadableError(BROKEN)
        if kind == b"IEND":
            return
        at = end
    raise UnreadableError(BROKEN)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height, from the container's first chunk (RFC 9649, 2.5-2.7)."""
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
