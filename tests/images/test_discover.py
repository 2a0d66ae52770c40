"""Sources to a sorted stream of files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import ExitCode, UsageError
from digitsort.images.discover import (
    Walk,
    check_sources,
    count_suffix,
    describe_skipped,
    matching_path,
    nothing_found,
    suffix_of,
)
from tests.conftest import Link, Tree, digit_png, make_tree


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
    names += "11.jfif 12.AVIF 13.jp2 14.j2k 15.dib 16.apng".split()
    make_tree(tmp_path, dict.fromkeys(names, b""))
    assert names == walked(tmp_path)


def test_other_files_are_skipped_and_counted_hidden_ones_are_not_counted(tmp_path: Path) -> None:
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
    assert walk.skipped == {".txt": 1, "": 1, ".bak": 1, ".db": 1}
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
    assert walk.skipped == {".txt": 1}


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


SKIPPED = {
    "nothing": ({}, []),
    "one": ({".txt": 1}, ["1 file skipped (not images): 1 .txt"]),
    "with remedies, which come first": (
        {".txt": 9, ".heic": 1, ".pdf": 2, "": 1},
        [
            "13 files skipped (not images): 2 .pdf, 1 without extension, 1 .heic, 9 .txt",
            ".heic: pip install pillow-heif",
            ".pdf: cut its ruled cells with digitsort cut, or save its pages as PNG",
            "without extension: --any-name looks into every file",
        ],
    ),
    "many kinds": (
        {".a": 1, ".b": 2, ".c": 3, ".d": 4, ".e": 5, ".f": 6, ".g": 7},
        ["28 files skipped (not images): 7 .g, 6 .f, 5 .e, 4 .d, 3 .c, 2 .b, 1 other"],
    ),
    "more kinds than are counted": (
        {".txt": 1, "*": 12},
        ["13 files skipped (not images): 1 .txt, 12 others"],
    ),
}


@pytest.mark.parametrize(("counts", "lines"), SKIPPED.values(), ids=SKIPPED.keys())
def test_what_is_skipped_is_named(counts: dict[str, int], lines: list[str]) -> None:
    assert describe_skipped(Counter(counts)) == lines
    looked = describe_skipped(Counter(counts), looked_inside=True)
    assert looked == [line for line in lines if "--any-name" not in line]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.TXT", ".txt"),
        ("a", ""),
        ("a.", ""),
        ("2024.01", ".01"),
        ("a. b", ""),
        ("a.tar.gz", ".gz"),
        ("a." + "x" * 11, ""),
    ],
)
def test_suffixes(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix


def test_endless_suffixes_take_no_endless_memory() -> None:
    skipped: Counter[str] = Counter()
    for number in range(3000):
        count_suffix(skipped, f".{number}")
    assert (len(skipped), skipped["*"], skipped.total()) == (1001, 2000, 3000)


def test_with_any_name_the_content_decides(tmp_path: Path) -> None:
    """A picture's name is enough; what can't be read or is gone becomes a row."""
    tree: Tree = {
        "scan": digit_png(7),
        "a.txt": b"BMI: 21 and other words that no picture has",
        "b.dat": b"GIF89a",
        "c.png": b"text",
        "d.x": b"",
        "e.7z": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        "f.bin": b"RIFF\0\0\0\0WAVE",
        "gone.lnk": Link("nowhere"),
        ".hidden": digit_png(7),
    }
    make_tree(tmp_path, tree)
    walk = Walk([str(tmp_path)], any_name=True)
    assert found(walk, tmp_path) == ["b.dat", "c.png", "e.7z", "gone.lnk", "scan"]
    assert walk.skipped == {".txt": 1, ".x": 1, ".bin": 1}
    both = Walk([str(tmp_path), str(tmp_path / "scan"), str(tmp_path / "d.x")], any_name=True)
    assert sorted(found(both, tmp_path)) == ["b.dat", "c.png", "d.x", "e.7z", "gone.lnk", "scan"]


def test_a_folder_without_images_says_what_it_has(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.pdf": b"", "b.pdf": b"", "c": b""})
    walk = Walk([str(tmp_path)])
    assert list(walk.files()) == []
    assert str(nothing_found(walk, "No images found.")) == (
        "No images found. 3 files skipped (not images): 2 .pdf, 1 without extension. .pdf: cut its "
        "ruled cells with digitsort cut, or save its pages as PNG. "
        "without extension: --any-name looks into every file."
    )


def test_a_pattern_is_for_names_below_the_top(tmp_path: Path) -> None:
    top = str(tmp_path / "old" / "scans")
    assert matching_path(f"{top}/..old/7.png", top, ["..old"]) == "..old"
    assert matching_path(f"{top}/a/7.png", top, ["old", "7.*"]) == "7.*"
    assert matching_path(str(tmp_path / "old" / "7.png"), top, ["old"]) == ""
