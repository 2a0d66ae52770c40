"""Read a picture file as gray pixels, within limits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from PIL import Image

from digitsort.files.gray import plain_to_gray, to_gray
from digitsort.files.limits import DEFAULT_LIMITS, Limits
from digitsort.files.opening import bombs_as_errors, open_picture
from digitsort.files.png import plain_picture
from digitsort.files.regular import NotRegularError, TooLargeError, read_regular
from digitsort.files.scanlines import Scanlines, unfilter
from digitsort.files.silence import c_stderr_silenced
from digitsort.files.unreadable import BROKEN, UnreadableError
from digitsort.recognition.canvas import Gray

__all__ = ["FIRST_OF_SEVERAL", "Picture", "UnreadableError", "grays_of", "read"]

FIRST_OF_SEVERAL = "first of several pages"


class Picture(NamedTuple):
    """A file that was read.

    Attributes
    ----------
    content : ndarray of shape (height, width), or Scanlines
        Gray pixels: uint8, uint16 or float 0-1, upright, transparency on white; or what is left to be
        decoded together with others, by `grays_of`.
    sha256 : str
        Of the file's bytes, in hex.
    note : str
        What a person should know of the decoding; mostly empty.
    """

    content: Gray | Scanlines
    sha256: str
    note: str = ""

    @property
    def gray(self) -> Gray:
        """The pixels."""
        return grays_of([self])[0]

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return len(self.content.rows) if isinstance(self.content, Scanlines) else self.content.nbytes


def grays_of(pictures: Sequence[Picture]) -> list[Gray]:
    """The pixels of each picture; for many at a time this is quicker than to ask one by one."""
    contents = [picture.content for picture in pictures]
    pixels = iter(unfilter([content for content in contents if isinstance(content, Scanlines)]))
    return [next(pixels) if isinstance(content, Scanlines) else content for content in contents]


def read(path: str, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Read a PNG, JPEG, TIFF, BMP, GIF or WebP file of any mode.

    Raises
    ------
    UnreadableError
        Where there is no such picture to be read: no file, no regular file, no permission, another
        format, too large, broken.
    """
    data = _read_bytes(path, limits)
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if (plain := plain_picture(data, limits)) is not None:
            return Picture(plain if isinstance(plain, Scanlines) else plain_to_gray(plain), sha256)
        with bombs_as_errors(limits), _quietly(data), open_picture(data, limits) as image:
            several = getattr(image, "is_animated", False)
            gray = to_gray(image)
    except UnreadableError as error:
        raise UnreadableError(str(error), sha256) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableError(limits.too_many_pixels, sha256) from error
    except MemoryError as error:
        raise UnreadableError("not enough memory", sha256) from error
    except Exception as error:
        # Pillow's decoders raise whatever a broken file drives them to: OSError, SyntaxError,
        # ValueError, struct.error, IndexError, zlib.error … Each is the same to a person.
        raise UnreadableError(_why_broken(error), sha256) from error
    return Picture(gray, sha256, FIRST_OF_SEVERAL if several else "")


def _quietly(data: bytes) -> AbstractContextManager[None]:
    """Only libtiff talks to stderr."""
    return c_stderr_silenced() if data.startswith((b"II", b"MM")) else nullcontext()


def _why_broken(error: Exception) -> str:
    # Pillow's PngImagePlugin.MAX_TEXT_CHUNK (1 MiB unpacked) and MAX_TEXT_MEMORY (64 MiB for all)
    return "text chunk too large" if "MAX_TEXT" in str(error) else BROKEN


def _read_bytes(path: str, limits: Limits) -> bytes:
    try:
        return read_regular(path, limits.file_bytes)
    except FileNotFoundError as error:
        reason = "link leads nowhere" if os.path.islink(path) else "no such file"
        raise UnreadableError(reason) from error
    except PermissionError as error:
        raise UnreadableError("no permission") from error
    except NotRegularError as error:
        raise UnreadableError("no regular file") from error
    except TooLargeError as error:
        raise UnreadableError(limits.too_many_bytes) from error
    except OSError as error:
        raise UnreadableError("can't be read") from error
