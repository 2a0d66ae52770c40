"""Labelled images in tables and archives: path and label, Kaggle's CSV of pixels, npz."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digitsort import open_datasets
from digitsort.errors import TrainingDataError
from tests.conftest import digit_png, make_tree
from tests.sources.making import make_archive

IMAGES = np.arange(4 * 28 * 28, dtype=np.uint32).reshape(4, 28, 28) % 251
LABELS = np.array([7, 0, 7, 3])
HEADER = ",".join(["label", *(f"pixel{n}" for n in range(784))])


def npz(**arrays: Any) -> bytes:
    """The bytes of an npz file."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def pixels(images: Any = IMAGES, *, first: bool = True) -> str:
    """Rows of labels and pixels, the label in the first or the last column."""
    columns = (LABELS[:, None], images.reshape(4, -1))
    return "".join(",".join(map(str, row)) + "\n" for row in np.hstack(columns[:: 1 if first else -1]))


GOOD: dict[str, str | bytes] = {
    "kaggle.csv": f"{HEADER}\n{pixels()}",
    "no header.csv": pixels(),
    "semicolons.csv": f"\ufeff{HEADER}\n{pixels()}".replace(",", ";"),
    "tabs.csv": f"{HEADER}\n{pixels()}".replace(",", "\t").encode("utf-16"),
    "last.csv": f"{HEADER.removeprefix('label,')},label\n{pixels(first=False)}",
    "keras.npz": npz(
        x_train=IMAGES[:3].astype("u1"), y_train=LABELS[:3], x_test=IMAGES[3:], y_test=LABELS[3:]
    ),
    "flat.npz": npz(data=IMAGES.reshape(4, -1), target=LABELS.astype(float)),
    "floats.npz": npz(train_images=IMAGES[..., None] / 255, train_labels=LABELS[:, None]),
    "one hot.npz": npz(images=IMAGES, labels=np.eye(10)[LABELS]),
    "texts.npz": npz(X=IMAGES, y=LABELS.astype(str)),
}


@pytest.mark.parametrize("name", GOOD)
def test_images_in_arrays(tmp_path: Path, name: str) -> None:
    (dataset,) = open_datasets([str(make_tree(tmp_path, GOOD) / name)])
    found = list(dataset.load())
    expected = IMAGES if "floats" not in name else np.rint(IMAGES)
    assert [label for _, label in found] == ["7", "0", "7", "3"]
    np.testing.assert_array_equal(np.stack([gray for gray, _ in found]), expected)
    assert (dataset.count, dataset.names[0]) == (4, f"{name}, image 1")


BAD: dict[str, tuple[str | bytes, str]] = {
    "test.csv": (
        f"{HEADER.removeprefix('label,')}\n{pixels().split(',', 1)[1]}",
        "has pixels, but no label",
    ),
    "over.csv": (f"{HEADER}\n{pixels(IMAGES * 2)}", "some are over 255"),
    "short.csv": (f"{HEADER}\n7,1,2\n", "is no table of pixels"),
    "text.csv": (f"{HEADER}\n{pixels().replace('7,', 'seven,', 1)}", "is no table of pixels"),
    "no zip.npz": (b"I am a zip file", "can't be read as an npz file: File is not a zip"),
    "objects.npz": (
        npz(x=np.array([{}], object), y=[1]),
        "can't be read as an npz file: Object arrays",
    ),
    "names.npz": (npz(foo=IMAGES), "such as x_train and y_train. It has: foo"),
    "colour.npz": (npz(x=np.zeros((4, 9, 9, 3)), y=LABELS), r"x \(4, 9, 9, 3\) and y \(4,\) are not"),
    "counts.npz": (npz(x=IMAGES, y=LABELS[:3]), "are not gray images with a label each"),
    "formula.npz": (npz(x=IMAGES, y=np.array(["=x", "1", "1", "2"])), "for a formula"),
    "sizes.npz": (npz(x=IMAGES, y=LABELS, x_test=IMAGES[:, 1:], y_test=LABELS), "different sizes"),
}


@pytest.mark.parametrize("name", BAD)
def test_arrays_of_no_use_are_a_sentence(tmp_path: Path, name: str) -> None:
    content, says = BAD[name]
    with pytest.raises(TrainingDataError, match=says):
        open_datasets([str(make_tree(tmp_path, {name: content}) / name)])


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitsort.training.arrays.MOST_BYTES", 4000)
    content = io.BytesIO()
    np.savez_compressed(content, x=np.zeros((100, 28, 28), np.uint8), y=np.zeros(100, np.uint8))
    path = make_tree(tmp_path, {"bomb.npz": content.getvalue()}) / "bomb.npz"
    with pytest.raises(TrainingDataError, match="unpacks to"):
        open_datasets([str(path)])


@pytest.mark.parametrize("write", [str, lambda text: text.replace(",", ";").upper().encode("utf-16")])
def test_a_table_of_paths_and_labels(tmp_path: Path, write: Callable[[str], Any]) -> None:
    """Rows without a file are counted and named; those without a label are none."""
    rows = "path,label\nA.PNG,7\nB.PNG,1.0\nGONE.PNG,3\n,\n"
    tree = {"A.PNG": digit_png(7), "B.PNG": digit_png(1), "t.csv": write(rows)}
    (dataset,) = open_datasets([str(make_tree(tmp_path, tree) / "t.csv")])
    assert [label for _, label in dataset.load()] == ["7", "1"]
    assert list(dataset.names) == [str(tmp_path / "A.PNG"), str(tmp_path / "B.PNG")]
    assert dataset.note == f"1 of 3 rows left out, without a file: {tmp_path / 'GONE.PNG'}"
    assert not dataset.by_hand


def test_tables_of_paths_and_labels_as_json_lines_and_parquet(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.png": digit_png(7), "b.png": digit_png(1)})
    rows = [{"path": "a.png", "label": "7"}, {"path": "b.png", "label": "1"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "t.jsonl").write_text(lines)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    for name in ("t.jsonl", "t.parquet"):
        (dataset,) = open_datasets([str(tmp_path / name)])
        assert [label for _, label in dataset.load()] == ["7", "1"]


def test_a_parquet_file_of_pixels_is_a_sentence(tmp_path: Path) -> None:
    columns = {"label": [7], **{f"pixel{i}": [0] for i in range(64)}}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(TrainingDataError, match="Parquet file of pixels, which is not read"):
        open_datasets([str(tmp_path / "t.parquet")])


def test_a_table_of_pictures_in_an_archive(tmp_path: Path) -> None:
    make_archive(tmp_path / "a.tgz", {"x.png": digit_png(7), "b/y.png": digit_png(1)})
    rows = "path,label\na.tgz/x.png,7\na.tgz/b/y.png,1\na.tgz/b,3\n"
    (dataset,) = open_datasets([str(make_tree(tmp_path, {"t.csv": rows}) / "t.csv")])
    assert [label for _, label in dataset.load()] == ["7", "1"]
    assert dataset.note == f"1 of 3 rows left out, without a file: {tmp_path / 'a.tgz' / 'b'}"


def test_a_folder_of_one_table_names_it(tmp_path: Path) -> None:
    """Keras has its npz in a folder, and `evaluate` a truth.csv beside the pictures."""
    for name in ("mnist.npz", "truth.csv"):
        folder = make_tree(tmp_path, {name.split(".")[0]: {"a.png": digit_png(1), name: b""}})
        folder /= name.split(".")[0]
        with pytest.raises(TrainingDataError, match=f"If {name} has the labels, name it: -d {folder}"):
            open_datasets([str(folder)])


def test_a_table_without_any_file_is_a_sentence(tmp_path: Path) -> None:
    make_tree(tmp_path, {"t.csv": "path,label\nx.png,7\n"})
    with pytest.raises(TrainingDataError, match=r"names no image that is there: no file .*x\.png"):
        open_datasets([str(tmp_path / "t.csv")])
