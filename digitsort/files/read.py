"""Read a picture file as gray pixels, within limits."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from digitsort.recognition.canvas import Gray

REDUCE_TO_PX = 512
"""Larger scans are reduced, by a whole factor, to this or up to twice this on the longer side: what the
recognition can use even of a small digit on a large sheet."""

MOST_BYTES = 256 * 2**20
MOST_PIXELS = 89_478_485
"""Pillow's own limit (Image.MAX_IMAGE_PIXELS), as an error instead of a warning."""
MOST_SIDE_PX = 65_535
"""The most that JPEG can have; at 1200 dpi a sheet of 1.4 m. A longer side is a crafted header."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG", "PngImagePlugin"),
    (b"\xff\xd8\xff", "JPEG", "JpegImagePlugin"),
    (b"II*\x00", "TIFF", "TiffImagePlugin"),
    (b"MM\x00*", "TIFF", "TiffImagePlugin"),
    (b"BM", "BMP", "BmpImagePlugin"),
    (b"GIF87a", "GIF", "GifImagePlugin"),
    (b"GIF89a", "GIF", "GifImagePlugin"),
    (b"RIFF", "WEBP", "WebPImagePlugin"),
)

FIRST_OF_SEVERAL = "first of several pages"


class UnreadableError(Exception):
    """A file that holds no picture digitsort reads; the message is one of a few fixed phrases.

    Attributes
    ----------
    sha256 : str
        Of the bytes, in hex; empty if they could not be read.
    """

    def __init__(self, reason: str, sha256: str = "") -> None:
        super().__init__(reason)
        self.sha256 = sha256


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file.

    Attributes
    ----------
    gray : ndarray of shape (height, width)
        uint8, uint16 or float 0-1, upright, transparency on white.
    sha256 : str
        Of the file's bytes, in hex.
    note : str
        What a person should know of the decoding; mostly empty.
    """

    gray: Gray
    sha256: str
    note: str = ""


def read(path: str) -> Picture:
    """Read a PNG, JPEG, TIFF, BMP, GIF or WebP file of any mode.

    Raises
    ------
    UnreadableError
        Where there is no such picture to be read: no file, no regular file, no permission, another
        format, too large, broken.
    """
    data = _read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        with _bombs_as_errors(), _open(data) as image:
            several = getattr(image, "is_animated", False)
            gray = _to_gray(image)
    except UnreadableError as error:
        raise UnreadableError(str(error), sha256) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise UnreadableError("too many pixels", sha256) from error
    except Exception as error:
        # Pillow's decoders raise whatever a broken file drives them to: OSError, SyntaxError,
        # ValueError, struct.error, IndexError, zlib.error … Each is the same to a person.
        raise UnreadableError("broken picture", sha256) from error
    return Picture(gray, sha256, FIRST_OF_SEVERAL if several else "")


def _read_bytes(path: str) -> bytes:
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        reason = "link leads nowhere" if os.path.islink(path) else "no such file"
        raise UnreadableError(reason) from error
    except PermissionError as error:
        raise UnreadableError("no permission") from error
    except OSError as error:
        raise UnreadableError("can't be opened") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise UnreadableError("no regular file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > MOST_BYTES:
            raise UnreadableError("file too large")
        try:
            return file.read(status.st_size)  # reading at most a limit would reserve that much
        except OSError as error:
            raise UnreadableError("can't be read") from error


def _open(data: bytes) -> Image.Image:
    """Open by content; only the one plugin that the first bytes call for is asked."""
    if not data:
        raise UnreadableError("empty file")
    for magic, name, plugin in _MAGIC:
        if data.startswith(magic):
            import_module(f"PIL.{plugin}")
            # What Image.open does, without its search for a plugin: a third of a small picture's time.
            image: Image.Image = Image.OPEN[name][0](io.BytesIO(data), "")
            if image.width * image.height > MOST_PIXELS or max(image.size) > MOST_SIDE_PX:
                raise UnreadableError("too many pixels")
            return image
    raise UnreadableError("no picture format")


@contextmanager
def _bombs_as_errors() -> Iterator[None]:
    """Pillow's warning of a bomb is an error; others (broken EXIF …) don't make a photo less of one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _to_gray(image: Image.Image) -> Gray:
    image.draft("L", (REDUCE_TO_PX, REDUCE_TO_PX))  # JPEG only: decode at a fraction of the size
    image.load()
    orientation = _orientation(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        gray = _deep_gray(image)
    else:
        gray = np.asarray(_reduced(_eight_bit_gray(image)))
    return np.ascontiguousarray(_upright(gray, orientation))


def _eight_bit_gray(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode == "LAB":
        return image.getchannel("L")
    return image if image.mode == "L" else image.convert("L")


def _on_white(image: Image.Image) -> Image.Image:
    """Composite on white; where that leaves nothing to see, the ink is white: show its shape."""
    luminance, alpha = image.convert("RGBA").convert("LA").split()
    sheet = Image.new("L", image.size, 255)
    sheet.paste(luminance, mask=alpha)
    if _span(sheet) < 8 <= _span(alpha):
        return ImageOps.invert(alpha)
    return sheet


def _span(image: Image.Image) -> int:
    low, high = image.getextrema()
    return int(high) - int(low)  # type: ignore[arg-type]


def _deep_gray(image: Image.Image) -> Gray:
    """More than 8 bits, scaled to 0-1 by their depth; negative or floating values by their range."""
    values = np.asarray(image)
    if image.mode != "F" and values.min() >= 0:
        # 12-bit scanners write 12 bits into files of 16: the largest value tells the depth.
        full = 2 ** max(8, int(values.max()).bit_length()) - 1
        gray = values.astype(np.float32) / np.float32(full)
    else:
        gray = _stretched(values.astype(np.float64))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        gray = np.where(values == transparent, np.float32(1), gray)
    return np.asarray(np.clip(np.asarray(_reduced(Image.fromarray(gray))), 0, 1))


def _stretched(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise UnreadableError("broken picture")
    low, high = values.min(), values.max()
    return np.asarray((values - low) / max(high - low, 1e-300), np.float32)


def _reduced(image: Image.Image) -> Image.Image:
    factor = max(image.size) // REDUCE_TO_PX
    return image.reduce(factor) if factor > 1 else image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1-8; 1 where the EXIF data can't be read."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # noqa: BLE001
        # Broken EXIF raises struct.error, SyntaxError, TypeError …; the pixels are still good.
        return 1


def _upright(gray: Gray, orientation: int) -> Gray:
    """Undo an EXIF orientation (CIPA DC-008, table of tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        gray = gray.T
    if orientation in (2, 3, 6, 7):
        gray = gray[:, ::-1]
    if orientation in (3, 4, 7, 8):
        gray = gray[::-1]
    return gray
