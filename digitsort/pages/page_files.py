"""Read all pages of a file at full resolution: PNG, JPEG, TIFF, PDF and other pictures."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.images.ceiling import ceiling
from digitsort.images.exif import first_directory
from digitsort.images.gray import upright
from digitsort.images.limits import Limits
from digitsort.images.png import SIGNATURE, read_png
from digitsort.images.read import bombs_as_errors, c_stderr_silenced, open_picture, read_bytes
from digitsort.images.scanlines import Scanlines, unfilter
from digitsort.images.unreadable import BROKEN, EMPTY, NO_MEMORY, UnreadableError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

Pixels = npt.NDArray[np.uint8]

MOST_PAGES = 5_000
"""Pages that are read of one file. A TIFF can claim any number of them."""

DPI = 300
"""Resolution, in dots per inch, at which the pages of a PDF are drawn."""

PDF_START = b"%PDF-"

PDF_HEAD_BYTES = 1024
"""Bytes within which a PDF begins; readers accept others before it (ISO 32000-1, annex H)."""

NEEDS_PDFIUM = "PDF needs pip install pypdfium2"
ENCRYPTED = "encrypted PDF: save it without a password"
BROKEN_PDF = "broken PDF"
TOO_MANY_PAGES = f"over {MOST_PAGES} pages: split the file"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Page of a file.

    Attributes
    ----------
    number : int
        From 1; 0 for a file of which no page can be read.
    gray : ndarray of shape (height, width), uint8, or None
        The page, upright, transparency on white; None if it can't be read.
    reason : str
        Why the page can't be read.
    sha256 : str
        SHA-256 of the file, in hex.
    """

    number: int
    gray: Pixels | None
    reason: str = ""
    sha256: str = ""


def leaves_of(path: str, limits: Limits) -> Iterator[Leaf]:
    """Yield each page of a file; what can't be read is a page with a reason."""
    try:
        data = read_bytes(path, limits)
    except UnreadableError as error:
        yield Leaf(0, None, str(error))
        return
    sha256 = hashlib.sha256(data).hexdigest()
    for leaf in _leaves(data, limits):
        yield replace(leaf, sha256=sha256)


def _leaves(data: bytes, limits: Limits) -> Iterator[Leaf]:
    if not data:
        yield Leaf(0, None, EMPTY)
    elif PDF_START in data[:PDF_HEAD_BYTES]:
        yield from _pdf_leaves(data, limits)
    elif data[:4] in (b"II*\0", b"MM\0*"):
        yield from _tiff_leaves(data, limits)
    else:
        yield _picture_leaf(1, data, limits)


def _picture_leaf(number: int, data: bytes, limits: Limits) -> Leaf:
    try:
        with _decoding(data, limits) as allow:
            return Leaf(number, _picture(data, limits, allow))
    except UnreadableError as error:
        return Leaf(number, None, str(error))


@contextmanager
def _decoding(data: bytes, limits: Limits) -> Iterator[Any]:
    """Limit what a decoder may use, and turn its errors into reasons."""
    try:
        with bombs_as_errors(limits), c_stderr_silenced(), ceiling(len(data)) as allow:
            yield allow
    except UnreadableError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableError(limits.too_many_pixels) from error
    except MemoryError as error:
        raise UnreadableError(NO_MEMORY) from error
    except Exception as error:  # decoders raise whatever a broken file drives them to
        raise UnreadableError(BROKEN) from error


def _picture(data: bytes, limits: Limits, allow: Any) -> Pixels:
    if data.startswith(SIGNATURE):
        content, turned, _ = read_png(data, limits)
        if isinstance(content, Scanlines):
            return _eight_bits(unfilter([content])[0])
        return _upright_gray(content, turned)
    opened = open_picture(data, limits)
    with opened.image as image:
        allow(image.width * image.height)
        return _upright_gray(image, opened.orientation)


def _upright_gray(image: Image.Image, orientation: int) -> Pixels:
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        gray = _eight_bits(np.asarray(image))
    elif image.has_transparency_data:
        sheet = Image.new("RGBA", image.size, "white")
        sheet.alpha_composite(image.convert("RGBA"))
        gray = np.asarray(sheet.convert("L"))
    else:
        gray = np.asarray(image.convert("L"))
    return np.ascontiguousarray(upright(gray, orientation))


def _eight_bits(values: npt.NDArray[Any]) -> Pixels:
    """Scale levels of any depth to 0-255; 16 bits by their depth, others by their range."""
    if values.dtype == np.uint8:
        return values
    if not np.isfinite(values).all():
        raise UnreadableError(BROKEN)
    levels = values.astype(np.float32)
    low, high = float(levels.min()), float(levels.max())
    if values.dtype.kind in "iu" and low >= 0:
        low, high = 0.0, float(2 ** max(8, int(high).bit_length()) - 1)
    return np.asarray((levels - low) * (255 / max(high - low, 1e-30)), np.uint8)


def _tiff_leaves(data: bytes, limits: Limits) -> Iterator[Leaf]:
    """Yield the pages of a TIFF: each is read as the first page of a file that begins with it."""
    order = "<" if data[:2] == b"II" else ">"
    seen: set[int] = set()
    for number in range(1, MOST_PAGES + 2):
        try:
            directory = first_directory(data)
        except UnreadableError as error:
            yield Leaf(number if number > 1 else 0, None, str(error))
            return
        if directory.start in seen:
            return  # the chain of pages bites its own tail
        if number > MOST_PAGES:
            yield Leaf(number, None, TOO_MANY_PAGES)
            return
        seen.add(directory.start)
        yield _picture_leaf(number, data, limits)
        (start,) = struct.unpack(order + "I", directory.following)
        if start == 0:
            return
        data = data[:4] + directory.following + data[8:]


def _pdf_leaves(data: bytes, limits: Limits) -> Iterator[Leaf]:
    try:
        import pypdfium2
    except ImportError:
        yield Leaf(0, None, NEEDS_PDFIUM)
        return
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        yield Leaf(0, None, ENCRYPTED if "password" in str(error).lower() else BROKEN_PDF)
        return
    try:
        count = len(document)
        for number in range(1, min(count, MOST_PAGES) + 1):
            yield _pdf_leaf(document, number, limits)
        if count > MOST_PAGES:
            yield Leaf(MOST_PAGES + 1, None, TOO_MANY_PAGES)
        elif count == 0:
            yield Leaf(0, None, BROKEN_PDF)
    finally:
        document.close()


def _pdf_leaf(document: PdfDocument, number: int, limits: Limits) -> Leaf:
    from pypdfium2 import PdfiumError

    try:
        page = document[number - 1]
        scale = DPI / 72
        width, height = (round(side * scale) for side in page.get_size())
        limits.check_size(width, height)
        bitmap = page.render(scale=scale, grayscale=True)
        gray = np.array(bitmap.to_numpy(), np.uint8).reshape(bitmap.height, bitmap.width)
        page.close()
    except UnreadableError as error:
        return Leaf(number, None, str(error))
    except (PdfiumError, ValueError):
        return Leaf(number, None, BROKEN_PDF)
    except MemoryError:
        return Leaf(number, None, NO_MEMORY)
    return Leaf(number, gray)
