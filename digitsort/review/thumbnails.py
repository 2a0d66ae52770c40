"""Make thumbnails of scans: the scan itself, and what the model sees."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, features

from digitsort.images.read import Picture, UnreadableError, grays_of, read
from digitsort.recognition.canvas import Gray
from digitsort.recognition.ink import find_ink
from digitsort.recognition.normalize import normalize
from digitsort.workers.choose import chosen_engine
from digitsort.workers.engine import InHand
from digitsort.workers.loop import Loop
from digitsort.workers.tuning import one_blas_thread, usable_processors

SIDE_PX = 72
"""Longer side of a thumbnail, in pixels."""

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
        Data URLs of the scan and of the 32x32 that the model saw, dark on light; empty where there is
        nothing to be seen.
    note : str
        Remark for the user: why there is no thumbnail, or that the file changed.
    """

    picture: str = ""
    seen: str = ""
    note: str = ""


def thumbnails(files: Sequence[Wanted], workers: int | None = None) -> Iterator[Thumbnail]:
    """Make thumbnails, in the order of the files.

    Parameters
    ----------
    files : sequence of Wanted
    workers : int, optional
        Number of processes; default: one per CPU, none for few files.
    """
    few = len(files) <= IN_LINE_UP_TO and workers is None
    job = _Job(tuple(files))
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

    def __call__(self, items: Sequence[str], in_hand: InHand) -> list[Thumbnail]:
        wanted = [self.files[int(item)] for item in items]
        return [
            thumbnail
            for start in range(0, len(wanted), BATCH)
            for thumbnail in make_batch(wanted[start : start + BATCH], start, in_hand)
        ]


def _given_up(timed_out: bool) -> Thumbnail:  # noqa: ARG001
    return Thumbnail(note=DEADLY)


def make_batch(
    files: Sequence[Wanted], first: int = 0, in_hand: InHand = lambda _: None
) -> list[Thumbnail]:
    """Make the thumbnails of a few files; `in_hand` is told which is read, counted from `first`."""
    results = []
    for number, file in enumerate(files, first):
        in_hand(number)
        results.append(_read(file.path))
    in_hand(None)
    pictures = [result for result in results if isinstance(result, Picture)]
    with one_blas_thread():
        normal = iter(normalize(find_ink(grays_of(pictures))) if pictures else ())
    return [
        _thumbnail(result, next(normal), file) if isinstance(result, Picture) else result
        for file, result in zip(files, results, strict=True)
    ]


def _read(path: str) -> Picture | Thumbnail:
    try:
        return read(path)
    except UnreadableError as error:
        return Thumbnail(note=str(error))


def _thumbnail(picture: Picture, normal: Gray, file: Wanted) -> Thumbnail:
    note = CHANGED if file.sha256 and file.sha256 != picture.sha256 else picture.note
    small = Image.fromarray(_eight_bits(picture.gray))
    small.thumbnail((SIDE_PX, SIDE_PX))
    seen = _data_url(Image.fromarray(255 - normal)) if normal.any() else ""
    return Thumbnail(_data_url(small), seen, note)


def _eight_bits(gray: Gray) -> Gray:
    if gray.dtype == np.uint8:
        return gray
    levels = gray.astype(np.float32) * (255 if gray.dtype.kind in "fb" else 255 / 65535)
    return levels.round().astype(np.uint8)


def _data_url(image: Image.Image) -> str:
    form = "WEBP" if features.check("webp") else "PNG"
    file = io.BytesIO()
    image.save(file, form, quality=70)
    return f"data:image/{form.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
