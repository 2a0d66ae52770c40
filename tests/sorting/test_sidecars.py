"""Sidecars go with their pictures, with the same guarantees."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import UsageError
from digitsort.files.disk import Disk
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.sorting.apply import apply_plan
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.rehearse import rehearse
from digitsort.sorting.verify import Manifest, Mark, read_manifest, verify
from tests.conftest import invoke
from tests.sorting.stopping import CHOSEN_MODES, CONTENTS, Scene, StopsBeforeChanges, in_child, snapshot
from tests.sorting.test_obstacles import ARGUMENTS

PICTURES = {"7.png": "7", "a/7.png": "7", "a/8.jpg": "8"}


def make_scans(top: Path, labels: Mapping[str, str], sidecars: Mapping[str, str]) -> Path:
    """Scans and sidecars with the given contents, and a labels.csv beside them."""
    for name, content in {**{name: f"scan {name}" for name in labels}, **sidecars}.items():
        path = top / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return write_labels(top / "labels.csv", labels)


def write_labels(path: Path, labels: Mapping[str, str]) -> Path:
    """Write a labels.csv for scans that `make_scans` makes."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "confidence", "status", "reason", "sha256", "model"])
        for name, label in labels.items():
            sha256 = hashlib.sha256(f"scan {name}".encode()).hexdigest()
            writer.writerow([f"scans/{name}", label, "0.9", "ok", "", sha256, ""])
    return path


def contents(dest: Path) -> dict[str, str]:
    """Path below DEST to content, without digitsort's own files."""
    return {
        str(path.relative_to(dest)): path.read_text()
        for path in sorted(dest.glob("*/**/*"))
        if ".digitsort" not in path.parts and path.is_file()
    }


def check_books(dest: Path) -> None:
    """All is verified, and labels.csv has the pictures only."""
    assert {mark for mark, _ in verify(dest, read_manifest(str(dest)))} == {Mark.SAME}
    pictures = [name for name in contents(dest) if name.endswith((".png", ".jpg"))]
    assert sorted(row.path for row in read_labels(dest / "labels.csv")) == [
        str(dest / name) for name in pictures
    ]


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_the_loop(quick_folder: Path, mode: Mode) -> None:
    """Sort, then sort with other labels, even without the option: sidecars follow. Undo twice."""
    cars = {"7.xmp": "x", "7.png.json": "j", "a/7.XMP": "y", "a/7.gt.txt": "t", "a/8.yml": "z"}
    labels = make_scans(quick_folder, PICTURES, {**cars, "other.xmp": "no", "a/.7.xmp": "hidden"})
    before, dest = snapshot(quick_folder / "scans"), quick_folder / "sorted"
    command: list[Any] = ["sort", labels, dest, *ARGUMENTS[mode]]
    planned = invoke(*command, "--sidecars", "--dry-run")
    assert "3 to " in planned.stderr
    assert ", 5 sidecars with their pictures, 0 already there" in planned.stderr
    assert f"{quick_folder}/scans/a/7.XMP -> {dest}/7/7_2.XMP\n" in planned.stdout
    said = invoke(*command, "--sidecars")
    assert (said.exit_code, ", 5 sidecars with their pictures, " in said.stderr) == (0, True)
    assert contents(dest) == {
        "7/7.png": "scan 7.png",
        "7/7.png.json": "j",
        "7/7.xmp": "x",
        "7/7_2.XMP": "y",
        "7/7_2.gt.txt": "t",
        "7/7_2.png": "scan a/7.png",
        "8/8.jpg": "scan a/8.jpg",
        "8/8.yml": "z",
    }
    check_books(dest)
    again = invoke(*command, "--sidecars")
    assert (again.exit_code, "sidecar" in again.stderr) == (0, False)
    write_labels(labels, {"7.png": "7", "a/7.png": "1", "a/8.jpg": "7"})
    said = invoke(*command)
    assert ", 2 moved within DEST, 3 sidecars with their pictures, 1 already there" in said.stderr
    assert list(contents(dest)) == [
        *("1/7.XMP", "1/7.gt.txt", "1/7.png"),
        *("7/7.png", "7/7.png.json", "7/7.xmp", "7/8.jpg", "7/8.yml"),
    ]
    check_books(dest)
    assert "Undid 1 sort (5 files)." in invoke("undo", dest).stderr
    assert "8/8.yml" in contents(dest)
    check_books(dest)
    assert "Undid 1 sort (8 files)." in invoke("undo", dest).stderr
    assert not dest.exists()
    assert snapshot(quick_folder / "scans") == before


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_a_taken_side_car_name_numbers_both(quick_folder: Path, mode: Mode) -> None:
    """A stranger's 7.xmp in DEST is not replaced, and the picture keeps its sidecar's number."""
    labels = make_scans(quick_folder, {"7.png": "7"}, {"7.xmp": "mine"})
    dest = quick_folder / "sorted"
    (dest / "7").mkdir(parents=True)
    (dest / "7/7.xmp").write_text("a stranger's")
    skip = invoke("sort", labels, dest, *ARGUMENTS[mode], "--sidecars", "--on-conflict", "skip")
    assert "7 already has a different file named as a sidecar of 7.png" in re.sub(
        r"\s+", " ", skip.stderr
    )
    assert invoke("sort", labels, dest, *ARGUMENTS[mode], "--sidecars").exit_code == 0
    assert contents(dest) == {"7/7.xmp": "a stranger's", "7/7_2.png": "scan 7.png", "7/7_2.xmp": "mine"}


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_two_pictures_with_one_side_car(quick_folder: Path, mode: Mode) -> None:
    """It goes with the first one in the table, and the command says so; a full name has one picture."""
    scans = {"7.jpg": "2", "7.png": "7"}
    labels = make_scans(quick_folder, scans, {"7.xmp": "both", "7.png.txt": "one"})
    said = invoke("sort", labels, quick_folder / "sorted", *ARGUMENTS[mode], "--sidecars")
    assert "1 sidecar belongs to several pictures. It goes with the first one." in said.stderr
    assert list(contents(quick_folder / "sorted")) == ["2/7.jpg", "2/7.xmp", "7/7.png", "7/7.png.txt"]


def test_several_shared_side_cars(quick_folder: Path) -> None:
    scans = {"7.jpg": "2", "7.png": "7"}
    labels = make_scans(quick_folder, scans, {"7.xmp": "both", "7.json": "both too"})
    said = invoke("sort", labels, quick_folder / "sorted", "--sidecars")
    assert "2 sidecars belong to several pictures. Each goes with its first one." in said.stderr


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_picture_that_stays_keeps_its_side_car(
    quick_folder: Path, mode: Mode, dry: list[str]
) -> None:
    """The picture changed after it was labelled: the sidecar is listed, and stays too."""
    labels = make_scans(quick_folder, {"7.png": "7", "1.png": "1"}, {"7.xmp": "x", "1.xmp": "y"})
    (quick_folder / "scans/7.png").write_text("drawn over")
    said = invoke("sort", labels, quick_folder / "sorted", *ARGUMENTS[mode], "--sidecars", *dry)
    assert said.exit_code == 1
    assert "7.xmp: its picture was not sorted" in said.stderr + said.stdout
    assert list(contents(quick_folder / "sorted")) == ([] if dry else ["1/1.png", "1/1.xmp"])


def test_what_is_no_side_car(quick_folder: Path) -> None:
    """The tables that the command reads, folders, and files that only begin like a picture."""
    labels = make_scans(quick_folder, {"7.png": "7"}, {"7a.xmp": "", "7.csv": "", "7.xmp/x": ""})
    table = labels.rename(quick_folder / "scans/7.txt")
    table.write_text(table.read_text().replace("scans/", ""))
    assert invoke("sort", table, quick_folder / "sorted", "--move", "--sidecars").exit_code == 0
    assert list(contents(quick_folder / "sorted")) == ["7/7.png"]


def test_a_side_car_that_a_person_changed_or_moved_stays(quick_folder: Path) -> None:
    labels = make_scans(quick_folder, {"7.png": "7", "1.png": "1"}, {"7.xmp": "x", "1.xmp": "y"})
    dest = quick_folder / "sorted"
    invoke("sort", labels, dest, "--sidecars")
    (dest / "7/7.xmp").write_text("edited")
    (dest / "1/1.xmp").rename(dest / "7/1.xmp")
    assert "sidecar" not in invoke("sort", labels, dest, "--sidecars").stderr
    write_labels(labels, {"7.png": "2", "1.png": "3"})
    said = invoke("sort", labels, dest, "--sidecars")
    assert "7.xmp: changed since it was sorted" in re.sub(r"\s+", " ", said.stderr)
    assert contents(dest)["7/7.xmp"] == "edited"
    assert contents(dest)["7/1.xmp"] == "y"


def test_side_cars_left_behind_follow_later(quick_folder: Path) -> None:
    """A first sort moved the pictures alone, one to a numbered name; the next brings the sidecars."""
    make_scans(quick_folder, {"7.png": "7", "a/7.png": "7"}, {"a/7.xmp": "x"})
    dest, scans = quick_folder / "sorted", quick_folder / "scans"
    labels = quick_folder / "labels.csv"
    invoke("sort", labels, dest, "--move")
    assert invoke("sort", scans, dest, "--sidecars").exit_code == 4
    dry = invoke("sort", scans, dest, "--move", "--sidecars", "--dry-run")
    assert (dry.exit_code, "1 sidecar with its picture" in dry.stderr) == (0, True)
    said = invoke("sort", scans, dest, "--move", "--sidecars")
    assert said.exit_code == 0
    assert contents(dest)["7/7_2.xmp"] == "x"
    assert invoke("undo", dest).exit_code == 0
    assert (scans / "a/7.xmp").read_text() == "x"


SIDECARS = {"7.xmp": b"of a seven", "a/7.xmp": b"of a seven", "b/1.png.txt": b"of a one"}


class SceneWithSideCars(Scene):
    """Some of the scans have a sidecar, two of them with the same content."""

    def __init__(self, source: Path, dest: Path) -> None:
        super().__init__(source, dest)
        for name, content in SIDECARS.items():
            (self.source / name).write_bytes(content)
        self.before = snapshot(self.source)

    def sort(self, mode: Mode, disk: Disk) -> None:
        """What the command does with --sidecars."""
        from digitsort.sorting.apply import carry_out
        from digitsort.sorting.dest import locked
        from digitsort.sorting.recover import recover

        with locked(self.dest, disk) as held:
            recover(held, disk)
            carry_out(
                plan_sort(self.rows, self.dest, SortOptions(mode, sidecars=True)), held, disk=disk
            )

    def check_all(self, mode: Mode) -> None:
        """Every picture is in DEST once, with its sidecar beside it."""
        assert {mark for mark, _ in verify(self.dest, read_manifest(str(self.dest)))} == {Mark.SAME}
        found = contents(self.dest)
        number = next(name for name, text in found.items() if text == "another seven")[:-4]
        assert found.pop(f"{number}.xmp") == found.pop("7/7.xmp") == "of a seven"
        assert found.pop("1/1.png.txt") == "of a one"
        assert len(found) == 5
        assert len(list(read_labels(self.dest / "labels.csv"))) == 5
        assert any(self.source.rglob("*.xmp")) == (mode is not Mode.MOVE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.slow
@pytest.mark.parametrize("action", ["sort", "undo"])
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_stopped_before_every_call(quick_folder: Path, mode: Mode, action: str) -> None:
    """The same again ends it, and one undo brings all back."""
    call = 0
    while True:
        for torn in (False, True):
            scene = SceneWithSideCars(quick_folder / f"{call}{torn}", quick_folder / f"{call}{torn}")
            stops = StopsBeforeChanges(call, torn=torn)
            if action == "undo":
                scene.sort(mode, Disk())
            act = scene.undo if action == "undo" else partial(scene.sort, mode)
            signal = in_child(partial(act, stops))
            if action == "sort":
                if signal:
                    scene.sort(mode, Disk())
                scene.check_all(mode)
            if action == "sort":
                scene.undo(Disk())
            elif signal:
                with suppress(UsageError):  # it was killed at its very end: nothing is left to undo
                    scene.undo(Disk())
            scene.check_undone()
        if not signal:
            break
        call += 1
    print(f"{action} of {mode}: stopped before each of {call} calls")
    assert call > 15


def test_moves_within_dest_are_rehearsed(quick_folder: Path) -> None:
    """A picture that is gone by then is counted as the run would, and its sidecar stays."""
    labels = make_scans(quick_folder, {"7.png": "7", "1.png": "1"}, {"7.xmp": "x", "1.xmp": "y"})
    dest = quick_folder / "sorted"
    invoke("sort", labels, dest, "--move", "--sidecars")
    write_labels(labels, {"7.png": "2", "1.png": "3"})
    plan = plan_sort(read_labels(labels), dest, SortOptions(Mode.MOVE))
    (dest / "7/7.png").unlink()
    rehearsed, delivery = rehearse(plan, plan.operations), apply_plan(plan)
    assert [operation.target for operation in rehearsed.within] == [str(dest / "3/1.png")]
    assert rehearsed.within == delivery.within
    assert rehearsed.sidecars_within == delivery.sidecars
    assert rehearsed.left == delivery.failed
    assert sorted(reason for _, reason in delivery.failed) == [
        "No such file or directory",
        "its picture was not sorted",
    ]


def test_side_cars_do_not_count_as_skipped(quick_folder: Path) -> None:
    """Each is counted out once, also one that two pictures share."""
    cars = {"7.xmp": "x", "7.gt.txt": "t", "notes.txt": "", "other.xmp": ""}
    make_scans(quick_folder, {"7.png": "7", "7.jpg": "7"}, cars)
    scans, dest = quick_folder / "scans", quick_folder / "sorted"
    for option, said in (
        ("--sidecars", "2 files skipped (not images): 1 .txt, 1 .xmp"),
        ("-n", "4 files"),
    ):
        assert said in invoke("sort", scans, dest, option, "--dry-run").stderr


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_files_of_one_name_swap_folders(quick_folder: Path, mode: Mode) -> None:
    """Each keeps its name, with its sidecar; a third one gets a number."""
    scans = {"a/x.png": "1", "b/x.png": "7", "c/x.png": "3", "d/x.png": "1"}
    labels = make_scans(quick_folder, scans, {"a/x.xmp": "of a", "b/x.xmp": "of b"})
    before, dest = snapshot(quick_folder / "scans"), quick_folder / "sorted"
    invoke("sort", labels, dest, *ARGUMENTS[mode], "--sidecars")
    first = contents(dest)
    assert list(first) == ["1/x.png", "1/x.xmp", "1/x_2.png", "3/x.png", "7/x.png", "7/x.xmp"]
    write_labels(labels, {"a/x.png": "7", "b/x.png": "1", "c/x.png": "1", "d/x.png": "1"})
    command: list[Any] = ["sort", labels, dest, *ARGUMENTS[mode], "--sidecars"]
    assert f"move  {dest}/1/x.png -> {dest}/7/x.png\n" in invoke(*command, "-n").stdout
    said = invoke(*command)
    assert (said.exit_code, "3 moved within DEST, 2 sidecars" in said.stderr) == (0, True)
    assert contents(dest) == {
        "1/x.png": "scan b/x.png",
        "1/x.xmp": "of b",
        "1/x_2.png": "scan d/x.png",
        "1/x_4.png": "scan c/x.png",
        "7/x.png": "scan a/x.png",
        "7/x.xmp": "of a",
    }
    check_books(dest)
    sources = {row.path: row.cells["source"] for row in read_labels(dest / "labels.csv")}
    assert sources[str(dest / "7/x.png")] == str(quick_folder / "scans/a/x.png")
    assert "4 already there" in invoke(*command).stderr
    assert "Undid 1 sort (5 files)." in invoke("undo", dest).stderr
    assert contents(dest) == first
    check_books(dest)
    assert "Undid 1 sort (6 files)." in invoke("undo", dest).stderr
    assert snapshot(quick_folder / "scans") == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.slow
@pytest.mark.parametrize("action", ["sort", "undo"])
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_a_swap_stopped_before_every_call(quick_folder: Path, mode: Mode, action: str) -> None:
    """Nothing is lost; the same again ends it, perhaps with a number left; undo brings all back."""
    call = 0
    while True:
        scene = SceneWithSideCars(quick_folder / f"{call}", quick_folder / f"{call}")
        scene.rows = _labelled(scene, {"7.png": "4", "a/7.png": "7"})
        scene.sort(mode, Disk())
        first, hashes = contents(scene.dest), _hashes(read_manifest(str(scene.dest)))
        scene.rows = _labelled(scene, {"7.png": "7", "a/7.png": "4"})
        if action == "undo":
            scene.sort(mode, Disk())
        act = scene.undo if action == "undo" else partial(scene.sort, mode)
        signal = in_child(partial(act, StopsBeforeChanges(call)))
        if action == "sort":
            scene.sort(mode, Disk())
            found = contents(scene.dest)
            where = {text: Path(name).parent.name for name, text in found.items()}
            assert (where["seven"], where["another seven"], len(found)) == ("7", "4", 4)
            check_books(scene.dest)
            assert signal or set(found) == set(first)
        manifest = read_manifest(str(scene.dest))
        if not manifest.finished or _hashes(manifest) != hashes:
            scene.undo(Disk())
        assert contents(scene.dest) == first
        check_books(scene.dest)
        scene.undo(Disk())
        scene.check_undone()
        if not signal:
            break
        call += 1
    print(f"{action} of a swap after {mode}: stopped before each of {call} calls")
    assert call > 15


def _labelled(scene: Scene, labels: Mapping[str, str]) -> list[Row]:
    """Rows of some of the scene's scans, with other labels."""
    rows = [scene._row(name, CONTENTS[name]) for name in labels]
    pairs = zip(rows, labels.values(), strict=True)
    return [row._replace(label=new, cells={**row.cells, "label": new}) for row, new in pairs]


def _hashes(manifest: Manifest) -> dict[str, str]:
    return {path: item.sha256 for path, item in manifest.items.items()}


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_a_link_to_another_place_is_no_sidecar(quick_folder: Path, mode: Mode) -> None:
    """The content of a file elsewhere stays out of DEST, also by way of other links."""
    labels = make_scans(quick_folder, {"7.png": "7", "a/1.png": "1"}, {"7.json": "beside"})
    (quick_folder / "private").mkdir()
    (quick_folder / "private" / "key.txt").write_text("secret")
    scans = quick_folder / "scans"
    (scans / "7.xmp").symlink_to("7.json")
    (scans / "7.txt").symlink_to(quick_folder / "private" / "key.txt")
    (scans / "a" / "up").symlink_to(quick_folder / "private")
    (scans / "a" / "1.txt").symlink_to("up/key.txt")
    (scans / "a" / "1.xml").symlink_to("../7.txt")
    (scans / "a" / "1.yml").symlink_to("nowhere")
    invoke("sort", labels, quick_folder / "sorted", *ARGUMENTS[mode], "--sidecars")
    found = contents(quick_folder / "sorted")
    assert "secret" not in found.values()
    assert found["7/7.json"] == "beside"
    assert (scans / "7.txt").is_symlink()


def test_a_linked_picture_has_its_sidecars_where_it_leads(quick_folder: Path) -> None:
    """A folder of links to a store."""
    labels = make_scans(quick_folder, {"7.png": "7"}, {"7.xmp": "meta"})
    (quick_folder / "scans").rename(quick_folder / "store")
    (quick_folder / "scans").mkdir()
    (quick_folder / "store" / "key.txt").write_text("secret")
    for name, leads in {"7.png": "7.png", "7.xmp": "7.xmp", "7.txt": "key.txt"}.items():
        (quick_folder / "scans" / name).symlink_to(quick_folder / "store" / leads)
    assert invoke("sort", labels, quick_folder / "sorted", "--sidecars").exit_code == 0
    assert contents(quick_folder / "sorted") == {"7/7.png": "scan 7.png", "7/7.xmp": "meta"}
