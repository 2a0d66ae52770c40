"""Labels return to the rows and columns that their cells came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.labels.labels_csv import read_labels
from digitsort.pages.cells_csv import read_cells
from digitsort.pages.table_csv import PageTable, page_table_of

CELLS = """path,source,page,block,row,column,kind
cells/a.png,/scans/p.png,1,1,1,1,cell
cells/b.png,/scans/p.png,1,1,1,2,cell
,/scans/p.png,1,1,1,3,blank
cells/c.png,/scans/p.png,1,1,2,1,cell
cells/d.png,/scans/p.png,1,1,2,2,cell
cells/e.png,/scans/p.png,1,2,1,1,cell
,/scans/q.png,1,,,,none
,/scans/r.pdf,,,,,error
"""
LABELS = """path,label,confidence,status,reason,human
cells/a.png,4,0.99,ok,,
cells/b.png,7,0.5,uncertain,low confidence,
cells/c.png,,,rejected,noise,
cells/d.png,3,0.5,uncertain,low confidence,8
other.png,5,0.99,ok,,
"""


def table(folder: Path, cells: str = CELLS, labels: str = LABELS) -> PageTable:
    (folder / "cells.csv").write_text(cells)
    (folder / "labels.csv").write_text(labels)
    return page_table_of(read_labels(folder / "labels.csv"), read_cells(folder / "cells.csv"))


def test_rows_columns_and_doubts(tmp_path: Path) -> None:
    made = table(tmp_path)
    assert made.header() == "source page block row 1 2 3 doubtful note".split()
    assert list(made.lines("/scans")) == [
        ["p.png", "1", "1", "1", "4", "7", "", "2", ""],
        ["p.png", "1", "1", "2", "", "8", "", "1", ""],
        ["p.png", "1", "2", "1", "", "", "", "1", ""],
        ["q.png", "1", "", "", "", "", "", "", "no ruled cells found"],
        ["r.pdf", "", "", "", "", "", "", "", "unreadable"],
    ]
    counts = made.cells, made.blank, made.doubtful, made.unlabelled, made.unused
    assert counts == (6, 1, 3, 1, 1)


def test_a_table_that_would_be_nearly_empty_is_refused(tmp_path: Path) -> None:
    """40 bytes of a cells.csv would become 100,000 of the table."""
    rows = "".join(f"{n}.png,/scans/p.png,1,{n},1,100000,cell\n" for n in range(1, 50))
    with pytest.raises(UsageError, match="49 rows of 100000 columns for 49 cells"):
        table(tmp_path, CELLS.splitlines(keepends=True)[0] + rows)


def test_a_person_can_say_that_a_cell_is_empty(tmp_path: Path) -> None:
    labels = LABELS.replace("low confidence,\n", "low confidence,_none\n")
    first = next(table(tmp_path, labels=labels).lines("/scans"))
    assert first == ["p.png", "1", "1", "1", "4", "", "", "", ""]


def test_labels_of_sorted_files_are_found_by_their_source(tmp_path: Path) -> None:
    labels = "path,label,status,source\nsorted/4/a.png,4,ok,cells/a.png\n"
    assert next(table(tmp_path, labels=labels).lines("/"))[4] == "4"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("block,", "blok,", "has no column block"),
        ("1,2,cell", "1,x,cell", "line 3: column is 'x'"),
        ("1,2,cell", "1,99999999,cell", "line 3: column is"),
        ("1,2,cell", "1,2,sell", "line 3"),
        ("1,2,cell", "1,,cell", "line 3: a cell has no"),
    ],
)
def test_what_is_no_cells_csv_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        table(tmp_path, cells=CELLS.replace(old, new, 1))


def test_a_cell_that_a_person_could_not_read_stays_doubtful(tmp_path: Path) -> None:
    labels = LABELS.replace("0.99,ok,,\n", "0.99,ok,,_unclear\n", 1)
    first = next(table(tmp_path, labels=labels).lines("/scans"))
    assert first == ["p.png", "1", "1", "1", "4", "7", "", "1 2", ""]
