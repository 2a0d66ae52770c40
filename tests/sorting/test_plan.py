"""Where every file goes."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.errors import OutputError, UsageError
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.sorting.free_names import file_sha256
from digitsort.sorting.plan import Plan, folder_for, plan_sort
from tests.conftest import Link, make_tree, read_tree


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def row(path: str, label: str = "7", status: Status = Status.OK, **more: Any) -> Row:
    return Row(path, label, status, **more)


def targets(plan: Plan) -> dict[str, str]:
    """Source to target below DEST."""
    return {o.row.path: os.path.relpath(o.target, plan.dest) for o in plan.operations}


OK, UNCERTAIN, REJECTED, ERROR, _ = Status


@pytest.mark.parametrize(
    ("label", "status", "human", "careful", "accepting"),
    [
        ("7", OK, "", "7", "7"),
        ("7", UNCERTAIN, "", "_uncertain", "7"),
        ("", REJECTED, "", "_rejected", "_rejected"),
        ("_none", OK, "", "_rejected", "_rejected"),
        ("7", OK, "1", "1", "1"),
        ("7", UNCERTAIN, "1", "1", "1"),
        ("", REJECTED, "1", "1", "1"),
        ("", ERROR, "1", "1", "1"),
        ("7", OK, "_none", "_rejected", "_rejected"),
        ("7", OK, "_unclear", "_uncertain", "_uncertain"),
        ("", REJECTED, "_unclear", "_uncertain", "_uncertain"),
        ("plus", OK, "", "plus", "plus"),
        ("é", OK, "", "é", "é"),
        ("two words", OK, "", "two words", "two words"),
        ("-", OK, "", "-", "-"),
    ],
)
def test_a_persons_label_wins_and_doubtful_files_are_set_aside(
    label: str, status: Status, human: str, careful: str, accepting: str
) -> None:
    given = row("x.png", label, status, human=human)
    assert careful == folder_for(given, accept_uncertain=False)
    assert accepting == folder_for(given, accept_uncertain=True)


@pytest.mark.parametrize(
    ("reason", "folder"),
    [("was ok", "7"), ("was uncertain: low confidence", "_uncertain"), ("written by hand", "7")],
)
def test_a_file_that_is_back_is_planned_as_before_it_was_gone(
    tmp_path: Path, reason: str, folder: str
) -> None:
    plan = plan_sort([row("/a/x.png", status=Status.GONE, reason=reason)], tmp_path)
    assert [operation.target for operation in plan.operations] == [str(tmp_path / folder / "x.png")]


NO_FOLDERS = [
    *(".", "..", "../up", "a/b", "a\\b", "/etc", "_other", "_uncertain", ".hidden"),
    *("a:b", "a\0b", 'a"b', "what?", "*", "a|b", "<", "7\n", "7 ", " 7", "\t"),
    *("x" * 256, "é" * 128),
]


@pytest.mark.parametrize(
    "labelled",
    [
        row("x.png", ""),
        *(row("x.png", label) for label in NO_FOLDERS),
        *(row("x.png", human=label) for label in NO_FOLDERS),
    ],
    ids=lambda labelled: f"{labelled.label!r} {labelled.human!r}"[:20],
)
def test_a_label_that_can_be_no_folder_is_a_usage_error(labelled: Row) -> None:
    """Nothing is ever written outside DEST, or into a folder that a file system can't have."""
    with pytest.raises(UsageError, match=r"x\.png: the label .* Correct it"):
        folder_for(labelled, accept_uncertain=True)


def test_files_go_into_the_folder_of_their_label(tmp_path: Path) -> None:
    rows = [
        row("/s/a.png", "7"),
        row("/s/b.png", "1"),
        row("/s/c.png", "7", UNCERTAIN),
        row("/s/d.png", "", REJECTED),
    ]
    plan = plan_sort(rows, tmp_path / "dest")
    assert targets(plan) == {
        "/s/a.png": "7/a.png",
        "/s/b.png": "1/b.png",
        "/s/c.png": "_uncertain/c.png",
        "/s/d.png": "_rejected/d.png",
    }
    assert rows == [operation.row for operation in plan.operations]
    assert (plan.same, plan.left) == ((), ())


def test_unreadable_files_are_left_with_their_reason_unless_a_person_labelled_them(
    tmp_path: Path,
) -> None:
    plan = plan_sort(
        [
            row("/s/a.png", "", ERROR, reason="empty file"),
            row("/s/b.png", "", ERROR),
            row("/s/c.png", "", ERROR, reason="empty file", human="3"),
        ],
        tmp_path,
    )
    assert plan.left == (("/s/a.png", "empty file"), ("/s/b.png", "unreadable"))
    assert targets(plan) == {"/s/c.png": "3/c.png"}


CONFLICTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]], list[str]]] = {
    # what DEST/7 holds, (path, content) of the sources, names of the targets ("=": is there already)
    "no conflict": ({}, [("/a/x.png", "1"), ("/a/y.png", "2")], ["x.png", "y.png"]),
    "three of a name": (
        {},
        [("/a/x.png", "1"), ("/b/x.png", "2"), ("/c/x.png", "3")],
        ["x.png", "x_2.png", "x_3.png"],
    ),
    "differing by case": ({}, [("/a/x.png", "1"), ("/a/X.PNG", "2")], ["x.png", "X_2.PNG"]),
    "sharp s": ({}, [("/a/straße.png", "1"), ("/a/STRASSE.png", "2")], ["straße.png", "STRASSE_2.png"]),
    "composed and decomposed": (
        {},
        [("/a/\u00e9.png", "1"), ("/a/e\u0301.png", "2")],
        ["\u00e9.png", "e\u0301_2.png"],
    ),
    "a numbered name of its own": (
        {},
        [("/a/x.png", "1"), ("/a/x_2.png", "2"), ("/b/x.png", "3")],
        ["x.png", "x_2.png", "x_3.png"],
    ),
    "a numbered name that comes later": (
        {},
        [("/a/x.png", "1"), ("/b/x.png", "2"), ("/b/x_2.png", "3")],
        ["x.png", "x_2.png", "x_2_2.png"],
    ),
    "a name taken in DEST": ({"x.png": b"old"}, [("/a/x.png", "1")], ["x_2.png"]),
    "taken in another case": ({"X.png": b"old"}, [("/a/x.png", "1")], ["x_2.png"]),
    "taken by a folder": ({"x.png": {}}, [("/a/x.png", "1")], ["x_2.png"]),
    "taken by a dangling link": ({"x.png": Link("gone")}, [("/a/x.png", "1")], ["x_2.png"]),
    "taken twice": ({"x.png": b"old", "x_2.png": b"old"}, [("/a/x.png", "1")], ["x_3.png"]),
    "the same content there": ({"x.png": b"1"}, [("/a/x.png", "1")], ["=x.png"]),
    "there under a number": ({"x.png": b"old", "x_2.png": b"1"}, [("/a/x.png", "1")], ["=x_2.png"]),
    "there in another case": ({"X.png": b"1"}, [("/a/x.png", "1")], ["=X.png"]),
    "the same behind a link": (
        {"x.png": Link("../y"), "../y": b"1"},
        [("/a/x.png", "1")],
        ["x_2.png"],
    ),
    "the same under another name": ({"y.png": b"1"}, [("/a/x.png", "1")], ["x.png"]),
    "the same twice": ({}, [("/a/x.png", "1"), ("/b/x.png", "1")], ["x.png", "=x.png"]),
    "the same twice, in another case": (
        {},
        [("/a/x.png", "1"), ("/b/X.png", "1")],
        ["x.png", "=x.png"],
    ),
    "no hash": ({}, [("/a/x.png", ""), ("/b/x.png", "")], ["x.png", "x_2.png"]),
    "no suffix": ({}, [("/a/x", "1"), ("/b/x", "2")], ["x", "x_2"]),
    "two suffixes": ({}, [("/a/x.tar.png", "1"), ("/b/x.tar.png", "2")], ["x.tar.png", "x.tar_2.png"]),
    "not UTF-8": ({}, [("/a/\udcff.png", "1"), ("/b/\udcff.png", "2")], ["\udcff.png", "\udcff_2.png"]),
    "255 bytes": (
        {},
        [(f"/{d}/{'x' * 251}.png", d) for d in "abc"],
        ["x" * 251 + ".png", "x" * 249 + "_2.png", "x" * 249 + "_3.png"],
    ),
    "255 bytes in characters of four": (
        {},
        [(f"/{d}/{'😀' * 62}abc.png", d) for d in "ab"],
        ["😀" * 62 + "abc.png", "😀" * 62 + "a_2.png"],
    ),
    "255 bytes, cut through a character": (
        {},
        [(f"/{d}/{'😀' * 62}.webp", d) for d in "ab"],
        ["😀" * 62 + ".webp", "😀" * 62 + "_2.webp"],
    ),
}


@pytest.mark.parametrize(("there", "sources", "expected"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_conflicts(
    tmp_path: Path, there: dict[str, Any], sources: list[tuple[str, str]], expected: list[str]
) -> None:
    (tmp_path / "7").mkdir()
    make_tree(tmp_path / "7", there)
    rows = [row(path, sha256=sha(content.encode()) if content else "") for path, content in sources]
    plan = plan_sort(rows, tmp_path)
    names = {(o.row.path, os.path.relpath(o.target, tmp_path / "7")) for o in plan.operations}
    names |= {(o.row.path, "=" + os.path.relpath(o.target, tmp_path / "7")) for o in plan.same}
    assert {(path, name) for (path, _), name in zip(sources, expected, strict=True)} == names


def test_a_plan_touches_nothing(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7": {"x.png": b"1"}, "s": {"x.png": b"2"}})
    before = read_tree(tmp_path)
    plan_sort([row(str(tmp_path / "s" / "x.png"), sha256=sha(b"2"))], tmp_path / "new")
    plan_sort([row(str(tmp_path / "s" / "x.png"), sha256=sha(b"2"))], tmp_path)
    assert before == read_tree(tmp_path)


def test_a_relative_dest_is_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_sort([row("/s/x.png")], Path("sorted"))
    assert str(tmp_path / "sorted") == plan.dest
    assert [str(tmp_path / "sorted" / "7" / "x.png")] == [o.target for o in plan.operations]


@pytest.mark.parametrize("entry", [Link("elsewhere"), Link("nowhere"), Link("7"), b"a file"])
def test_nothing_is_sorted_through_a_link_or_onto_a_file(tmp_path: Path, entry: Any) -> None:
    make_tree(tmp_path, {"elsewhere": {}, "7": entry})
    with pytest.raises(OutputError, match="it is a symbolic link or a file"):
        plan_sort([row("/s/x.png")], tmp_path)


def test_a_folder_that_cannot_be_listed_is_an_output_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {"7": {}})

    def refuse(path: object) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(OutputError, match="can't be listed: Permission denied"):
        plan_sort([row("/s/x.png")], tmp_path)


@pytest.mark.parametrize(("entry", "expected"), [(b"7", sha(b"7")), ({}, ""), (Link("gone"), "")])
def test_only_regular_files_have_a_hash(tmp_path: Path, entry: Any, expected: str) -> None:
    make_tree(tmp_path, {"x": entry})
    assert expected == file_sha256(str(tmp_path / "x"))


# Names that some file system or other takes for the same are frequent.
NAMES = st.lists(
    st.sampled_from("x X é e\u0301 É ß ss ẞ K k \u212a \u0345 \u03b9 _2 _3 .".split()),
    min_size=1,
    max_size=5,
).map("".join)
ROWS = st.lists(
    st.tuples(NAMES, st.sampled_from([".png", ".PNG", ""]), st.sampled_from("12"), st.integers(0, 3)),
    max_size=12,
)


def alike(name: str) -> set[str]:
    """What file systems make of a name: folded or not, composed or decomposed."""
    forms: set[str] = set()
    for form in ("NFC", "NFD"):
        normal = unicodedata.normalize(form, name)
        forms |= {
            unicodedata.normalize(form, normal.casefold()),
            unicodedata.normalize(form, normal.lower()),
            normal,
        }
    return forms


@given(there=st.lists(NAMES, max_size=4), sources=ROWS)
def test_no_two_targets_are_alike_and_none_is_like_a_name_that_is_there(
    tmp_path_factory: pytest.TempPathFactory, there: list[str], sources: list[tuple[str, str, str, int]]
) -> None:
    """On any file system: with or without case, composed or decomposed."""
    dest = tmp_path_factory.mktemp("dest")
    for name in there:
        path = dest / "1" / name
        if name not in (".", "..") and not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"0")
    rows = [
        row(f"/s{i}/{name}{suffix}", label, sha256=sha(b"%d" % content))
        for i, (name, suffix, label, content) in enumerate(sources)
        if name + suffix not in (".", "..")
    ]
    plan = plan_sort(rows, dest)
    assert len(rows) == len(plan.operations) + len(plan.same) + len(plan.left)
    for label in "12":
        folder = dest / label
        taken = [alike(name) for name in (os.listdir(folder) if folder.exists() else [])]
        for target in (o.target for o in plan.operations if o.row.label == label):
            forms = alike(os.path.basename(target))
            assert not any(forms & others for others in taken)
            taken.append(forms)
    for operation in plan.operations:
        assert os.path.dirname(operation.target) == str(dest / operation.row.label)
        assert len(os.fsencode(os.path.basename(operation.target))) <= 255
    known = {o.target: o.row.sha256 for o in plan.operations}
    for operation in plan.same:
        assert operation.row.sha256 == (known.get(operation.target) or file_sha256(operation.target))
