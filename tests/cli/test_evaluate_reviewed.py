"""`digitsort evaluate` of a labels.csv that was reviewed, its page and its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digitsort import Model
from tests.conftest import digit_png, invoke, make_tree

HEADER = "path,label,confidence,status,reason,second,second_confidence,sha256,model"
ROWS = {
    "a.png": "a.png,3,0.4000,uncertain,low confidence,5,0.3000,,m1",
    "b.png": "b.png,1,0.9960,ok,,7,0.0010,,m1",
    "c.png": "c.png,,,rejected,blank,,,,m1",
    "d.png": "d.png,7,0.9700,ok,,1,0.0100,,m1",
    "e.png": "e.png,2,0.9995,ok,,1,0.0001,,m1",
}
HUMAN = {"a.png": "3", "b.png": "7", "c.png": "_none", "d.png": "7"}
"""b was read wrong; nobody looked at e."""


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with labels.csv, corrections.csv and the four pictures that were reviewed."""
    corrected = [f"{ROWS[name]},{label}" for name, label in HUMAN.items()]
    tree = {
        "labels.csv": "\n".join([HEADER, *ROWS.values(), ""]),
        "corrections.csv": "\n".join([f"{HEADER},human", *corrected, ""]),
        **{name: digit_png(int(label)) for name, label in HUMAN.items() if label != "_none"},
        "c.png": digit_png(0),
    }
    monkeypatch.chdir(make_tree(tmp_path, tree))
    return tmp_path


@pytest.mark.usefixtures("here")
def test_reviewed_rows_are_judged_by_the_person() -> None:
    done = invoke("evaluate", "labels.csv", "--corrections", "corrections.csv")
    shown = words(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "labels.csv: accuracy 75.00% (3 of 4 right)" in shown
    assert "Accepted as ok: 2 of 4 (50.0%), 1 of them wrong (50.00%)." in shown
    assert "Left out 1 image without a known label." in shown
    assert "b.png: 7 read as 1 at 0.9960" in shown


@pytest.mark.usefixtures("here")
def test_the_estimate_for_all_rows_comes_first() -> None:
    """There is none if all labels are known, or with another threshold, which accepts other rows."""
    asked = ("evaluate", "labels.csv", "--corrections", "corrections.csv")
    lines = invoke(*asked).stdout.splitlines()
    assert lines[0] == (
        "labels.csv: about 70.00% of 5 rows are right (95 % interval 60.00% to 80.00%)."
    )
    assert lines[4:7] == [
        "",
        "The labelled rows alone, which are not a fair sample:",
        "labels.csv: accuracy 75.00% (3 of 4 right)",
    ]
    estimate = json.loads(invoke(*asked, "--json").stdout)["estimate"]
    assert (estimate["checked"], estimate["found_wrong"], estimate["open"]) == (2, 1, 1)
    make_tree(Path(), {"t.csv": "path,label\ne.png,2\n"})
    for option in (["--truth", "t.csv"], ["--min-confidence", "0.5"]):
        assert invoke(*asked, *option).stdout.startswith("labels.csv: accuracy")


@pytest.mark.usefixtures("here")
def test_labels_that_are_no_fair_sample_do_not_lead_alone() -> None:
    """Only doubtful rows are labelled: the share of right ones says nothing of the accepted rows."""
    make_tree(Path(), {"c.csv": f"{HEADER},human\n{ROWS['a.png']},5\n"})
    lines = invoke("evaluate", "labels.csv", "--corrections", "c.csv").stdout.splitlines()
    assert lines[0].startswith("labels.csv: no estimate for all rows, because no accepted row")
    assert lines[2] == "The labelled rows alone, which are not a fair sample:"


def test_corrections_for_no_row_are_named(here: Path) -> None:
    make_tree(here, {"c.csv": "path,label,status,human\na.png,3,ok,3\ngone.png,3,ok,4\n"})
    done = invoke("evaluate", "labels.csv", "--corrections", "c.csv")
    assert done.exit_code == 0
    assert done.stderr == (
        f"digitsort: {here / 'gone.png'}: this correction matches no file here, "
        "or the file has changed.\n"
    )


@pytest.mark.usefixtures("here")
def test_how_often_labels_were_right_by_confidence() -> None:
    shown = words(invoke("evaluate", "labels.csv", "--corrections", "corrections.csv").stdout)
    assert "Share of right labels by confidence" in shown
    for band in ("0 - 0.5 1 1 100.0%", "0.95 - 0.99 1 1 100.0%", "0.99 - 0.999 1 0 0.0%"):
        assert band in shown


@pytest.mark.usefixtures("here")
def test_another_threshold_is_tried_on_the_same_rows() -> None:
    for value, says in (("0.3", "3 of 4"), ("0.98", "1 of 4"), ("1", "0 of 4")):
        done = invoke(
            *("evaluate", "labels.csv", "--corrections", "corrections.csv", "--min-confidence", value)
        )
        assert f"Accepted as ok: {says}" in words(done.stdout)


def test_the_column_human_and_a_truth_csv_count_too(here: Path) -> None:
    rows = [f"{row},{'5' if name == 'a.png' else ''}" for name, row in ROWS.items()]
    make_tree(here, {"mine.csv": "\n".join([f"{HEADER},human", *rows, ""])})
    make_tree(here, {"t.csv": "path,label\na.png,3\ne.png,2\n"})
    assert "(0 of 1 right)" in words(invoke("evaluate", "mine.csv").stdout)
    assert "(1 of 2 right)" in words(invoke("evaluate", "mine.csv", "--truth", "t.csv").stdout)


@pytest.mark.usefixtures("here")
def test_another_model_is_tried_on_the_reviewed_files(model_file: Path) -> None:
    """Its labels, not those of the file: the c.png that was said to be blank shows a 0."""
    done = invoke("evaluate", "labels.csv", "--corrections", "corrections.csv", "-m", model_file)
    shown = words(done.stdout)
    assert "labels.csv: accuracy 75.00% (3 of 4 right)" in shown
    assert "  c.png: _none read as 0" in done.stdout


@pytest.mark.usefixtures("here")
def test_json_for_machines(model: Model, model_file: Path) -> None:
    done = invoke("evaluate", "labels.csv", "--corrections", "corrections.csv", "--json")
    found = json.loads(done.stdout)
    assert (found["images"], found["accuracy"], found["unknown"]) == (4, 0.75, 1)
    mistake = {"path": "b.png", "truth": "7", "read": "1", "confidence": 0.996, "accepted": True}
    assert found["mistakes"] == [mistake]
    assert [c["name"] for c in found["classes"]] == ["1", "3", "7", "_none"]
    assert found["confusion"] == [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert found["classes"][0]["recall"] is None
    assert sum(band["count"] for band in found["bands"]) == 3
    assert (found["threshold"], found["model"]) == (0.97, "")
    done = invoke(
        *("evaluate", "labels.csv", "--corrections", "corrections.csv", "--json", "-m", model_file)
    )
    found = json.loads(done.stdout)
    assert (found["threshold"], found["model"]) == (model.card.min_confidence, model.card.short)


def test_a_report_is_written_beside(here: Path) -> None:
    arguments = ("evaluate", "labels.csv", "--corrections", "corrections.csv", "--report", "r.html")
    done = invoke(*arguments)
    assert done.exit_code == 0
    assert done.stderr == "Report written to r.html.\n"
    text = (here / "r.html").read_text(encoding="utf-8")
    shown = ("Calibration", "Coverage against error", "Confusion", "By label", "0.9700", "model m1")
    assert [each for each in shown if each not in text] == []
    assert "Accepted and wrong: 1 mistake, the most" in text
    assert "of 5 rows are right: 60.00%" in text
    assert text.count('class="card error"') == 1
    assert text.count('<img class="scan" src="data:image/') == 1
    assert invoke(*arguments).exit_code == 5
    assert invoke(*arguments, "--force").exit_code == 0


def test_a_report_without_mistakes(here: Path, model_file: Path) -> None:
    make_tree(here, {"known": {"1": {"x.png": digit_png(1)}}})
    assert invoke("evaluate", "known", "-m", model_file, "--report", "r.html").exit_code == 0
    assert "No mistakes" in (here / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["labels.csv"], 4, "No row has a label from a person"),
        (["labels.csv", "--corrections", "missing.csv"], 2, "can't be read"),
        (["labels.csv", "--certify", "m.pkl"], 2, "--certify needs a model"),
        ([".", "--corrections", "corrections.csv"], 2, "need a labels.csv"),
    ],
)
def test_what_is_of_no_use_is_named(here: Path, arguments: list[str], code: int, says: str) -> None:
    done = invoke("evaluate", *arguments)
    assert (done.exit_code, says in done.stderr) == (code, True), done.stderr


def test_what_a_person_could_not_read_is_counted_and_not_measured(here: Path) -> None:
    table = (here / "corrections.csv").read_text().replace(",m1,3\n", ",m1,_unclear\n")
    (here / "corrections.csv").write_text(table)
    asked = ("evaluate", "labels.csv", "--corrections", "corrections.csv")
    done = invoke(*asked, "--report", "report.html")
    assert (done.exit_code, "(2 of 3 right)" in done.stdout) == (0, True)
    assert "Left out 1 image that a person could not read." in words(done.stdout)
    assert "Left out 1 image that a person could not read." in (here / "report.html").read_text()
    found = json.loads(invoke(*asked, "--json").stdout)
    assert (found["images"], found["unknown"], found["unclear"]) == (3, 1, 1)


def test_if_a_person_could_read_nothing_that_is_said(here: Path) -> None:
    text = (here / "corrections.csv").read_text()
    rows = [line.rsplit(",", 1)[0] + ",_unclear" for line in text.splitlines()[1:]]
    (here / "corrections.csv").write_text("\n".join([text.splitlines()[0], *rows]) + "\n")
    done = invoke("evaluate", "labels.csv", "--corrections", "corrections.csv")
    assert done.exit_code == 4
    assert "A person could not read 4 images, and gave no other label." in words(done.stderr)
