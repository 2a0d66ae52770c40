"""Make small pictures of scans, as a person sees them and as the model does."""

from __future__ import annotations

import base64
import io
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from PIL import Image, features

from digitsort.files.ceiling import limit_decoders
from digitsort.files.read import Picture, UnreadableError, grays_of, read
from digitsort.recognition.canvas import Gray
from digitsort.recognition.ink import find_ink
from digitsort.recognition.normalize import normalize
from digitsort.recognition.threads import one_blas_thread

SIDE_PX = 72
"""Longer side of a thumbnail."""

BATCH = 64

IN_LINE_UP_TO = 256
"""So few pictures are made before worker processes have started."""

CHANGED = "changed since it was labelled"
DEADLY = "picture that can't be shown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file, and the hash (hex) that it had when it was labelled."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A file's small pictures.

    Attributes
    ----------
    picture, seen : str
        Data URLs of the scan and of the 32x32 that the model saw, dark on light; empty where there is
        nothing to be seen.
    note : str
        What a person should know: why there is no picture, or that the file changed.
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
        Processes; by default one for each processor. A few files are done without any.
    """
    batches = [files[i : i + BATCH] for i in range(0, len(files), BATCH)]
    if len(files) <= IN_LINE_UP_TO and workers is None:
        for batch in batches:
            yield from make_batch(batch)
        return
    while batches:
        done = 0
        with _pool(min(workers or os.cpu_count() or 1, len(batches))) as pool:
            futures = [pool.submit(make_batch, batch) for batch in batches]
            try:
                for future in futures:
                    yield from future.result()
                    done += 1
            except BrokenProcessPool:
                yield from _one_by_one(batches[done])
                done += 1
        batches = batches[done:]


def make_batch(files: Sequence[Wanted]) -> list[Thumbnail]:
    """Make the thumbnails of a few files at once."""
    results = [_read(file.path) for file in files]
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


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are started afresh: forking beside threads is not safe."""
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Ignore Ctrl-C, which reaches the whole group: the parent ends the workers. Limit the decoders."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_decoders()


def _one_by_one(files: Sequence[Wanted]) -> Iterator[Thumbnail]:
    """A picture among these killed a worker: find it, and show the others."""
    for file in files:
        with _pool(1) as pool:
            try:
                yield from pool.submit(make_batch, [file]).result()
            except BrokenProcessPool:
                yield Thumbnail(note=DEADLY)
