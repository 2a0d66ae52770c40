"""Read all pages of a file at full resolution: PNG, JPEG, TIFF, PDF and other pictures."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.images.gray import upright
from digitsort.images.limits import BROKEN, EMPTY, NO_MEMORY, Limits, UnreadableError, ceiling
from digitsort.images.png import SIGNATURE, Scanlines, read_png, unfilter
from digitsort.images.read import bombs_as_errors, c_stderr_silenced, open_picture, read_bytes

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

Pixels = npt.NDArray[np.uint8]

MOST_PAGES = 5_000
"""Pages that are read of one file. A TIFF can claim any number of them."""

DPI = 300
"""Resolution, in dots per inch, at which the pages of a PDF are drawn."""

DIRECTORY_ENTRY_BYTES = 12
"""Size of an entry in a directory of a TIFF, of which each page has one."""

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


def leaves_of(path: str, limits: Limits, wanted: Container[int] | None = None) -> Iterator[Leaf]:
    """Yield each page of a file; what can't be read is a page with a reason.

    Parameters
    ----------
    path : str
    limits : Limits
    wanted : container of int, optional
        Numbers of the pages to decode; the others are passed over. A file that can't be read at all is
        yielded in any case.
    """
    try:
        data = read_bytes(path, limits)
    except UnreadableError as error:
        yield Leaf(0, None, str(error))
        return
    sha256 = hashlib.sha256(data).hexdigest()
    for number, read in enumerate(_readers(data, limits), 1):
        if wanted is None or number in wanted:
            yield replace(read(), sha256=sha256)


def count_pages(path: str, limits: Limits) -> int:
    """Return the number of leaves that `leaves_of` yields, at least 1; no page is decoded."""
    try:
        return max(1, sum(1 for _ in _readers(read_bytes(path, limits), limits)))
    except UnreadableError:
        return 1


Reader = Callable[[], Leaf]
"""Function that decodes a page."""


def _readers(data: bytes, limits: Limits) -> Iterator[Reader]:
    """Yield a function for each page, to be called before the next one is asked for."""
    if not data:
        yield partial(Leaf, 0, None, EMPTY)
    elif PDF_START in data[:PDF_HEAD_BYTES]:
        yield from _pdf_readers(data, limits)
    elif data[:4] in (b"II*\0", b"MM\0*"):
        yield from _tiff_readers(data, limits)
    else:
        yield partial(_picture_leaf, 1, data, limits)


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


def _tiff_readers(data: bytes, limits: Limits) -> Iterator[Reader]:
    """Yield the pages of a TIFF: each is read as the first page of a file that begins with it."""
    order = "<" if data[:2] == b"II" else ">"
    seen: set[bytes] = set()
    place = data[4:8]
    for number in range(1, MOST_PAGES + 2):
        following = _following(data, place, order)
        if following is None:
            yield partial(Leaf, number if number > 1 else 0, None, BROKEN)
            return
        if place in seen:
            return  # the chain of pages bites its own tail
        if number > MOST_PAGES:
            yield partial(Leaf, number, None, TOO_MANY_PAGES)
            return
        seen.add(place)
        yield partial(_tiff_leaf, number, data, place, limits)
        if not any(following):
            return
        place = following


def _following(data: bytes, place: bytes, order: str) -> bytes | None:
    """Return the place of the page after the one at `place`; None if that is not in the file."""
    try:
        (start,) = struct.unpack(order + "I", place)
        (count,) = struct.unpack_from(order + "H", data, start)
    except struct.error:
        return None
    end = start + 2 + count * DIRECTORY_ENTRY_BYTES
    return data[end : end + 4].ljust(4, b"\0") if count and end <= len(data) else None


def _tiff_leaf(number: int, data: bytes, place: bytes, limits: Limits) -> Leaf:
    return _picture_leaf(number, data[:4] + place + data[8:], limits)


def _pdf_readers(data: bytes, limits: Limits) -> Iterator[Reader]:
    try:
        import pypdfium2
    except ImportError:
        yield partial(Leaf, 0, None, NEEDS_PDFIUM)
        return
    try:
        with ceiling(len(data)) as allow:
            allow(limits.pixels)
            document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        reason = ENCRYPTED if "password" in str(error).lower() else BROKEN_PDF
        yield partial(Leaf, 0, None, reason)
        return
    except MemoryError:
        yield partial(Leaf, 0, None, NO_MEMORY)
        return
    try:
        count = len(document)
        for number in range(1, min(count, MOST_PAGES) + 1):
            yield partial(_pdf_leaf, document, len(data), number, limits)
        if count > MOST_PAGES:
            yield partial(Leaf, MOST_PAGES + 1, None, TOO_MANY_PAGES)
        elif count == 0:
            yield partial(Leaf, 0, None, BROKEN_PDF)
    finally:
        document.close()


def _pdf_leaf(document: PdfDocument, file_bytes: int, number: int, limits: Limits) -> Leaf:
    """Draw a page. The pictures in it may be as large as a page: their sizes can't be seen before."""
    from pypdfium2 import PdfiumError

    try:
        with ceiling(file_bytes) as allow:
            allow(limits.pixels)
            return Leaf(number, _drawn(document, number, limits))
    except UnreadableError as error:
        return Leaf(number, None, str(error))
    except (PdfiumError, ValueError):
        return Leaf(number, None, BROKEN_PDF)
    except MemoryError:
        return Leaf(number, None, NO_MEMORY)


def _drawn(document: PdfDocument, number: int, limits: Limits) -> Pixels:
    page = document[number - 1]
    scale = DPI / 72
    width, height = (round(side * scale) for side in page.get_size())
    limits.check_size(width, height)
    bitmap = page.render(scale=scale, grayscale=True)
    gray = np.array(bitmap.to_numpy(), np.uint8).reshape(bitmap.height, bitmap.width)
    page.close()
    return gray
