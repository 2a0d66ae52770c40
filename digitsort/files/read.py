"""Read an image file as gray pixels, within limits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from PIL import Image

from digitsort.files.ceiling import ceiling
from digitsort.files.gray import to_gray
from digitsort.files.limits import DEFAULT_LIMITS, Limits
from digitsort.files.opening import bombs_as_errors, open_picture
from digitsort.files.png import SIGNATURE, read_png
from digitsort.files.regular import NotRegularError, TooLargeError, read_regular
from digitsort.files.scanlines import Scanlines, unfilter
from digitsort.files.silence import c_stderr_silenced
from digitsort.files.source import FIRST_OF_SEVERAL
from digitsort.files.unreadable import (
    BROKEN,
    BROKEN_LINK,
    DENIED,
    MISSING,
    NO_MEMORY,
    NOT_REGULAR,
    READ_ERROR,
    UnreadableError,
)
from digitsort.recognition.canvas import Gray

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


def read(path: str, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Read a PNG, JPEG, TIFF, BMP, GIF or WebP file of any mode.

    Raises
    ------
    UnreadableError
        If the file is missing, not a regular file, not readable, not a supported image, too large or
        broken.
    """
    data = _read_bytes(path, limits)
    sha256 = hashlib.sha256(data).hexdigest()
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


def _quietly(data: bytes) -> AbstractContextManager[None]:
    """Silence stderr for TIFF files: only libtiff writes to it."""
    return c_stderr_silenced() if data.startswith((b"II", b"MM")) else nullcontext()


def _read_bytes(path: str, limits: Limits) -> bytes:
    try:
        return read_regular(path, limits.file_bytes)
    except FileNotFoundError as error:
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
