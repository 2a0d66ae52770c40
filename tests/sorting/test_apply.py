"""A plan carried out."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import ExitCode, OutputError, UsageError
from digitsort.files.disk import Disk, Place
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.sorting.apply import Delivery, apply_plan
from digitsort.sorting.plan import Plan, plan_sort
from tests.conftest import Link, Tree, make_tree, read_tree

posix = pytest.mark.skipif(os.name != "posix", reason="no POSIX modes and limits here")


def rows_of(folder: Path, **human: str) -> list[Row]:
    """A row for each file below `folder`, labelled by its first letter; `human` by stem."""
    rows = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        cells = {"label": path.name[0], "status": "ok", "sha256": sha256}
        person = human.get(path.stem, "")
        cells |= {"human": person} if person else {}
        rows.append(Row(str(path), path.name[0], Status.OK, sha256=sha256, human=person, cells=cells))
    return rows


def sort(rows: list[Row], dest: Path) -> Delivery:
    return apply_plan(plan_sort(rows, dest))


def sorted_files(dest: Path) -> dict[str, Any]:
    """What lies in DEST's folders; labels.csv and the journal have tests of their own."""
    return {n: tree for n, tree in read_tree(dest).items() if n not in ("labels.csv", ".digitsort")}


def labels(dest: Path) -> dict[str, str]:
    """Path to source, both relative to DEST."""
    return {
        os.path.relpath(row.path, dest): os.path.relpath(row.source, dest)
        for row in read_labels(dest / "labels.csv")
    }


SCANS: Tree = {
    "7.png": b"seven",
    "7b.png": b"another seven",
    "sub": {"1.png": b"one", "7.png": b"third"},
}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "scans", SCANS)


def test_every_file_is_copied_to_its_target_and_the_sources_stay(scans: Path, dest: Path) -> None:
    delivery = sort(rows_of(scans), dest)
    assert (len(delivery.done), delivery.failed) == (4, ())
    assert sorted_files(dest) == {
        "1": {"1.png": b"one"},
        "7": {"7.png": b"seven", "7_2.png": b"third", "7b.png": b"another seven"},
    }
    assert read_tree(scans) == SCANS


def test_what_is_done_is_what_was_planned(scans: Path, dest: Path) -> None:
    plan = plan_sort(rows_of(scans), dest)
    assert plan.operations == apply_plan(plan).done


def test_times_and_modes_are_kept(scans: Path, dest: Path) -> None:
    path = scans / "sub" / "1.png"
    os.utime(path, ns=(10**18 + 123_456_700, 10**18 + 987_654_300))
    path.chmod(0o640)
    sort(rows_of(scans), dest)
    before, after = path.stat(), (dest / "1" / "1.png").stat()
    assert before.st_mtime_ns == after.st_mtime_ns
    assert stat.S_IMODE(before.st_mode) == stat.S_IMODE(after.st_mode)


def test_a_read_only_file_is_copied(scans: Path, dest: Path) -> None:
    (scans / "7.png").chmod(0o400)
    assert sort(rows_of(scans), dest).failed == ()
    assert (dest / "7" / "7.png").read_bytes() == b"seven"


def test_a_link_is_copied_as_the_file_that_it_leads_to(tmp_path: Path, scans: Path, dest: Path) -> None:
    make_tree(scans, {"1link.png": Link("sub/1.png")})
    sort(rows_of(scans), dest)
    assert sorted_files(dest)["1"] == {"1.png": b"one", "1link.png": b"one"}


def test_labels_csv_tells_where_each_file_came_from(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest)
    assert labels(dest) == {
        "1/1.png": "../scans/sub/1.png",
        "7/7.png": "../scans/7.png",
        "7/7_2.png": "../scans/sub/7.png",
        "7/7b.png": "../scans/7b.png",
    }
    header = (dest / "labels.csv").read_text().splitlines()[0]
    expected = "path,label,confidence,status,reason,second,second_confidence,sha256,model,source"
    assert expected == header


def test_rows_of_earlier_sorts_stay(tmp_path: Path, scans: Path, dest: Path) -> None:
    """Columns too: a later run may bring some, or lack them."""
    sort(rows_of(scans, **{"7b": "2"}), dest)
    make_tree(tmp_path / "more", {"7.png": b"fourth", "5.png": b"five"})
    sort(rows_of(tmp_path / "more"), dest)
    assert labels(dest) == {
        "1/1.png": "../scans/sub/1.png",
        "2/7b.png": "../scans/7b.png",
        "5/5.png": "../more/5.png",
        "7/7.png": "../scans/7.png",
        "7/7_2.png": "../scans/sub/7.png",
        "7/7_3.png": "../more/7.png",
    }
    assert {
        os.path.relpath(r.path, dest): r.human for r in read_labels(dest / "labels.csv") if r.human
    } == {"2/7b.png": "2"}


def test_a_file_that_was_there_keeps_the_source_it_was_copied_from(
    tmp_path: Path, scans: Path, dest: Path
) -> None:
    sort(rows_of(scans), dest)
    make_tree(tmp_path / "copies", {"1.png": b"one"})
    sort(rows_of(tmp_path / "copies"), dest)
    assert labels(dest)["1/1.png"] == "../scans/sub/1.png"


def test_sorting_once_more_by_its_own_labels_csv_changes_nothing(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest)
    before = read_tree(dest)
    sort(list(read_labels(dest / "labels.csv")), dest)
    assert before == read_tree(dest)


def test_a_labels_csv_in_dest_that_is_none_stops_the_run_before_anything_is_copied(
    scans: Path, dest: Path
) -> None:
    before = make_tree(dest, {"labels.csv": b"my own notes\n"})
    with pytest.raises(UsageError, match=r"sorted/labels\.csv"):
        sort(rows_of(scans), dest)
    assert read_tree(before) == {"labels.csv": b"my own notes\n"}


def test_nothing_delivered_nothing_written(dest: Path) -> None:
    assert apply_plan(Plan(str(dest), (), (), (("x.png", "empty file"),))) == Delivery((), (), ())
    assert not dest.exists()


def _change(path: Path) -> None:
    path.write_bytes(b"changed")


def _fifo(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no FIFOs here")
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path) -> None:
    path.unlink()
    make_tree(path.parent, {path.name: Link("nowhere")})


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (_change, "changed since it was labelled"),
        (Path.unlink, "No such file or directory"),
        (_dangling, "No such file or directory"),
        (_fifo, "not a regular file"),
        (_folder, "not a regular file"),
    ],
    ids=["changed", "vanished", "became a dangling link", "became a FIFO", "became a folder"],
)
def test_a_source_that_is_not_what_was_labelled_is_left_and_reported(
    scans: Path, dest: Path, happens: Callable[[Path], object], reason: str
) -> None:
    """The others are delivered, no half or temporary file stays."""
    plan = plan_sort(rows_of(scans), dest)
    happens(scans / "7.png")
    delivery = apply_plan(plan)
    assert delivery.failed == ((str(scans / "7.png"), reason),)
    assert sorted_files(dest) == {
        "1": {"1.png": b"one"},
        "7": {"7_2.png": b"third", "7b.png": b"another seven"},
    }
    assert set(labels(dest)) == {"1/1.png", "7/7_2.png", "7/7b.png"}


def test_where_one_of_two_equal_files_fails_the_other_is_delivered(tmp_path: Path, dest: Path) -> None:
    scans = make_tree(tmp_path / "scans", {"a": {"7.png": b"same"}, "b": {"7.png": b"same"}})
    plan = plan_sort(rows_of(scans), dest)
    (scans / "a" / "7.png").unlink()
    delivery = apply_plan(plan)
    assert delivery.failed == ((str(scans / "a" / "7.png"), "No such file or directory"),)
    assert sorted_files(dest) == {"7": {"7.png": b"same"}}
    assert labels(dest) == {"7/7.png": "../scans/b/7.png"}


def test_where_both_of_two_equal_files_fail_nothing_is_said_to_be_there(
    tmp_path: Path, dest: Path
) -> None:
    scans = make_tree(tmp_path / "scans", {"a": {"7.png": b"same"}, "b": {"7.png": b"same"}})
    plan = plan_sort(rows_of(scans), dest)
    for name in "ab":
        (scans / name / "7.png").unlink()
    delivery = apply_plan(plan)
    assert (delivery.done, delivery.same, len(delivery.failed)) == ((), (), 2)
    assert not dest.exists()


def test_a_row_without_a_hash_is_copied_as_it_is(scans: Path, dest: Path) -> None:
    sort([Row(str(scans / "7.png"), "7", Status.OK)], dest)
    assert sorted_files(dest) == {"7": {"7.png": b"seven"}}


@pytest.mark.parametrize("entry", [b"somebody's", {}, Link("nowhere")], ids=["file", "folder", "link"])
def test_a_target_that_appears_meanwhile_is_kept(scans: Path, dest: Path, entry: Any) -> None:
    plan = plan_sort(rows_of(scans), dest)
    make_tree(dest, {"7": {"7.png": entry}})
    delivery = apply_plan(plan)
    assert [(str(scans / "7.png"), f"{dest}/7/7.png appeared during the run")] == list(delivery.failed)
    expected = {"7.png": entry, "7_2.png": b"third", "7b.png": b"another seven"}
    assert expected == sorted_files(dest)["7"]
    assert "7/7.png" not in labels(dest)


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(
    tmp_path: Path, scans: Path, dest: Path
) -> None:
    plan = plan_sort(rows_of(scans), dest)
    make_tree(tmp_path, {"elsewhere": {}, "sorted": {"7": Link("../elsewhere")}})
    delivery = apply_plan(plan)
    assert len(delivery.failed) == 3
    assert sorted_files(dest) == {"1": {"1.png": b"one"}, "7": Link("../elsewhere")}
    assert read_tree(tmp_path / "elsewhere") == {}


@posix
def test_a_full_disk_stops_the_run_which_can_then_be_gone_on_with(scans: Path, dest: Path) -> None:
    """What was done is in labels.csv; the sources are whole, no half file has a name."""
    resource = pytest.importorskip("resource")
    make_tree(scans, {"7large.png": b"x" * 2**17})
    plan = plan_sort(rows_of(scans), dest)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(OutputError, match="can't be written: File too large") as caught:
            apply_plan(plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code is ExitCode.OUTPUT
    assert sorted_files(dest) == {"7": {"7.png": b"seven", "7b.png": b"another seven"}}
    assert set(labels(dest)) == {"7/7.png", "7/7b.png"}
    delivery = sort(rows_of(scans), dest)
    assert (len(delivery.done), delivery.failed) == (3, ())
    assert read_tree(scans) == {**SCANS, "7large.png": b"x" * 2**17}


def test_a_dest_without_permission_is_an_output_error(unprivileged: Path) -> None:
    scans, dest = make_tree(unprivileged / "scans", SCANS), unprivileged / "sorted"
    dest.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        sort(rows_of(scans), dest)
    assert read_tree(scans) == SCANS
    assert read_tree(dest) == {}


def test_a_source_without_permission_is_left_and_reported(unprivileged: Path) -> None:
    scans, dest = make_tree(unprivileged / "scans", SCANS), unprivileged / "sorted"
    plan = plan_sort(rows_of(scans), dest)
    (scans / "sub" / "1.png").chmod(0)
    delivery = apply_plan(plan)
    assert delivery.failed == ((str(scans / "sub" / "1.png"), "Permission denied"),)
    assert len(delivery.done) == 3


@pytest.mark.parametrize("unreadable", ["scans/1.png", "scans/sub/1.png", "sorted/1/1.png"])
def test_one_that_cannot_be_compared_stops_no_other(unprivileged: Path, unreadable: str) -> None:
    """Of two with one name, and no sha256 that would tell whether they are the same."""
    make_tree(unprivileged, {"scans": {**SCANS, "1.png": b"another"}, "sorted": {"1": {"1.png": b""}}})
    rows = [row._replace(sha256="", cells={}) for row in rows_of(unprivileged / "scans")]
    (unprivileged / unreadable).chmod(0)
    delivery = sort(rows, unprivileged / "sorted")
    expected = [(str(unprivileged / unreadable), "Permission denied")]
    assert list(delivery.failed) == expected * unreadable.startswith("scans")
    assert len(delivery.done) + len(delivery.failed) == len(rows)


@posix
def test_an_interrupted_run_has_its_rows_and_can_be_gone_on_with(scans: Path, dest: Path) -> None:
    class Pressed(Disk):
        """Ctrl-C is pressed while the second file gets its name."""

        named = 0

        def rename_new(self, source: Place, target: Place) -> None:
            self._press()
            super().rename_new(source, target)

        def name_unnamed(self, place: Place, descriptor: int) -> None:
            self._press()
            super().name_unnamed(place, descriptor)

        def _press(self) -> None:
            self.named += 1
            if self.named == 2:
                os.kill(os.getpid(), signal.SIGINT)

    plan = plan_sort(rows_of(scans), dest)
    with pytest.raises(KeyboardInterrupt):
        apply_plan(plan, disk=Pressed())
    assert sorted_files(dest) == {"7": {"7.png": b"seven", "7b.png": b"another seven"}}
    assert set(labels(dest)) == {"7/7.png", "7/7b.png"}
    assert len(sort(rows_of(scans), dest).done) == 2


def test_progress_is_told(scans: Path, dest: Path) -> None:
    """Files and bytes, before the first batch and after each."""
    told: list[tuple[int, int, int]] = []
    apply_plan(plan_sort(rows_of(scans), dest), lambda *step: told.append(step))
    assert told == [(0, 4, 0), (4, 4, len(b"sevenanother sevenonethird"))]


def test_a_thousand_files_with_fifty_names_are_all_there(tmp_path: Path, dest: Path) -> None:
    make_tree(
        tmp_path / "many",
        {f"{i // 50}/7_{i % 50}.png": b"%d" % i for i in range(1000)},
    )
    delivery = sort(rows_of(tmp_path / "many"), dest)
    assert (len(delivery.done), delivery.failed) == (1000, ())
    assert {b"%d" % i for i in range(1000)} == set(sorted_files(dest)["7"].values())
    assert len(sorted_files(dest)["7"]) == 1000
    assert len(labels(dest)) == 1000


def test_what_a_person_wrote_into_the_labels_csv_of_dest_stays(scans: Path, dest: Path) -> None:
    """A rerun that finds the files there keeps the column `human` and any other one."""
    sort(rows_of(scans), dest)
    path = dest / "labels.csv"
    header, first, *rest = path.read_text().splitlines()
    lines = [f"{header},human,ward", f"{first},7,west", *(f"{line},," for line in rest)]
    path.write_text("\n".join(lines) + "\n")
    before = path.read_text()
    sort(rows_of(scans), dest)
    assert path.read_text() == before
