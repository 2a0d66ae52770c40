"""`digitsort table`: checked sums and workbooks."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.conftest import invoke

CELLS = """path,source,page,block,row,column,kind
a.png,p.png,1,1,1,1,cell
b.png,p.png,1,1,1,2,cell
c.png,p.png,1,1,1,3,cell
d.png,p.png,1,1,2,1,cell
,p.png,1,1,2,2,blank
e.png,p.png,1,1,2,3,cell
f.png,p.png,1,1,3,1,cell
g.png,p.png,1,1,3,2,cell
h.png,p.png,1,1,3,3,cell
"""
LABELS = """path,label,confidence,status,reason,second
a.png,41,0.99,ok,,
b.png,6,0.5,uncertain,low confidence,8
c.png,49,0.99,ok,,
d.png,007,0.99,ok,,
e.png,7,0.99,ok,,
f.png,48,0.99,ok,,
g.png,8,0.99,ok,,
h.png,57,0.99,ok,,
"""
TABLE = """source,page,block,row,1,2,3,sum,doubtful,note
p.png,1,1,1,41,6,49,"doubtful (sum 47, written 49; right if column 2 is 8)",2,
p.png,1,1,2,007,,7,ok,,
p.png,1,1,3,48,8,57,"wrong (sum 56, written 57)",,
p.png,1,1,sum,ok,"doubtful (sum 6, written 8; right if row 1 is 8)","wrong (sum 56, written 57)",,,
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a labels.csv and a cells.csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.csv").write_text(CELLS)
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path


def test_sums_of_rows_and_columns(here: Path) -> None:
    """Neither the label 6 nor its doubt changes; the exit code says that a sum is wrong."""
    done = invoke("table", "labels.csv", "-o", "-", "--check-sum", "row", "--check-sum", "column")
    assert (done.exit_code, done.stdout) == (6, TABLE)
    assert "6 sums = 2 ok + 2 wrong + 2 doubtful" in done.stderr


def test_several_tables_are_one(here: Path) -> None:
    """The corrections hold for all of them, and a file is in one of them only."""
    header, *rows = LABELS.splitlines(keepends=True)
    (here / "digits.csv").write_text("".join([header, *rows[:5]]))
    (here / "numbers.csv").write_text("".join([header, *rows[5:]]))
    by_hand = "path,label,status,human\nb.png,6,uncertain,8\nh.png,57,ok,6\n"
    (here / "corrections.csv").write_text(by_hand)
    options = ("--corrections", "corrections.csv", "--new-class", "8", "--new-class", "6", "-o", "-")
    one = invoke("table", "labels.csv", *options)
    both = invoke("table", "digits.csv", "numbers.csv", *options)
    assert (both.exit_code, both.stdout, both.stderr) == (0, one.stdout, one.stderr)
    assert ",3,48,8,6,," in both.stdout
    (here / "numbers.csv").write_text("".join([header, *rows[4:]]))
    done = invoke("table", "digits.csv", "numbers.csv", "-o", "-")
    assert done.exit_code == 2
    assert "e.png is in digits.csv and in numbers.csv. Remove the row from one of them" in done.stderr


def test_sums_that_are_right_or_doubtful_are_no_failure(here: Path) -> None:
    (here / "labels.csv").write_text(LABELS.replace("57", "56"))
    done = invoke("table", "labels.csv", "--check-sum", "row")
    assert (done.exit_code, "3 sums = 2 ok + 0 wrong + 1 doubtful" in done.stderr) == (0, True)
    assert (here / "table.csv").read_text().splitlines()[0] == TABLE.splitlines()[0]


def test_what_may_be_checked(here: Path) -> None:
    done = invoke("table", "labels.csv", "--check-sum", "rows")
    assert done.exit_code == 2
    assert (
        "--check-sum must be row or column, or one of these with a block, such as row:2, got rows."
        in done.stderr
    )
    assert not (here / "table.csv").exists()


def workbook(path: Path) -> Any:
    """Return a workbook as openpyxl reads it."""
    from openpyxl import load_workbook

    return load_workbook(path)


def color_of(cell: Any) -> str:
    """Return the color of a cell's paper; 00000000 if it has none."""
    return str(cell.fill.fgColor.rgb)


def test_a_workbook_has_numbers_colors_and_comments(here: Path) -> None:
    done = invoke("table", "labels.csv", "-o", "t.xlsx", "--check-sum", "row", "--check-sum", "column")
    assert (done.exit_code, "Written to t.xlsx." in done.stderr) == (6, True)
    book = workbook(here / "t.xlsx")
    assert book.sheetnames == ["p"]
    assert [[cell.value for cell in row] for row in book["p"]] == [
        ["p.png, page 1", None, None, None, None, None, None],
        ["block", "row", "1", "2", "3", "sum", "note"],
        [1, 1, 41, 6, 49, "doubtful (sum 47, written 49; right if column 2 is 8)", None],
        [1, 2, 7, None, 7, "ok", None],
        [1, 3, 48, 8, 57, "wrong (sum 56, written 57)", None],
        [
            *[1, "sum", "ok", "doubtful (sum 6, written 8; right if row 1 is 8)"],
            *["wrong (sum 56, written 57)", None, None],
        ],
    ]
    sheet = book["p"]
    assert sheet["C4"].number_format == "000"
    assert sheet["D3"].comment.text == "uncertain: low confidence\nsecond label: 8\nb.png"
    assert [cell.coordinate for row in sheet for cell in row if cell.comment] == ["D3"]
    colors = [color_of(sheet[at])[2:] for at in ("C3", "D3", "F3", "F4", "F5")]
    assert colors == ["000000", "FFEB9C", "FFEB9C", "C6EFCE", "FFC7CE"]


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x")', "=", "\t=1+1", "\uff1d1"]


def test_no_value_of_a_workbook_is_a_formula(here: Path) -> None:
    """Neither a label, nor the name of a file, nor a reason; what is a text stays one when edited."""
    cells = [f"{n}.png,=1+1.png,1,1,{n},1,cell" for n in range(len(FORMULAS))]
    (here / "cells.csv").write_text(
        "\n".join([CELLS.splitlines()[0], *cells]).replace(",1,1,0,", ",1,1,9,")
    )
    with (here / "labels.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "status", "reason"])
        writer.writerows([f"{n}.png", text, "uncertain", "=2+2"] for n, text in enumerate(FORMULAS))
    assert invoke("table", "labels.csv", "-o", "t.xlsx").exit_code == 0
    (sheet,) = workbook(here / "t.xlsx")
    assert not [cell.coordinate for row in sheet for cell in row if cell.data_type == "f"]
    labels = {cell.value: cell.quotePrefix for cell in sheet["C"][2:]}
    assert labels == {text.replace("\t", "\\t"): text[0] != "\t" for text in FORMULAS}
    with ZipFile(here / "t.xlsx") as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_each_page_has_a_sheet_with_a_name_of_its_own(here: Path) -> None:
    long = "a_form_with_a_name_that_is_far_too_long"
    pages = [("s[1]:x.pdf", 1), ("s[1]:x.pdf", 2), (f"x/{long}.png", 1), (f"y/{long.upper()}.png", 1)]
    pages += [("history.png", 1), ("'.png", 1)]
    lines = [f"a.png,{name},{page},1,1,1,cell" for name, page in pages]
    (here / "cells.csv").write_text("\n".join([CELLS.splitlines()[0], *lines, ",broken.pdf,,,,,error"]))
    assert invoke("table", "labels.csv", "-o", "t.XLSX").exit_code == 0
    book = workbook(here / "t.XLSX")
    assert book.sheetnames == [
        *["s_1__x p1", "s_1__x p2", long[:31], f"{long[:29].upper()}~2", "history~2", "page", "broken"],
    ]
    assert [cell.value for cell in book["broken"][3]][-1] == "unreadable"


def test_what_a_workbook_needs_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = invoke("table", "labels.csv", "-o", "t.xlsx")
    assert (done.exit_code, "pip install openpyxl" in done.stderr) == (2, True)
    assert not (here / "t.xlsx").exists()
    assert invoke("table", "labels.csv").exit_code == 0  # a .csv does not need it


@pytest.mark.parametrize("name", ["t.ods", "t.parquet", "T.XLS", "t.jsonl"])
def test_a_name_of_another_format_is_refused(here: Path, name: str) -> None:
    """It got a CSV, which no program that opens such files can read."""
    done = invoke("table", "labels.csv", "-o", name)
    assert done.exit_code == 2
    assert "Choose a name with one of .csv, .xlsx." in " ".join(done.stderr.split())
    assert not (here / name).exists()
