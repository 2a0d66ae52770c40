"""Read the IDX files that MNIST comes in."""

from __future__ import annotations

import gzip
import io
import math
import os
import re
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.files.regular import read_regular
from digitsort.training.dataset import not_listed

_NAME = re.compile(r"(?P<part>.+)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")

MOST_BYTES = 2**30
"""Largest file, unpacked: 20 times MNIST."""

_UNSIGNED_BYTE = 0x08


def has_idx_files(folder: Path) -> bool:
    """Whether a folder holds files named as MNIST's are."""
    try:
        return any(map(_NAME.fullmatch, os.listdir(folder)))
    except OSError as error:
        raise TrainingDataError(not_listed(str(folder), error.strerror or str(error))) from error


def read_idx_folder(folder: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Images (n, height, width) and labels (n,) of all pairs of IDX files in a folder.

    Two files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`) or four (with `t10k-…`), plain or
    gzip.

    Raises
    ------
    TrainingDataError
        If a file has no partner, is cut off, or does not match its partner.
    """
    pairs: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(path.name):
            pairs.setdefault(match["part"], {}).setdefault(match["kind"], path)
    images, labels = zip(
        *(_read_pair(folder, part, files) for part, files in pairs.items()), strict=True
    )
    if len({i.shape[1:] for i in images}) > 1:
        raise TrainingDataError(f"{printable(str(folder))}: the IDX files hold images of two sizes.")
    return np.concatenate(images), np.concatenate(labels)


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """An IDX file of unsigned bytes, plain or gzip; raises TrainingDataError if it is none."""
    name = printable(str(path))
    data = _content(path)
    header = 4 + 4 * dimensions
    if data[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]) or len(data) < header:
        raise TrainingDataError(
            f"{name} is no IDX file of bytes in {dimensions} dimensions. Download it again."
        )
    shape = [int(n) for n in np.frombuffer(data, ">u4", dimensions, offset=4)]
    if len(data) != header + math.prod(shape):
        raise TrainingDataError(
            f"{name} is cut off or too long: its header says {math.prod(shape)} bytes, there are "
            f"{len(data) - header}. Download it again."
        )
    if 0 in shape:
        raise TrainingDataError(f"{name} holds nothing: its header says {shape}. Name another folder.")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _read_pair(
    folder: Path, part: str, files: dict[str, Path]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    for kind in ("images", "labels"):
        if kind not in files:
            raise TrainingDataError(
                f"{printable(str(folder))} has no {part}-{kind}-idx… file: put it beside its partner."
            )
    images, labels = read_idx(files["images"], 3), read_idx(files["labels"], 1)
    if len(images) != len(labels):
        raise TrainingDataError(
            f"{printable(str(folder))}: {part} has {len(images)} images and {len(labels)} labels. "
            "The two files don't belong together; download them again."
        )
    return images, labels


def _content(path: Path) -> bytes:
    try:
        data = read_regular(path, MOST_BYTES)
        return _unpacked(data) if data.startswith(b"\x1f\x8b") else data
    except (OSError, EOFError, zlib.error) as error:
        raise TrainingDataError(
            f"{printable(str(path))} is damaged or cut off ({error}). Download it again."
        ) from error


def _unpacked(data: bytes) -> bytes:
    """Unpack gzip data within the limit; a few bytes may unpack to any number."""
    with gzip.open(io.BytesIO(data)) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise EOFError(f"more than {MOST_BYTES} bytes")
    return content
