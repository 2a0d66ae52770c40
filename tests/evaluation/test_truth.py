"""The right labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from digitsort.errors import ExitCode, NothingToDoError, UsageError
from digitsort.evaluation.truth import find_truth
from digitsort.images.discover import Walk
from tests.conftest import Tree, make_tree

DIGITS = tuple("0123456789")


def truths(root: Path, truth: str | None = None, classes: Sequence[str] = DIGITS) -> dict[str, str]:
    """Path below `root` to label."""
    walk = Walk([str(root)])
    found = find_truth(walk, classes, None if truth is None else root / truth)
    return {os.path.relpath(path, root): label for path, label in found.labels.items()}


FOLDERS: Tree = {
    "7": {"a.png": b"", "b.png": b"", "deep": {"c.png": b""}},
    "10": {"d.png": b""},
    "_none": {"e.png": b""},
    "_uncertain": {"f.png": b""},
    "1": {"g.png": b""},
    "h.png": b"",
}


def test_folders_named_by_class_give_the_label_and_others_none(tmp_path: Path) -> None:
    """Only the folder that a picture lies in counts; the order is that of the walk."""
    make_tree(tmp_path, FOLDERS)
    expected = {
        "h.png": "",
        "1/g.png": "1",
        "7/a.png": "7",
        "7/b.png": "7",
        "7/deep/c.png": "",
        "10/d.png": "",
        "_none/e.png": "_none",
        "_uncertain/f.png": "",
    }
    assert list(expected.items()) == list(truths(tmp_path).items())


def test_the_names_are_those_of_the_models_classes(tmp_path: Path) -> None:
    make_tree(tmp_path, {"plus": {"a.png": b""}, "7": {"b.png": b""}})
    assert truths(tmp_path, classes=["plus", "minus"]) == {"7/b.png": "", "plus/a.png": "plus"}


def test_a_folder_of_one_class_may_be_the_source_itself(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7": {"a.png": b""}})
    assert truths(tmp_path / "7") == {"a.png": "7"}


def test_a_source_named_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(tmp_path, {"7": {"a.png": b""}})
    monkeypatch.chdir(tmp_path / "7")
    assert find_truth(Walk(["."]), DIGITS).labels == {os.path.join(".", "a.png"): "7"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "7" / "truth.csv").write_text("path,label\na.png,8\n")
    assert find_truth(Walk(["7"]), DIGITS).labels == {os.path.join("7", "a.png"): "8"}


@pytest.mark.parametrize("name", [None, "other.csv"])
def test_a_truth_csv_wins_over_folders(tmp_path: Path, name: str | None) -> None:
    """That in the source is found; another one is named. Pictures it does not name are not known."""
    rows = "label,path,notes\n 8 ,7/a.png,x\n9,./h.png,\n_none,7/b.png,\n3,gone.png,\n"
    make_tree(tmp_path, {**FOLDERS, name or "truth.csv": rows})
    known = {path: label for path, label in truths(tmp_path, name).items() if label}
    assert known == {"7/a.png": "8", "h.png": "9", "7/b.png": "_none"}


def test_a_truth_csv_may_name_any_file_and_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            "a\nb.png": b"",
            "=1.png": b"",
            "truth.csv": "\ufeffpath,label\nfile:a%0Ab.png,7\n./=1.png,1\n",
        },
    )
    assert truths(tmp_path) == {"=1.png": "1", "a\nb.png": "7"}


@pytest.mark.parametrize(
    "tree",
    [
        {"a.png": b""},
        {"x": {"a.png": b""}},
        {"truth.csv": "path,label\n", "7": {"a.png": b""}},
        {"truth.csv": "path,label\na.png,\n", "a.png": b""},
        {},
    ],
    ids=["no folder", "no class", "empty truth.csv", "no label", "no pictures"],
)
def test_where_nothing_is_known_there_is_nothing_to_do(tmp_path: Path, tree: Tree) -> None:
    make_tree(tmp_path, tree)
    said = r"truth\.csv" if tree else "No images found"
    with pytest.raises(NothingToDoError, match=said) as caught:
        truths(tmp_path)
    assert caught.value.exit_code is ExitCode.NOTHING_TO_DO


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,digit\na.png,7\n", "no columns path and label"),
        (b"", "no columns path and label"),
        (b"path,label\na.png\n", "can't be read"),
        (b'path,label\n"a.png,7\n', "can't be read"),
        (b"path,label\n\xff.png,7\n", "can't be read"),
    ],
    ids=["other columns", "empty", "too few cells", "open quote", "not UTF-8"],
)
def test_a_truth_csv_that_is_none_is_a_usage_error(tmp_path: Path, content: bytes, said: str) -> None:
    make_tree(tmp_path, {"truth.csv": content, "a.png": b""})
    with pytest.raises(UsageError, match=said):
        truths(tmp_path)


def test_a_truth_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7": {"a.png": b""}})
    with pytest.raises(UsageError, match=r"gone\.csv"):
        truths(tmp_path, "gone.csv")


def test_what_a_person_could_not_read_has_no_known_label(tmp_path: Path) -> None:
    """It was a class of its own, which every label missed."""
    table = "path,label\na.png,_unclear\nb.png,7\n"
    make_tree(tmp_path, {"a.png": b"1", "b.png": b"2", "truth.csv": table})
    assert truths(tmp_path) == {"a.png": "", "b.png": "7"}
