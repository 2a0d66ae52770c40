"""Read an image file as gray pixels, within limits."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from typing import NamedTuple

from PIL import Image

from digitsort.files.interrupts import CleanUp
from digitsort.files.names import is_url
from digitsort.files.regular import NotRegularError, TooLargeError, read_regular
from digitsort.images.bmp_gif import prepare_bmp, prepare_gif
from digitsort.images.gray import Opened, to_gray
from digitsort.images.jpeg import prepare_jpeg, prepare_jpeg2000
from digitsort.images.limits import (
    BROKEN,
    BROKEN_LINK,
    DEFAULT_LIMITS,
    DENIED,
    EMPTY,
    FIRST_OF_SEVERAL,
    MAGIC_BYTES,
    MISSING,
    NO_MEMORY,
    NOT_AN_IMAGE,
    NOT_REGULAR,
    READ_ERROR,
    Encoded,
    Limits,
    UnreadableError,
    ceiling,
    format_of,
)
from digitsort.images.png import SIGNATURE, Scanlines, read_png, unfilter
from digitsort.images.tiff import orientation, prepare_tiff
from digitsort.images.webp_avif_heic import check_webp, open_avif, open_heic
from digitsort.recognition.canvas import Gray
from digitsort.sources.located import Located, SourceError
from digitsort.sources.members import read_anywhere, read_located

_STDERR = 2


class _Silence:
    """Redirection of stderr, shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking = 0
        self._kept = -1

    def __enter__(self) -> None:
        with self._lock:
            if self._asking == 0:
                self._kept = os.dup(_STDERR)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, _STDERR)
                os.close(nowhere)
            self._asking += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._asking -= 1
            if self._asking == 0:
                os.dup2(self._kept, _STDERR)
                os.close(self._kept)


_silence = _Silence()


@contextmanager
def c_stderr_silenced() -> Iterator[None]:
    """Redirect the stderr of the process to the null device in the block.

    libtiff prints a line about each damaged file, which its row already reports. Output of other
    threads is lost too, so keep the block short.
    """
    with CleanUp() as clean_up:  # or the message about Ctrl-C could be lost, too
        with suppress(OSError):  # no stderr, or no free descriptor: nothing is worse than noise
            clean_up.enter_context(_silence)
        yield


_Prepare = Callable[[bytes, Limits], Encoded]

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
        return _OPENERS[name](data, limits)
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


__all__ = ["FIRST_OF_SEVERAL", "Picture", "UnreadableError", "grays_of", "read"]


class Picture(NamedTuple):
    """Content of an image file.

    Attributes
    ----------
    content : ndarray of shape (height, width), or Scanlines
        Gray pixels: uint8, uint16 or float 0-1, upright, transparency on white; or what is left to be
        decoded together with others, by `grays_of`.
    sha256 : str
        SHA-256 of the file, in hex.
    note : str
        Remark for the user, such as "first of several pages"; usually empty.
    """

    content: Gray | Scanlines
    sha256: str
    note: str = ""

    @property
    def gray(self) -> Gray:
        """Gray pixels."""
        return grays_of([self])[0]

    @property
    def nbytes(self) -> int:
        """Size in memory, in bytes."""
        return len(self.content.rows) if isinstance(self.content, Scanlines) else self.content.nbytes


def grays_of(pictures: Sequence[Picture]) -> list[Gray]:
    """Return the pixels of each image; faster than one by one."""
    contents = [picture.content for picture in pictures]
    pixels = iter(unfilter([content for content in contents if isinstance(content, Scanlines)]))
    return [next(pixels) if isinstance(content, Scanlines) else content for content in contents]


class KnownContentError(Exception):
    """Raised instead of decoding a file whose content is known."""

    def __init__(self, sha256: str) -> None:
        super().__init__(sha256)
        self.sha256 = sha256


def read(path: str, limits: Limits = DEFAULT_LIMITS, known: Container[str] = frozenset()) -> Picture:
    """Read a PNG, JPEG, TIFF, BMP, GIF or WebP file of any mode.

    Parameters
    ----------
    known : container of str
        SHA-256 (hex) of contents that need not be decoded.

    Raises
    ------
    UnreadableError
        If the file is missing, not a regular file, not readable, not a supported image, too large or
        broken.
    KnownContentError
        If the file has a known content.
    """
    data = read_bytes(path, limits)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 in known:
        raise KnownContentError(sha256)
    try:
        if data.startswith(SIGNATURE):
            found, turned, several = read_png(data, limits)
            content = found if isinstance(found, Scanlines) else to_gray(found, turned)
            return Picture(content, sha256, FIRST_OF_SEVERAL if several else "")
        with bombs_as_errors(limits), _quietly(data), ceiling(len(data)) as allow:
            opened = open_picture(data, limits)
            with opened.image as image:
                allow(image.width * image.height)
                gray = to_gray(image, opened.orientation)
    except UnreadableError as error:
        raise UnreadableError(str(error), sha256) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableError(limits.too_many_pixels, sha256) from error
    except MemoryError as error:
        raise UnreadableError(NO_MEMORY, sha256) from error
    except Exception as error:
        # Pillow's decoders raise whatever a broken file drives them to: OSError, SyntaxError,
        # ValueError, struct.error, IndexError, zlib.error … Each is the same to a person.
        raise UnreadableError(BROKEN, sha256) from error
    return Picture(gray, sha256, FIRST_OF_SEVERAL if opened.several else "")


def has_sha256(path: str, sha256: str, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Return whether a file has a content; an empty `sha256` stands for one that can't be read."""
    try:
        return hashlib.sha256(read_bytes(path, limits)).hexdigest() == sha256
    except UnreadableError:
        return not sha256


def _quietly(data: bytes) -> AbstractContextManager[None]:
    """Silence stderr for TIFF files: only libtiff writes to it."""
    return c_stderr_silenced() if data.startswith((b"II", b"MM")) else nullcontext()


def read_bytes(path: str, limits: Limits) -> bytes:
    """Return the bytes of a file; raise UnreadableError with the reason if it can't be read."""
    try:
        if type(path) is Located:
            return read_located(path, limits.file_bytes)
        return read_regular(path, limits.file_bytes)
    except NotADirectoryError as error:
        return _read_elsewhere(path, limits, error)
    except SourceError as error:
        raise UnreadableError(error.reason) from error
    except FileNotFoundError as error:
        if is_url(path):
            return _read_elsewhere(path, limits, error)
        reason = BROKEN_LINK if os.path.islink(path) else MISSING
        raise UnreadableError(reason) from error
    except PermissionError as error:
        raise UnreadableError(DENIED) from error
    except NotRegularError as error:
        raise UnreadableError(NOT_REGULAR) from error
    except TooLargeError as error:
        raise UnreadableError(limits.too_many_bytes) from error
    except OSError as error:
        raise UnreadableError(READ_ERROR) from error


def _read_elsewhere(path: str, limits: Limits, cause: OSError) -> bytes:
    """Return the bytes of an object, or of a member; a path through any other file leads nowhere."""
    try:
        return read_anywhere(path, limits.file_bytes)
    except SourceError as error:
        raise UnreadableError(error.reason) from error
    except TooLargeError as error:
        raise UnreadableError(limits.too_many_bytes) from error
    except FileNotFoundError:
        raise UnreadableError(READ_ERROR) from cause
    except OSError as error:
        raise UnreadableError(READ_ERROR) from error
