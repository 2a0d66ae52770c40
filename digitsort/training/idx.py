"""Read MNIST's IDX files within limits: sizes in a header are checked before anything is unpacked."""

from __future__ import annotations

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
from digitsort.plural import plural
from digitsort.training.dataset import not_listed

_NAME = re.compile(r"(?P<part>.+)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")

_UNSIGNED_BYTE = 0x08

MOST_BYTES = 2**30
"""Largest size of a file, packed or unpacked: MNIST has 47 MB, the largest part of EMNIST 547 MB."""

MOST_SIDE_PX = 4096
"""Largest side of an image; those of MNIST have 28."""

_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = 31
"""zlib's number for the gzip format with a window of any size."""

_MOST_MEMBERS = 100
"""Largest number of parts of a gzip file: each part takes time, even an empty one."""

_CHUNK_BYTES = 2**16


def has_idx_files(folder: Path) -> bool:
    """Return whether a folder has files with names like MNIST's."""
    try:
        return any(map(_NAME.fullmatch, os.listdir(folder)))
    except OSError as error:
        raise TrainingDataError(not_listed(str(folder), error.strerror or str(error))) from error


def read_idx_folder(folder: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read images (n, height, width) and labels (n,) of all pairs of IDX files in a folder.

    Two files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`) or four (with `t10k-…`), plain or
    gzip.

    Raises
    ------
    TrainingDataError
        If a file has no partner, is too large, is cut off, or does not match its partner.
    """
    pairs: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(path.name):
            pairs.setdefault(match["part"], {}).setdefault(match["kind"], path)
    images, labels = zip(
        *(_read_pair(folder, part, files) for part, files in pairs.items()), strict=True
    )
    if len({i.shape[1:] for i in images}) > 1:
        raise TrainingDataError(
            f"{printable(str(folder))}: the IDX files contain images of different sizes."
        )
    return np.concatenate(images), np.concatenate(labels)


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzip; raise TrainingDataError if it is not one."""
    name = printable(str(path))
    try:
        packed = read_regular(path, MOST_BYTES)
        header = 4 + 4 * dimensions
        shape = _shape(_unpacked(packed, header), dimensions, name)
        size = header + math.prod(shape)
        data = _unpacked(packed, size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TrainingDataError(
            f"{name} can't be read, is damaged or cut off ({error}). Download it again."
        ) from error
    if len(data) != size:
        there = "more" if len(data) > size else str(len(data) - header)
        raise TrainingDataError(
            f"{name} is cut off or too long: its header says {size - header} bytes, there are {there}. "
            "Download it again."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _shape(start: bytes | bytearray, dimensions: int, name: str) -> list[int]:
    """Read the shape in the header, and check that such images can exist."""
    if start[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]) or len(start) < 4 + 4 * dimensions:
        raise TrainingDataError(
            f"{name} is not an IDX file of bytes with {dimensions} dimensions. Download it again."
        )
    shape = [int(n) for n in np.frombuffer(start, ">u4", dimensions, offset=4)]
    said = " x ".join(map(str, shape))
    if 0 in shape:
        raise TrainingDataError(f"{name} is empty: its header says {said}. Download it again.")
    if max(shape[1:], default=1) > MOST_SIDE_PX or math.prod(shape) > MOST_BYTES:
        raise TrainingDataError(
            f"{name} is too large: its header says {said}; an image has up to {MOST_SIDE_PX} pixels on "
            f"a side, a file up to {MOST_BYTES >> 20} MiB. Put the images into folders named by class."
        )
    return shape


def _read_pair(
    folder: Path, part: str, files: dict[str, Path]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    for kind in ("images", "labels"):
        if kind not in files:
            raise TrainingDataError(
                f"{printable(str(folder))} has no {printable(part)}-{kind}-idx… file. Put it next to "
                "the other one."
            )
    images, labels = read_idx(files["images"], 3), read_idx(files["labels"], 1)
    if len(images) != len(labels):
        raise TrainingDataError(
            f"{printable(str(folder))}: {printable(part)} has {plural(len(images), 'image')} and "
            f"{plural(len(labels), 'label')}. The two files don't belong together; download them again."
        )
    return images, labels


def _unpacked(data: bytes, most: int) -> bytes | bytearray:
    """Return up to `most` bytes of a file's content, which may be packed with gzip.

    Raises
    ------
    EOFError, zlib.error
        If it is packed, and damaged or cut off.
    """
    if not data.startswith(_GZIP):
        return data if len(data) <= most else data[:most]
    view, unpacked = memoryview(data), bytearray()
    for _ in range(_MOST_MEMBERS):
        view = _unpack_member(view, unpacked, most)
        if len(unpacked) >= most or not view:
            return unpacked
        if view[:2] != _GZIP:
            if any(view):  # tape drives fill up with zeros
                raise EOFError("something else follows the packed data")
            return unpacked
    raise EOFError(f"it is packed in more than {_MOST_MEMBERS} parts")


def _unpack_member(packed: memoryview, unpacked: bytearray, most: int) -> memoryview:
    """Unpack one member of a gzip file, until there are `most` bytes; returns the rest of the file."""
    member = zlib.decompressobj(_GZIP_FORMAT)
    while not member.eof and len(unpacked) < most:
        chunk = packed[:_CHUNK_BYTES]
        piece = member.decompress(chunk, most - len(unpacked))
        if not (chunk or piece or member.eof):
            raise EOFError("the packed data ends too early")
        left = member.unused_data if member.eof else member.unconsumed_tail
        packed = packed[len(chunk) - len(left) :]
        unpacked += piece
    return packed
