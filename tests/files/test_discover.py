"""Sources to a sorted stream of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import ExitCode, UsageError
from digitsort.files.discover import Walk, check_sources
from tests.conftest import Link, Tree, make_tree


def walked(root: Path, *sources: str, **options: Any) -> list[str]:
    """Paths found, relative to `root`."""
    return found(Walk([str(root / s) for s in sources or ("",)], **options), root)


def found(walk: Walk, root: Path) -> list[str]:
    return [os.path.relpath(path, root) for path in walk.files()]


def test_files_come_folder_by_folder_in_natural_order(tmp_path: Path) -> None:
    """A folder's own files come before its sub-folders."""
    make_tree(
        tmp_path,
        {
            "10.png": b"",
            "9.png": b"",
            "Z.png": b"",
            "a.png": b"",
            "page10": {"1.png": b""},
            "page9": {"2.png": b"", "deep": {"3.png": b""}, "4.png": b""},
        },
    )
    expected = "9.png 10.png a.png Z.png page9/2.png page9/4.png page9/deep/3.png page10/1.png".split()
    assert expected == walked(tmp_path)


def test_every_picture_suffix_counts_in_any_case(tmp_path: Path) -> None:
    names = "1.png 2.PNG 3.jpg 4.JPEG 5.jpe 6.tif 7.Tiff 8.bmp 9.gif 10.webp".split()
    make_tree(tmp_path, dict.fromkeys(names, b""))
    assert names == walked(tmp_path)


def test_other_files_are_passed_over_and_counted_hidden_ones_are_not_counted(tmp_path: Path) -> None:
    make_tree(
        tmp_path,
        {
            "7.png": b"",
            "notes.txt": b"",
            "png": b"",
            "7.png.bak": b"",
            "sub": {"Thumbs.db": b""},
            ".hidden.png": b"",
            "._7.png": b"",
            ".DS_Store": b"",
            ".git": {"7.png": b""},
        },
    )
    walk = Walk([str(tmp_path)])
    assert found(walk, tmp_path) == ["7.png"]
    assert walk.passed_over == 4
    assert walk.unreadable == []


def test_a_folder_with_a_pictures_name_is_walked(tmp_path: Path) -> None:
    make_tree(tmp_path, {"x.png": {"7.png": b""}})
    assert walked(tmp_path) == ["x.png/7.png"]


def test_nothing_is_found_in_an_empty_folder(tmp_path: Path) -> None:
    make_tree(tmp_path, {"empty": {}})
    assert walked(tmp_path) == []


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    make_tree(tmp_path, {"scan": b"", ".hidden": b""})
    assert walked(tmp_path, "scan", ".hidden") == ["scan", ".hidden"]


def test_a_hidden_folder_that_is_named_is_walked(tmp_path: Path) -> None:
    make_tree(tmp_path, {".scans": {"7.png": b""}})
    assert walked(tmp_path, ".scans") == [".scans/7.png"]


LINKED: Tree = {
    "scans": {
        "file.png": Link("../far/7.png"),
        "folder": Link("../far"),
        "folder.png": Link("../far"),
        "gone.png": Link("nowhere"),
        "loop": Link("."),
        "up": Link(".."),
        "self.png": Link("self.png"),
        "notes.txt": Link("../far/notes.txt"),
    },
    "far": {"7.png": b"", "8.png": b"", "notes.txt": b""},
}


def test_links_to_files_are_read_under_the_links_name_links_to_folders_are_not_entered(
    tmp_path: Path,
) -> None:
    """A link that leads nowhere, or to itself, is there: it becomes a row with the reason."""
    make_tree(tmp_path, LINKED)
    walk = Walk([str(tmp_path / "scans")])
    assert found(walk, tmp_path) == ["scans/file.png", "scans/gone.png", "scans/self.png"]
    assert walk.passed_over == 1


def test_with_follow_links_each_real_folder_is_entered_once(tmp_path: Path) -> None:
    """Loops are harmless, and a file is found once though three links lead to its folder."""
    make_tree(tmp_path, LINKED)
    expected = (
        "scans/file.png scans/gone.png scans/self.png scans/folder/7.png scans/folder/8.png".split()
    )
    assert expected == walked(tmp_path, "scans", follow_links=True)


def test_a_source_that_is_a_link_to_a_folder_is_walked(tmp_path: Path) -> None:
    make_tree(tmp_path, {"far": {"7.png": b""}, "scans": Link("far")})
    assert walked(tmp_path, "scans") == ["scans/7.png"]


OVERLAP: Tree = {
    "a": {"1.png": b"", "b": {"2.png": b""}, ".h": {"3.png": b""}, "notes": b""},
    "link": Link("a/b"),
    "c": {"to_a": Link("../a"), "4.png": b""},
}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["a", "a"], ["a/1.png", "a/b/2.png"]),
        (["a/b", "a"], ["a/1.png", "a/b/2.png"]),
        (["a", "a/b/2.png", "a/1.png"], ["a/1.png", "a/b/2.png"]),
        (["a/b", "link"], ["a/b/2.png"]),
        (["a/b/../b", "a/b/2.png"], ["a/b/2.png"]),
        (["a/1.png", "a/1.png"], ["a/1.png"]),
        (["a/b", "a/1.png"], ["a/b/2.png", "a/1.png"]),
        (["a", "a/.h"], ["a/1.png", "a/b/2.png", "a/.h/3.png"]),  # a walk through a never gets there
        (["a", "a/notes"], ["a/1.png", "a/b/2.png", "a/notes"]),
        (["c", "a/b"], ["c/4.png", "a/b/2.png"]),
    ],
    ids=" ".join,
)
def test_overlapping_sources_give_each_file_once(
    tmp_path: Path, sources: list[str], expected: list[str]
) -> None:
    make_tree(tmp_path, OVERLAP)
    assert expected == walked(tmp_path, *sources)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["c", "a"], ["c/4.png", "c/to_a/1.png", "c/to_a/b/2.png"]),
        (["a", "c"], ["a/1.png", "a/b/2.png", "c/4.png"]),
        (["c", "link"], ["c/4.png", "c/to_a/1.png", "c/to_a/b/2.png"]),
    ],
    ids=["c a", "a c", "c link"],
)
def test_sources_that_overlap_through_links_give_each_file_once(
    tmp_path: Path, sources: list[str], expected: list[str]
) -> None:
    make_tree(tmp_path, OVERLAP)
    assert expected == walked(tmp_path, *sources, follow_links=True)


@pytest.mark.parametrize("through", ["scans", "alias"])
def test_the_excluded_folder_is_not_entered_under_any_name(tmp_path: Path, through: str) -> None:
    make_tree(
        tmp_path,
        {
            "scans": {"1.png": b"", "sorted": {"7": {"7.png": b""}}, "way": Link("sorted")},
            "alias": Link("scans"),
        },
    )
    exclude = os.path.realpath(tmp_path / "scans" / "sorted")
    assert [f"{through}/1.png"] == walked(tmp_path, through, exclude=exclude, follow_links=True)


@pytest.mark.parametrize("follow_links", [False, True])
def test_a_folder_that_cannot_be_listed_is_told_and_the_rest_is_found(
    unprivileged: Path, follow_links: bool
) -> None:
    make_tree(unprivileged, {"1.png": b"", "locked": {"2.png": b""}, "open": {"3.png": b""}})
    (unprivileged / "locked").chmod(0)
    walk = Walk([str(unprivileged)], follow_links)
    assert found(walk, unprivileged) == ["1.png", "open/3.png"]
    assert walk.unreadable == [(str(unprivileged / "locked"), "Permission denied")]


@pytest.mark.parametrize("sources", [["gone"], ["scans", "gone"], ["scans/7.png/below"]])
def test_a_source_that_does_not_exist_is_a_usage_error(tmp_path: Path, sources: Sequence[str]) -> None:
    make_tree(tmp_path, {"scans": {"7.png": b""}})
    with pytest.raises(UsageError, match=r"Name a file or folder that exists") as caught:
        check_sources([tmp_path / source for source in sources])
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_dangling_link_is_a_source(tmp_path: Path) -> None:
    make_tree(tmp_path, {"gone.png": Link("nowhere")})
    path = str(tmp_path / "gone.png")
    assert [path] == check_sources([path])
    assert [path] == list(Walk([path]).files())


def test_names_that_are_not_utf_8_are_found(tmp_path: Path) -> None:
    name = b"caf\xe9.png"
    try:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):  # noqa: PTH123
            pass
    except OSError as error:
        pytest.skip(f"this file system takes only UTF-8 names: {error}")
    assert [name] == [os.fsencode(os.path.basename(path)) for path in Walk([str(tmp_path)]).files()]
