"""`sort` and `undo` interrupted at their calls, in one process: all can be finished, nothing stays."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from digitsort import Mode, SortOptions, apply_plan, plan_sort, read_labels, undo
from tests.conftest import digit_png, make_tree
from tests.interrupted_calls import CLOSED_LATE, interrupted_at_each_call

COUNT = 3

EVERY = 97
"""Of the calls, one in this many is interrupted."""


def make(top: Path) -> None:
    """Make the scans and their table, and nothing else."""
    shutil.rmtree(top, ignore_errors=True)
    rows = "".join(f"scans/{n}.png,{n},ok\n" for n in range(COUNT))
    scans = {f"scans/{n}.png": digit_png(n) for n in range(COUNT)}
    make_tree(top, {**scans, "labels.csv": "path,label,status\n" + rows})


def sort(top: Path, mode: Mode) -> None:
    apply_plan(plan_sort(list(read_labels(top / "labels.csv")), top / "sorted", SortOptions(mode)))


def unsort(top: Path) -> None:
    if (top / "sorted").exists():
        undo(top / "sorted")


def paths(top: Path) -> set[str]:
    """All paths but the journals'."""
    found = {path.relative_to(top) for path in top.rglob("*")}
    return {str(path) for path in found if ".digitsort" not in path.parts}


@CLOSED_LATE
@pytest.mark.slow
@pytest.mark.parametrize("is_undo", [False, True])
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_what_is_interrupted_can_be_finished_at_once(tmp_path: Path, mode: Mode, is_undo: bool) -> None:
    top = tmp_path / "here"
    work = partial(unsort, top) if is_undo else partial(sort, top, mode)

    def begin() -> None:
        make(top)
        if is_undo:
            sort(top, mode)

    begin()
    work()
    expected, said = paths(top), set[object]()
    begin()
    for raised in interrupted_at_each_call(work, EVERY):
        said.add(raised)
        assert {path.name for path in top.rglob("*.png")} == {f"{n}.png" for n in range(COUNT)}
        work()
        assert paths(top) == expected
        begin()
    assert KeyboardInterrupt in said
