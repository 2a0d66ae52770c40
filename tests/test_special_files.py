"""What is no plain picture file is a row with its reason; any name comes back byte for byte."""

from __future__ import annotations

import csv
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from digitsort import read_labels
from digitsort.labels.labels_csv import COLUMNS
from tests.conftest import Link, digit_png, invoke, make_tree, run_digitsort

NAMES = [
    *(start + "1+1.png" for start in "=+-@"),
    "\uff1d1.png",
    "=cmd|' C calc'!A0.png",
    "file:x.png",
    "FILE: etc %2e%2e.png",
    "a,\"b'.png",
    "new\nline.png",
    "return\r.png",
    "tab\t.png",
    "\x1b[2J.png",
    " space .png",
    "-rf.png",
    "--help.png",
    "%41.png",
    "$(id) `id`.png",
    "caf\udce9.png",
    "\udcff\udcfe.png",
    "e\u0301.png",
    "\u00e9.png",
    "\u2028.png",
    "\u202egnp.png",
    "\U0001f600.png",
    "A.png",
    "a.png",
    "x" * 251 + ".png",
    "\U0001f600" * 62 + "xyz.png",
]


CONTENT = {name: digit_png(7, side=64 + index) for index, name in enumerate(NAMES)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; a sub-folder for each digit has a file of every name."""
    monkeypatch.chdir(tmp_path)
    try:
        make_tree(tmp_path, {"scans": {"7": CONTENT}})
    except (OSError, ValueError) as error:
        pytest.skip(f"this file system does not take these names: {error}")
    if len(os.listdir(tmp_path / "scans" / "7")) != len(NAMES):
        pytest.skip("this file system takes some of these names for the same")
    return tmp_path


def as_bytes(paths: list[str]) -> set[bytes]:
    return {os.path.basename(os.fsencode(path)) for path in paths}


EXPECTED = {os.fsencode(name) for name in NAMES}


def test_any_name_comes_back_from_the_csv_and_no_cell_starts_a_formula(
    here: Path, model_file: Path
) -> None:
    """The CSV is valid UTF-8 and has one line for each file."""
    assert invoke("classify", "scans", "-m", model_file).exit_code == 0
    content = (here / "labels.csv").read_bytes().decode("utf-8")
    assert len(content.splitlines()) == 1 + len(NAMES)
    rows = list(csv.reader(content.splitlines(), strict=True))
    assert [tuple(rows[0]), *{len(row) for row in rows}] == [COLUMNS, len(COLUMNS)]
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\uff1d", "\t", "\r"))
    paths = [row.path for row in read_labels(here / "labels.csv")]
    assert (len(paths), as_bytes(paths)) == (len(NAMES), EXPECTED)
    assert all(os.path.exists(path) for path in paths)


def test_from_beside_the_files_a_name_is_the_whole_cell(here: Path, model_file: Path) -> None:
    """The harder case: nothing comes before the name."""
    csv_file = here / "scans" / "7" / "labels.csv"
    assert invoke("classify", "scans", "-m", model_file, "-o", csv_file).exit_code == 0
    with csv_file.open(encoding="utf-8", newline="") as file:
        cells = [row[0] for row in csv.reader(file)]
    assert not any(cell.startswith(("=", "+", "-", "@", "\uff1d")) for cell in cells)
    assert as_bytes([row.path for row in read_labels(csv_file)]) == EXPECTED


def test_json_lines_hold_the_same_names(here: Path, model_file: Path) -> None:
    import json

    done = run_digitsort("classify", "scans", "-m", str(model_file), "-o", "-", "--format", "jsonl")
    from digitsort.files.names import from_cell

    paths = [from_cell(json.loads(line)["path"], str(here)) for line in done.stdout.splitlines()]
    assert as_bytes(paths) == EXPECTED


def test_any_name_is_sorted_from_the_csv(here: Path, model_file: Path) -> None:
    """Names that differ by case or by composition only get a number; every content arrives."""
    invoke("classify", "scans", "-m", model_file)
    assert invoke("sort", "labels.csv", "sorted").exit_code == 0
    back = list(read_labels(here / "sorted" / "labels.csv"))
    assert as_bytes([row.source for row in back]) == EXPECTED
    for row in back:
        name = os.path.basename(row.source)
        assert Path(row.path).read_bytes() == CONTENT[name]


def test_any_name_is_evaluated_and_shown_without_control_characters(
    here: Path, model_file: Path
) -> None:
    done = invoke("evaluate", "scans", "-m", model_file)
    assert done.exit_code == 0
    assert f"({len(NAMES)} of {len(NAMES)} right)" in done.stdout
    wrong = here / "wrong" / "8"
    wrong.parent.mkdir()
    (here / "scans" / "7").rename(wrong)
    done = invoke("evaluate", "wrong", "-m", model_file)
    shown = done.stdout.replace("\n", "")
    assert "Worst mistakes" in shown
    assert shown.isprintable()


def special_tree(folder: Path) -> dict[str, str]:
    """Make one of each kind of file; gives the reason that each should have."""
    make_tree(
        folder,
        {
            "1.png": digit_png(1),
            "empty.png": b"",
            "folder.png": {"2.png": digit_png(2)},
            ".hidden.png": digit_png(3),
            "._1.png": b"\0\5\x16\7 of a Mac",
            "dangling.png": Link("nowhere"),
            "loop.png": Link("loop.png"),
            "device.png": Link("/dev/zero"),
            "linked.png": Link("1.png"),
        },
    )
    os.mkfifo(folder / "pipe.png")
    here = os.getcwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.png")
    finally:
        os.chdir(here)
    return {
        "1.png": "",
        "dangling.png": "broken link",
        "device.png": "not a regular file",
        "empty.png": "empty file",
        "folder.png/2.png": "",
        "linked.png": "",
        "loop.png": "read error",
        "pipe.png": "not a regular file",
        "socket.png": "not a regular file",
    }


def rows_of(result: Any) -> dict[str, str]:
    rows = list(csv.DictReader(result.stdout.splitlines()))
    return {row["path"].removeprefix("s/"): row["reason"] for row in rows}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="special files as POSIX has them")
def test_special_files_are_a_row_each_and_nothing_hangs(tmp_path: Path, model_file: Path) -> None:
    """In a process of its own, which is killed if it hangs."""
    expected = special_tree(tmp_path / "s")
    done = run_digitsort("classify", "s", "-m", model_file, "-o", "-", cwd=tmp_path)
    assert (done.returncode, rows_of(done)) == (1, expected)
    assert "Traceback" not in done.stderr


def test_a_file_without_permission_is_a_row(unprivileged: Path, model: Any) -> None:
    from digitsort import classify_folder

    make_tree(unprivileged, {"1.png": digit_png(1), "no.png": digit_png(2)})
    (unprivileged / "no.png").chmod(0)
    found = {os.path.basename(o.path): o.reason for o in classify_folder(unprivileged, model=model)}
    assert found == {"1.png": "", "no.png": "permission denied"}
