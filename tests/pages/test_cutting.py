"""Pages become a new folder of pictures: complete, or not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from digitsort.errors import OutputError
from digitsort.pages.blocks import Block, Cell
from digitsort.pages.cutting import Account, CutOptions, FoundPage, Stems, cut_pages
from digitsort.pages.page_files import Leaf
from tests.pages_forms import CELL, form


def square(row: int, column: int) -> Cell:
    left, top = 60 + CELL * (column - 1), 50 + CELL * (row - 1)
    corners = [[left, top], [left + CELL, top], [left + CELL, top + CELL], [left, top + CELL]]
    return Cell(row, column, np.array(corners, float) + 2)


def pages() -> Iterator[FoundPage]:
    """A page with two cells, one of them blank; one without cells; and a file that can't be read."""
    gray = np.asarray(form())
    block = Block((square(2, 3), square(2, 4)))
    yield FoundPage("/scans/p.png", "p", Leaf(1, gray), (block,), frozenset({(1, 2, 4)}))
    yield FoundPage("/scans/q.png", "q", Leaf(1, gray))
    yield FoundPage("/scans/r.pdf", "r", Leaf(0, None, "broken PDF"))


def rows(dest: Path) -> list[dict[str, str]]:
    with (dest / "cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_page_is_in_the_account(tmp_path: Path) -> None:
    account = Account()
    cut_pages(pages(), tmp_path / "new" / "out", CutOptions(preview=True), account)
    out = tmp_path / "new" / "out"
    kinds = [(row["path"], row["kind"], row["reason"]) for row in rows(out)]
    assert kinds == [
        ("cells/p_p1_b1_r02_c03.png", "cell", ""),
        ("", "blank", ""),
        ("", "none", "no ruled cells found"),
        ("", "error", "broken PDF"),
    ]
    assert sorted(os.listdir(out / "cells")) == ["p_p1_b1_r02_c03.png"]
    assert sorted(os.listdir(out / "previews")) == ["p_p1.jpg", "q_p1.jpg"]
    assert (account.pages, account.empty, account.unreadable) == (3, 1, 1)
    assert (account.cells, account.blank, account.written) == (2, 1, 1)
    assert os.listdir(tmp_path / "new") == ["out"]


def test_blank_cells_are_written_on_demand(tmp_path: Path) -> None:
    cut_pages(pages(), tmp_path / "out", CutOptions(blank=True, as_it_is=True), Account())
    assert [row["kind"] for row in rows(tmp_path / "out") if row["path"]] == ["cell", "blank"]


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_nothing_is_replaced(tmp_path: Path, what: str) -> None:
    dest = tmp_path / "out"
    if what == "file":
        dest.write_text("mine")
    elif what == "folder":
        dest.mkdir()
    else:
        dest.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="already exists"):
        cut_pages(pages(), dest, CutOptions(), Account())
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("what", ["folder", "link"])
def test_a_dest_that_appears_meanwhile_is_kept(tmp_path: Path, what: str) -> None:
    dest = tmp_path / "out"

    def appears() -> Iterator[FoundPage]:
        yield from pages()
        if what == "folder":
            dest.mkdir()
        else:
            dest.symlink_to(tmp_path)

    with pytest.raises(OutputError, match="already exists"):
        cut_pages(appears(), dest, CutOptions(), Account())
    assert os.listdir(tmp_path) == ["out"]


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> Iterator[FoundPage]:
        yield next(pages())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_pages(interrupted(), tmp_path / "out", CutOptions(), Account())
    assert os.listdir(tmp_path) == []


def test_names_are_safe_and_each_another() -> None:
    stems = Stems()
    names = [
        stems.name(path) for path in ("a/p.png", "b/P.jpg", "=x y\n.png", "...", "é" * 300 + ".png")
    ]
    assert all(name.isascii() and name.isprintable() and len(name) < 70 for name in names)
    assert names[:2] == ["p", "P~2"]
