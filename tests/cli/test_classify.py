"""`digitsort classify`."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from digitsort.labels.labels_csv import COLUMNS
from tests.classification.test_numbers import printed
from tests.conftest import (
    Link,
    Tree,
    digit_image,
    digit_png,
    encoded,
    invoke,
    make_tree,
    png,
    read_tree,
    run_digitsort,
)

MIXED = png(Image.blend(digit_image(1), digit_image(0), 0.5))

SCANS: Tree = {
    "10.png": digit_png(0),
    "9.png": digit_png(9),
    "blank.png": png(Image.new("L", (64, 64), 255)),
    "mixed.png": MIXED,
    "broken.png": b"",
    "pages.tif": encoded(digit_image(3), "TIFF", save_all=True, append_images=[digit_image(8)]),
    "notes.txt": b"",
    ".hidden.png": digit_png(1),
    "sub": {"7.png": digit_png(7), "more.txt": b""},
}

EXPECTED = [
    ("scans/9.png", "9", "ok", ""),
    ("scans/10.png", "0", "ok", ""),
    ("scans/blank.png", "", "rejected", "blank"),
    ("scans/broken.png", "", "error", "empty file"),
    ("scans/mixed.png", "?", "uncertain", "low confidence"),
    ("scans/pages.tif", "3", "ok", "first of several pages"),
    ("scans/sub/7.png", "7", "ok", ""),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with scans/ in it."""
    monkeypatch.chdir(make_tree(tmp_path, {"scans": SCANS}))
    return tmp_path


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def short(text: str) -> list[tuple[str, ...]]:
    """The first columns; a best guess is left open."""
    rows = table(text)
    for row in rows:
        row["label"] = "?" if row["status"] == "uncertain" else row["label"]
    return [tuple(row[name] for name in ("path", "label", "status", "reason")) for row in rows]


def test_there_is_one_row_for_every_file_found(here: Path, model_file: Path) -> None:
    done = invoke("classify", "scans", "-m", model_file)
    assert (done.exit_code, done.stdout) == (1, "")  # one file could not be read
    assert short((here / "labels.csv").read_text()) == EXPECTED
    assert {"scans", "labels.csv"} == set(os.listdir(here))


def test_the_summary_closes_the_books_on_stderr(here: Path, model_file: Path) -> None:
    shown = " ".join(invoke("classify", "scans", "-m", model_file).stderr.split())
    assert "7 files = 4 ok + 1 uncertain + 1 rejected + 1 error" in shown
    assert "rejected: blank (1)" in shown
    assert "error: empty file (1)" in shown
    assert "scans/broken.png: empty file" in shown
    assert "first of several pages was read" in shown
    assert "2 files skipped (not images): " in shown
    assert "label ok uncertain" in shown
    assert "Written to labels.csv. Next: digitsort sort labels.csv sorted" in shown


def test_the_next_command_can_be_pasted(here: Path, model_file: Path) -> None:
    done = invoke("classify", "scans", "-m", model_file, "-o", "my labels.csv")
    assert "digitsort sort 'my labels.csv' sorted" in " ".join(done.stderr.split())


@pytest.mark.usefixtures("here")
def test_quiet_says_nothing(model_file: Path) -> None:
    done = invoke("classify", "scans/sub", "-m", model_file, "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_no_progress_is_shown_where_there_is_no_terminal(here: Path, model_file: Path) -> None:
    done = run_digitsort("classify", "scans", "-m", model_file, cwd=here)
    assert "━" not in done.stderr
    assert "\x1b" not in done.stderr


def test_stdout_has_the_rows_and_nothing_else(here: Path, model_file: Path) -> None:
    """Byte for byte what the file has; with `-o -` paths are relative to the working folder."""
    invoke("classify", "scans", "-m", model_file)
    done = invoke("classify", "scans", "-m", model_file, "-o", "-")
    assert (here / "labels.csv").read_bytes() == done.stdout_bytes
    assert done.exit_code == 1
    assert "7 files = " in done.stderr
    assert "Next:" not in done.stderr


def test_paths_are_relative_to_the_folder_of_the_result(here: Path, model_file: Path) -> None:
    invoke("classify", "scans/sub", "scans/9.png", "-m", model_file, "-o", "scans/sub/l.csv")
    paths = [row["path"] for row in table((here / "scans/sub/l.csv").read_text())]
    assert ["7.png", str(here / "scans" / "9.png")] == paths


def test_the_folder_of_the_result_is_made(here: Path, model_file: Path) -> None:
    assert invoke("classify", "scans/sub", "-m", model_file, "-o", "new/l.csv").exit_code == 0
    assert (here / "new" / "l.csv").exists()


def test_json_lines_hold_the_same(here: Path, model_file: Path) -> None:
    invoke("classify", "scans", "-m", model_file)
    done = invoke("classify", "scans", "-m", model_file, "-o", "-", "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for expected, row in zip(table((here / "labels.csv").read_text()), rows, strict=True):
        for name in ("confidence", "second_confidence"):
            assert (float(expected[name]) if expected[name] else None) == row[name]
            del row[name], expected[name]
        assert expected == row


@pytest.mark.usefixtures("here")
def test_probabilities_are_further_columns(model_file: Path) -> None:
    done = invoke("classify", "scans", "-m", model_file, "-o", "-", "--probabilities")
    columns = [f"p_{digit}" for digit in range(10)]
    rows = table(done.stdout)
    assert [*COLUMNS, *columns] == list(rows[0])
    for row in rows:
        chances = [row[name] for name in columns]
        if row["label"]:
            assert row["confidence"] == row[f"p_{row['label']}"] == max(chances)
            assert abs(sum(map(float, chances)) - 1) < 0.001
        else:
            assert set(chances) == {""}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("value", "status"), [("0", "ok"), ("1", "uncertain")])
def test_min_confidence_is_the_users(model_file: Path, value: str, status: str) -> None:
    done = invoke("classify", "scans/mixed.png", "-m", model_file, "-o", "-", "--min-confidence", value)
    assert [status] == [row["status"] for row in table(done.stdout)]


@pytest.mark.usefixtures("here")
def test_every_row_names_the_model(model_file: Path) -> None:
    from digitsort import load_model

    done = invoke("classify", "scans", "-m", model_file, "-o", "-")
    assert {load_model(model_file).card.short} == {row["model"] for row in table(done.stdout)}


def test_an_existing_result_is_replaced_with_force_only(here: Path, model_file: Path) -> None:
    make_tree(here, {"labels.csv": "corrected by hand"})
    assert invoke("classify", "scans/sub", "-m", model_file).exit_code == 5
    assert (here / "labels.csv").read_text() == "corrected by hand"
    assert invoke("classify", "scans/sub", "-m", model_file, "--force").exit_code == 0
    assert short((here / "labels.csv").read_text()) == [("scans/sub/7.png", "7", "ok", "")]


def test_no_images_is_no_result_even_with_force(here: Path, model_file: Path) -> None:
    make_tree(here, {"empty": {}, "labels.csv": "corrected by hand"})
    assert invoke("classify", "empty", "-m", model_file, "--force").exit_code == 4
    assert (here / "labels.csv").read_text() == "corrected by hand"


@pytest.mark.parametrize(
    ("options", "found"), [([], ["7.png"]), (["--follow-links"], ["7.png", "8.png"])]
)
def test_links_to_folders_are_entered_only_when_asked_for(
    tmp_path: Path, model_file: Path, options: list[str], found: list[str]
) -> None:
    make_tree(
        tmp_path,
        {
            "scans": {"7.png": digit_png(7), "far": Link("../far"), "loop": Link(".")},
            "far": {"8.png": digit_png(8)},
        },
    )
    done = invoke("classify", tmp_path / "scans", "-m", model_file, "-o", "-", *options)
    assert found == [os.path.basename(row["path"]) for row in table(done.stdout)]


def test_a_folder_that_cannot_be_listed_is_said_and_exit_code_1(
    here: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:
        if os.path.basename(path) == "sub":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    make_tree(here, {"s": {"1.png": digit_png(1), "sub": {}}})
    monkeypatch.setattr(os, "scandir", refuse)
    done = invoke("classify", "s", "-m", model_file)
    assert done.exit_code == 1
    assert "s/sub can't be listed: Permission denied" in " ".join(done.stderr.split())


def test_the_same_run_gives_the_same_bytes(here: Path, model_file: Path) -> None:
    for name in ("a.csv", "b.csv"):
        invoke("classify", "scans", "-m", model_file, "-o", name)
    assert (here / "a.csv").read_bytes() == (here / "b.csv").read_bytes()


@pytest.mark.usefixtures("here")
def test_without_a_model_the_default_model_is_used() -> None:
    done = invoke("classify", "scans/sub", "-o", "-")
    assert short(done.stdout) == [("scans/sub/7.png", "7", "ok", "")]


def test_any_file_name_comes_back_from_the_csv(tmp_path: Path, model_file: Path) -> None:
    names = [b"=1+1.png", b"a,\"b'.png", b"new\nline.png", b"caf\xe9.png", "é😀.png".encode()]
    names += [b"file:x.png", b" space .png", b"x" * 251 + b".png", b"A.png", b"a.png"]
    try:
        tree = {os.fsdecode(name): digit_png(7) for name in names}
        make_tree(tmp_path / "scans", tree)
    except OSError as error:
        pytest.skip(f"this file system does not take these names: {error}")
    invoke("classify", tmp_path / "scans", "-m", model_file, "-o", tmp_path / "labels.csv")
    from digitsort import read_labels

    rows = list(read_labels(tmp_path / "labels.csv"))
    assert {os.fsencode(tmp_path / "scans") + b"/" + n for n in names} == {
        os.fsencode(r.path) for r in rows
    }
    assert len(rows) == len(read_tree(tmp_path / "scans"))
    (tmp_path / "labels.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("option", "separator"), [("--files-from", "\n"), ("--files-from0", "\0")])
def test_sources_from_a_list(here: Path, option: str, separator: str, model_file: Path) -> None:
    """Files and folders, in the order of the list; empty names are skipped."""
    (here / "list").write_text(separator.join(["scans/sub", "", "scans/9.png", ""]))
    done = invoke("classify", option, "list", "-o", "-", "-q", "-m", model_file)
    assert done.exit_code == 0
    assert [row["path"] for row in table(done.stdout)] == ["scans/sub/7.png", "scans/9.png"]


@pytest.mark.parametrize("arguments", [(), ("--files-from", "empty"), ("--files-from", "missing")])
def test_nothing_to_classify(here: Path, arguments: tuple[str, ...]) -> None:
    (here / "empty").touch()
    done = invoke("classify", *arguments)
    assert done.exit_code == 2
    assert "Name" in done.output or "name" in done.output


def test_json_lines_are_sorted_as_a_csv_is(here: Path, model_file: Path) -> None:
    as_csv = invoke("classify", "scans", "-m", model_file)
    as_json = invoke("classify", "scans", "-m", model_file, "--format", "jsonl", "-o", "x.jsonl")
    assert "Next: digitsort sort labels.csv sorted" in as_csv.stderr
    assert "Next: digitsort sort x.jsonl sorted" in as_json.stderr
    plans = [invoke("sort", table, "sorted", "-n").stdout for table in ("labels.csv", "x.jsonl")]
    assert plans[0] == plans[1] != ""


def test_a_stale_name_in_a_list_is_a_row(here: Path, model_file: Path) -> None:
    (here / "list").write_bytes("# of May\r\nscans/gone.png\r\nscans/9.png\r\n".encode("utf-16"))
    done = invoke("classify", "--files-from", "list", "-o", "-", "-q", "-m", model_file)
    assert done.exit_code == 1
    assert short(done.stdout)[0] == ("scans/gone.png", "", "error", "file not found")
    assert short(done.stdout)[1][0] == "scans/9.png"


def test_a_picture_of_any_name(here: Path, model_file: Path) -> None:
    make_tree(here, {"x": {"scan": digit_png(7), "notes": b"text"}})
    done = invoke("classify", "x", "-o", "-", "-m", model_file)
    assert done.exit_code == 4
    assert "2 files skipped (not images): 2 without extension" in done.stderr
    done = invoke("classify", "x", "-o", "-", "-m", model_file, "--any-name")
    assert short(done.stdout) == [("x/scan", "7", "ok", "")]
    assert "1 file skipped (not images): 1 without extension" in done.stderr


def test_limits_are_options_and_a_refusal_says_which_to_raise(here: Path, model_file: Path) -> None:
    """Only the row of the picture that is too large changes; raised, it is read."""
    make_tree(here, {"s": {"7.png": digit_png(7), "large.png": digit_png(3, side=200)}})
    done = invoke("classify", "s", "-m", model_file, "-o", "-", "--max-pixels", "39999")
    assert done.exit_code == 1
    assert short(done.stdout) == [
        ("s/7.png", "7", "ok", ""),
        ("s/large.png", "", "error", "over 39999 pixels: raise --max-pixels"),
    ]
    for option, value in (("--max-pixels", "40000"), ("--max-side", "200"), ("--max-bytes", "100000")):
        done = invoke("classify", "s", "-m", model_file, "-o", "-", option, value)
        assert (done.exit_code, short(done.stdout)[1]) == (0, ("s/large.png", "3", "ok", ""))
    done = invoke("classify", "s", "-m", model_file, "-o", "-", "--max-side", "199")
    assert short(done.stdout)[1][3] == "over 199 px on a side: raise --max-side"
    done = invoke("classify", "s", "-m", model_file, "-o", "-", "--max-bytes", "300")
    assert {row[3] for row in short(done.stdout)} == {"over 300 bytes: raise --max-bytes"}


@pytest.mark.parametrize("command", ["evaluate", "inspect", "sort", "train"])
def test_the_other_commands_know_the_limits(here: Path, model_file: Path, command: str) -> None:
    make_tree(here, {"t": {"7": {"a.png": digit_png(7)}, "8": {"b.png": digit_png(8)}}})
    arguments: dict[str, list[str | Path]] = {
        "evaluate": ["t", "-m", model_file],
        "inspect": ["t/7/a.png", "-m", model_file],
        "sort": ["t", "out", "-m", model_file],
        "train": ["-d", "t", "-o", "m.pkl"],
    }
    done = invoke(command, *arguments[command], "--max-pixels", "9")
    assert done.exit_code in (1, 4)
    assert "raise --max-pixels" in done.output


def test_folders_that_systems_make_are_left_out_and_named(tmp_path: Path, model_file: Path) -> None:
    tree = {"@eaDir": {"thumb.png": digit_png(7)}, "a": {"$RECYCLE.BIN": {"b.png": digit_png(1)}}}
    make_tree(tmp_path / "scans", {**tree, "c.png": digit_png(3)})
    done = invoke("classify", tmp_path / "scans", "-m", model_file, "-o", "-")
    assert (done.exit_code, done.stdout.count("\n")) == (0, 2)
    assert "  left out by name: $RECYCLE.BIN (1), @eaDir (1)\n" in done.stderr


def test_numbers_become_labels_and_are_sorted_only_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    Image.fromarray(printed("273")).save("scans/a.png")
    done = invoke("classify", "scans", "--number", "--length", "2-4")
    assert done.exit_code == 0
    assert "Next: digitsort sort labels.csv sorted --folder-per-number" in done.stderr
    assert "scans/a.png,273," in Path("labels.csv").read_text()
    done = invoke("sort", "labels.csv", "sorted")
    assert (done.exit_code, "--folder-per-number" in done.stderr) == (2, True)
    done = invoke("sort", "labels.csv", "sorted", "--folder-per-number")
    assert done.exit_code == 0
    assert len(list(Path("sorted").glob("*/a.png"))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--length", "4"], "--length needs --number: add it."),
        (["--number", "--length", "0"], "--length must be a number from 1 to 32"),
        (["--number", "--adapt"], "--number can't be combined with"),
    ],
)
def test_options_of_numbers(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "a.png").touch()
    done = invoke("classify", str(tmp_path / "a.png"), *arguments)
    assert (done.exit_code, message in done.stderr) == (2, True)
