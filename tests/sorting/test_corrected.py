"""Sort, look, correct, sort again: what is in DEST moves there, and every step can be undone."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from digitsort.files.disk import Disk, Place
from digitsort.labels.labels_csv import read_labels
from digitsort.sorting.apply import carry_out
from digitsort.sorting.dest import locked
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.verify import Mark, read_manifest, verify
from tests.conftest import invoke
from tests.sorting.stopping import CHOSEN_MODES, Scene, StopsBeforeChanges, in_child, snapshot
from tests.sorting.test_obstacles import ARGUMENTS

WRONG = {"a.png": "3", "b.png": "3", "c.png": "7"}
"""Names and what the model read; a.png and b.png have one content."""


@pytest.fixture
def labels(quick_folder: Path) -> Path:
    """A labels.csv and its scans."""
    scans = quick_folder / "scans"
    scans.mkdir()
    for name, content in {"a.png": b"one", "b.png": b"one", "c.png": b"two"}.items():
        (scans / name).write_bytes(content)
        os.utime(scans / name, ns=(10**18, 10**18))
    return write_labels(quick_folder / "labels.csv", WRONG)


def write_labels(path: Path, labels: dict[str, str], human: dict[str, str] | None = None) -> Path:
    """Write a labels.csv or, with a person's labels, a corrections.csv."""
    import hashlib

    contents = {"a.png": b"one", "b.png": b"one", "c.png": b"two"}
    with path.open("w", newline="") as file:
        columns = ["path", "label", "confidence", "status", "reason", "sha256", "model"]
        writer = csv.DictWriter(file, [*columns, *(["human"] if human else [])])
        writer.writeheader()
        for name, label in labels.items():
            sha256 = hashlib.sha256(contents[name]).hexdigest()
            row = {"path": f"scans/{name}", "label": label, "status": "ok", "sha256": sha256}
            if human is None:
                writer.writerow(row)
            elif name in human:
                writer.writerow({**row, "human": human[name]})
    return path


def names(dest: Path) -> list[str]:
    """What lies in the folders of DEST."""
    return sorted(
        str(path.relative_to(dest))
        for path in dest.glob("*/*")
        if path.parent.name != ".digitsort" and (path.is_file() or path.is_symlink())
    )


def check_books(dest: Path) -> None:
    """Journals, labels.csv and files agree."""
    assert {mark for mark, _ in verify(dest, read_manifest(str(dest)))} == {Mark.SAME}
    assert sorted(row.path for row in read_labels(dest / "labels.csv")) == sorted(
        str(dest / name) for name in names(dest)
    )


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_the_loop(labels: Path, mode: Mode) -> None:
    """Sort, correct, sort, sort once more, undo, undo."""
    top, dest = labels.parent, labels.parent / "sorted"
    before = snapshot(top / "scans")
    command: list[Any] = ["sort", labels, dest, *ARGUMENTS[mode]]
    assert invoke(*command).exit_code == 0
    books = (dest / "labels.csv").read_text()
    corrections = write_labels(top / "c.csv", WRONG, {"b.png": "8", "c.png": "1"})
    command += ["--corrections", corrections]
    plan = invoke(*command, "--dry-run")
    assert "3 to move within DEST, 0 already there, 0 skipped" in plan.stderr
    assert f"move  {dest}/3/b.png -> {dest}/8/b.png\n" in plan.stdout
    assert names(dest) == ["3/a.png", "3/b.png", "7/c.png"]
    assert ", 3 moved within DEST, 0 already there." in invoke(*command).stderr
    assert names(dest) == ["1/c.png", "8/a.png", "8/b.png"]
    check_books(dest)
    sources = {row.path: row.cells["source"] for row in read_labels(dest / "labels.csv")}
    assert sources[str(dest / "8/b.png")] == str(top / "scans" / "b.png")
    again = invoke(*command)
    assert (again.exit_code, ", 3 already there." in again.stderr) == (0, True)
    assert names(dest) == ["1/c.png", "8/a.png", "8/b.png"]
    assert "Undid 1 sort (3 files)." in invoke("undo", dest).stderr
    assert names(dest) == ["3/a.png", "3/b.png", "7/c.png"]
    assert {row.path: row.human for row in read_labels(dest / "labels.csv")} == {
        str(dest / name): "" for name in names(dest)
    }
    assert len((dest / "labels.csv").read_text().splitlines()) == len(books.splitlines())
    assert "Undid 1 sort (3 files)." in invoke("undo", dest).stderr
    assert not dest.exists()
    assert snapshot(top / "scans") == before


def test_other_labels_and_a_new_scan_are_one_sort(labels: Path) -> None:
    """What another model says, with a file that was not there: moved and copied, undone at once."""
    top, dest = labels.parent, labels.parent / "sorted"
    write_labels(labels, {"a.png": "3", "c.png": "7"})
    assert invoke("sort", labels, dest).exit_code == 0
    write_labels(labels, {"a.png": "5", "b.png": "5", "c.png": "7"})
    said = invoke("sort", labels, dest).stderr
    assert "1 copied, 1 moved within DEST, 1 already there." in said
    assert names(dest) == ["5/a.png", "5/b.png", "7/c.png"]
    check_books(dest)
    assert invoke("undo", dest).exit_code == 0
    assert names(dest) == ["3/a.png", "7/c.png"]
    assert invoke("undo", dest).exit_code == 0
    assert not dest.exists()
    assert len(list((top / "scans").iterdir())) == 3


def test_a_table_of_dest_itself(labels: Path) -> None:
    """`sort DEST/labels.csv DEST` moves too, and a file that a person changed is not touched."""
    dest = labels.parent / "sorted"
    invoke("sort", labels, dest)
    table = dest / "labels.csv"
    table.write_text(re.sub("^3/(.).png,3,", r"3/\1.png,9,", table.read_text(), flags=re.M))
    (dest / "3/a.png").write_bytes(b"drawn over")
    assert invoke("sort", table, dest).exit_code == 1
    assert names(dest) == ["3/a.png", "7/c.png", "9/b.png"]
    assert (dest / "3/a.png").read_bytes() == b"drawn over"


def test_a_dest_with_another_name(labels: Path) -> None:
    """The moves within DEST are undone where DEST is called otherwise by now."""
    top = labels.parent
    invoke("sort", labels, top / "sorted", "--move")
    invoke(
        "sort", labels, top / "sorted", "--corrections", write_labels(top / "c", WRONG, {"c.png": "1"})
    )
    (top / "sorted").rename(top / "renamed")
    assert invoke("undo", top / "renamed").exit_code == 0
    assert names(top / "renamed") == ["3/a.png", "3/b.png", "7/c.png"]


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_dragged_files(labels: Path, mode: Mode) -> None:
    """`verify` names them, `sort` leaves them there, `undo` finds them."""
    top, dest = labels.parent, labels.parent / "sorted"
    before = snapshot(top / "scans")
    command: list[Any] = ["sort", labels, dest, *ARGUMENTS[mode]]
    invoke(*command)
    (dest / "4").mkdir()
    shutil.move(dest / "7/c.png", dest / "4/c.png")
    (dest / "3/b.png").rename(dest / "3/renamed.png")
    checked = invoke("verify", dest)
    assert checked.stdout.splitlines() == [
        "> 3/b.png: renamed by hand to renamed.png",
        "> 7/c.png: moved by hand to 4/",
    ]
    assert "3 files = 1 same + 0 changed + 0 missing + 0 unknown + 2 moved by hand" in checked.stderr
    assert checked.exit_code == 6
    assert "3 already there (2 where you put them)." in invoke(*command).stderr
    assert names(dest) == ["3/a.png", "3/renamed.png", "4/c.png"]
    planned = invoke("undo", dest, "--dry-run").stdout
    assert str(dest / "4/c.png") in planned
    said = invoke("undo", dest).stderr
    what = "put back" if mode is Mode.MOVE else "removed"
    assert f"Undid 1 sort (3 files). 2 moved by hand, {what} too." in said
    assert names(dest) == []
    assert snapshot(top / "scans") == before


def test_what_undo_can_not_put_back_it_does_later(labels: Path) -> None:
    """A dragged file whose place is taken is listed; the second undo finishes, before older sorts."""
    top, dest = labels.parent, labels.parent / "sorted"
    before = snapshot(top / "scans")
    invoke("sort", labels, dest, "--move")
    shutil.move(dest / "7/c.png", dest / "3/c.png")
    (top / "scans/c.png").write_bytes(b"in the way")
    said = invoke("undo", dest)
    assert said.exit_code == 1
    assert f"{dest}/3/c.png: another file is at" in re.sub(r"\s+", " ", said.stderr)
    assert names(dest) == ["3/c.png"]
    (top / "scans/c.png").unlink()
    assert "1 moved by hand, put back too." in invoke("undo", dest).stderr
    assert snapshot(top / "scans") == before
    assert not dest.exists() or names(dest) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_a_dragged_file_whose_move_was_killed_has_one_row(labels: Path, mode: Mode) -> None:
    """If it is killed before labels.csv is updated, the row of the first place is removed."""
    top, dest = labels.parent, labels.parent / "sorted"
    command: list[Any] = ["sort", labels, dest, *ARGUMENTS[mode]]
    assert invoke(*command).exit_code == 0
    (dest / "4").mkdir()
    shutil.move(dest / "7/c.png", dest / "4/c.png")
    rows = [
        row._replace(human="1" if row.path.endswith("c.png") else "") for row in read_labels(labels)
    ]

    def sort(disk: Disk) -> None:
        with locked(dest, disk) as held:
            recover(held, disk)
            carry_out(plan_sort(rows, dest, SortOptions(mode)), held, disk=disk)

    class KilledAtTheBooks(Disk):
        def replace(self, source: Place, target: Place) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(partial(sort, KilledAtTheBooks())) == signal.SIGKILL
    sort(Disk())
    assert names(dest) == ["1/c.png", "3/a.png", "3/b.png"]
    check_books(dest)
    row = next(row for row in read_labels(dest / "labels.csv") if row.path == str(dest / "1/c.png"))
    assert row.cells["source"] == str(top / "scans" / "c.png")


def write_notes(books: Path) -> None:
    """A person writes something beside every row."""
    header, *rows = books.read_text().splitlines()
    books.write_text("\n".join([f"{header},note", *(f"{row},mine" for row in rows)]) + "\n")


def test_a_dragged_file_has_its_row_again_after_an_undo(labels: Path) -> None:
    dest = labels.parent / "sorted"
    invoke("sort", labels, dest)
    write_notes(dest / "labels.csv")
    books = list(read_labels(dest / "labels.csv"))
    (dest / "4").mkdir()
    shutil.move(dest / "7/c.png", dest / "4/c.png")
    corrections = write_labels(labels.parent / "c.csv", WRONG, {"c.png": "1"})
    assert invoke("sort", labels, dest, "--corrections", corrections).exit_code == 0
    assert invoke("undo", dest).exit_code == 0
    assert names(dest) == ["3/a.png", "3/b.png", "4/c.png"]
    found = {row.path: row.cells["note"] for row in read_labels(dest / "labels.csv")}
    assert found == {row.path: "mine" for row in books}


@pytest.mark.parametrize("later", ["the same", "a new scan", "a correction"])
def test_what_a_person_wrote_outlives_a_later_sort_and_an_undo_of_all(labels: Path, later: str) -> None:
    """The later sort writes labels.csv again, but the file still holds a person's work."""
    top, dest = labels.parent, labels.parent / "sorted"
    few = {"a.png": "3", "b.png": "3"}
    invoke("sort", write_labels(labels, few), dest)
    write_notes(dest / "labels.csv")
    table = write_labels(labels, few if later == "the same" else WRONG)
    corrections: list[Any] = ["--corrections", write_labels(top / "c.csv", WRONG, {"b.png": "1"})]
    invoke("sort", table, dest, *(corrections if later == "a correction" else []))
    assert invoke("undo", dest, "--all").exit_code == 0
    kept = list(dest.glob("labels_before_undo*.csv"))
    assert any(path.read_text().count(",mine") >= len(few) for path in kept)


def test_a_dragged_and_changed_file_is_left_alone(labels: Path) -> None:
    dest = labels.parent / "sorted"
    invoke("sort", labels, dest, "--move")
    shutil.move(dest / "7/c.png", dest / "3/c.png")
    (dest / "3/c.png").write_bytes(b"drawn over")
    assert invoke("undo", dest).exit_code == 1
    assert (dest / "3/c.png").read_bytes() == b"drawn over"
    assert invoke("verify", dest).stdout.splitlines() == ["+ 3/c.png", "- 7/c.png"]


def test_two_files_that_changed_places(labels: Path) -> None:
    """Both have a name in the journal and the content of the other one."""
    top, dest = labels.parent, labels.parent / "sorted"
    before = snapshot(top / "scans")
    invoke("sort", labels, dest, "--move")
    (dest / "3/a.png").rename(top / "aside")
    (dest / "7/c.png").rename(dest / "3/a.png")
    (top / "aside").rename(dest / "7/c.png")
    assert invoke("undo", dest).exit_code == 0
    assert snapshot(top / "scans") == before


def test_review_and_evaluate_take_a_sorted_folder(
    labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest = labels.parent / "sorted"
    corrections = write_labels(labels.parent / "c.csv", WRONG, {"a.png": "3", "c.png": "1"})
    invoke("sort", labels, dest, "--corrections", corrections)
    measured = invoke("evaluate", dest)
    assert "(2 of 3 right)" in measured.stdout
    monkeypatch.chdir(labels.parent)
    assert "3 rows" in invoke("review", dest).stderr


RELABELLED = {"7.png": "4", "1.png": "1", "twin.png": "5"}


def _sort_again(scene: Scene, mode: Mode, disk: Disk) -> None:
    rows, scene.rows = scene.rows, []
    for row in rows:
        label = RELABELLED[Path(row.path).name]
        cells = {**row.cells, "label": label}
        scene.rows.append(row._replace(label=label, cells=cells))
    scene.sort(mode, disk)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.slow
@pytest.mark.parametrize("action", ["sort", "undo"])
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_moves_within_dest_stopped_before_every_call(
    quick_folder: Path, mode: Mode, action: str
) -> None:
    """Nothing is lost or there twice; the same again ends it, and two undos bring all back."""
    call = 0
    while True:
        for torn in (False, True):
            top = quick_folder / f"{call}{torn}"
            scene = Scene(top / "one", top / "two")
            scene.sort(mode, Disk())
            act: Callable[[Disk], None] = partial(_sort_again, scene, mode)
            if action == "undo":
                act(Disk())
                act = scene.undo
            signal = in_child(partial(act, StopsBeforeChanges(call, torn=torn)))
            scene.check_nothing_lost()
            assert len(names_below(scene.dest)) == 5
            if signal and action == "sort":
                act(Disk())
            if action == "sort":
                scene.check_sorted(mode)
                assert [n.split("/")[0] for n in names_below(scene.dest)] == ["1", "4", "4", "4", "5"]
                scene.undo(Disk())
            elif signal and read_manifest(str(scene.dest)).items.keys() != set(BEFORE):
                scene.undo(Disk())
            assert names_below(scene.dest) == BEFORE
            scene.undo(Disk())
            scene.check_undone()
        if not signal:
            break
        call += 1
    print(f"{action} of {mode}: stopped before each of {call} calls")
    assert call > 8


BEFORE = ["1/1.png", "2/twin.png", "7/7.png", "7/7_2.png", "7/7_3.png"]


def names_below(dest: Path) -> list[str]:
    """Names of sorted files, without temporary ones."""
    return [name for name in names(dest) if not name.endswith(".tmp")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.slow
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_moves_and_a_new_scan_stopped_before_every_call(quick_folder: Path, mode: Mode) -> None:
    """However often it was begun, one undo takes back both what was moved and what was new."""
    call = 0
    while True:
        scene = Scene(quick_folder / f"{call}" / "one", quick_folder / f"{call}" / "two")
        rows = scene.rows
        scene.rows = [row for row in rows if not row.path.endswith("b/1.png")]
        scene.sort(mode, Disk())
        scene.rows = rows
        act = partial(_sort_again, scene, mode)
        signal = in_child(partial(act, StopsBeforeChanges(call)))
        scene.check_nothing_lost()
        if signal:
            scene.rows = rows
            act(Disk())
        scene.check_sorted(mode)
        scene.undo(Disk())
        assert names_below(scene.dest) == BEFORE[1:]
        scene.undo(Disk())
        scene.check_undone()
        if not signal:
            break
        call += 1
    print(f"{mode}: stopped before each of {call} calls")
    assert call > 15


def test_review_and_evaluate_find_dragged_files(labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They find them by content, as `sort`, `undo` and `verify` do."""
    monkeypatch.chdir(labels.parent)
    invoke("sort", labels, "sorted", "--move")
    shutil.move("sorted/7/c.png", "sorted/3/c.png")
    said = invoke("review", "sorted")
    assert "1 file not found by name, 1 of them found by content in sorted" in said.stderr
    assert "can't be read" not in said.stderr
    said = invoke("evaluate", "sorted")
    assert "1 of them found by content in sorted" in said.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("calls", range(4, 9))
def test_a_dragged_file_has_one_row_after_a_kill(quick_folder: Path, calls: int) -> None:
    """The row follows the file from the place where it was sorted to, and undo restores it."""
    scene = Scene(quick_folder / "one", quick_folder / "two")
    scene.rows = [row for row in scene.rows if row.path.endswith("b/1.png")]
    scene.sort(Mode.COPY, Disk())
    sorted_to, books = scene.dest / "1/1.png", scene.dest / "labels.csv"
    before = [row.path for row in read_labels(books)]
    (scene.dest / "4").mkdir()
    sorted_to.rename(scene.dest / "4/1.png")
    rows = scene.rows
    scene.rows = [row._replace(human="9", cells={**row.cells, "human": "9"}) for row in rows]
    assert in_child(partial(scene.sort, Mode.COPY, StopsBeforeChanges(calls)))
    scene.sort(Mode.COPY, Disk())
    found = read_labels(books)
    sources = [(row.path, row.cells["source"]) for row in found]
    assert sources == [(str(scene.dest / "9/1.png"), str(scene.source / "b/1.png"))]
    scene.undo(Disk())
    assert [row.path for row in read_labels(books)] == before == [str(sorted_to)]


@pytest.mark.parametrize("first", ["run-000008.jsonl", "run-999999.jsonl"])
def test_the_millionth_run_comes_after_the_one_before(labels: Path, first: str) -> None:
    """Compared as text, run 1,000,000 would come first: its undo would find no earlier rows."""
    dest = labels.parent / "sorted"
    invoke("sort", labels, dest)
    before = (dest / "labels.csv").read_bytes()
    (dest / ".digitsort/run-000001.jsonl").rename(dest / ".digitsort" / first)
    write_labels(labels, {**WRONG, "c.png": "1"})
    assert invoke("sort", labels, dest).exit_code == 0
    assert [path.name for path in (dest / ".digitsort").glob("run-1*")] == (
        ["run-1000000.jsonl"] if "999999" in first else []
    )
    assert invoke("undo", dest).exit_code == 0
    assert (dest / "labels.csv").read_bytes() == before
    check_books(dest)
