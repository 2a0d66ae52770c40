"""`digitsort evaluate`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import digit_image, digit_png, invoke, make_tree, png

BLANK = png(Image.new("L", (64, 64), 255))


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with known/: eight pictures, two of them in the wrong folder."""
    known = {
        "1": {f"{e}.png": digit_png(1, example=e) for e in range(3)},
        "7": {f"{e}.png": digit_png(7, example=e) for e in range(2)} | {"wrong.png": digit_png(3)},
        "3": {"blank.png": BLANK},
        "_none": {"blank.png": BLANK},
    }
    monkeypatch.chdir(make_tree(tmp_path, {"known": known}))
    return tmp_path


@pytest.mark.usefixtures("here")
def test_folders_named_by_class_are_the_truth(model_file: Path) -> None:
    done = invoke("evaluate", "known", "-m", model_file)
    shown = words(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "known: accuracy 75.00% (6 of 8 right)" in shown
    assert "1 3 100.0% 100.0%" in shown
    assert "3 1 0.0% 0.0%" in shown
    assert "7 3 100.0% 66.7%" in shown
    assert "_none 1 50.0% 100.0%" in shown
    assert "Accepted as ok: 6 of 8 (75.0%), 1 of them wrong (16.67%)." in shown


@pytest.mark.usefixtures("here")
def test_the_confusion_matrix_has_the_truth_in_rows(model_file: Path) -> None:
    shown = invoke("evaluate", "known", "-m", model_file).stdout
    matrix = [line.split() for line in shown.partition("Confusion")[2].splitlines()]
    assert ["1", "3", "·", "·", "·"] in matrix
    assert ["3", "·", "·", "·", "1"] in matrix
    assert ["7", "·", "1", "2", "·"] in matrix
    assert ["_none", "·", "·", "·", "1"] in matrix


@pytest.mark.usefixtures("here")
def test_the_worst_mistakes_are_named_the_most_confident_first(model_file: Path) -> None:
    shown = invoke("evaluate", "known", "-m", model_file).stdout
    first, second = shown.partition("Worst mistakes")[2].splitlines()[1:]
    assert re.fullmatch(r"  known/7/wrong\.png: 7 read as 3 at [01]\.\d{4}", first)
    assert second == "  known/3/blank.png: 3 read as _none"


def test_a_truth_csv_wins_and_what_it_does_not_name_is_left_out(here: Path, model_file: Path) -> None:
    make_tree(here / "known", {"truth.csv": "path,label\n7/0.png,7\n7/wrong.png,3\n1/0.png,1\n"})
    shown = words(invoke("evaluate", "known", "-m", model_file).stdout)
    assert "accuracy 100.00% (3 of 3 right)" in shown
    assert "Left out 5 images without a known label." in shown
    assert "mistakes" not in shown


def test_another_truth_can_be_named(here: Path, model_file: Path) -> None:
    make_tree(here, {"t.csv": "path,label\nknown/7/0.png,7\nknown/1/0.png,7\n"})
    shown = words(invoke("evaluate", "known", "--truth", "t.csv", "-m", model_file).stdout)
    assert "accuracy 50.00% (1 of 2 right)" in shown


def test_an_unreadable_picture_counts_as_wrong_and_gives_exit_code_1(
    here: Path, model_file: Path
) -> None:
    make_tree(here / "known" / "1", {"broken.png": b""})
    done = invoke("evaluate", "known", "-m", model_file)
    assert done.exit_code == 1
    assert "accuracy 66.67% (6 of 9 right)" in done.stdout
    assert "known/1/broken.png: 1 read as unread" in done.stdout


def test_min_confidence_changes_what_is_accepted(here: Path, model_file: Path) -> None:
    make_tree(here / "known" / "8", {"x.png": Image.blend(digit_image(1), digit_image(0), 0.5)})
    for value, accepted in (("0", 7), ("1", 6)):
        done = invoke("evaluate", "known", "-m", model_file, "--min-confidence", value)
        assert f"Accepted as ok: {accepted} of 9" in done.stdout


def test_the_truth_csv_itself_may_be_named(here: Path, model_file: Path) -> None:
    make_tree(here / "known", {"truth.csv": "path,label\n7/0.png,7\n7/wrong.png,3\n"})
    by_folder = invoke("evaluate", "known", "-m", model_file)
    by_file = invoke("evaluate", "known/truth.csv", "-m", model_file)
    assert by_file.stdout == by_folder.stdout
    assert "(2 of 2 right)" in words(by_file.stdout)


def test_a_truth_writes_no_control_characters_to_the_terminal(tmp_path: Path, model_file: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7), "truth.csv": "path,label\n7.png,\x1b[2J8\n"})
    done = invoke("evaluate", tmp_path, "-m", model_file)
    assert done.exit_code == 0
    assert r"\x1b[2J8 read as 7" in done.stdout
    assert "\x1b" not in done.output
