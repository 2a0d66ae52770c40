"""`digitsort table`: checked sums and workbooks."""

from __future__ import annotations

from pathlib import Path

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


def test_sums_that_are_right_or_doubtful_are_no_failure(here: Path) -> None:
    (here / "labels.csv").write_text(LABELS.replace("57", "56"))
    done = invoke("table", "labels.csv", "--check-sum", "row")
    assert (done.exit_code, "3 sums = 2 ok + 0 wrong + 1 doubtful" in done.stderr) == (0, True)
    assert (here / "table.csv").read_text().splitlines()[0] == TABLE.splitlines()[0]


def test_what_may_be_checked(here: Path) -> None:
    done = invoke("table", "labels.csv", "--check-sum", "rows")
    assert done.exit_code == 2
    assert "--check-sum must be row or column, got rows." in done.stderr
    assert not (here / "table.csv").exists()
