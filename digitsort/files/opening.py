"""Open picture data by its content, within limits, before anything is decoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

from PIL import Image

from digitsort.files.avif import open_avif
from digitsort.files.bmp import prepare_bmp
from digitsort.files.exif import orientation
from digitsort.files.gif import prepare_gif
from digitsort.files.heic import open_heic
from digitsort.files.jpeg import prepare_jpeg
from digitsort.files.jpeg2000 import prepare_jpeg2000
from digitsort.files.limits import Limits
from digitsort.files.magic import MAGIC_BYTES, format_of
from digitsort.files.source import Source
from digitsort.files.tiff import prepare_tiff
from digitsort.files.unreadable import EMPTY, NOT_AN_IMAGE, UnreadableError
from digitsort.files.webp import check_webp


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture that can be decoded.

    Attributes
    ----------
    image : Image
    orientation : int
        By EXIF, 1-8; 1 is upright.
    several : bool
        Whether there are more pages or frames than this one.
    """

    image: Image.Image
    orientation: int
    several: bool


_Prepare = Callable[[bytes, Limits], Source]

_PLUGINS: dict[str, tuple[str, _Prepare]] = {
    "JPEG": ("JpegImagePlugin", prepare_jpeg),
    "TIFF": ("TiffImagePlugin", prepare_tiff),
    "BMP": ("BmpImagePlugin", prepare_bmp),
    "GIF": ("GifImagePlugin", prepare_gif),
    "WEBP": ("WebPImagePlugin", check_webp),
    "JPEG2000": ("Jpeg2KImagePlugin", prepare_jpeg2000),
}
"""Formats that a plugin of Pillow opens, with what checks the file before."""

_OPENERS = {"AVIF": open_avif, "HEIF": open_heic}
"""Formats that are opened without a plugin."""


def open_picture(data: bytes, limits: Limits) -> Opened:
    """Open a picture file that is not PNG; only the one decoder that its first bytes call for is asked.

    Raises
    ------
    UnreadableError
        For what is no JPEG, TIFF, BMP, GIF, WebP, JPEG 2000, AVIF or HEIC, and for what breaks a limit.
    """
    if not data:
        raise UnreadableError(EMPTY)
    name = format_of(data[:MAGIC_BYTES])
    if name in _OPENERS:
        return Opened(*_OPENERS[name](data, limits))
    if name not in _PLUGINS:
        raise UnreadableError(NOT_AN_IMAGE)
    plugin, prepare = _PLUGINS[name]
    source = prepare(data, limits)
    import_module(f"PIL.{plugin}")
    # What Image.open does, without its search for a plugin: a third of a small picture's time.
    image: Image.Image = Image.OPEN[name][0](io.BytesIO(source.data), "")
    limits.check_size(*image.size)
    if name != "WEBP":
        return Opened(image, source.orientation, source.several)
    turned = orientation(image.info.get("exif", b""), image.info.get("xmp", b""))
    return Opened(image, turned, getattr(image, "is_animated", False))


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
