"""The only copy of a file is never removed, whatever links and mounts lie in between.

The first four tests are the ways by which it once was. The others try the kind: each mode, each step
that removes something, and each way in which a person, or a program that removes duplicates, may have
tied the scans and the sorted files together.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from digitsort.files.disk import Disk, Place
from digitsort.sorting.plan import Mode
from tests.conftest import run_digitsort
from tests.sorting.stopping import CHOSEN_MODES, StopsBeforeChanges, in_child, two_devices
from tests.sorting.tying import TIES, TiedScene, bind, mount, real_files

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

NAMES = ("a.png", "b.png", "c.png")

KILLED = """
import os, signal, sys
from digitsort.files.disk import Disk, Place

def killing(count):
    rename, write = Disk.rename_new, Disk.write
    renamed = []
    def counted(self, *places):
        rename(self, *places)
        renamed.append(places)
    def stopped(self, *arguments):
        if len(renamed) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(self, *arguments)
    Disk.rename_new, Disk.write = counted, stopped

killing(int(sys.argv.pop(1)))
from digitsort.cli import main
main()
"""
"""A command that is killed after so many renames, when it wants to write them down."""


def threes(top: Path) -> tuple[Path, Path]:
    """A folder of scans, and a table that calls them all 3."""
    scans = top / "scans"
    scans.mkdir()
    with (top / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label", "status", "sha256"])
        for name in NAMES:
            (scans / name).write_bytes(name.encode())
            sha256 = hashlib.sha256(name.encode()).hexdigest()
            writer.writerow([f"scans/{name}", "3", "ok", sha256])
    return scans, top / "labels.csv"


def be_a_link(path: Path, target: Path) -> None:
    """Put a link in the place of a file, or of an empty folder."""
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    path.symlink_to(target)


def run(
    top: Path, *arguments: str | Path, codes: tuple[int, ...] = (0,), other: Path | None = None
) -> None:
    """Run a command, after which everything is still there, or in another folder."""
    ran = run_digitsort(*arguments)
    files = [*real_files(top), *(real_files(other) if other else ())]
    assert {path.read_bytes() for path in files} >= {name.encode() for name in NAMES}
    assert "Traceback" not in ran.stderr
    assert ran.returncode in codes, ran.stderr


def test_a_killed_move_whose_scans_became_a_link_to_dest(tmp_path: Path) -> None:
    """Way (a): the files at the targets are not sources that still have to be removed."""
    scans, labels = threes(tmp_path)
    command = ["sort", str(labels), str(tmp_path / "sorted"), "--move"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(len(NAMES)), *command], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert list(scans.iterdir()) == []
    be_a_link(scans, tmp_path / "sorted" / "3")
    run(tmp_path, *command, codes=(0, 1))
    run(tmp_path, "undo", tmp_path / "sorted", codes=(0, 1, 2))


def test_scans_that_became_links_to_their_copies(tmp_path: Path) -> None:
    """Way (b): what a link leads to is no second copy."""
    scans, labels = threes(tmp_path)
    run(tmp_path, "sort", labels, tmp_path / "sorted")
    for name in NAMES:
        be_a_link(scans / name, tmp_path / "sorted" / "3" / name)
    run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))


def test_a_folder_of_scans_that_became_a_link_to_the_copies(tmp_path: Path) -> None:
    """Way (c): one link for all of them."""
    scans, labels = threes(tmp_path)
    run(tmp_path, "sort", labels, tmp_path / "sorted")
    for name in NAMES:
        (scans / name).unlink()
    be_a_link(scans, tmp_path / "sorted" / "3")
    run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))


@pytest.mark.parametrize("how", ["link", "mount"])
def test_a_folder_that_was_moved_from_and_became_the_target(tmp_path: Path, how: str) -> None:
    """Way (d): a file at the source by another path is the moved file itself."""
    scans, labels = threes(tmp_path)
    run(tmp_path, "sort", labels, tmp_path / "sorted", "--move")
    if how == "link":
        be_a_link(scans, tmp_path / "sorted" / "3")
        run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))
        return
    with ExitStack() as stack:
        bind(stack, tmp_path / "sorted" / "3", scans)
        run(tmp_path, "undo", tmp_path / "sorted", codes=(1,))


@pytest.mark.parametrize("how", [[], ["--move"]], ids=["copies", "moves"])
def test_an_overlay_of_the_target_over_the_scans(tmp_path: Path, how: list[str]) -> None:
    """With ``xino``, an overlay changes the first bits of each inode's number, and the device too."""
    scans, labels = threes(tmp_path)
    layers = [tmp_path / "upper", tmp_path / "work"]
    for folder in layers:
        folder.mkdir()
    with two_devices() as (_, other, _), ExitStack() as stack:
        run(tmp_path, "sort", labels, other / "sorted", *how, codes=(0,), other=other)
        for path in scans.iterdir():
            path.unlink()
        upper = f"lowerdir={other}/sorted/3,upperdir={layers[0]},workdir={layers[1]},xino=on"
        mount(stack, ["-t", "overlay", "overlay", "-o", upper, str(scans)], scans)
        assert len(list(scans.iterdir())) == len(NAMES)
        run(tmp_path, "undo", other / "sorted", codes=(1,), other=other)
        assert len(list((other / "sorted/3").iterdir())) == len(NAMES)


COMBINATIONS = [
    (mode, across)
    for mode in CHOSEN_MODES
    for across in (False, True)
    if not (mode is Mode.HARD and across)
]
STEPS: dict[str, Callable[[TiedScene], None]] = {
    "undo": TiedScene.undo,
    "undo --all": lambda scene: scene.undo(everything=True),
    "sort again": TiedScene.sort,
}
of_all = pytest.mark.parametrize(
    ("mode", "across"),
    COMBINATIONS,
    ids=[f"{mode.name} {'two' if across else 'one'}" for mode, across in COMBINATIONS],
)


@pytest.fixture
def fresh(quick_folder: Path) -> Iterator[Callable[[Mode, bool], TiedScene]]:
    """Makes scenes, with the scans and DEST on one file system or on two."""
    with ExitStack() as stack:
        number = count()
        tops = {False: (quick_folder, quick_folder)}

        def make(mode: Mode, across: bool) -> TiedScene:
            if across not in tops:
                tops[across] = stack.enter_context(two_devices())[:2]
            one, two = tops[across]
            name = str(next(number))
            return TiedScene(one / name, two / f"{name}d", mode)

        yield make


@of_all
def test_scans_tied_to_sorted_files(
    fresh: Callable[[Mode, bool], TiedScene], mode: Mode, across: bool
) -> None:
    """All contents stay; where something is undone, no path of a scan leads to less than before."""
    cases = 0
    for tie in TIES.values():
        for name, step in STEPS.items():
            scene = fresh(mode, across)
            scene.sort()
            with ExitStack() as stack:
                tie(scene, stack)
                scene.check_all_there()  # or the test itself would lose something
                before = scene.readable()
                step(scene)
                scene.check_all_there()
                if name != "sort again":
                    assert scene.readable().items() >= before.items()
                scene.undo(everything=True)
                scene.check_all_there()
            scene.check_all_there()
            cases += 1
    print(f"{cases} cases, nothing lost")
    assert cases == len(TIES) * len(STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("tie", TIES)
@of_all
def test_scans_tied_to_sorted_files_of_a_killed_run(
    fresh: Callable[[Mode, bool], TiedScene], mode: Mode, across: bool, tie: str
) -> None:
    """Killed before each call; then tied, sorted again and undone."""
    cases = _stopped_everywhere(
        lambda: fresh(mode, across), lambda scene: None, TiedScene.sort, TIES[tie], TiedScene.sort
    )
    print(f"{cases} cases, nothing lost")
    assert cases >= 10


@pytest.mark.slow
@pytest.mark.parametrize("tie", TIES)
@of_all
def test_scans_tied_to_sorted_files_of_a_killed_undo(
    fresh: Callable[[Mode, bool], TiedScene], mode: Mode, across: bool, tie: str
) -> None:
    """Killed before each call; then tied, and undone again."""
    cases = _stopped_everywhere(
        lambda: fresh(mode, across), TiedScene.sort, TiedScene.undo, TIES[tie], TiedScene.undo
    )
    print(f"{cases} cases, nothing lost")
    assert cases >= 10


def _stopped_everywhere(
    fresh: Callable[[], TiedScene],
    prepare: Callable[[TiedScene], None],
    killed: Callable[[TiedScene, Disk], None],
    tie: Callable[[TiedScene, ExitStack], None],
    again: Callable[[TiedScene], None],
) -> int:
    for call in count():
        scene = fresh()
        prepare(scene)
        if in_child(partial(killed, scene, StopsBeforeChanges(call))) == 0:
            return call
        with ExitStack() as stack:
            if os.path.lexists(scene.dest):
                tie(scene, stack)
            scene.check_all_there()
            again(scene)
            scene.check_all_there()
            scene.undo(everything=True)
            scene.check_all_there()
        scene.check_all_there()
        for top in scene.tops:
            shutil.rmtree(top)
    raise AssertionError("it never came to its end")


TIES_WITHIN = [
    (what, tie)
    for what in ("scans and DEST", "within DEST")
    for tie in TIES
    if (what, tie) != ("within DEST", "a folder above is a link")  # DEST itself: it is not empty
]
of_all_ties = pytest.mark.parametrize(("what", "tie"), TIES_WITHIN)


def _corrected(scene: TiedScene, what: str) -> None:
    scene.sort()
    scene.correct()
    scene.look_at(what)


@pytest.mark.slow
@of_all
def test_files_moved_within_dest_and_tied(
    fresh: Callable[[Mode, bool], TiedScene], mode: Mode, across: bool
) -> None:
    """Tied before or after the move within DEST; then sorted again, or undone."""
    cases = 0
    for what, tie in TIES_WITHIN:
        for step in (*STEPS.values(), TiedScene.correct):
            for prepare in (TiedScene.sort, partial(_corrected, what=what)):
                scene = fresh(mode, across)
                prepare(scene)
                with ExitStack() as stack:
                    TIES[tie](scene, stack)
                    scene.check_all_there()
                    step(scene)
                    scene.check_all_there()
                    scene.undo(everything=True)
                    scene.check_all_there()
                scene.check_all_there()
                cases += 1
    print(f"{cases} cases, nothing lost")


def _sorted_and_seen(scene: TiedScene, what: str) -> None:
    scene.sort()
    scene.look_at(what)


@pytest.mark.slow
@of_all_ties
@of_all
def test_files_tied_after_a_killed_move_within_dest(
    fresh: Callable[[Mode, bool], TiedScene], mode: Mode, across: bool, what: str, tie: str
) -> None:
    """Killed before each call; then tied, sorted again and undone."""
    cases = _stopped_everywhere(
        lambda: fresh(mode, across),
        partial(_sorted_and_seen, what=what),
        TiedScene.correct,
        TIES[tie],
        TiedScene.correct,
    )
    print(f"{cases} cases, nothing lost")
    assert cases >= 10


@pytest.mark.slow
@of_all_ties
@of_all
def test_files_tied_after_a_killed_undo_within_dest(
    fresh: Callable[[Mode, bool], TiedScene], mode: Mode, across: bool, what: str, tie: str
) -> None:
    """Killed before each call; then tied, and undone again."""
    cases = _stopped_everywhere(
        lambda: fresh(mode, across),
        partial(_corrected, what=what),
        TiedScene.undo,
        TIES[tie],
        TiedScene.undo,
    )
    print(f"{cases} cases, nothing lost")
    assert cases >= 10


class TiesAfterwards(Disk):
    """A person ties the scans to their copies once these have their names."""

    def __init__(self, scene: TiedScene, *, backwards: bool, fails: bool) -> None:
        self._scene = scene
        self._backwards = backwards
        self._fails = fails
        self._is_done = False

    def sync_file_system(self, place: Place) -> None:
        super().sync_file_system(place)
        if not self._is_done and all(target.exists() for _, target in self._scene.pairs):
            self._is_done = True
            for source, target in self._scene.pairs:
                self._scene.link(*((target, source) if self._backwards else (source, target)))
            if self._fails:
                raise OSError(errno.EIO, os.strerror(errno.EIO), place.path)


@pytest.mark.parametrize("fails", [False, True], ids=["", "then the disk fails"])
@pytest.mark.parametrize("backwards", [False, True], ids=["scans are links", "copies are links"])
def test_scans_tied_to_their_copies_while_they_are_moved(
    fresh: Callable[[Mode, bool], TiedScene], backwards: bool, fails: bool
) -> None:
    """Across file systems: neither a copy nor a scan goes that the other one leads to by then."""
    scene = fresh(Mode.MOVE, True)
    scene.sort(TiesAfterwards(scene, backwards=backwards, fails=fails))
    assert all(pair[backwards].is_symlink() for pair in scene.pairs)
    scene.check_all_there()
    scene.sort()
    scene.undo(everything=True)
    scene.check_all_there()


class TiesAtTheLink(Disk):
    """There is no rename. A person does something once a scan has its second name in DEST."""

    def __init__(self, meddle: Callable[[Path, Path], None]) -> None:
        self._meddle = meddle

    def rename_new(self, source: Place, target: Place) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def link(self, source: Place, target: Place) -> None:
        super().link(source, target)
        if source.path.endswith(".png"):
            self._meddle(Path(source.path), Path(target.path))


MEDDLING: dict[str, Callable[[Path, Path], None]] = {
    "the scan goes": lambda source, target: source.unlink(),
    "the scan is a link": be_a_link,
    "the copy is a link": lambda source, target: be_a_link(target, source),
}


@pytest.mark.parametrize("meddle", MEDDLING.values(), ids=MEDDLING)
def test_scans_tied_to_their_second_names(
    fresh: Callable[[Mode, bool], TiedScene], meddle: Callable[[Path, Path], None]
) -> None:
    scene = fresh(Mode.MOVE, False)
    scene.sort(TiesAtTheLink(meddle))
    scene.check_all_there()
    scene.sort()
    scene.check_all_there()
