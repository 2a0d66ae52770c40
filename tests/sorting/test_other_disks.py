"""File systems that lack a call, and files with more than content: rights, owners, second names."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.files.disk import Disk, Place
from digitsort.files.regular import is_open_for_writing
from digitsort.sorting.apply import Delivery, apply_plan, carry_out
from digitsort.sorting.dest import locked
from digitsort.sorting.journal import journals
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.undo import undo
from tests.conftest import make_tree, read_tree
from tests.sorting.stopping import (
    CONTENTS,
    Scene,
    StoppingDisk,
    StopsBeforeChanges,
    in_child,
    snapshot,
    two_devices,
)
from tests.sorting.test_apply import rows_of, sorted_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no POSIX file systems here")

pytest.importorskip("ctypes")  # now: as an unprivileged user it may be out of reach


def sort(scans: Path, dest: Path, mode: Mode, disk: Disk | None = None) -> Delivery:
    return apply_plan(plan_sort(rows_of(scans), dest, SortOptions(mode)), disk=disk or Disk())


# File systems without a call.


class NoRename(StopsBeforeChanges):
    """NFS, most of FUSE: no rename that replaces nothing, no files without a name."""

    def rename_new(self, source: Place, target: Place) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def open_unnamed(self, place: Place, mode: int = 0o600) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


class NoLinks(NoRename):
    """exFAT over FUSE, s3fs: no hard links either."""

    def link(self, source: Place, target: Place) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))


of_poor = pytest.mark.parametrize("disk", [NoRename, NoLinks])
of_modes = pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])


def everything(scene: Scene) -> Counter[bytes]:
    """Contents of all files that have the name of a picture."""
    return Counter(p.read_bytes() for top in (scene.source, scene.dest) for p in top.rglob("*.png"))


@pytest.mark.slow
@of_poor
@of_modes
def test_a_sort_killed_on_a_poor_file_system(
    quick_folder: Path, disk: type[StoppingDisk], mode: Mode
) -> None:
    """Nothing is lost at any call, and nothing torn has a final name once it was gone on with."""
    for call in count():
        scene = Scene(quick_folder / f"{call}", quick_folder / f"{call}d")
        ended = in_child(partial(scene.sort, mode, disk(call, torn=call % 2 == 1))) == 0
        assert set(everything(scene)) - {b""} == set(CONTENTS.values())
        scene.sort(mode, disk())
        scene.check_nothing_lost()
        scene.check_sorted(mode)
        scene.undo(disk())
        scene.check_undone()
        if ended:
            print(f"{disk.__name__}: a {mode} killed before each of {call} calls")
            return


@pytest.mark.slow
@of_poor
@of_modes
def test_an_undo_killed_on_a_poor_file_system(
    quick_folder: Path, disk: type[StoppingDisk], mode: Mode
) -> None:
    """Everything is as it was before, times and modes too, once it was gone on with."""
    for call in count():
        scene = Scene(quick_folder / f"{call}", quick_folder / f"{call}d")
        scene.sort(mode, disk())
        ended = in_child(partial(scene.undo, disk(call, torn=call % 2 == 1))) == 0
        assert set(everything(scene)) - {b""} == set(CONTENTS.values())
        with suppress(UsageError):  # it had come to its end
            scene.undo(disk())
        scene.check_undone()
        if ended:
            print(f"{disk.__name__}: the undo of a {mode} killed before each of {call} calls")
            return


@of_poor
def test_read_only_scans_on_a_poor_file_system(unprivileged: Path, disk: type[StoppingDisk]) -> None:
    """They stay, and nothing of them stays in DEST: no second name, no empty file."""
    scans = make_tree(unprivileged / "scans", {"7.png": b"seven", "7b.png": b"b"})
    rows = rows_of(scans)
    scans.chmod(0o555)
    try:
        plan = plan_sort(rows, unprivileged / "sorted", SortOptions(Mode.MOVE))
        delivery = apply_plan(plan, disk=disk())
        assert (len(delivery.done), len(delivery.failed)) == (0, 2)
        assert not (unprivileged / "sorted").exists()
        assert {path.stat().st_nlink for path in scans.iterdir()} == {1}
    finally:
        scans.chmod(0o755)


def test_read_only_scans_killed_between_link_and_removal(unprivileged: Path) -> None:
    """The second name goes with the next run: nothing was moved."""
    scans = make_tree(unprivileged / "scans", {"7.png": b"seven", "7b.png": b"b"})
    rows = rows_of(scans)
    scans.chmod(0o555)

    def move(disk: Disk) -> int:
        """How many are moved by what the command does."""
        with locked(unprivileged / "sorted", disk) as held:
            recover(held, disk)
            plan = plan_sort(rows, unprivileged / "sorted", SortOptions(Mode.MOVE))
            delivery = carry_out(plan, held, disk=disk)
        return len(delivery.done) + len(delivery.same)

    try:
        for call in count():
            ended = in_child(partial(move, NoRename(call))) == 0
            assert move(NoRename()) == 0
            assert list((unprivileged / "sorted").rglob("*.png")) == []
            assert journals(str(unprivileged / "sorted")) == []
            assert {path.stat().st_nlink for path in scans.iterdir()} == {1}
            if ended:
                return
    finally:
        scans.chmod(0o755)


# Second names.


def test_all_names_of_a_file_move_to_another_file_system() -> None:
    """Each is a file of its own there; none is left behind."""
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7a.png": b"seven", "1.png": b"one"})
        for name in ("7b.png", "7c.png", "sub/7d.png"):
            (scans / name).parent.mkdir(exist_ok=True)
            os.link(scans / "7a.png", scans / name)
        before = snapshot(scans)
        delivery = sort(scans, other / "sorted", Mode.MOVE)
        assert (len(delivery.done), delivery.failed) == (5, ())
        assert snapshot(scans) == {}
        assert undo(other / "sorted").left == ()
        assert snapshot(scans) == before


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_file_that_somebody_still_writes_is_not_taken_away(tmp_path: Path) -> None:
    """What is written after the copy was made would go with the source."""
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven", "1.png": b"one"})
        with (scans / "7.png").open("ab") as file:
            if not is_open_for_writing(scans / "7.png"):
                pytest.skip("no leases on this file system")
            delivery = sort(scans, other / "sorted", Mode.MOVE)
            file.write(b" and more")
        assert [reason for _, reason in delivery.failed] == ["another program has it open for writing"]
        assert read_tree(scans) == {"7.png": b"seven and more"}
        assert read_tree(other / "sorted")["1"] == {"1.png": b"one"}
        assert "7" not in read_tree(other / "sorted")


def _vanish(path: Path) -> None:
    path.unlink()


def _become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("happens", [_vanish, _become_a_folder])
@pytest.mark.parametrize("when", [0, 5], ids=["before its turn", "at its turn"])
def test_a_scan_that_goes_while_others_are_linked(
    tmp_path: Path, dest: Path, happens: Callable[[Path], None], when: int
) -> None:
    """It is left and said; the others are linked."""
    scans = make_tree(tmp_path / "scans", {f"7_{n}.png": b"%d" % n for n in range(9)})

    class Meddling(Disk):
        def link(self, source: Place, target: Place) -> None:
            if source.name == f"7_{when}.png":
                happens(scans / "7_5.png")
            super().link(source, target)

    delivery = sort(scans, dest, Mode.HARD, Meddling())
    assert [Path(path).name for path, _ in delivery.failed] == ["7_5.png"]
    assert len(sorted_files(dest)["7"]) == 8
    undo(dest)
    assert not dest.exists()


@pytest.mark.parametrize("error", ["EPERM", "EMLINK"])
def test_a_scan_that_no_hard_link_can_be_made_to(tmp_path: Path, dest: Path, error: str) -> None:
    """A stranger's file, or one with 65,000 names: it is left and said; the others are linked."""
    scans = make_tree(tmp_path / "scans", {f"7_{n}.png": b"%d" % n for n in range(9)})

    class Refusing(Disk):
        def link(self, source: Place, target: Place) -> None:
            if source.name == "7_5.png":
                raise OSError(getattr(errno, error), os.strerror(getattr(errno, error)))
            super().link(source, target)

    delivery = sort(scans, dest, Mode.HARD, Refusing())
    assert [Path(path).name for path, _ in delivery.failed] == ["7_5.png"]
    assert len(sorted_files(dest)["7"]) == 8


# Rights and owners.

ACL_OF_NEW_FILES = bytes.fromhex("02000000 01000600ffffffff 04000000ffffffff 20000000ffffffff")
"""A folder's default ACL, by which only the owner reads and writes what is made in it."""

NAMED_ACL = bytes.fromhex(
    "02000000 01000600ffffffff 0200060039050000 04000400ffffffff 10000600ffffffff 20000000ffffffff"
)
"""One that names a user, which does not fit into a mode."""


@pytest.mark.parametrize("acl", [ACL_OF_NEW_FILES, NAMED_ACL], ids=["by mode", "by name"])
@of_modes
def test_a_default_acl_of_dest_stays_there(acl: bytes, mode: Mode) -> None:
    """Neither a copy has it nor a file that is moved there and comes back."""
    with two_devices() as (one, other, _):
        for here, there in ((one, other), (other, one)):
            scans = make_tree(here / "scans", {"7.png": b"seven"})
            (scans / "7.png").chmod(0o644)
            dest = make_tree(there / "sorted", {"7": {}})
            try:
                os.setxattr(dest / "7", "system.posix_acl_default", acl)
            except OSError:
                pytest.skip("no ACL here")
            before = snapshot(scans)
            sort(scans, dest, mode)
            path = dest / "7" / "7.png"
            assert stat.S_IMODE(path.stat().st_mode) == 0o644
            assert "system.posix_acl_access" not in os.listxattr(path)
            undo(dest)
            assert snapshot(scans) == before
            assert "system.posix_acl_access" not in os.listxattr(scans / "7.png")


def test_a_default_acl_of_the_scans_stays_there_too() -> None:
    """A file that comes back gets the rights that it had, not those of a new one."""
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven"})
        (scans / "7.png").chmod(0o644)
        try:
            os.setxattr(scans, "system.posix_acl_default", NAMED_ACL)
        except OSError:
            pytest.skip("no ACL here")
        before = snapshot(scans)
        sort(scans, other / "sorted", Mode.MOVE)
        undo(other / "sorted")
        assert snapshot(scans) == before
        assert "system.posix_acl_access" not in os.listxattr(scans / "7.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root")
@pytest.mark.parametrize("bits", [0o4755, 0o2755, 0o6711])
@pytest.mark.parametrize("named", [False, True], ids=["unnamed", "named"])
def test_a_copy_by_root_of_a_users_program_is_not_set_uid(
    tmp_path: Path, dest: Path, bits: int, named: bool
) -> None:
    """Or it would be root's program, with what a user wrote into it; at no moment, either."""
    seen = []

    class Watching(Disk):
        def set_mode(self, descriptor: int, mode: int) -> None:
            super().set_mode(descriptor, mode)
            self._see(descriptor)

        def open_unnamed(self, place: Place, mode: int = 0o600) -> int:
            if named:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            descriptor = super().open_unnamed(place, mode)
            self._see(descriptor)
            return descriptor

        def _see(self, descriptor: int) -> None:
            status = os.fstat(descriptor)
            seen.append(status.st_uid == 0 and bool(status.st_mode & 0o6000))

    scans = make_tree(tmp_path / "scans", {"7.png": b"seven"})
    os.chown(scans / "7.png", 1234, 1234)
    (scans / "7.png").chmod(bits)
    sort(scans, dest, Mode.COPY, Watching())
    copy = (dest / "7" / "7.png").stat()
    assert (copy.st_uid, stat.S_IMODE(copy.st_mode)) == (0, bits & 0o777)
    assert not any(seen)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root")
def test_a_users_program_keeps_its_owner_and_bits_when_it_is_moved() -> None:
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven"})
        os.chown(scans / "7.png", 1234, 1234)
        (scans / "7.png").chmod(0o4755)
        sort(scans, other / "sorted", Mode.MOVE)
        for path in (other / "sorted" / "7" / "7.png", scans / "7.png"):
            status = path.stat()
            assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (1234, 0o4755)
            undo(other / "sorted") if path.is_relative_to(other) else None


class RefusesAnAttribute(Disk):
    """Takes all attributes but one."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.given: dict[str, bytes] = {}

    def attributes(self, descriptor: int) -> list[str]:
        return ["user.a", "user.b", "user.c"]

    def attribute(self, descriptor: int, name: str) -> bytes:
        if name == "user.b":
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return name.encode()

    def set_attribute(self, descriptor: int, name: str, value: bytes) -> None:
        if name == "user.a":
            raise OSError(self._number, os.strerror(self._number))
        self.given[name] = value

    def remove_attribute(self, descriptor: int, name: str) -> None:
        raise AssertionError("nothing is to be removed")


@pytest.mark.parametrize(
    "error", ["EPERM", "EOPNOTSUPP", "EINVAL", "EACCES", "ENOSPC", "E2BIG", "ERANGE"]
)
@of_modes
def test_the_attributes_after_a_refused_one_are_kept(error: str, mode: Mode) -> None:
    """One that the target can't have, or has no room for, is not worth the file nor the others."""
    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven"})
        disk = RefusesAnAttribute(getattr(errno, error))
        assert sort(scans, other / "sorted", mode, disk).failed == ()
        assert disk.given == {"user.c": b"user.c"}
        assert (other / "sorted" / "7" / "7.png").read_bytes() == b"seven"


@pytest.mark.parametrize("error", ["EPERM", "EINVAL", "EOVERFLOW", "ENOSYS", "EOPNOTSUPP"])
def test_an_owner_that_can_not_be_given(error: str) -> None:
    """In a user namespace some owners have no number; no set-ID bit stays without its owner."""

    class Unmapped(Disk):
        def set_owner(self, descriptor: int, user: int, group: int) -> None:
            raise OSError(getattr(errno, error), os.strerror(getattr(errno, error)))

    with two_devices() as (one, other, _):
        scans = make_tree(one / "scans", {"7.png": b"seven", "1.png": b"one"})
        if os.geteuid() == 0:
            os.chown(scans / "7.png", 1234, 1234)
            (scans / "7.png").chmod(0o4755)
        assert sort(scans, other / "sorted", Mode.MOVE, Unmapped()).failed == ()
        assert sorted_files(other / "sorted") == {"1": {"1.png": b"one"}, "7": {"7.png": b"seven"}}
        moved = (other / "sorted" / "7" / "7.png").stat()
        assert moved.st_mode & 0o6000 == 0
        assert undo(other / "sorted", disk=Unmapped()).left == ()
        assert read_tree(scans) == {"1.png": b"one", "7.png": b"seven"}
