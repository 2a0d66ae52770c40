"""No output replaces a file that the command reads, even with --force."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import digit_png, invoke, make_tree

LABELS = "path,label,status,human\nscans/3.png,3,ok,4\n"
CELLS = "path,source,page,block,row,column,kind\nscans/3.png,p.png,1,1,1,1,cell\n"

OVER_INPUTS = {
    "classify": "classify scans/3.png -o scans/3.png",
    "classify a folder": "classify scans -o scans/3.png",
    "classify, by another path": "classify scans/3.png -o scans/../scans/3.png",
    "classify over cells": "classify scans --cells cells.csv -o cells.csv",
    "classify over a list": "classify --files-from labels2.csv -o labels2.csv",
    "classify over a list with NUL": "classify --files-from0 labels2.csv -o labels2.csv",
    "classify over the model": "classify scans -m labels2.csv -o labels2.csv",
    "evaluate": "evaluate labels.csv --report labels.csv",
    "evaluate over truth": "evaluate scans --truth labels2.csv --report labels2.csv",
    "evaluate over corrections": "evaluate labels.csv --corrections labels2.csv --report labels2.csv",
    "evaluate over a picture": "evaluate scans --report scans/3.png",
    "table": "table labels.csv -o labels.csv",
    "table over cells": "table labels.csv -o cells.csv",
    "table over corrections": "table labels.csv --corrections labels2.csv -o labels2.csv",
    "review": "review labels.csv -o labels.csv",
    "review over truth": "review labels.csv --truth labels2.csv -o labels2.csv",
    "review over corrections": "review labels.csv --corrections labels2.csv -o labels2.csv",
    "train": "train -d labels.csv -o labels.csv",
    "review over a picture": "review labels.csv -o scans/3.png",
    "review over a picture of any name": "review labels.csv -o scans/three",
    "table over a picture": "table labels.csv -o scans/3.png",
    "train over a picture": "train -d default -d labels.csv -o scans/3.png",
    "train, synthetic, over a picture": "train -d synthetic:5 -o scans/three",
    "train over corrections": "train -d default --corrections labels.csv -o labels.csv",
}


@pytest.mark.parametrize("command", OVER_INPUTS.values(), ids=list(OVER_INPUTS))
def test_an_input_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    files = {
        "labels.csv": LABELS,
        "labels2.csv": LABELS,
        "cells.csv": CELLS,
        "list.txt": "scans/3.png\n",
    }
    make_tree(tmp_path, {**files, "scans": {"3.png": digit_png(3), "three": digit_png(3)}})
    monkeypatch.chdir(tmp_path)
    target = Path(command.split()[-1])
    before = target.read_bytes()
    ended = invoke(*command.split(), "--force")
    assert (ended.exit_code, target.read_bytes()) == (5, before)
    assert "is an input file of this command" in ended.stderr


def test_a_name_of_a_format_that_is_not_written_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, {"scans": {"a.png": b"no picture"}})
    done = invoke("classify", tmp_path / "scans", "-o", tmp_path / "labels.xlsx")
    assert done.exit_code == 2
    assert "this command writes no .xlsx file" in " ".join(done.stderr.split())
    assert not (tmp_path / "labels.xlsx").exists()
