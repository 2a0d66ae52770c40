"""What undo takes back, and what it leaves alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from digitsort.errors import OutputError, UsageError
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.sorting.apply import apply_plan
from digitsort.sorting.journal import journals, read_run, reopen
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.undo import Undone, undo
from tests.conftest import Tree, make_tree, read_tree
from tests.sorting.stopping import CHOSEN_MODES, snapshot
from tests.sorting.test_apply import rows_of, sorted_files

SCANS: Tree = {"7.png": b"seven", "sub": {"1.png": b"one", "7.png": b"third"}}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "scans", SCANS)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "new" / "sorted"


def sort(rows: list[Row], dest: Path, mode: Mode) -> None:
    apply_plan(plan_sort(rows, dest, SortOptions(mode)))


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_all_is_as_it_was(scans: Path, dest: Path, mode: Mode) -> None:
    """Also the folders that had to be made for DEST are gone."""
    before = snapshot(scans)
    sort(rows_of(scans), dest, mode)
    undone = undo(dest)
    assert (undone.runs, undone.restored, undone.left) == (1, 3, ())
    assert snapshot(scans) == before
    assert not dest.parent.exists()


def test_times_and_modes_that_a_person_changed_are_restored(scans: Path, dest: Path) -> None:
    before = snapshot(scans)
    sort(rows_of(scans), dest, Mode.MOVE)
    os.utime(dest / "7" / "7.png", (1, 1))
    (dest / "7" / "7.png").chmod(0o600)
    undo(dest)
    assert snapshot(scans) == before


def test_a_folder_that_a_person_removed_is_made_again(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest, Mode.MOVE)
    (scans / "sub").rmdir()
    scans.rmdir()
    assert undo(dest).left == ()
    assert read_tree(scans) == SCANS


def _edit(scans: Path, dest: Path) -> None:
    (dest / "1" / "1.png").write_bytes(b"edited")


def _remove(scans: Path, dest: Path) -> None:
    (dest / "1" / "1.png").unlink()


def _occupy(scans: Path, dest: Path) -> None:
    (scans / "sub" / "1.png").write_bytes(b"new")


def _remove_source(scans: Path, dest: Path) -> None:
    (scans / "sub" / "1.png").unlink()


LEFT: dict[str, tuple[Mode, Callable[[Path, Path], None], str]] = {
    "a moved file, edited": (Mode.MOVE, _edit, "changed since it was sorted"),
    "a moved file, removed": (Mode.MOVE, _remove, "no longer there"),
    "its place taken": (Mode.MOVE, _occupy, "another file is at"),
    "a copy, edited": (Mode.COPY, _edit, "changed since it was sorted"),
    "a copy whose source was edited": (Mode.COPY, _occupy, "the only copy"),
    "a copy whose source is gone": (Mode.COPY, _remove_source, "the only copy"),
    "a hard link whose source is gone": (Mode.HARD, _remove_source, "the only copy"),
}


@pytest.mark.parametrize(("mode", "happens", "reason"), LEFT.values(), ids=LEFT)
def test_what_a_person_changed_is_left_alone_and_said(
    scans: Path, dest: Path, mode: Mode, happens: Callable[[Path, Path], None], reason: str
) -> None:
    sort(rows_of(scans), dest, mode)
    happens(scans, dest)
    before = sorted_files(dest).get("1")
    undone = undo(dest)
    assert [(path, reason in said) for path, said in undone.left] == [(str(dest / "1/1.png"), True)]
    assert sorted_files(dest).get("1", {}) == before
    assert "7" not in sorted_files(dest)
    assert [row.path for row in read_labels(dest / "labels.csv")] == [str(dest / "1/1.png")]


def test_what_was_left_can_be_taken_back_later(scans: Path, dest: Path) -> None:
    before = snapshot(scans)
    sort(rows_of(scans), dest, Mode.MOVE)
    _occupy(scans, dest)
    assert len(undo(dest).left) == 1
    (scans / "sub" / "1.png").unlink()
    assert undo(dest) == Undone(1, 1, ())
    assert snapshot(scans) == before
    assert not dest.exists()


def test_several_runs_the_last_one_first(tmp_path: Path, scans: Path, dest: Path) -> None:
    more = make_tree(tmp_path / "more", {"5.png": b"five"})
    sort(rows_of(scans), dest, Mode.MOVE)
    first = sorted_files(dest)
    sort(rows_of(more), dest, Mode.COPY)
    undo(dest)
    assert sorted_files(dest) == first
    undo(dest)
    assert read_tree(scans) == SCANS
    assert not dest.exists()


def test_all_runs_at_once(tmp_path: Path, scans: Path, dest: Path) -> None:
    """A file that was moved on within DEST goes all the way back."""
    sort(rows_of(scans), dest, Mode.MOVE)
    again = [Row(r.path, "4", r.status, sha256=r.sha256) for r in read_labels(dest / "labels.csv")]
    sort(again, dest, Mode.MOVE)
    assert set(sorted_files(dest)["4"]) == {"1.png", "7.png", "7_2.png"}
    assert undo(dest, everything=True).runs == 2
    assert read_tree(scans) == SCANS
    assert not dest.exists()


def test_one_undo_of_a_move_within_dest_brings_its_row_back(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest, Mode.MOVE)
    books = (dest / "labels.csv").read_text()
    again = [Row(r.path, "4", r.status, sha256=r.sha256) for r in read_labels(dest / "labels.csv")]
    sort(again, dest, Mode.MOVE)
    undo(dest)
    assert (dest / "labels.csv").read_text() == books


def test_a_persons_work_in_labels_csv_is_kept(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest, Mode.MOVE)
    path = dest / "labels.csv"
    header, first, *rest = path.read_text().splitlines()
    text = "\n".join([f"{header},human", f"{first},9", *(f"{line}," for line in rest), ""])
    path.write_text(text)
    undo(dest)
    assert read_tree(scans) == SCANS
    assert (dest / "labels_before_undo.csv").read_text() == text


def test_where_nothing_was_sorted_there_is_nothing_to_undo(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7": {"7.png": b"mine"}})
    with pytest.raises(UsageError, match="nothing to undo"):
        undo(tmp_path)
    assert read_tree(tmp_path) == {"7": {"7.png": b"mine"}}


def test_a_dest_that_was_renamed_can_be_undone(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest, Mode.MOVE)
    dest.rename(dest.with_name("renamed"))
    assert undo(dest.with_name("renamed")).left == ()
    assert read_tree(scans) == SCANS


def test_a_sort_into_a_dest_whose_undo_was_interrupted_is_refused(scans: Path, dest: Path) -> None:
    from digitsort.files.disk import DISK

    rows = rows_of(scans)
    sort(rows, dest, Mode.COPY)
    run = read_run(journals(str(dest))[0])
    assert run is not None
    journal = reopen(DISK, run)
    journal.mark(undo="begun")
    journal.close()
    with pytest.raises(OutputError, match="digitsort undo"):
        sort(rows, dest, Mode.COPY)
    undo(dest)
    sort(rows, dest, Mode.COPY)
