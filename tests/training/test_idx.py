"""MNIST's own files, plain or gzip, whole or not at all."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitsort import open_datasets
from digitsort.errors import TrainingDataError
from digitsort.training.arrays import idx_files, read_idx_folder
from tests.conftest import Link, make_tree, run_digitsort
from tests.sources.making import make_archive

Files = dict[str, bytes]


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes, as Yann LeCun's page describes it."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def header(*sizes: int) -> bytes:
    """The start of an IDX file of such sizes, and nothing else."""
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes)


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


@pytest.mark.parametrize("form", ["a.zip", "a.tar", "a.tgz"])
def test_files_in_an_archive(tmp_path: Path, form: str) -> None:
    """As it was downloaded; what macOS puts beside them is left out; so is what has no such name."""
    top = {f"MNIST/raw/{name}": data for name, data in {**good("train", ".gz"), **good("t10k")}.items()}
    junk = {f"__MACOSX/MNIST/raw/._{name}": b"x" for name in good()}
    archive = make_archive(tmp_path / form, {**top, **junk, "MNIST/readme.txt": b"x"})
    (tmp_path / "loose").mkdir()
    files = {name.rpartition("/")[2]: data for name, data in top.items()}
    (loose,) = open_datasets([str(write(tmp_path / "loose", files))])
    for source in (archive, archive / "MNIST" / "raw"):
        (found,) = open_datasets([str(source)])
        assert (found.count, found.name) == (10, f"idx:{source.name}")
        pairs = zip(found.load(), loose.load(), strict=True)
        assert all((one[0] == other[0]).all() and one[1] == other[1] for one, other in pairs)


def test_a_file_without_its_partner_in_an_archive(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.zip", dict(list(good().items())[:1]))
    with pytest.raises(TrainingDataError, match="has no train-labels-idx… file"):
        open_datasets([str(archive)])


def test_dots_instead_of_dashes(tmp_path: Path) -> None:
    """Some copies are named train-images.idx3-ubyte."""
    files = {name.replace("-idx", ".idx"): data for name, data in good().items()}
    assert idx_files(write(tmp_path, files))
    assert len(read_idx_folder(tmp_path)[0]) == 5


BAD: dict[str, tuple[Callable[[Files], Files], str]] = {
    "images cut off": (lambda f: {k: v[:-3] if "images" in k else v for k, v in f.items()}, "cut off"),
    "header cut off": (
        lambda f: {k: v[:6] if "labels" in k else v for k, v in f.items()},
        "is not an IDX",
    ),
    "too long": (lambda f: {k: v + b"x" if "images" in k else v for k, v in f.items()}, "too long"),
    "not matching": (
        lambda f: {k: idx(LABELS[:4]) if "labels" in k else v for k, v in f.items()},
        "5 images and 4 labels",
    ),
    "labels missing": (lambda f: {k: v for k, v in f.items() if "images" in k}, "no train-labels"),
    "text": (lambda f: dict.fromkeys(f, b"<html>not found</html>"), "is not an IDX"),
    "no images": (
        lambda f: {k: idx(IMAGES[:0]) if "images" in k else idx(LABELS[:0]) for k in f},
        "is empty: its header says 0 x 3 x 4",
    ),
    "images of no height": (
        lambda f: {k: header(5, 0, 4) if "images" in k else v for k, v in f.items()},
        "is empty: its header says 5 x 0 x 4",
    ),
    "images of no size, very many": (
        lambda f: {k: header(2**32 - 1, 0, 0) if "images" in k else v for k, v in f.items()},
        "is empty: its header says 4294967295 x 0 x 0",
    ),
    "images of 2^96 pixels": (
        lambda f: {k: header(*[2**32 - 1] * 3) if "images" in k else v for k, v in f.items()},
        "is too large: its header says 4294967295 x 4294967295 x 4294967295",
    ),
    "images of one row, 2^32 pixels": (
        lambda f: {k: header(1, 1, 2**32 - 1) if "images" in k else v for k, v in f.items()},
        "is too large",
    ),
    "2^32 labels": (
        lambda f: {k: v if "images" in k else header(2**32 - 1) for k, v in f.items()},
        "is too large",
    ),
    "packed twice": (
        lambda f: {k: gzip.compress(gzip.compress(v)) for k, v in f.items()},
        "is not an IDX",
    ),
    "packed with something behind": (
        lambda f: {k: gzip.compress(v) + b"x" * 99 for k, v in f.items()},
        "something else follows the packed data",
    ),
    "packed in many empty parts": (
        lambda f: {k: gzip.compress(b"") * 100_000 + gzip.compress(v) for k, v in f.items()},
        "packed in more than 100 parts",
    ),
    "packed and too long": (
        lambda f: {k: gzip.compress(v + b"x") if "images" in k else v for k, v in f.items()},
        "there are more",
    ),
    "gzip cut off": (lambda f: {k: gzip.compress(v)[:-9] for k, v in f.items()}, "cut off"),
    "gzip damaged": (
        lambda f: {k: gzip.compress(v)[:12] + b"\xff" * 30 for k, v in f.items()},
        "not an IDX|damaged",
    ),
    "gzip of another checksum": (
        lambda f: {k: gzip.compress(v)[:-8] + bytes(8) for k, v in f.items()},
        "damaged .*incorrect data check",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named(tmp_path: Path, name: str) -> None:
    damage, says = BAD[name]
    with pytest.raises(TrainingDataError, match=says):
        read_idx_folder(write(tmp_path, damage(good())))


def test_two_sizes_are_refused(tmp_path: Path) -> None:
    files = {**good("train"), **good("t10k"), "t10k-images-idx3-ubyte": idx(np.zeros((5, 2, 2)))}
    with pytest.raises(TrainingDataError, match="different sizes"):
        read_idx_folder(write(tmp_path, files))


def test_parts_are_joined_and_zeros_behind_them_are_nothing(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes them, and as tapes end."""
    files = {
        k: gzip.compress(v[:9]) + gzip.compress(b"") + gzip.compress(v[9:]) + bytes(512)
        for k, v in good().items()
    }
    assert (read_idx_folder(write(tmp_path, files))[0] == IMAGES).all()


def bomb(folder: Path, announced: int) -> Path:
    """A gzip file of 1 MB that unpacks to 1 GiB of zeros; it announces so many images of 28 x 28."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(header(announced, 28, 28))
    for _ in range(1024):
        packed += packer.compress(bytes(2**20))
    return write(folder, {**good(), "train-images-idx3-ubyte": packed + packer.flush()})


@pytest.mark.slow
@pytest.mark.parametrize("announced", [10, 2**31])
def test_a_bomb_costs_no_more_than_its_header_says(tmp_path: Path, announced: int) -> None:
    folder = bomb(tmp_path, announced)
    tracemalloc.start()
    try:
        with pytest.raises(TrainingDataError, match=r"there are more|is too large"):
            read_idx_folder(folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2**20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="special files as POSIX has them")
@pytest.mark.parametrize("special", ["pipe", "zero", "folder", "dangling", "loop"])
@pytest.mark.parametrize("kind", ["images", "labels"])
def test_special_files_are_a_sentence_and_exit_code_4(tmp_path: Path, kind: str, special: str) -> None:
    """In a process of its own, which is killed if it hangs."""
    data, name = tmp_path / "data", f"train-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    files: dict[str, Any] = {**good(), name: {"zero": Link("/dev/zero"), "folder": {}}.get(special)}
    files[name] = files[name] or Link(name if special == "loop" else "nowhere")
    make_tree(data, files)
    if special == "pipe":
        (data / name).unlink()
        os.mkfifo(data / name)
    done = run_digitsort("train", "-d", data, "-o", tmp_path / "m.pkl")
    assert (done.returncode, done.stdout) == (4, "")
    assert f"{name} can't be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, good())
    with (tmp_path / "train-images-idx3-ubyte").open("r+b") as file:
        file.truncate(2**30 + 1)  # of holes, which take no room on the disk
    with pytest.raises(TrainingDataError, match=r"can't be read.*larger than"):
        read_idx_folder(tmp_path)
