"""A kill or a power cut at any moment of a cut or its undo: both can be finished."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from digitsort.errors import OutputError
from digitsort.files.disk import Disk
from digitsort.labels.resume import RunSettings
from digitsort.pages.blocks import Block
from digitsort.pages.cut_folder import cut_folder, drop_partial
from digitsort.pages.cut_manifest import (
    has_manifest,
    is_undone,
    partial_of,
    read_cut_manifest,
    uncut,
    verify_cut,
)
from digitsort.pages.cutting import Begun, FoundPage
from tests.conftest import REPOSITORY, run_digitsort
from tests.pages.test_cutting import content, square
from tests.pages_forms import form
from tests.sorting.power import Data, IdleDisk, Killed, Listing, Order, RecordingDisk, Volume
from tests.sorting.test_power import LOSSES, ForgetsFiles, ForgetsFileSystems, close_locks, cuts
from tests.test_interrupted import members

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no POSIX file system here")

FOLDERS = ("cells", "previews")

PAGES = {"a.tif": 2, "b.png": 1, "broken.pdf": 0}
"""Names of files, and the number of their pages; 0 for one that can't be read."""


class CutScene:
    """A folder of pages, a note of a person beside it, and DEST; the cutting itself takes no time."""

    def __init__(self, source: Path, dest: Path) -> None:
        self.source, self.dest = source / "scans", dest / "out"
        self.source.mkdir()
        for name in PAGES:
            (self.source / name).write_bytes(name.encode() * 9)
        (dest / "note.txt").write_text("a person's")
        self.run = RunSettings.of([str(self.source)], False, "", "options", "csv")
        self.others = content(source.parent)

    def cut(self, disk: Disk, *, resume: bool = True) -> None:
        """What the command does."""
        paths = [str(self.source / name) for name in PAGES]
        with cut_folder(self.dest, self.run, FOLDERS, resume=resume, disk=disk) as folder:
            _, files, begun = folder.take_up(paths)
            for page in _found(files, begun):
                folder.add(page)

    def undo(self, disk: Disk) -> None:
        """What the command does."""
        if has_manifest(self.dest) or is_undone(self.dest):
            undone = uncut(read_cut_manifest(self.dest), disk)
            assert undone.left == ()
        if partial_of(self.dest).is_dir():
            drop_partial(self.dest, disk)

    def finish(self) -> None:
        """Cut again; a DEST that is there already is whole."""
        try:
            self.cut(IdleDisk())
        except OutputError as error:
            if "already exists" not in str(error):
                raise

    def check_cut(self) -> None:
        """All pictures are there and whole, in cells.csv and in the manifest; nothing else is."""
        manifest = read_cut_manifest(self.dest)
        assert not manifest.foreign
        assert {mark for mark, _ in verify_cut(manifest)} == {"="}
        with (self.dest / "cells.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        kinds = Counter(row["kind"] for row in rows)
        assert kinds == {"cell": 3, "blank": 3, "error": 1}
        pictures = {row["path"] for row in rows} - {""}
        assert {path for path in manifest.files if path.startswith("cells/")} == pictures
        assert len(manifest.files) == 1 + 3 + 3
        for path in pictures:
            assert (self.dest / path).read_bytes() == b"picture " + path[6:-15].encode() * 99
        assert not partial_of(self.dest).exists()
        self.check_others()

    def check_others(self) -> None:
        """What a person has is as it was."""
        there = content(self.source.parent.parent)
        assert self.others.items() <= there.items()

    def check_undone(self) -> None:
        """All is as it was; of an undo that was killed at its very end an empty folder may stay."""
        with suppress(FileNotFoundError):
            self.dest.rmdir()
        assert content(self.source.parent.parent) == self.others
        assert not self.dest.exists()
        assert not partial_of(self.dest).exists()


def _found(paths: Iterator[str], begun: Begun) -> Iterator[FoundPage]:
    for path in paths:
        name = Path(path).name
        digest = sha256(Path(path).read_bytes()).hexdigest()
        stem = begun.stems.name(path)
        first, begun.skip = begun.skip + 1, 0
        if not PAGES[name]:
            yield FoundPage(0, "broken PDF", digest, source=path, stem=stem)
        for number in range(first, PAGES[name] + 1):
            block, blank = Block((square(2, 3), square(2, 4))), frozenset({(1, 2, 4)})
            picture = b"picture " + f"{stem}_p{number}".encode() * 99
            is_last = number == PAGES[name]
            yield FoundPage(
                *(number, "", digest, (block,), blank),
                pictures=(picture,),
                preview=picture,
                source=path,
                stem=stem,
                is_last=is_last,
            )


Step = Callable[[CutScene, Disk], None]


def _cut(scene: CutScene, disk: Disk) -> None:
    with suppress(OutputError):  # the first run came to its end
        scene.cut(disk)


def _undo(scene: CutScene, disk: Disk) -> None:
    scene.undo(disk)


CASES: dict[str, Sequence[Step]] = {
    "cut": (_cut,),
    "undo": (_cut, _undo),
    "resumed": (_cut, _cut),
    "undo of a killed cut": (_cut, _undo),
    "undo of a killed undo": (_cut, _undo, _undo),
}
"""Steps by name. The step before the last one is killed where the name says so, or is the same."""


@contextmanager
def cut_scene() -> Iterator[tuple[CutScene, Sequence[Path]]]:
    """A scene, in memory where that is possible, and the folders that its two parts lie in."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        tops = Path(folder, "one"), Path(folder, "two")
        for top in tops:
            top.mkdir()
        yield CutScene(*tops), tops


def check_left(scene: CutScene, renew: Callable[[], None], where: str, *, is_cut: bool) -> None:
    """Look at what is left; finish a cut and undo it; in another copy, only undo."""
    try:
        scene.check_others()
        if is_cut:
            if scene.dest.exists():
                assert {mark for mark, _ in verify_cut(read_cut_manifest(scene.dest))} == {"="}
            scene.finish()
            scene.check_cut()
        for _ in range(2):
            scene.undo(IdleDisk())
        scene.check_undone()
        renew()
        for _ in range(2):
            scene.undo(IdleDisk())
        scene.check_undone()
    except (AssertionError, OutputError, OSError) as error:
        raise AssertionError(f"{where}: {error}") from error


def kills_of(case: str, every: int) -> int:
    """Kill a case's last step but one, or its last, before each change; return how often."""
    steps = CASES[case]
    for kill in range(0, 500, every):
        with cut_scene() as (scene, tops):
            volume = Volume(tops, is_two=False)
            for step in steps[:-1]:
                step(scene, RecordingDisk(volume))
            is_killed = False
            try:
                steps[-1](scene, RecordingDisk(volume, kill))
            except Killed:
                is_killed = True
            close_locks(scene.dest)
            left: Listing = volume.cut(Order.ORDERED, Data.WHOLE, random.Random(1), len(volume.log), 0)
            if not is_killed:
                return kill // every
            check_left(
                scene, partial(volume.write_out, left), f"{case}, kill {kill}", is_cut=case == "cut"
            )
    raise AssertionError("it has no end")


@pytest.mark.parametrize(
    ("case", "every"),
    [
        ("cut", 7),
        ("undo", 3),
        pytest.param("cut", 1, marks=pytest.mark.slow),
        pytest.param("undo", 1, marks=pytest.mark.slow),
    ],
)
def test_a_kill_before_any_change(case: str, every: int) -> None:
    count = kills_of(case, every)
    print(f"{case}: {count} kills")
    assert count > 15 / every


def power_cuts(
    case: str,
    order: Order,
    losses: Sequence[float],
    kills: Sequence[int | None] = (None,),
    last: type[RecordingDisk] = RecordingDisk,
) -> int:
    """Cut the power everywhere in a case's last step, on a disk of its own; return how often."""
    steps, count = CASES[case], 0
    for kill in kills:
        with cut_scene() as (scene, tops):
            volume = Volume(tops, is_two=False)
            for step in steps[:-1]:
                with suppress(Killed):
                    step(scene, RecordingDisk(volume, kill if step is steps[-2] else None))
            start = len(volume.log)
            steps[-1](scene, last(volume))
            for name, listing in cuts(volume, start, [order], losses, 1):
                renew = partial(volume.write_out, listing)
                renew()
                count += 1
                where = f"{case}, kill {kill}, {name}"
                check_left(scene, renew, where, is_cut=case in ("cut", "resumed"))
    return count


def test_a_power_cut_of_a_cut_and_its_undo() -> None:
    """A selection of the slow ones."""
    assert power_cuts("undo", Order.ANY, [0.5]) > 10


@pytest.mark.slow
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("case", CASES)
def test_a_power_cut_anywhere(case: str, order: Order) -> None:
    kills = range(5, 60, 18) if "killed" in case or case == "resumed" else [None]
    count = power_cuts(case, order, LOSSES[order], kills)
    print(f"{case}, {order}: {count} cuts")
    assert count > 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "last"),
    [("cut", ForgetsFiles), ("cut", ForgetsFileSystems), ("undo", ForgetsFileSystems)],
)
def test_a_sync_that_is_left_out_is_noticed(case: str, last: type[RecordingDisk]) -> None:
    """These tests can fail."""
    with pytest.raises(AssertionError, match="kill None"):
        power_cuts(case, Order.ANY, [0.3, 0.7], last=last)


KILLED = """
import sys
from digitsort.pages import cut_folder
from tests.sorting.stopping import StopsBeforeChanges
options = cut_folder.cut_folder.__wrapped__.__kwdefaults__
options["disk"] = StopsBeforeChanges(int(sys.argv.pop(1)))
from digitsort.start import main
sys.exit(main())
"""
"""The command, killed before a change."""


@pytest.mark.slow
def test_a_command_with_workers_is_killed(tmp_path: Path) -> None:
    """The same command with --resume makes the same folder; no worker goes on alone."""
    (tmp_path / "pages").mkdir()
    for number in range(3):
        form().rotate(number, fillcolor=245).save(tmp_path / "pages" / f"{number}.png")
    command = ["cut", "pages", "out", "--preview", "--workers", "2"]
    assert run_digitsort(*command, cwd=tmp_path).returncode == 0
    whole = content(tmp_path / "out")
    assert run_digitsort("undo", "out", cwd=tmp_path).returncode == 0
    killed = 0
    for change in (9, 25):
        words = [sys.executable, "-c", KILLED, str(change), *command]
        where = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        process = subprocess.Popen(words, cwd=tmp_path, env=where, start_new_session=True)
        killed += process.wait() == -signal.SIGKILL
        for _ in range(500):
            if not list(members(process.pid)):
                break
            time.sleep(0.02)
        assert list(members(process.pid)) == []
        again = run_digitsort(*command, "--resume", cwd=tmp_path)
        assert again.returncode == 0 or "already exists" in again.stderr
        assert content(tmp_path / "out") == whole
        assert run_digitsort("undo", "out", cwd=tmp_path).returncode == 0
        assert os.listdir(tmp_path) == ["pages"]
    assert killed == 2
