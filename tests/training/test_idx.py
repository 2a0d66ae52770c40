"""MNIST's own files, plain or gzip, whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitsort.errors import TrainingDataError
from digitsort.training.idx import has_idx_files, read_idx_folder

Files = dict[str, bytes]


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes, as Yann LeCun's page describes it."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


IMAGES = np.arange(5 * 3 * 4).reshape(5, 3, 4)
LABELS = np.array([3, 1, 4, 1, 5])


def good(part: str = "train", suffix: str = "") -> Files:
    pack = gzip.compress if suffix else bytes
    return {
        f"{part}-images-idx3-ubyte{suffix}": pack(idx(IMAGES)),
        f"{part}-labels-idx1-ubyte{suffix}": pack(idx(LABELS)),
    }


def write(folder: Path, files: Files) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_two_files(tmp_path: Path, suffix: str) -> None:
    images, labels = read_idx_folder(write(tmp_path, good(suffix=suffix)))
    assert (images == IMAGES).all()
    assert (labels == LABELS).all()


def test_four_files_are_joined(tmp_path: Path) -> None:
    files = {**good("train", ".gz"), **good("t10k")}
    images, labels = read_idx_folder(write(tmp_path, files))
    assert (images.shape, labels.shape) == ((10, 3, 4), (10,))


def test_dots_instead_of_dashes(tmp_path: Path) -> None:
    """Some copies are named train-images.idx3-ubyte."""
    files = {name.replace("-idx", ".idx"): data for name, data in good().items()}
    assert has_idx_files(write(tmp_path, files))
    assert len(read_idx_folder(tmp_path)[0]) == 5


BAD: dict[str, tuple[Callable[[Files], Files], str]] = {
    "images cut off": (lambda f: {k: v[:-3] if "images" in k else v for k, v in f.items()}, "cut off"),
    "header cut off": (lambda f: {k: v[:6] if "labels" in k else v for k, v in f.items()}, "no IDX"),
    "too long": (lambda f: {k: v + b"x" if "images" in k else v for k, v in f.items()}, "too long"),
    "not matching": (
        lambda f: {k: idx(LABELS[:4]) if "labels" in k else v for k, v in f.items()},
        "5 images and 4 labels",
    ),
    "labels missing": (lambda f: {k: v for k, v in f.items() if "images" in k}, "no train-labels"),
    "text": (lambda f: dict.fromkeys(f, b"<html>not found</html>"), "no IDX"),
    "gzip cut off": (lambda f: {k: gzip.compress(v)[:-9] for k, v in f.items()}, "cut off"),
    "gzip damaged": (
        lambda f: {k: gzip.compress(v)[:12] + b"\xff" * 30 for k, v in f.items()},
        "damaged",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named(tmp_path: Path, name: str) -> None:
    damage, says = BAD[name]
    with pytest.raises(TrainingDataError, match=says):
        read_idx_folder(write(tmp_path, damage(good())))


def test_two_sizes_are_refused(tmp_path: Path) -> None:
    files = {**good("train"), **good("t10k"), "t10k-images-idx3-ubyte": idx(np.zeros((5, 2, 2)))}
    with pytest.raises(TrainingDataError, match="two sizes"):
        read_idx_folder(write(tmp_path, files))
