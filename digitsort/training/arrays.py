"""Read labelled images as arrays: MNIST's IDX files, tables `path,label`, Kaggle's CSV of pixels, npz.

In Kaggle's CSV each row is an image: a column ``label``, and a column for each pixel, row by row. An
npz holds arrays of images and labels: ``x_train``, ``y_train``, ``x_test``, ``y_test`` in that of
Keras, ``train_images``, ``train_labels`` in others. Sizes in a header are checked before anything is
unpacked.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError, UsageError
from digitsort.evaluation.truth import read_truth
from digitsort.files.names import name_of, natural_key, printable
from digitsort.files.regular import read_regular
from digitsort.images.limits import Limits
from digitsort.labels.cells import shown
from digitsort.labels.parquet import ParquetRows
from digitsort.labels.read_table import JsonLines, encoding_of, header_of, opened_table
from digitsort.model.card import class_name_fault
from digitsort.plural import first_few, plural
from digitsort.sources.archives import members
from digitsort.sources.members import inside, member_exists, read_anywhere, split_member
from digitsort.training.examples import (
    Dataset,
    LabelledGray,
    check_class_count,
    dataset_of_arrays,
    not_listed,
    read_or_refuse,
)

NPZ_SUFFIX = ".npz"

LABEL_COLUMNS = ("label", "class", "target", "digit", "y")
"""Names of the column with the labels in a CSV of pixels."""

LEAST_SIDE_PX = 8
"""Smallest image in a CSV of pixels; a table with fewer columns is something else."""

_PARTS = ("train", "test", "val", "valid")

_IMAGES, _LABELS = ("x", "images", "data", "image"), ("y", "labels", "label", "target", "targets")

_MOST_NAMED = 5

_HEAD_BYTES = 2**16

LabelledArrays = tuple[npt.NDArray[Any], list[str]]
"""Gray images (n, height, width), and their labels."""


def open_table(path: Path, limits: Limits) -> Dataset | None:
    """Open a table of pixels, or of paths and labels; None if it is neither, such as a labels.csv.

    Raises
    ------
    TrainingDataError
        If it is such a table, but can't be used.
    """
    columns, separator = _start_of(path)
    plain = [name.strip().lower() for name in columns]
    if _side_of(columns) and "path" not in plain:
        if not separator:
            raise TrainingDataError(
                f"{printable(str(path))} is a Parquet file of pixels, which is not read. Save the "
                "table as CSV."
            )
        return _dataset(path, _read_pixels(path, columns, separator))
    if _side_of(["label", *columns]) and not {"path", *LABEL_COLUMNS}.intersection(plain):
        raise TrainingDataError(
            f"{printable(str(path))} has pixels, but no label beside them. Name the table with the "
            "column label; Kaggle calls it train.csv."
        )
    if "path" in plain and "label" in plain and "status" not in plain:
        return _listed(path, limits)
    return None


def open_npz(path: Path) -> Dataset:
    """Open an npz file with images and labels.

    Raises
    ------
    TrainingDataError
        If it can't be read, or has no such arrays.
    """
    arrays = _arrays(path)
    pairs = [_pair(path, arrays, images, labels) for images, labels in _pairs_in(arrays)]
    if not pairs:
        names = ", ".join(map(printable, list(arrays)[:_MOST_NAMED]))
        raise TrainingDataError(
            f"{printable(str(path))} has no arrays of images and labels, such as x_train and y_train. "
            f"It has: {names or 'nothing'}. Rename the arrays."
        )
    if len({images.shape[1:] for images, _ in pairs}) > 1:
        raise TrainingDataError(f"{printable(str(path))} has images of different sizes.")
    images = np.concatenate([images for images, _ in pairs])
    return _dataset(path, (images, [label for _, labels in pairs for label in labels]))


def _dataset(path: Path, found: LabelledArrays) -> Dataset:
    images, labels = found
    _check_labels(path, set(labels))
    return dataset_of_arrays(printable(path.resolve().name), images, labels)


def _check_labels(path: Path, labels: set[str]) -> None:
    check_class_count(len(labels))
    for label in sorted(labels, key=natural_key):
        if fault := class_name_fault(label):
            raise TrainingDataError(
                f"{printable(str(path))}: the label {shown(label)} {fault}. Correct it, or remove its "
                "images."
            )


# --- path,label -------------------------------------------------------------------------------------


def _listed(path: Path, limits: Limits) -> Dataset:
    labels = {file: label for file, label in read_truth(path).items() if label}
    there = [file for file in labels if Path(file).is_file() or member_exists(file)]
    gone = [file for file in labels if file not in set(there)] if len(there) < len(labels) else []
    if not there:
        example = f": no file {printable(gone[0])}" if gone else ""
        raise TrainingDataError(
            f"{printable(str(path))} names no image that is there{example}. Paths start at the folder "
            "of the table."
        )
    _check_labels(path, set(labels.values()))

    def load() -> Iterator[LabelledGray]:
        for file in there:
            yield read_or_refuse(file, limits), labels[file]

    name = f"table:{printable(path.resolve().name)}"
    return Dataset(name, len(there), load, paths=there, note=_note(gone, len(labels)))


def _note(gone: list[str], count: int) -> str:
    if not gone:
        return ""
    named = first_few([*map(printable, gone)], _MOST_NAMED)
    return f"{len(gone)} of {plural(count, 'row')} left out, without a file: {named}"


# --- CSV of pixels ----------------------------------------------------------------------------------


def _start_of(path: Path) -> tuple[list[str], str]:
    """Return the cells of the first row, and the separator, which is empty for Parquet.

    There are no cells if it can't be read, which the reader of rows tells.
    """
    try:
        with opened_table(path) as reader:
            if isinstance(reader, ParquetRows):
                return header_of(reader), ""
            separator = "," if isinstance(reader, JsonLines) else reader.dialect.delimiter
            return header_of(reader), separator
    except (UsageError, csv.Error, UnicodeError):
        return [], ","


def _side_of(columns: list[str]) -> int:
    """Return the side, in pixels, of the images whose pixels and label are in these columns, or 0."""
    side = math.isqrt(max(len(columns) - 1, 0))
    return side if side * side == len(columns) - 1 and side >= LEAST_SIDE_PX else 0


def _read_pixels(path: Path, columns: list[str], separator: str) -> LabelledArrays:
    side, name = _side_of(columns), printable(str(path))
    has_header = not all(cell.strip().isdigit() for cell in columns)
    plain = [cell.strip().lower() for cell in columns]
    label = next((plain.index(each) for each in LABEL_COLUMNS if each in plain), 0)
    try:
        content = read_regular(path, MOST_BYTES)
        values = np.loadtxt(
            io.TextIOWrapper(io.BytesIO(content), encoding_of(content[:_HEAD_BYTES])),
            np.uint16,
            delimiter=separator,
            skiprows=int(has_header),
            ndmin=2,
        )
    except (OSError, ValueError, OverflowError) as error:
        fault = str(error).rstrip(".")
        raise TrainingDataError(
            f"{name} is no table of pixels, 0-255, with a label in each row: {fault}. Correct it."
        ) from error
    pixels = np.delete(values, label, axis=1)
    if pixels.shape[1:] != (side * side,) or pixels.max(initial=0) > 255:
        raise TrainingDataError(f"{name} is no table of pixels: some are over 255. Correct it.")
    return pixels.astype(np.uint8).reshape(-1, side, side), [str(n) for n in values[:, label].tolist()]


# --- npz --------------------------------------------------------------------------------------------


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays; nothing that is in the file is run, and nothing too large is unpacked."""
    try:
        content = io.BytesIO(read_regular(path, MOST_BYTES))
        with zipfile.ZipFile(content) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > 2 * MOST_BYTES:
            raise ValueError(f"it unpacks to {size} bytes, more than {2 * MOST_BYTES}")
        content.seek(0)
        with np.load(content, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:
        # For a broken file, numpy and zipfile raise many kinds of errors: ValueError, BadZipFile,
        # KeyError, zlib.error, tokenize.TokenError …
        raise TrainingDataError(
            f"{printable(str(path))} can't be read as an npz file: {error}. Save it again."
        ) from error


def _pairs_in(arrays: dict[str, npt.NDArray[Any]]) -> Iterator[tuple[str, str]]:
    """Yield the names of arrays that belong together: images, and their labels."""
    lower = {name.lower(): name for name in arrays}
    for part in ("", *_PARTS):
        for image in _IMAGES:
            for form in ("{0}_{1}", "{1}_{0}", "{0}{1}", "{1}{0}") if part else ("{0}",):
                found = [lower[n] for each in _LABELS if (n := form.format(each, part)) in lower]
                if form.format(image, part) in lower and found:
                    yield lower[form.format(image, part)], found[0]


def _pair(path: Path, arrays: dict[str, npt.NDArray[Any]], images: str, labels: str) -> LabelledArrays:
    grays, names = _grays(arrays[images]), _labels(arrays[labels])
    if grays is None or names is None or len(grays) != len(names):
        shapes = f"{images} {arrays[images].shape} and {labels} {arrays[labels].shape}"
        raise TrainingDataError(
            f"{printable(str(path))}: {printable(shapes)} are not gray images with a label each. Save "
            "images of shape (n, height, width) and labels of shape (n,)."
        )
    return grays, names


def _grays(array: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Return images (n, height, width) as uint8 or uint16; None if the array is something else."""
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    side = math.isqrt(array.shape[1]) if array.ndim == 2 else 0
    if side and side * side == array.shape[1]:
        array = array.reshape(-1, side, side)
    is_number = array.dtype.kind in "uifb" and array.ndim == 3 and array.size
    if not is_number or max(array.shape[1:]) > MOST_SIDE_PX or not np.isfinite(array).all():
        return None
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255:
        return None
    return np.rint(array * (255.0 if high <= 1 else 1.0)).astype(np.uint8)


def _labels(array: npt.NDArray[Any]) -> list[str] | None:
    """Return labels as text; None if the array is something else. One-hot rows are numbers."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "uifb" and array.shape[1] <= 256:
        array = array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in "uifbUS":
        return None
    if array.dtype.kind == "S":
        return [bytes(label).decode("utf-8", "replace") for label in array.tolist()]
    if array.dtype.kind == "U":
        return [str(label) for label in array.tolist()]
    whole = np.rint(array.astype(np.float64))
    return [str(int(n)) for n in whole] if (whole == array).all() else None


_NAME = re.compile(r"(?P<part>[^.].*)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")

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


def idx_files(folder: Path) -> list[Path]:
    """Return the files with names like MNIST's: of a folder, or anywhere in an archive."""
    if not folder.is_dir():
        return _idx_members(str(folder))
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if _NAME.fullmatch(name)]
    except OSError as error:
        raise TrainingDataError(not_listed(str(folder), error.strerror or str(error))) from error


def _idx_members(source: str) -> list[Path]:
    archive, below = split_member(source) or (source, "")

    def wants(member: str) -> bool:
        return member.startswith(inside(below)) and bool(_NAME.fullmatch(name_of(member)))

    return sorted(Path(str(path)) for path in members(archive, wants) if path != archive)


def read_idx_folder(folder: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read images (n, height, width) and labels (n,) of all pairs of `idx_files`.

    Two files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`) or four (with `t10k-…`), plain or
    gzip.

    Raises
    ------
    TrainingDataError
        If a file has no partner, is too large, is cut off, or does not match its partner.
    """
    pairs: dict[str, dict[str, Path]] = {}
    for path in idx_files(folder):
        if match := _NAME.fullmatch(path.name):
            part = str(path.parent.relative_to(folder) / match["part"])
            pairs.setdefault(part, {}).setdefault(match["kind"], path)
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
        packed = read_anywhere(str(path), MOST_BYTES)
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
