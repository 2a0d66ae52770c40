"""Deep folders, full disks, killed undos, scans that can't be read: all goes on, nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from digitsort.errors import OutputError, UsageError
from digitsort.files.disk import Disk, Place
from digitsort.files.places import RealPaths
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.sorting.apply import apply_plan, carry_out
from digitsort.sorting.dest import locked
from digitsort.sorting.journal import read_runs
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.undo import undo
from digitsort.sorting.verify import Mark, read_manifest, verify
from tests.conftest import Link, invoke, make_tree, read_tree
from tests.sorting.stopping import (
    CHOSEN_MODES,
    Scene,
    StopsBeforeChanges,
    in_child,
    snapshot,
    two_devices,
)
from tests.sorting.test_apply import rows_of, sorted_files
from tests.sorting.test_disasters import make_scans, pngs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a Unix system")

pytest.importorskip("ctypes")  # now: as an unprivileged user it may be out of reach

DEPTH = 1000


@pytest.fixture
def deep() -> Iterator[Path]:
    """Two scans, each below 1,000 nested folders; far shorter a path than the system's 4,096 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        bottom = os.open(top, os.O_RDONLY)
        for name in ("scans", *("d",) * DEPTH):
            os.mkdir(name, dir_fd=bottom)
            below = os.open(name, os.O_RDONLY, dir_fd=bottom)
            os.close(bottom)
            bottom = below
        for name in ("1.png", "7.png"):
            with open(name, "xb", opener=partial(os.open, dir_fd=bottom)) as file:
                file.write(name.encode())
        os.close(bottom)
        yield top
        subprocess.run(["rm", "-rf", str(top / "scans")], check=True)  # Python's own way is recursive


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize(
    "keep", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["", "keep folders"]
)
def test_a_thousand_nested_folders(deep: Path, mode: Mode, keep: bool) -> None:
    """There, verified, and back."""
    scans, dest = deep / "scans", deep / "sorted"
    bottom = str(scans / "/".join(["d"] * DEPTH))
    rows = [Row(f"{bottom}/{n}.png", n, Status.OK) for n in "17"]
    options = SortOptions(mode, keep_folders_of=str(scans) if keep else None, move_from=str(scans))
    delivery = apply_plan(plan_sort(rows, dest, options))
    assert (len(delivery.done), delivery.failed) == (2, ())
    marks = Counter(mark for mark, _ in verify(dest, read_manifest(str(dest))))
    assert marks == {Mark.SAME: 2}
    undone = undo(dest)
    assert (undone.restored, undone.left) == (2, ())
    assert Path(bottom, "7.png").read_bytes() == b"7.png"
    assert not dest.exists()


def test_folders_above_are_looked_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However many files and folders lie below."""
    looked: Counter[str] = Counter()
    islink = os.path.islink

    def counted(path: str) -> bool:
        looked[path] += 1
        return islink(path)

    folders = [str(tmp_path / "/".join(["d"] * depth)) for depth in range(1, 100)]
    Path(folders[-1]).mkdir(parents=True)
    monkeypatch.setattr(os.path, "islink", counted)
    real = RealPaths()
    assert [real.folder(folder) for folder in folders] == list(map(os.path.realpath, folders))
    assert set(looked.values()) == {1}


@pytest.mark.parametrize(
    "path",
    [
        "a/b",
        "link/b",
        "link/../a",
        "chain/b",
        "a/./b",
        "a//b",
        "a/../a/b",
        "none/x",
        "loop/x",
        "file/x",
    ],
)
def test_real_paths_are_those_of_the_system(tmp_path: Path, path: str) -> None:
    tree = {"a": {"b": {"c": b""}}, "chain": Link("link"), "loop": Link("loop"), "file": b""}
    make_tree(tmp_path, {**tree, "link": Link("a")})
    whole = f"{tmp_path}/{path}"
    assert RealPaths().folder(whole) == os.path.realpath(whole)
    assert RealPaths().file(whole) == os.path.realpath(whole)


# Full disks and journals that can't be written.


def fill(folder: Path) -> Path:
    """Take all the room that there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)) == 4096:
            pass
    return filler


@pytest.mark.parametrize("option", ["--copy", "--move"])
@pytest.mark.parametrize("full", ["dest", "scans"])
def test_an_undo_on_a_full_disk(tmp_path: Path, small_disk: Path, option: str, full: str) -> None:
    """It may need room to make room; a second one ends it, and DEST's folder goes, too."""
    contents = {f"{n}.png": b"%d" % n * 2000 for n in range(20)}
    home = small_disk if full == "scans" else tmp_path
    labels = make_scans(home, contents)
    dest = (small_disk if full == "dest" else tmp_path) / "new" / "sorted"
    before = snapshot(home / "scans")
    assert invoke("sort", labels, dest, option).exit_code == 0
    filler = fill(small_disk)
    first = invoke("undo", dest)
    assert first.exit_code in (0, 1, 5), first.output
    assert "Traceback" not in first.output
    both = pngs(home / "scans") + pngs(dest)
    assert set(both) == set(contents.values())
    filler.unlink()
    if first.exit_code:
        second = invoke("undo", dest, "--all")
        assert second.exit_code == 0, second.output
    assert snapshot(home / "scans") == before
    assert not dest.parent.exists()


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_a_journal_that_can_not_be_begun(tmp_path: Path, call: str, mode: Mode) -> None:
    """It is said, and nothing is left: no file, no folder."""

    class Full(Disk):
        journals: set[int]

        def open(self, place: Place, flags: int, mode: int = 0o600) -> int:
            descriptor = super().open(place, flags, mode)
            if place.name.startswith("run-"):
                self.journals = {descriptor}
            return descriptor

        def write(self, descriptor: int, data: bytes | memoryview) -> int:
            if call == "write" and descriptor in getattr(self, "journals", ()):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(descriptor, data)

        def fsync(self, descriptor: int) -> None:
            if call == "fsync" and descriptor in getattr(self, "journals", ()):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync(descriptor)

    if call == "fsync" and mode is Mode.COPY:
        pytest.skip("a copy's journal is not made durable before the copies")
    scans = make_tree(tmp_path / "scans", {"7.png": b"seven"})
    before = read_tree(scans)
    with pytest.raises(OutputError, match=r"can't be written"):
        apply_plan(plan_sort(rows_of(scans), tmp_path / "sorted", SortOptions(mode)), disk=Full())
    assert read_tree(scans) == before
    assert not (tmp_path / "sorted").exists()


# Killed undos.


@pytest.mark.slow
@pytest.mark.parametrize("across", [False, True], ids=["one file system", "two file systems"])
def test_times_and_modes_come_back_after_a_killed_undo(quick_folder: Path, across: bool) -> None:
    """Killed before any call, also those that set a time or a mode."""

    class Stops(StopsBeforeChanges):
        def __getattribute__(self, name: str) -> object:
            if name in ("set_mode", "set_times", "fsync", "sync_file_system"):
                return super(StopsBeforeChanges, self).__getattribute__(name)
            return super().__getattribute__(name)

    with two_devices() as (one, other, _):
        for call in count():
            scene = Scene((one if across else other) / f"{call}", other / f"{call}d")
            scene.sort(Mode.MOVE, Disk())
            for path in scene.dest.rglob("*.png"):  # a person's changes, which an undo takes back
                path.chmod(0o600)
                os.utime(path, (1, 1))
            ended = in_child(partial(scene.undo, Stops(call))) == 0
            with suppress(UsageError):
                scene.undo(Disk())
            scene.check_undone()
            if ended:
                print(f"killed before each of {call} calls")
                return


def test_what_the_program_wrote_is_no_persons_work(tmp_path: Path) -> None:
    """A table of a sort, rewritten by a later one and by undos, leaves no labels_before_undo.csv."""
    one = make_tree(tmp_path / "one", {"7.png": b"seven", "1.png": b"one"})
    two = make_tree(tmp_path / "two", {"7.png": b"seven", "5.png": b"five", "7b.png": b"b"})
    dest = tmp_path / "sorted"
    for rows in (rows_of(one), rows_of(two, **{"5": "4"}), rows_of(one, **{"7": "7"})):
        apply_plan(plan_sort(rows, dest, SortOptions(Mode.COPY)))
    for _ in range(2):
        undo(dest)
        assert list(tmp_path.rglob("labels_before_undo*")) == []
    assert not dest.exists()


@pytest.mark.parametrize("after", range(3))
def test_what_a_killed_program_wrote_is_no_persons_work(tmp_path: Path, after: int) -> None:
    """Killed between the table and its seal; then sorted by other tables, and all undone."""
    one = make_tree(tmp_path / "one", {"7.png": b"seven", "1.png": b"one"})
    two = make_tree(tmp_path / "two", {"7.png": b"seven", "5.png": b"five", "7b.png": b"b"})
    dest = tmp_path / "sorted"

    class KilledAfterReplacing(Disk):
        count = after

        def replace(self, source: Place, target: Place) -> None:
            if self.count == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            super().replace(source, target)
            self.count -= 1

    def sort(rows: list[Row], disk: Disk) -> None:
        apply_plan(plan_sort(rows, dest, SortOptions(Mode.COPY)), disk=disk)

    killed = in_child(partial(sort, rows_of(one), KilledAfterReplacing()))
    assert killed == (signal.SIGKILL if after < 2 else 0)
    for rows in (rows_of(two, **{"5": "4"}), rows_of(one, **{"7": "7"})):
        sort(rows, Disk())
    undo(dest, everything=True)
    assert list(tmp_path.rglob("labels_before_undo*")) == []
    assert not dest.exists()


@pytest.mark.parametrize("name", ["labels.csv", "labels.seal.tmp", "labels-mine.tmp", "notes.txt"])
def test_a_persons_file_beside_the_journals_stays(tmp_path: Path, name: str) -> None:
    """No temporary file ever replaces another file; those of a killed run are removed."""
    scans = make_tree(tmp_path / "scans", {"7.png": b"seven"})
    dest = tmp_path / "sorted"
    theirs = make_tree(dest / ".digitsort", {name: b"theirs"}) / name
    killed = make_tree(dest / ".digitsort", {f"labels-{16 * 'a'}.tmp": b""}) / f"labels-{16 * 'a'}.tmp"
    apply_plan(plan_sort(rows_of(scans), dest, SortOptions(Mode.COPY)))
    books = dest / "labels.csv"
    books.write_text(books.read_text().replace(",ok,", ",ok,by hand", 1))
    undo(dest)
    assert theirs.read_bytes() == b"theirs"
    assert not killed.exists()
    assert (dest / "labels_before_undo.csv").exists()


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_sorted_table_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    scans = make_tree(tmp_path / "scans", {"7.png": b"seven", "1.png": b"one"})
    one, other = rows_of(scans)
    dest = tmp_path / "sorted"
    apply_plan(plan_sort([one], dest))
    (dest / "labels.csv").chmod(mode)
    apply_plan(plan_sort([one, other], dest))
    assert len((dest / "labels.csv").read_text().splitlines()) == 3
    assert (dest / "labels.csv").stat().st_mode & 0o777 == mode


class SavesAtTheLastMoment(Disk):
    """A person saves DEST/labels.csv just before digitsort replaces or removes it."""

    def __init__(self, how: str) -> None:
        self._how = how

    def replace(self, source: Place, target: Place) -> None:
        if self._how == "in place" or source.name == "labels.csv":
            self._save(source, target)
        super().replace(source, target)

    def link(self, source: Place, target: Place) -> None:
        if self._how != "in place":
            self._save(source)
        if self._how == "without hard links":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        super().link(source, target)

    def _save(self, *places: Place) -> None:
        path = Path(next((place.path for place in places if place.name == "labels.csv"), ""))
        if path.is_file():
            text = path.read_text().replace(",ok,", ",ok,by hand", 1)
            if self._how == "by a rename":
                path.unlink()
            path.write_text(text)


@pytest.mark.parametrize("how", ["in place", "by a rename", "without hard links"])
def test_a_table_that_is_saved_at_the_last_moment_is_kept(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a sort, a recovery and each undo; the command says where it is."""
    disk = SavesAtTheLastMoment(how)
    monkeypatch.setattr("digitsort.cli.sort.locked", partial(locked, disk=disk))
    monkeypatch.setattr("digitsort.cli.sort.carry_out", partial(carry_out, disk=disk))
    monkeypatch.setattr("digitsort.cli.undo.undo_runs", partial(undo, disk=disk))
    one = make_tree(tmp_path / "one", {"7.png": b"seven", "1.png": b"one"})
    two = make_tree(tmp_path / "two", {"5.png": b"five"})
    dest = tmp_path / "sorted"
    apply_plan(plan_sort(rows_of(one), dest))
    (tmp_path / "two.csv").write_text("path,label,status\ntwo/5.png,5,ok\n")
    commands: tuple[list[str | Path], ...] = (
        ["sort", tmp_path / "two.csv", dest],
        ["undo", dest],
        ["undo", dest],
    )
    for number, command in enumerate(commands, 1):
        said = invoke(*command)
        ending = f"_{number}" if number > 1 else ""
        kept = dest / f"labels_saved_meanwhile{ending}.csv"
        assert kept.read_text().count("by hand") == 1, said.stderr
        assert f"Their version is kept as {kept.name}." in said.stderr
        assert list(dest.glob(".digitsort/labels-*")) == []
        assert said.exit_code == 0
    assert (dest / "labels.csv").exists() is False
    assert read_tree(two) == {"5.png": b"five"}


# Scans that can't be read; folders that change midway.


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("hidden", ["file", "folder"])
def test_a_scan_that_can_not_be_read_among_many(unprivileged: Path, mode: Mode, hidden: str) -> None:
    """It is left and said where its content is needed; the others are delivered and go back."""
    names = {f"{n}/7_{n}.png": b"%d" % n for n in range(20)}
    scans = make_tree(unprivileged / "scans", names)
    before = snapshot(scans)
    rows = rows_of(scans)
    closed = scans / "5" / "7_5.png" if hidden == "file" else scans / "5"
    rights = closed.stat().st_mode
    closed.chmod(0)
    try:
        plan = plan_sort(rows, unprivileged / "sorted", SortOptions(mode))
        delivery = apply_plan(plan)
        assert [Path(path).name for path, _ in delivery.failed] == ["7_5.png"]
        assert len(delivery.done) == 19
        assert undo(unprivileged / "sorted").left == ()
    finally:
        closed.chmod(rights)
    assert snapshot(scans) == before


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("when", range(5))
def test_a_folder_of_dest_that_becomes_a_link_midway(tmp_path: Path, mode: Mode, when: int) -> None:
    """Nothing is written through it: neither copies, nor moves, nor links."""
    scans = make_tree(tmp_path / "scans", {f"7_{n}.png": b"%d" % n for n in range(6)})
    elsewhere = make_tree(tmp_path / "elsewhere", {})
    dest = tmp_path / "sorted"

    class Meddling(Disk):
        delivered = 0

        def _meddle(self) -> None:
            self.delivered += 1
            if self.delivered == when + 1 and not (dest / "7").is_symlink():
                (dest / "7").rename(dest / "away")
                (dest / "7").symlink_to(elsewhere)

        def rename_new(self, source: Place, target: Place) -> None:
            self._meddle()
            super().rename_new(source, target)

        def name_unnamed(self, place: Place, descriptor: int) -> None:
            self._meddle()
            super().name_unnamed(place, descriptor)

        def link(self, source: Place, target: Place) -> None:
            self._meddle()
            super().link(source, target)

        def symlink(self, place: Place, text: str) -> None:
            self._meddle()
            super().symlink(place, text)

    with suppress(OutputError):
        apply_plan(plan_sort(rows_of(scans), dest, SortOptions(mode)), disk=Meddling())
    assert read_tree(elsewhere) == {}
    assert set(pngs(tmp_path)) == {b"%d" % n for n in range(6)}
    with suppress(OutputError):
        undo(dest)
    assert read_tree(elsewhere) == {}
    assert set(pngs(tmp_path)) == {b"%d" % n for n in range(6)}


def test_scans_that_a_power_cut_brings_back_are_taken_away() -> None:
    """The copies were durable, the removals not: the next run finishes the move."""
    with two_devices() as (one, other, _):
        scene = Scene(one, other)
        for call in count():
            if call:
                shutil.rmtree(scene.source)
                shutil.rmtree(scene.dest, ignore_errors=True)
                scene = Scene(one, other)
            kept = {path: path.read_bytes() for path in scene.source.rglob("*.png")}
            ended = in_child(partial(scene.sort, Mode.MOVE, StopsBeforeChanges(call))) == 0
            if ended:
                scene.check_sorted(Mode.MOVE)  # its end says that the removals are durable
                return
            if any(run.end for run in read_runs(str(scene.dest), entries=False)):
                continue  # the removals were durable before
            delivered = Counter(pngs(scene.dest))
            for path, content in kept.items():
                if not path.exists() and delivered[content]:
                    path.write_bytes(content)
            scene.sort(Mode.MOVE, Disk())
            scene.check_nothing_lost()
            assert max(Counter(sorted_contents(scene)).values()) == 1


def sorted_contents(scene: Scene) -> list[bytes]:
    """Contents of what is sorted, and of the scans that are not one of two with the same content."""
    scans = [p for p in scene.source.rglob("*.png") if p.name != "twin.png"]
    return [p.read_bytes() for p in (*scans, *scene.dest.rglob("*.png"))]


def test_a_folder_that_may_be_entered_and_not_listed(unprivileged: Path) -> None:
    """By a table its scans are sorted and go back."""
    scans = make_tree(unprivileged / "scans", {"a": {"7.png": b"seven"}})
    before, rows = snapshot(scans), rows_of(scans)
    (scans / "a").chmod(0o300)
    try:
        apply_plan(plan_sort(rows, unprivileged / "sorted", SortOptions(Mode.MOVE)))
        assert sorted_files(unprivileged / "sorted") == {"7": {"7.png": b"seven"}}
        assert undo(unprivileged / "sorted").left == ()
    finally:
        (scans / "a").chmod(0o755)
    assert snapshot(scans) == before
