"""What `train -d` names becomes labelled images."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest

from digitsort.errors import TrainingDataError, UsageError
from digitsort.training.choose_dataset import mnist_dataset, open_datasets
from tests.conftest import Link, digit_png, make_tree, run_digitsort
from tests.sources.making import make_archive
from tests.training.test_idx import LABELS, good, write


def labels_of(name: str | Path) -> list[str]:
    labels = []
    for dataset in open_datasets([str(name)]):
        loaded = [label for _, label in dataset.load()]
        assert len(loaded) == dataset.count
        labels += loaded
    return labels


def test_digits_are_all_of_load_digits() -> None:
    assert Counter(labels_of("digits"))["0"] == 178
    assert len(labels_of("digits")) == 1797


def test_the_default_is_what_the_default_model_knows() -> None:
    (dataset,) = open_datasets(["default"])
    assert dataset.known is not None
    assert dataset.count == dataset.known.model.card.support_vectors


def test_synthetic_digits_by_number() -> None:
    assert Counter(labels_of("synthetic:3")) == dict.fromkeys("0123456789", 3)


def test_printed_digits_by_number() -> None:
    assert Counter(labels_of("printed:2")) == dict.fromkeys("0123456789", 2)


@pytest.mark.parametrize("name", ["synthetic:0", "synthetic:-1", "synthetic:many", "synthetic:9999999"])
def test_a_number_of_no_use_is_refused(name: str) -> None:
    for each in (name, name.replace("synthetic", "printed")):
        with pytest.raises(UsageError, match="1 to 100000"):
            open_datasets([each])


def test_a_folder_of_idx_files(tmp_path: Path) -> None:
    assert labels_of(write(tmp_path, good())) == [str(label) for label in LABELS]


def test_a_folder_of_folders(tmp_path: Path) -> None:
    """Any class names; folders in natural order; _none counts, other _folders and files do not."""
    tree = {
        "10": {"a.png": digit_png(1)},
        "9": {"deep": {"b.png": digit_png(2)}, "c.png": digit_png(3)},
        "plus": {"d.png": digit_png(4)},
        "_none": {"e.png": digit_png(5)},
        "_uncertain": {"f.png": digit_png(6)},
        ".hidden": {"g.png": digit_png(7)},
        "labels.csv": "x",
    }
    assert labels_of(make_tree(tmp_path, tree)) == ["9", "9", "10", "_none", "plus"]


@pytest.mark.parametrize("top", ["", "scans/batch/"])
@pytest.mark.parametrize("form", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_of_folders_is_read_like_the_unpacked_folder(
    tmp_path: Path, form: str, top: str
) -> None:
    """In the same order, whatever that of the archive; also if one folder contains all."""
    names = ("9/deep/b.png", "10/a.png", "9/10.png", "9/9.png", "_none/e.png", "_old/f.png", ".h/g.png")
    tree = {name: digit_png(number) for number, name in enumerate(names)} | {"10/notes.txt": b"x"}
    folder = make_tree(tmp_path / "batch", tree)
    archive = make_archive(tmp_path / form, {top + name: data for name, data in tree.items()})
    (one,), (other,) = open_datasets([str(folder)]), open_datasets([str(archive)])
    assert (other.count, other.name, other.note) == (
        5,
        f"archive:{form}",
        "left out _old (begins with _)",
    )
    pairs = list(zip(one.load(), other.load(), strict=True))
    assert all(mine[1] == his[1] and (mine[0] == his[0]).all() for mine, his in pairs)
    assert [Path(path).name for path in one.paths] == [Path(path).name for path in other.paths]


def test_a_folder_in_an_archive_has_the_classes(tmp_path: Path) -> None:
    tree = {"train/7/a.png": digit_png(7), "train/8/b.png": digit_png(8), "test/7/c.png": digit_png(1)}
    archive = make_archive(tmp_path / "a.tgz", tree)
    (data,) = open_datasets([f"{archive}/train"])
    assert (data.name, [label for _, label in data.load()]) == ("archive:train", ["7", "8"])
    with pytest.raises(UsageError, match="is not there"):
        open_datasets([f"{archive}/tra"])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"7.png": digit_png(7)}, "no folders named by class"),
        ({"train/7/7.png": b"", "test/7/7.png": b""}, "name the folder in it that has these"),
        ({"=1/7.png": b""}, "formula by a spreadsheet. Rename"),
        (b"PK", "a.zip: archive ends early"),
    ],
)
def test_an_archive_of_no_use(tmp_path: Path, data: Any, says: str) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(data) if isinstance(data, bytes) else make_archive(archive, data)
    with pytest.raises(TrainingDataError, match=says):
        open_datasets([str(archive)])


def test_several_add_up(tmp_path: Path) -> None:
    make_tree(tmp_path, {"1": {"a.png": digit_png(1)}, "2": {"b.png": digit_png(2)}})
    assert [d.count for d in open_datasets(["digits", str(tmp_path)])] == [1797, 2]


@pytest.mark.parametrize(
    ("tree", "error", "says"),
    [
        ({}, TrainingDataError, "no folders named by class"),
        ({"a.png": digit_png(1)}, TrainingDataError, "no folders named by class"),
        ({"1": {}}, TrainingDataError, "has no images"),
        ({"1": {"notes.txt": "x"}}, TrainingDataError, "has no images"),
        ({"=1+1": {"a.png": digit_png(1)}}, TrainingDataError, "formula by a spreadsheet. Rename"),
        ({"\x1b[2J": {"a.png": digit_png(1)}}, TrainingDataError, r"\\x1b.* name of a folder. Rename"),
        ({"x" * 65: {"a.png": digit_png(1)}}, TrainingDataError, "64 characters. Rename"),
    ],
    ids=[
        *("empty", "no folders", "empty class", "class without pictures"),
        *("formula", "control characters", "long name"),
    ],
)
def test_a_folder_of_no_use(tmp_path: Path, tree: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        open_datasets([str(make_tree(tmp_path, tree))])


def test_an_unreadable_training_image_is_named(tmp_path: Path) -> None:
    make_tree(tmp_path, {"1": {"a.png": digit_png(1)[:60]}, "2": {"b.png": digit_png(2)}})
    (dataset,) = open_datasets([str(tmp_path)])
    with pytest.raises(TrainingDataError, match=r"a\.png"):
        list(dataset.load())


@pytest.mark.parametrize("mode", [0o000, 0o300])
def test_a_folder_that_may_not_be_read_is_a_sentence(unprivileged: Path, mode: int) -> None:
    make_tree(unprivileged, {"data": {"1": {"a.png": digit_png(1)}}})
    (unprivileged / "data").chmod(mode)
    with pytest.raises(TrainingDataError, match="data can't be listed: Permission denied"):
        open_datasets([str(unprivileged / "data")])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="special files as POSIX has them")
@pytest.mark.parametrize("special", ["pipe.png", "zero.png", "loop.png"])
def test_a_special_file_among_training_images_is_a_sentence(tmp_path: Path, special: str) -> None:
    """In a process of its own, which is killed if it hangs."""
    tree: dict[str, Any] = {
        str(d): {f"{i}.png": digit_png(d, example=i) for i in range(5)} for d in (1, 7)
    }
    tree["1"]["zero.png" if special == "zero.png" else "loop.png"] = Link(
        "/dev/zero" if special == "zero.png" else "loop.png"
    )
    make_tree(tmp_path / "data", tree)
    if special == "pipe.png":
        (tmp_path / "data" / "1" / "loop.png").unlink()
        os.mkfifo(tmp_path / "data" / "1" / special)
    done = run_digitsort("train", "-d", tmp_path / "data", "-o", tmp_path / "m.pkl")
    assert (done.returncode, done.stdout) == (4, "")
    assert special in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match="digits, synthetic, printed, mnist"):
        open_datasets(["nonsense"])


def fetched(name: str, **options: Any) -> Any:
    """Stands for fetch_openml: two of OpenML's rows."""
    assert (name, options["version"], options["as_frame"]) == ("mnist_784", 1, False)
    assert "openml" in options["data_home"]
    data = np.zeros((2, 784))
    data[1, 3] = 255
    return SimpleNamespace(data=data, target=np.array(["7", "2"], dtype=object))


def test_mnist_through_openml() -> None:
    dataset = mnist_dataset(fetched)
    pairs = list(dataset.load())
    assert [label for _, label in pairs] == ["7", "2"]
    assert [(gray.shape, gray.dtype.name) for gray, _ in pairs] == [((28, 28), "uint8")] * 2
    assert pairs[1][0][0, 3] == 255


def test_mnist_without_a_network_names_the_way_out() -> None:
    def unreachable(name: str, **options: Any) -> Any:
        raise URLError("no network")

    with pytest.raises(TrainingDataError, match="IDX files"):
        mnist_dataset(unreachable)
