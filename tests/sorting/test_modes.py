"""Copy, move and link; and every kind of SOURCE and DEST."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitsort.files.disk import Disk, Place
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.sorting.apply import Delivery, apply_plan
from digitsort.sorting.plan import Conflict, Mode, SortOptions, plan_sort
from tests.conftest import Link, Tree, make_tree, read_tree
from tests.sorting.stopping import CHOSEN_MODES, snapshot, two_devices
from tests.sorting.test_apply import rows_of, sorted_files

SCANS: Tree = {"7.png": b"seven", "sub": {"1.png": b"one", "7.png": b"third"}}
SORTED: Tree = {"1": {"1.png": b"one"}, "7": {"7.png": b"seven", "7_2.png": b"third"}}

posix = pytest.mark.skipif(os.name != "posix", reason="no POSIX file systems here")


def sort(rows: list[Row], dest: Path, mode: Mode, disk: Disk | None = None, **more: Any) -> Delivery:
    plan = plan_sort(rows, dest, SortOptions(mode, **more))
    return apply_plan(plan, disk=disk or Disk())


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "scans", SCANS)


MODES = [0o644, 0o600, 0o666, 0o777, 0o444, 0o000, 0o4755, 0o2644]

ACL_OF_NEW_FILES = bytes.fromhex("02000000 01000600ffffffff 04000000ffffffff 20000000ffffffff")
"""A folder's default ACL, by which only the owner reads and writes what is made in it."""


@posix
@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
@pytest.mark.parametrize("inherits", [False, True], ids=["", "ACL"])
def test_a_copy_has_the_mode_of_its_source(tmp_path: Path, umask: int, inherits: bool) -> None:
    """Whatever the umask, or the folder, takes away from a new file."""
    scans = make_tree(tmp_path / "scans", {f"7_{mode:o}.png": b"%o" % mode for mode in MODES})
    dest = make_tree(tmp_path / "sorted", {"7": {}})
    rows = rows_of(scans)
    for mode in MODES:
        (scans / f"7_{mode:o}.png").chmod(mode)
    if inherits:
        try:
            os.setxattr(dest / "7", "system.posix_acl_default", ACL_OF_NEW_FILES)
        except (AttributeError, OSError):
            pytest.skip("no ACL here")
    before = os.umask(umask)
    try:
        delivery = sort(rows, dest, Mode.COPY)
    finally:
        os.umask(before)
    assert len(delivery.done) == len(MODES)
    assert {o.row.path: stat.S_IMODE(os.stat(o.target).st_mode) for o in delivery.done} == {
        str(scans / f"7_{mode:o}.png"): mode for mode in MODES
    }


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_files_are_at_their_targets(scans: Path, dest: Path, mode: Mode) -> None:
    delivery = sort(rows_of(scans), dest, mode)
    assert (len(delivery.done), delivery.failed) == (3, ())
    contents = {
        folder: {name: (dest / folder / name).read_bytes() for name in names}
        for folder, names in sorted_files(dest).items()
    }
    assert contents == SORTED
    assert read_tree(scans) == ({"sub": {}} if mode is Mode.MOVE else SCANS)


@posix
def test_a_hard_link_is_the_same_file_and_a_symbolic_one_leads_there(scans: Path, dest: Path) -> None:
    sort(rows_of(scans), dest / "hard", Mode.HARD)
    sort(rows_of(scans), dest / "symbolic", Mode.SYMBOLIC)
    assert (dest / "hard" / "1" / "1.png").samefile(scans / "sub" / "1.png")
    assert not (dest / "hard" / "1" / "1.png").is_symlink()
    assert os.readlink(dest / "symbolic" / "1" / "1.png") == str(scans / "sub" / "1.png")


@posix
@pytest.mark.parametrize("across", [False, True], ids=["one file system", "two file systems"])
def test_a_move_keeps_times_modes_and_attributes(across: bool, tmp_path: Path) -> None:
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven"})
        path = scans / "7.png"
        path.chmod(0o604)
        os.utime(path, ns=(10**18, 10**18 + 123_456_789))
        has_attributes = True
        try:
            os.setxattr(path, "user.ward", b"west")
            os.setxattr(make_tree(other, {"probe": b""}) / "probe", "user.ward", b"west")
        except OSError:
            has_attributes = False
        sort(rows_of(scans), (other if across else one) / "sorted", Mode.MOVE)
        moved = (other if across else one) / "sorted" / "7" / "7.png"
        status = moved.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o604, 10**18 + 123_456_789)
        assert not has_attributes or os.getxattr(moved, "user.ward") == b"west"


def test_a_hard_link_to_another_file_system_is_left_and_said() -> None:
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven"})
        delivery = sort(rows_of(scans), other / "sorted", Mode.HARD)
        assert [reason for _, reason in delivery.failed] == [
            "on another file system: hard links cannot cross file systems"
        ]
        assert not (other / "sorted").exists()


KEPT: dict[str, tuple[Tree, dict[str, str]]] = {
    # what DEST/7 holds before, source below SCANS to target below DEST
    "as they are": ({}, {"a/7.png": "7/a/7.png", "a/b/7.png": "7/a/b/7.png", "7.png": "7/7.png"}),
    "case": ({"A": {"x": b"x"}}, {"a/7.png": "7/A/7.png"}),
    "a file has the name": ({"a": b"x"}, {"a/7.png": "7/a_2/7.png"}),
    "a link has the name": ({"a": Link("..")}, {"a/7.png": "7/a_2/7.png"}),
    "folders that differ by case": ({}, {"a/7.png": "7/A/7.png", "A/7b.png": "7/A/7b.png"}),
}


@pytest.mark.parametrize(("there", "expected"), KEPT.values(), ids=KEPT)
def test_folders_are_kept(tmp_path: Path, dest: Path, there: Tree, expected: dict[str, str]) -> None:
    scans = make_tree(tmp_path / "scans", {name: name.encode() for name in expected})
    make_tree(dest, {"7": there})
    delivery = sort(rows_of(scans), dest, Mode.COPY, keep_folders_of=str(scans))
    found = {os.path.relpath(o.row.path, scans): os.path.relpath(o.target, dest) for o in delivery.done}
    assert found == expected


def test_a_file_from_elsewhere_goes_into_the_folder_itself(tmp_path: Path, dest: Path) -> None:
    make_tree(tmp_path, {"scans": {"a": {"7.png": b"7"}}, "elsewhere": {"7.png": b"other"}})
    rows = [*rows_of(tmp_path / "scans"), *rows_of(tmp_path / "elsewhere")]
    sort(rows, dest, Mode.COPY, keep_folders_of=str(tmp_path / "scans"))
    assert sorted_files(dest) == {"7": {"a": {"7.png": b"7"}, "7.png": b"other"}}


def test_a_conflict_is_skipped_if_wanted(scans: Path, dest: Path) -> None:
    plan = plan_sort(rows_of(scans), dest, SortOptions(conflict=Conflict.SKIP))
    assert plan.left == ((f"{scans}/sub/7.png", "7 already has a different file named 7.png"),)
    apply_plan(plan)
    assert sorted_files(dest) == {"1": {"1.png": b"one"}, "7": {"7.png": b"seven"}}


def test_the_same_content_is_no_conflict(tmp_path: Path, dest: Path) -> None:
    scans = make_tree(tmp_path / "scans", {"a": {"7.png": b"7"}, "b": {"7.png": b"7"}})
    plan = plan_sort(rows_of(scans), dest, SortOptions(conflict=Conflict.ERROR))
    assert (len(plan.operations), len(plan.same)) == (1, 1)


def test_ten_thousand_files_of_one_name_are_numbered_in_order(dest: Path) -> None:
    """Each looks at the next number only."""
    rows = [Row(f"/s/{n}/7.png", "7", Status.OK, sha256=f"{n:064x}") for n in range(10_000)]
    plan = plan_sort(rows, dest)
    assert plan.operations[-1].target == str(dest / "7" / "7_10000.png")
    assert len({o.target for o in plan.operations}) == 10_000


@posix
def test_dest_may_be_a_link(tmp_path: Path, scans: Path) -> None:
    make_tree(tmp_path, {"real": {}, "link": Link("real")})
    sort(rows_of(scans), tmp_path / "link", Mode.MOVE)
    assert sorted_files(tmp_path / "real") == SORTED
    assert (tmp_path / "link").is_symlink()


def test_source_may_lie_in_dest(dest: Path) -> None:
    scans = make_tree(dest / "incoming", SCANS)
    sort(rows_of(scans), dest, Mode.MOVE)
    assert sorted_files(dest) == {**SORTED, "incoming": {"sub": {}}}


def test_a_file_of_dest_moves_to_its_new_label_and_its_row_with_it(scans: Path, dest: Path) -> None:
    """Sorted again by DEST's own labels.csv, with a person's label in it."""
    sort(rows_of(scans), dest, Mode.MOVE)
    rows = [
        Row(r.path, "4", r.status, sha256=r.sha256, human="4", cells={**dict(r.cells), "human": "4"})
        for r in read_labels(dest / "labels.csv")
        if r.path.endswith("1.png")
    ]
    sort(rows, dest, Mode.MOVE)
    assert sorted_files(dest) == {"1": {}, "4": {"1.png": b"one"}, "7": SORTED["7"]}
    books = {
        os.path.relpath(r.path, dest): (r.human, r.source) for r in read_labels(dest / "labels.csv")
    }
    assert books["4/1.png"] == ("4", str(scans / "sub" / "1.png"))
    assert "1/1.png" not in books


@posix
def test_hard_linked_inputs_are_each_delivered(tmp_path: Path, dest: Path) -> None:
    scans = make_tree(tmp_path / "scans", {"7a.png": b"seven"})
    os.link(scans / "7a.png", scans / "7b.png")
    rows = rows_of(scans)
    sort(rows, dest / "copied", Mode.COPY)
    assert not (dest / "copied/7/7a.png").samefile(dest / "copied/7/7b.png")
    sort(rows, dest / "moved", Mode.MOVE)
    assert sorted_files(dest / "moved") == {"7": {"7a.png": b"seven", "7b.png": b"seven"}}
    assert read_tree(scans) == {}


@posix
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_a_link_among_the_inputs(scans: Path, dest: Path, mode: Mode) -> None:
    """Copied and linked as what it leads to; not moved: that would be another file than was seen."""
    make_tree(scans, {"1link.png": Link("sub/1.png")})
    rows = [row for row in rows_of(scans) if row.path.endswith("1link.png")]
    delivery = sort(rows, dest, mode)
    if mode is Mode.MOVE:
        assert [reason for _, reason in delivery.failed] == [
            "a symbolic link: --move leaves links alone"
        ]
        assert read_tree(scans) == {**SCANS, "1link.png": Link("sub/1.png")}
    else:
        assert (dest / "1" / "1link.png").read_bytes() == b"one"
    if mode is Mode.HARD:
        assert (dest / "1" / "1link.png").samefile(scans / "sub" / "1.png")


def _change(path: Path) -> None:
    path.write_bytes(b"changed")


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize(
    ("happens", "reason"),
    [(_change, "changed since it was labelled"), (Path.unlink, "No such file or directory")],
    ids=["changed", "vanished"],
)
def test_a_source_that_is_not_what_was_labelled_is_left(
    scans: Path, dest: Path, mode: Mode, happens: Callable[[Path], object], reason: str
) -> None:
    plan = plan_sort(rows_of(scans), dest, SortOptions(mode))
    happens(scans / "7.png")
    delivery = apply_plan(plan)
    assert delivery.failed == ((str(scans / "7.png"), reason),)
    assert set(sorted_files(dest)["7"]) == {"7_2.png"}


def test_a_source_that_changes_after_it_was_seen_is_not_renamed(tmp_path: Path, dest: Path) -> None:
    scans = make_tree(tmp_path / "scans", {"7.png": b"seven", "7b.png": b"another"})

    class Meddling(Disk):
        def rename_new(self, source: Place, target: Place) -> None:
            if source.name == "7.png":
                (scans / "7b.png").write_bytes(b"edited by a person")
            super().rename_new(source, target)

    delivery = sort(rows_of(scans), dest, Mode.MOVE, Meddling())
    assert [reason for _, reason in delivery.failed] == ["changed while it was moved"]
    assert read_tree(scans) == {"7b.png": b"edited by a person"}
    assert sorted_files(dest) == {"7": {"7.png": b"seven"}}


@posix
def test_a_read_only_copy_is_given_its_attributes_before_it_is_read_only(
    tmp_path: Path, dest: Path
) -> None:
    """An ordinary user can't give a file any that he may not write to."""
    asked = []

    class Asked(Disk):
        def open_unnamed(self, place: Place, mode: int = 0o600) -> int:
            asked.append(mode)
            return super().open_unnamed(place, mode)

    scans = make_tree(tmp_path / "scans", {"7.png": b"seven"})
    rows = rows_of(scans)
    (scans / "7.png").chmod(0o444)
    sort(rows, dest, Mode.COPY, Asked())
    assert all(mode & stat.S_IWUSR for mode in asked)
    assert stat.S_IMODE((dest / "7" / "7.png").stat().st_mode) == 0o444


@posix
def test_a_source_that_changes_while_it_is_moved_across_file_systems_is_kept() -> None:
    """The changed file stays; a copy of the old one too if it had its name: it may be the only one."""

    class Meddling(Disk):
        def __init__(self, source: Path, after: str) -> None:
            self._source, self._after = source, after

        def sync_file_system(self, place: Place) -> None:
            super().sync_file_system(place)
            if self._after == "copied":
                self._meddle()

        def rename_new(self, source: Place, target: Place) -> None:
            super().rename_new(source, target)
            if self._after == "published":
                self._meddle()

        def _meddle(self) -> None:
            if self._source.read_bytes() == b"seven":
                self._source.write_bytes(b"SEVEN!")

    for after in ("copied", "published"):
        with two_devices() as (one, other, _):
            scans = make_tree(one / "scans", {"7.png": b"seven", "7b.png": b"another"})
            disk = Meddling(scans / "7.png", after)
            delivery = sort(rows_of(scans), other / "sorted", Mode.MOVE, disk)
            assert [reason for _, reason in delivery.failed] == ["changed while it was moved"]
            assert read_tree(scans) == {"7.png": b"SEVEN!"}
            old = {"7.png": b"seven"} if after == "published" else {}
            assert sorted_files(other / "sorted") == {"7": {**old, "7b.png": b"another"}}


@pytest.mark.parametrize("across", [False, True], ids=["one file system", "two file systems"])
def test_a_read_only_source_is_left_where_it_is(unprivileged: Path, across: bool) -> None:
    scans = make_tree(unprivileged / "scans", {"7.png": b"seven"})
    rows = rows_of(scans)
    scans.chmod(0o500)
    other = Path("/dev/shm") if across else unprivileged
    if across and not other.is_dir():
        pytest.skip("no second file system")
    dest = other / f"digitsort-{os.getpid()}"
    try:
        delivery = sort(rows, dest, Mode.MOVE)
        assert len(delivery.failed) == 1
        assert read_tree(scans) == {"7.png": b"seven"}
        assert not dest.exists()
    finally:
        scans.chmod(0o700)


@posix
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_names_of_255_bytes(tmp_path: Path, dest: Path, mode: Mode) -> None:
    long = "7" * 251 + ".png"
    scans = make_tree(tmp_path / "scans", {"a": {long: b"1"}, "b": {long: b"2"}})
    assert sort(rows_of(scans), dest, mode).failed == ()
    assert Counter(sorted_files(dest)["7"].values()) == Counter([b"1", b"2"])


@posix
def test_a_target_that_is_too_long_for_the_system_is_left_and_said(tmp_path: Path, dest: Path) -> None:
    """Folders kept below a DEST that is deep itself."""
    deep = Path(*["d" * 200] * 15)
    scans = make_tree(tmp_path / "scans", {"7.png": b"seven", str(deep / "7.png"): b"deep"})
    far = dest.joinpath(*["e" * 200] * 10)
    delivery = sort(rows_of(scans), far, Mode.MOVE, keep_folders_of=str(scans))
    assert [os.strerror(errno.ENAMETOOLONG) in reason for _, reason in delivery.failed] == [True]
    assert (scans / deep / "7.png").read_bytes() == b"deep"
    assert (far / "7" / "7.png").read_bytes() == b"seven"


@posix
def test_without_a_rename_that_replaces_nothing_links_do_it(scans: Path, dest: Path) -> None:
    class Old(Disk):
        def rename_new(self, source: Place, target: Place) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    assert sort(rows_of(scans), dest, Mode.MOVE, Old()).failed == ()
    assert sorted_files(dest) == SORTED
    assert read_tree(scans) == {"sub": {}}


@posix
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_without_links_either_files_are_copied_under_their_names(
    scans: Path, dest: Path, mode: Mode
) -> None:
    class Oldest(Disk):
        def rename_new(self, source: Place, target: Place) -> None:
            raise OSError(errno.ENOSYS, "Function not implemented")

        def link(self, source: Place, target: Place) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

    before = snapshot(scans)
    assert sort(rows_of(scans), dest, mode, Oldest()).failed == ()
    assert sorted_files(dest) == SORTED
    assert (snapshot(scans) == before) is (mode is Mode.COPY)
