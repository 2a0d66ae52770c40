"""Make thumbnails of scans: the ink, the whole scan, and what the model sees."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, features

from digitsort.images.read import Picture, UnreadableError, grays_of, read
from digitsort.recognition.canvas import Gray
from digitsort.recognition.vectorize import Vectors, vectorize
from digitsort.workers.choose_engine import chosen_engine
from digitsort.workers.engine import InHand
from digitsort.workers.loop import Loop
from digitsort.workers.tuning import one_blas_thread, usable_processors

INK_PX, WHOLE_PX = 88, 56
"""Longer side of the picture of the ink and of that of the whole scan, in pixels."""

MARGIN = 0.15
"""Margin around the ink, as a share of its longer side."""

NEARLY_WHOLE = 0.75
"""If the picture of the ink shows this share of the scan, no picture of the whole scan is needed."""

QUALITY = 45
"""Quality of the pictures, 0-100: so small ones look the same at 70, and are half as large again."""

BATCH = 64

IN_LINE_UP_TO = 256
"""Largest number of thumbnails to make without workers, which would take longer to start."""

CHANGED = "changed since it was labelled"
DEADLY = "image that can't be shown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """File to show, with the SHA-256 (hex) that it had when it was labelled."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """Thumbnails of a file.

    Attributes
    ----------
    picture, seen : str
        Data URLs of the ink and of the 32x32 that the model saw, dark on light; empty where there is
        nothing to be seen.
    note : str
        Remark for the user: why there is no thumbnail, or that the file changed.
    whole : str
        Data URL of the whole scan; empty if `picture` shows nearly all of it.
    box : tuple of int
        What `picture` shows of the scan: left, top, width, height in thousandths of its sides; empty
        if `whole` is.
    vector : bytes
        The feature vector, 392 numbers of uint16; empty where there is no ink.
    """

    picture: str = ""
    seen: str = ""
    note: str = ""
    whole: str = ""
    box: tuple[int, ...] = ()
    vector: bytes = b""


def thumbnails(
    files: Sequence[Wanted], workers: int | None = None, *, is_pictured: bool = True
) -> Iterator[Thumbnail]:
    """Make thumbnails, in the order of the files.

    Parameters
    ----------
    workers : int, optional
        Number of processes; default: one per CPU, none for few files.
    is_pictured : bool
        False to make the vectors alone.
    """
    few = len(files) <= IN_LINE_UP_TO and workers is None
    job = _Job(tuple(files), is_pictured)
    numbers = map(str, range(len(files)))
    with chosen_engine(
        job, _given_up, numbers, workers=0 if few else workers or usable_processors()
    ) as (engine, items):
        for _, made in Loop(engine, _given_up, size=BATCH).run(items):
            yield from made


@dataclass(frozen=True, slots=True)
class _Job:
    """Job of worker processes; its items are the indices of files."""

    files: tuple[Wanted, ...]
    is_pictured: bool

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Thumbnail]:
        wanted = [self.files[int(item)] for item in items]
        return [
            thumbnail
            for start in range(0, len(wanted), BATCH)
            for thumbnail in make_batch(
                wanted[start : start + BATCH], start, in_hand, is_pictured=self.is_pictured
            )
        ]


def _given_up(timed_out: bool) -> Thumbnail:  # noqa: ARG001
    return Thumbnail(note=DEADLY)


def make_batch(
    files: Sequence[Wanted],
    first: int = 0,
    in_hand: InHand = lambda _: None,
    *,
    is_pictured: bool = True,
) -> list[Thumbnail]:
    """Make the thumbnails of a few files; `in_hand` is told which is read, counted from `first`."""
    results = []
    for number, file in enumerate(files, first):
        in_hand(number)
        results.append(_read(file.path))
    in_hand(None)
    pictures = [result for result in results if isinstance(result, Picture)]
    with one_blas_thread():
        vectors = vectorize(grays_of(pictures))
    places = iter(range(len(pictures)))
    return [
        _thumbnail(result, vectors, next(places), file, is_pictured)
        if isinstance(result, Picture)
        else result
        for file, result in zip(files, results, strict=True)
    ]


def _read(path: str) -> Picture | Thumbnail:
    try:
        return read(path)
    except UnreadableError as error:
        return Thumbnail(note=str(error))


def _thumbnail(
    picture: Picture, vectors: Vectors, place: int, file: Wanted, is_pictured: bool
) -> Thumbnail:
    note = CHANGED if file.sha256 and file.sha256 != picture.sha256 else picture.note
    normal = vectors.normal[place]
    vector = vectors.features[place].astype(np.uint16).tobytes() if normal.any() else b""
    if not is_pictured:
        return Thumbnail(note=note, vector=vector)
    scan = Image.fromarray(_eight_bits(picture.gray))
    if not normal.any():
        return Thumbnail(_small(scan, INK_PX), "", note)
    seen = _data_url(Image.fromarray(255 - normal))
    left, top, right, bottom = _around(vectors.ink.box[place], scan.size)
    ink = _small(scan.crop((left, top, right, bottom)), INK_PX)
    width, height = scan.size
    if min((right - left) / width, (bottom - top) / height) >= NEARLY_WHOLE:
        return Thumbnail(ink, seen, note, vector=vector)
    box = (left / width, top / height, (right - left) / width, (bottom - top) / height)
    thousandths = tuple(round(1000 * share) for share in box)
    return Thumbnail(ink, seen, note, _small(scan, WHOLE_PX), thousandths, vector)


def _around(box: npt.NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box of the ink with a margin, within the scan."""
    left, top, right, bottom = box
    margin = max(MARGIN * max(right - left, bottom - top), 1)
    return (
        max(int(left - margin), 0),
        max(int(top - margin), 0),
        min(int(np.ceil(right + margin)), size[0]),
        min(int(np.ceil(bottom + margin)), size[1]),
    )


def _small(image: Image.Image, side: int) -> str:
    small = image.copy()
    small.thumbnail((side, side))
    return _data_url(small)


def _eight_bits(gray: Gray) -> Gray:
    if gray.dtype == np.uint8:
        return gray
    levels = gray.astype(np.float32) * (255 if gray.dtype.kind in "fb" else 255 / 65535)
    return levels.round().astype(np.uint8)


def _data_url(image: Image.Image) -> str:
    form = "WEBP" if features.check("webp") else "PNG"
    file = io.BytesIO()
    image.save(file, form, quality=QUALITY)
    return f"data:image/{form.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
