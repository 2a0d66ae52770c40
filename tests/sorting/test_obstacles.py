"""One obstacle stops no other file, nothing waits for ever; without it all is finished."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from digitsort.errors import DigitsortError
from digitsort.files.disk import Disk, Place
from digitsort.sorting.apply import apply_plan
from digitsort.sorting.journal import journals
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.rehearse import rehearse
from digitsort.sorting.undo import undo
from tests.conftest import invoke, make_tree
from tests.sorting.stopping import CHOSEN_MODES, snapshot
from tests.sorting.test_apply import rows_of
from tests.sorting.test_disasters import make_scans, pngs

pytest.importorskip("encodings.utf_8_sig")  # now: as an unprivileged user it may be out of reach

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a Unix system")

CONTENTS = {"a.png": b"a", "b.png": b"b", "sub/c.png": b"c", "sub/deep/d.png": b"d"}

ARGUMENTS = {
    Mode.COPY: ["--copy"],
    Mode.MOVE: ["--move"],
    Mode.HARD: ["--link", "hard"],
    Mode.SYMBOLIC: ["--link", "sym"],
}


@pytest.fixture
def labels(quick_folder: Path) -> Path:
    return make_scans(quick_folder, CONTENTS)


@pytest.fixture
def dest(quick_folder: Path) -> Path:
    return quick_folder / "sorted"


def said(*arguments: str | Path, code: int) -> str:
    """What a command says, which ends with this exit code and without a traceback."""
    ran = invoke(*arguments)
    assert ran.exit_code == code, ran.output
    assert "Traceback" not in ran.output
    return ran.output.replace("\n", "")


# What may lie in the place of a file that is read.


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("making a device takes root")


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # an address is 108 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS = {
    "pipe": _pipe,
    "folder": _folder,
    "device": _device,
    "socket": _socket,
    "loop": _loop,
    "link": _link_to_zeros,
}

READ_FILES = {
    "journal": ".digitsort/run-000001.jsonl",
    "table": "labels.csv",
    "lock": ".digitsort/lock",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READ_FILES)
def test_what_is_no_file_is_said(labels: Path, dest: Path, name: str, kind: str) -> None:
    """Each command ends, says what is in the way, and goes on once it is away."""
    said("sort", labels, dest, "--move", code=0)
    path = dest / READ_FILES[name]
    aside = path.rename(dest.parent / "aside")
    KINDS[kind](path)
    commands: list[list[str | Path]] = [["sort", labels, dest, "--move"], ["undo", dest]]
    commands += [["verify", dest]] if name == "journal" else []
    for command in commands:
        assert path.name in said(*command, code=5)
    assert pngs(dest).total() == len(CONTENTS)
    path.rmdir() if kind == "folder" else path.unlink()
    aside.rename(path)
    said("undo", dest, code=0)
    assert pngs(dest.parent / "scans").total() == len(CONTENTS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["labels.seal", "running", "labels.csv"])
def test_what_is_in_the_way_of_a_helper_file(labels: Path, dest: Path, name: str, kind: str) -> None:
    """In DEST/.digitsort: it is neither waited for nor written through."""
    said("sort", labels, dest, code=0)
    path = dest / ".digitsort" / name
    with suppress(FileNotFoundError):
        path.unlink()
    KINDS[kind](path)
    commands: list[list[str | Path]] = [["verify", dest], ["sort", labels, dest], ["undo", dest]]
    for command in commands:
        ran = invoke(*command)
        assert ran.exit_code in (0, 5), ran.output
        assert "Traceback" not in ran.output


@pytest.mark.parametrize("status", ["oK", "erzor", "", "ok\0"])
def test_a_status_that_is_none(labels: Path, dest: Path, status: str) -> None:
    """A flipped bit in a row of DEST/labels.csv is said, with the row."""
    said("sort", labels, dest, "--move", code=0)
    path = dest / "labels.csv"
    whole = path.read_text()
    path.write_text(whole.replace(",ok,", f",{status},", 1))
    commands: list[list[str | Path]] = [["sort", labels, dest, "--move"], ["undo", dest]]
    for command in commands:
        assert "labels.csv" in said(*command, code=2)
    assert pngs(dest).total() == len(CONTENTS)
    path.write_text(whole)
    said("undo", dest, code=0)


def test_every_flipped_bit_of_a_journal(labels: Path, dest: Path) -> None:
    """It is damaged, or its last line was never written: nothing goes to another place."""
    top = labels.parent
    said("sort", labels, dest, "--move", code=0)
    (journal,) = map(Path, journals(str(dest)))
    whole = journal.read_bytes()
    before = {str(path.relative_to(top)) for path in top.rglob("*.png")}
    scans = {f"scans/{name}" for name in CONTENTS}
    step = max(1, len(whole) // 150)
    for place in range(0, len(whole), step):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        journal.write_bytes(flipped)
        with suppress(DigitsortError):
            undo(dest)
        found = {str(path.relative_to(top)) for path in top.rglob("*.png")}
        assert found <= before | scans
        assert pngs(top).total() == len(CONTENTS)
        if not found <= before:  # it was taken for what it is without its end
            said("sort", labels, dest, "--move", code=0)
            (journal,) = map(Path, journals(str(dest)))
            whole = journal.read_bytes()
        journal.write_bytes(whole)


# Labels and tables.


@pytest.mark.parametrize("label", ["labels.csv", "LABELS.CSV", "Labels.csv", ".digitsort", ".", ".."])
def test_a_label_that_is_a_name_of_ours(labels: Path, dest: Path, label: str) -> None:
    """Refused before anything is touched."""
    labels.write_text(labels.read_text().replace(",7,", f",{label},"))
    before = snapshot(labels.parent)
    assert "can't be the name of a folder" in said("sort", labels, dest, "--move", code=2)
    assert snapshot(labels.parent) == before
    assert not dest.exists()


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("hashes", [True, False], ids=["", "without sha256"])
@pytest.mark.parametrize("keep", [[], ["--keep-folders"]], ids=["", "keep folders"])
def test_the_same_command_again(
    quick_folder: Path, dest: Path, mode: Mode, hashes: bool, keep: list[str]
) -> None:
    """All is there already: nothing is delivered once more under a numbered name, however often."""
    labels = make_scans(quick_folder, {"a/7.png": b"a", "b/7.png": b"b", "c/7.png": b"a", "e.png": b""})
    if not hashes:
        leave_out_hashes(labels)
    command: list[str | Path] = ["sort", labels, dest, *ARGUMENTS[mode], *keep]
    said(*command, code=0)
    before = {path.relative_to(dest) for path in dest.rglob("*") if path.name != "labels.csv"}
    for between in ([], [], ["undo"], []):
        if between:
            said(*between, dest, code=0)
            assert len(list(labels.parent.glob("scans/**/*.png"))) == 4
        said(*command, code=0)
        after = {path.relative_to(dest) for path in dest.rglob("*") if path.name != "labels.csv"}
        assert after == before


def leave_out_hashes(labels: Path) -> None:
    """Make the table one that a person wrote."""
    with labels.open(newline="") as file:
        rows = [row[:3] for row in csv.reader(file)]
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("keep", [[], ["--keep-folders"]], ids=["", "keep folders"])
def test_a_table_without_sha256_does_what_one_with_them_does(
    quick_folder: Path, mode: Mode, keep: list[str]
) -> None:
    """Of two files with one content, one is delivered."""
    trees = []
    for place in (quick_folder / "with", quick_folder / "without"):
        labels = make_scans(place, {"a/7.png": b"a", "b/7.png": b"b", "c/7.png": b"a", "7_2.png": b""})
        if place.name == "without":
            leave_out_hashes(labels)
        said("sort", labels, place / "sorted", *ARGUMENTS[mode], *keep, code=0)
        trees.append({path.relative_to(place): path.read_bytes() for path in place.rglob("*.png")})
    assert trees[0] == trees[1]


def test_a_moved_file_that_is_not_in_dest_any_more_is_missed(quick_folder: Path, dest: Path) -> None:
    """What an earlier run delivered counts only as long as it is there."""
    labels = make_scans(quick_folder, {"a/7.png": b"a", "b/7.png": b"b"})
    leave_out_hashes(labels)
    said("sort", labels, dest, "--move", code=0)
    (dest / "7" / "7.png").write_bytes(b"another")
    assert "a/7.png: No such file" in said("sort", labels, dest, "--move", code=1)
    said("undo", dest, code=1)
    (quick_folder / "scans/b/7.png").unlink()
    assert "b/7.png: No such file" in said("sort", labels, dest, "--move", code=1)


# A disk on which one thing goes wrong.


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """Nobody can remove or rename a file for the while."""
    made = subprocess.run(["chattr", "+i", str(path)], check=False, capture_output=True)
    if made.returncode != 0:
        pytest.skip("no immutable files here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


class Refusing(Disk):
    """Lets one file neither go nor come."""

    def __init__(self, path: Path, error: int = errno.EPERM) -> None:
        self._path = str(path)
        self._error = error

    def _check(self, *places: Place) -> None:
        for place in places:
            if place.path == self._path:
                raise OSError(self._error, os.strerror(self._error), place.path)

    def unlink(self, place: Place) -> None:
        self._check(place)
        super().unlink(place)

    def rename_new(self, source: Place, target: Place) -> None:
        self._check(source, target)
        super().rename_new(source, target)


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
@pytest.mark.skipif(shutil.which("chattr") is None, reason="chattr is not installed")
def test_an_immutable_file_in_dest(tmp_path: Path, mode: Mode) -> None:
    """The others go back; it does, too, once it can."""
    labels, dest = make_scans(tmp_path, CONTENTS), tmp_path / "sorted"
    before = snapshot(labels.parent / "scans")
    said("sort", labels, dest, *ARGUMENTS[mode], code=0)
    with immutable(dest / "7" / "b.png"):
        assert "b.png" in said("undo", dest, code=1)
        assert pngs(dest).total() == 1
        said("undo", dest, "--all", code=1)
    said("undo", dest, "--all", code=0)
    assert snapshot(labels.parent / "scans") == before
    assert not dest.exists()


@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("error", [errno.EPERM, errno.EIO, errno.EROFS, errno.EBUSY])
def test_one_file_that_can_not_be_undone(labels: Path, dest: Path, mode: Mode, error: int) -> None:
    before = snapshot(labels.parent / "scans")
    said("sort", labels, dest, *ARGUMENTS[mode], code=0)
    stuck = dest / "7" / "b.png"
    undone = undo(dest, disk=Refusing(stuck, error))
    assert [path for path, _ in undone.left] == [str(stuck)]
    assert os.strerror(error) in undone.left[0][1]
    assert [path.name for path in dest.rglob("*.png")] == ["b.png"]
    assert undo(dest, everything=True).left == ()
    assert snapshot(labels.parent / "scans") == before
    assert not dest.exists()


def _become_a_file(scans: Path) -> Callable[[], None]:
    shutil.rmtree(scans / "sub")
    (scans / "sub").write_bytes(b"a file")
    return (scans / "sub").unlink


def _become_a_loop(scans: Path) -> Callable[[], None]:
    shutil.rmtree(scans / "sub")
    (scans / "sub").symlink_to("sub")
    return (scans / "sub").unlink


def _become_unreachable(scans: Path) -> Callable[[], None]:
    (scans / "sub").chmod(0)
    return lambda: (scans / "sub").chmod(0o755)


def _become_read_only(scans: Path) -> Callable[[], None]:
    (scans / "sub").chmod(0o555)
    (scans / "sub" / "deep").chmod(0o555)

    def end() -> None:
        (scans / "sub").chmod(0o755)
        (scans / "sub" / "deep").chmod(0o755)

    return end


OBSTACLES: dict[str, Callable[[Path], Callable[[], None]]] = {
    "a file": _become_a_file,
    "a loop of links": _become_a_loop,
    "out of reach": _become_unreachable,
    "read-only": _become_read_only,
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_source_folder_that_can_take_nothing_back(unprivileged: Path, obstacle: str) -> None:
    """Undo does the rest and ends; the next sort is not blocked; without it all goes back."""
    labels, dest = make_scans(unprivileged, CONTENTS), unprivileged / "sorted"
    scans = unprivileged / "scans"
    before = snapshot(scans)
    rows = rows_of(scans)
    apply_plan(plan_sort(rows, dest, SortOptions(Mode.MOVE)))
    end = OBSTACLES[obstacle](scans)
    try:
        undone = undo(dest)
        assert {Path(path).name for path, _ in undone.left} == {"c.png", "d.png"}
        more = make_tree(unprivileged / "more", {"5.png": b"five"})
        apply_plan(plan_sort(rows_of(more), dest, SortOptions(Mode.MOVE)))
        assert undo(dest).left == ()
        assert {path.name for path in dest.rglob("*.png")} == {"c.png", "d.png"}
    finally:
        end()
    assert undo(dest, everything=True).left == ()
    assert snapshot(scans) == before
    assert labels.exists()
    assert not dest.exists()


@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_a_folder_of_dest_that_can_not_be_written(
    unprivileged: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files stay where they are; those of later batches go to theirs all the same."""
    monkeypatch.setattr("digitsort.sorting.batch.BATCH", 2)
    scans = make_tree(unprivileged / "scans", {f"{n}.png": b"%d" % n for n in range(9)})
    before, dest = snapshot(scans), make_tree(unprivileged / "sorted", {"1": {}})
    (dest / "1").chmod(0o555)
    try:
        plan = plan_sort(rows_of(scans), dest, SortOptions(mode))
        rehearsed, delivery = rehearse(plan, plan.operations), apply_plan(plan)
        reason = f"{dest / '1'} can't be written"
        assert delivery.failed == ((str(scans / "1.png"), reason),)
        assert rehearsed.left == delivery.failed
        assert len(delivery.done) == 8
        assert undo(dest).left == ()
    finally:
        (dest / "1").chmod(0o755)
    assert snapshot(scans) == before


def test_a_path_of_nearly_4096_bytes(tmp_path: Path, dest: Path) -> None:
    """A scan whose temporary name would be too long for the system goes there and back."""
    scans = tmp_path / "scans"
    folder = scans
    while len(os.fsencode(folder)) < 4095 - 300:
        folder = folder / ("d" * 200)
    folder = folder / ("e" * (4095 - len(os.fsencode(folder)) - len("/7.png") - 1))
    folder.mkdir(parents=True)
    (folder / "7.png").write_bytes(b"seven")
    assert len(os.fsencode(folder / "7.png")) == 4095
    make_tree(scans, {"1.png": b"one"})
    before = snapshot(scans)
    delivery = apply_plan(plan_sort(rows_of(scans), dest, SortOptions(Mode.MOVE)))
    assert len(delivery.done) + len(delivery.failed) == 2
    assert undo(dest).left == ()
    assert snapshot(scans) == before
    assert not dest.exists()
