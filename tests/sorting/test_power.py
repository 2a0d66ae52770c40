"""A power cut at any moment of a sort, undo or recovery: no file is lost, and all can be finished."""

from __future__ import annotations

import errno
import os
import random
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from digitsort.errors import DigitsortError, OutputError, UsageError
from digitsort.files.disk import Disk, Place
from digitsort.labels.labels_csv import read_labels
from digitsort.sorting.plan import Mode
from digitsort.sorting.sidecars import name_beside
from digitsort.sorting.undo import undo as undo_runs
from digitsort.sorting.verify import Mark, read_manifest, verify
from tests.sorting.power import (
    Data,
    IdleDisk,
    Killed,
    Listing,
    Order,
    RecordingDisk,
    Rename,
    Sync,
    Volume,
)
from tests.sorting.stopping import CONTENTS, LABELS, NamingDisk, Scene, temporary_files, two_devices
from tests.sorting.test_sidecars import SIDECARS, SceneWithSideCars, contents

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no POSIX file system here")

Step = Callable[[Scene, Disk, Mode], None]


class NamingRecordingDisk(RecordingDisk):
    """One whose file system knows no files without a name."""

    open_unnamed = NamingDisk.open_unnamed


class StubbornDisk(RecordingDisk):
    """One where some scans can't be removed."""

    def unlink(self, place: Place) -> None:
        if place.path.endswith(("a/7.png", "b/1.png")):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), place.path)
        super().unlink(place)


class ForgetsFileSystems(RecordingDisk):
    """One that keeps nothing when a file system is synced."""

    def sync_file_system(self, place: Place) -> None:
        pass


class ForgetsFiles(RecordingDisk):
    """One that keeps nothing when a file is synced."""

    def fsync(self, descriptor: int) -> None:
        pass


@dataclass(frozen=True)
class Case:
    """What is done before the power goes.

    Attributes
    ----------
    mode : Mode
    steps : sequence of Step
        The last one is the one that is cut; what the others did may not be durable either.
    is_two : bool
        The scans and DEST lie on two file systems.
    kills : sequence of int
        Changes before which the step before the last one is killed; none if empty.
    disk : type of RecordingDisk
    scene : type of Scene
    """

    mode: Mode
    steps: Sequence[Step]
    is_two: bool = False
    kills: Sequence[int] = ()
    disk: type[RecordingDisk] = RecordingDisk
    scene: type[Scene] = Scene


@dataclass
class Tried:
    """What became of all cuts of a case."""

    counts: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    def add(self, what: str, cut: str, error: Exception) -> None:
        self.counts[what] += 1
        where = traceback.extract_tb(error.__traceback__)[-1]
        self.said.append(f"{what}: {cut}: {type(error).__name__} {error} ({where.line})")


def sort(scene: Scene, disk: Disk, mode: Mode) -> None:
    scene.sort(mode, disk)


def sort_some(scene: Scene, disk: Disk, mode: Mode) -> None:
    """A sort of half of the scans."""
    rows = scene.rows
    scene.rows = rows[:3]
    try:
        scene.sort(mode, disk)
    finally:
        scene.rows = rows


def watch(scene: Scene, disk: Disk, mode: Mode) -> None:
    scene.watch(mode, disk)


def watch_some(scene: Scene, disk: Disk, mode: Mode) -> None:
    """A `watch` that ends; the next one goes on in its journal."""
    rows = scene.rows
    scene.rows = rows[:3]
    try:
        scene.watch(mode, disk)
    finally:
        scene.rows = rows


RELABELLED = {"7.png": "4", "1.png": "1", "twin.png": "5"}
"""Labels of a correction; 1.png stays where it is."""


def correct(scene: Scene, disk: Disk, mode: Mode) -> None:
    """A sort by other labels: what is in DEST moves within it."""
    for number, row in enumerate(scene.rows):
        label = RELABELLED[Path(row.path).name]
        scene.rows[number] = row._replace(label=label, cells={**row.cells, "label": label})
    scene.sort(mode, disk)


def _label_first(scene: Scene, labels: Sequence[str]) -> None:
    for number, label in enumerate(labels):
        row = scene.rows[number]
        scene.rows[number] = row._replace(label=label, cells={**row.cells, "label": label})


def sort_apart(scene: Scene, disk: Disk, mode: Mode) -> None:
    """Two files of one name, and their sidecars, go to different folders."""
    _label_first(scene, ["7", "4"])
    scene.sort(mode, disk)


def swap(scene: Scene, disk: Disk, mode: Mode) -> None:
    """They swap their folders, by way of numbered names."""
    _label_first(scene, ["4", "7"])
    scene.sort(mode, disk)


def undo(scene: Scene, disk: Disk, mode: Mode) -> None:
    scene.undo(disk)


def undo_all(scene: Scene, disk: Disk, mode: Mode) -> None:
    undone = undo_runs(scene.dest, everything=True, disk=disk)
    assert undone.left == ()


class SceneOfSideCars(SceneWithSideCars):
    """One that can tell whether each sidecar lies beside its picture, wherever that is."""

    def check_sorted(self, mode: Mode) -> None:
        """Everything is delivered exactly once, in the books, and nothing temporary is left."""
        found = {name: text.encode() for name, text in contents(self.dest).items()}
        for car, content in SIDECARS.items():
            picture = next(name for name in CONTENTS if name[:-4] == car[: len(name) - 4])
            target = next(name for name, data in found.items() if data == CONTENTS[picture])
            beside = name_beside(target, Path(picture).name, Path(car).name)
            assert found.pop(f"{Path(target).parent}/{beside}", None) == content, car
        assert sorted(found.values()) == sorted(set(CONTENTS.values()))
        assert any((self.source / car).exists() for car in SIDECARS) == (mode is not Mode.MOVE)
        assert len(list(read_labels(self.dest / "labels.csv"))) == len(found)
        manifest = read_manifest(str(self.dest))
        assert manifest.finished
        assert {mark for mark, _ in verify(self.dest, manifest)} == {Mark.SAME}
        assert temporary_files(self.source, self.dest) == []


@contextmanager
def scene_on(is_two: bool, kind: type[Scene] = Scene) -> Iterator[tuple[Scene, Sequence[Path]]]:
    """A scene, in memory where that is possible, and the folders that its two parts lie in."""
    with ExitStack() as stack:
        if is_two:
            one, two, _ = stack.enter_context(two_devices())
        else:
            memory = Path("/dev/shm")
            folder = memory if os.access(memory, os.W_OK) else None
            one = two = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        tops = one / "one", two / "two"
        for top in tops:
            top.mkdir()
        yield kind(*tops), tops


def check_nothing_lost(scene: Scene, mode: Mode) -> None:
    """Every content is whole, under its own name, at its source or (of moves) at its target."""
    for name, content in CONTENTS.items():
        source = scene.source / name
        if source.is_file() and source.read_bytes() == content:
            continue
        assert mode is Mode.MOVE, f"{name} is not whole at its source"
        labels = LABELS[source.name], RELABELLED[source.name]
        found = [path for label in labels for path in (scene.dest / label).glob(f"{source.stem}*")]
        assert content in [path.read_bytes() for path in found], f"{name} is nowhere"
    for name, content in SIDECARS.items() if isinstance(scene, SceneOfSideCars) else ():
        source = scene.source / name
        if not (source.is_file() and source.read_bytes() == content):
            assert mode is Mode.MOVE, f"{name} is not whole at its source"
            found = list(scene.dest.glob(f"*/*{source.suffix}"))
            assert content in [path.read_bytes() for path in found], f"{name} is nowhere"


def finish_sort(scene: Scene, mode: Mode) -> None:
    """Sort until it is done; where it says so, after an undo."""
    for _ in range(2):
        try:
            scene.sort(mode, IdleDisk())
        except OutputError as error:
            if "undo" not in str(error):
                raise
            finish_undo(scene)
        else:
            return
    scene.sort(mode, IdleDisk())


def finish_undo(scene: Scene) -> None:
    with suppress(UsageError):  # there is nothing to undo
        undo_runs(scene.dest, everything=True, disk=IdleDisk())


def check_cut(scene: Scene, write_out: Callable[[], None], mode: Mode, tried: Tried, cut: str) -> None:
    """Look at a tree that a power cut left; then sort again, and undo; in another copy, only undo."""
    write_out()
    tried.counts["cuts"] += 1
    try:
        check_nothing_lost(scene, mode)
    except AssertionError as error:
        tried.add("lost", cut, error)
        return
    try:
        finish_sort(scene, mode)
        check_nothing_lost(scene, mode)
    except (DigitsortError, AssertionError) as error:
        tried.add("stuck, sort", cut, error)
    else:
        try:
            scene.check_sorted(mode)
        except (DigitsortError, AssertionError) as error:
            tried.add("wrong after sort", cut, error)
        try:
            finish_undo(scene)
            scene.check_undone()
        except (DigitsortError, AssertionError) as error:
            tried.add("wrong after sort and undo", cut, error)
    write_out()
    try:
        finish_undo(scene)
        check_nothing_lost(scene, mode)
        finish_undo(scene)
        scene.check_undone()
    except (DigitsortError, AssertionError) as error:
        tried.add("wrong after undo", cut, error)


def cuts(
    volume: Volume, start: int, orders: Sequence[Order], losses: Sequence[float], seed: int
) -> Iterator[tuple[str, Listing]]:
    """Yield trees that differ, each with its name."""
    chance = random.Random(seed)
    seen: set[Listing] = set()
    for end in range(start, len(volume.log) + 1):
        for order in orders:
            for data in Data:
                for loss in losses:
                    listing = volume.cut(order, data, chance, end, loss)
                    if listing not in seen:
                        seen.add(listing)
                        last = volume.log[end - 1][1] if end else "the beginning"
                        yield f"{order}, {data}, {loss}, at {end} after {last!r:.200}", listing


def close_locks(dest: Path) -> None:
    """Close what the end of a process closes: one that is killed for show has its files open."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if os.readlink(link).startswith(str(dest / ".digitsort" / "lock")):
                os.close(int(link.name))


def try_case(case: Case, orders: Sequence[Order], losses: Sequence[float], seed: int = 1) -> Tried:
    """Cut the power everywhere in a case's last step."""
    tried = Tried()
    for kill in case.kills or (None,):
        with scene_on(case.is_two, case.scene) as (scene, tops):
            volume = Volume(tops, case.is_two)
            for step in case.steps[:-1]:
                is_killed = step is case.steps[-2]
                with suppress(Killed):
                    step(scene, case.disk(volume, kill if is_killed else None), case.mode)
                if is_killed:
                    close_locks(scene.dest)
            start = len(volume.log)
            with suppress(UsageError):
                case.steps[-1](scene, case.disk(volume), case.mode)
            for name, listing in cuts(volume, start, orders, losses, seed):
                cut = f"kill {kill}, {name}"
                check_cut(scene, partial(volume.write_out, listing), case.mode, tried, cut)
    return tried


def report(name: str, tried: Tried) -> None:
    bad = {what: tried.counts[what] for what in sorted(tried.counts) if what != "cuts"}
    print(f"{name}: {tried.counts['cuts']} cuts, {bad or '0 lost, 0 twice, 0 stuck'}")
    assert not bad, "\n".join([str(bad), *tried.said[:5]])


MODES = {
    "move": (Mode.MOVE, False),
    "move across": (Mode.MOVE, True),
    "copy": (Mode.COPY, False),
    "copy across": (Mode.COPY, True),
    "hard links": (Mode.HARD, False),
    "symbolic links": (Mode.SYMBOLIC, True),
}

STEPS: dict[str, Sequence[Step]] = {
    "sort": (sort,),
    "undo": (sort, undo),
    "second sort": (sort_some, sort),
    "undo all": (sort_some, sort, undo_all),
}

CORRECTIONS: dict[str, Sequence[Step]] = {
    "correction": (sort, correct),
    "undo of a correction": (sort, correct, undo),
    "undo of both": (sort, correct, undo_all),
    "new scans with a correction": (sort_some, correct),
    "undo of that": (sort_some, correct, undo),
}

LOSSES = {Order.ORDERED: (0.0, 0.5, 1.0), Order.TREE_LOG: (0.0, 0.5, 1.0), Order.ANY: (0.3, 0.7)}


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of five files has several batches."""
    monkeypatch.setattr("digitsort.sorting.batch.BATCH", 2)
    monkeypatch.setattr("digitsort.sorting.undo.BATCH", 2)


@pytest.mark.parametrize("steps", ["sort", "undo"])
def test_a_move_and_its_undo(steps: str) -> None:
    """Every prefix of the changes."""
    tried = try_case(Case(Mode.MOVE, STEPS[steps]), [Order.ORDERED], [0.0])
    report(steps, tried)
    assert tried.counts["cuts"] > 20


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("mode", MODES)
def test_a_cut_everywhere(mode: str, steps: str, order: Order) -> None:
    case = Case(MODES[mode][0], STEPS[steps], MODES[mode][1])
    report(f"{mode}, {steps}, {order}", try_case(case, [order], LOSSES[order]))


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("is_two", [False, True], ids=["one file system", "two file systems"])
def test_copies_under_temporary_names(is_two: bool, order: Order) -> None:
    case = Case(Mode.COPY, (sort,), is_two, disk=NamingRecordingDisk)
    report(f"temporary names, {order}", try_case(case, [order], LOSSES[order]))


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("order", Order)
def test_files_that_cannot_be_moved(order: Order) -> None:
    """Their copies are gone for good before the journal says that they failed."""
    case = Case(Mode.MOVE, (sort,), is_two=True, disk=StubbornDisk)
    report(f"stubborn sources, {order}", try_case(case, [order], LOSSES[order]))


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("steps", CORRECTIONS)
@pytest.mark.parametrize("mode", ["move", "move across", "copy", "hard links", "symbolic links"])
def test_a_cut_of_moves_within_dest(mode: str, steps: str, order: Order) -> None:
    case = Case(MODES[mode][0], CORRECTIONS[steps], MODES[mode][1])
    report(f"{mode}, {steps}, {order}", try_case(case, [order], LOSSES[order]))


WATCHES: dict[str, Sequence[Step]] = {
    "watch": (watch,),
    "second watch": (watch_some, watch),
    "undo of watch": (watch_some, watch, undo_all),
}


@pytest.mark.slow
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("steps", WATCHES)
@pytest.mark.parametrize("mode", ["move", "move across", "copy", "copy across"])
def test_a_cut_of_watch(mode: str, steps: str, order: Order) -> None:
    """Its journal goes on after its end, in the same run and in the next one."""
    case = Case(MODES[mode][0], WATCHES[steps], MODES[mode][1])
    report(f"{mode}, {steps}, {order}", try_case(case, [order], LOSSES[order]))


WITH_SIDECARS = {**{name: STEPS[name] for name in ("sort", "undo")}, **CORRECTIONS}


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("steps", WITH_SIDECARS)
@pytest.mark.parametrize("mode", MODES)
def test_a_cut_of_sidecars(mode: str, steps: str, order: Order) -> None:
    """They are where their pictures are, or can be brought there, and no content is lost."""
    case = Case(MODES[mode][0], WITH_SIDECARS[steps], MODES[mode][1], scene=SceneOfSideCars)
    report(f"sidecars, {mode}, {steps}, {order}", try_case(case, [order], LOSSES[order]))


def test_pictures_are_durable_at_their_new_place_before_sidecars_follow() -> None:
    """A power cut that takes back the renames of pictures takes back those of their sidecars."""
    with scene_on(is_two=False, kind=SceneOfSideCars) as (scene, tops):
        sort(scene, IdleDisk(), Mode.MOVE)
        volume = Volume(tops, is_two=False)
        correct(scene, RecordingDisk(volume), Mode.MOVE)
    changes = [change for _, change in volume.log]
    renames = {c.to_name: n for n, c in enumerate(changes) if isinstance(c, Rename)}
    last = max(number for name, number in renames.items() if name.endswith(".png"))
    first = min(number for name, number in renames.items() if name.endswith(".xmp"))
    assert Sync(None) in changes[last:first]


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_a_swap_killed_anywhere_leaves_sidecars_beside_their_pictures(every: int) -> None:
    """Also between the second renames of a picture and of its sidecar."""
    for kill in range(every // 2, 70, every):
        with scene_on(is_two=False, kind=SceneOfSideCars) as (scene, tops):
            sort_apart(scene, IdleDisk(), Mode.MOVE)
            with suppress(Killed):
                swap(scene, RecordingDisk(Volume(tops, is_two=False), kill), Mode.MOVE)
            close_locks(scene.dest)
            swap(scene, IdleDisk(), Mode.MOVE)
            scene.check_sorted(Mode.MOVE)


SWAPS: dict[str, Sequence[Step]] = {"swap": (sort_apart, swap), "undo": (sort_apart, swap, undo_all)}


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("steps", SWAPS)
@pytest.mark.parametrize("mode", ["move", "copy"])
def test_a_cut_of_a_swap(mode: str, steps: str, order: Order) -> None:
    case = Case(MODES[mode][0], SWAPS[steps], scene=SceneOfSideCars)
    report(f"sidecars, {mode}, {steps}, {order}", try_case(case, [order], LOSSES[order]))


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("mode", ["move", "copy"])
def test_a_cut_of_a_swap_after_a_kill(mode: str) -> None:
    case = Case(MODES[mode][0], (sort_apart, swap, swap), kills=range(2, 60, 9), scene=SceneOfSideCars)
    report(f"{mode}, after a kill of a swap", try_case(case, [Order.ORDERED], [1.0]))


CORRECTIONS_AFTER_A_KILL: dict[str, Sequence[Step]] = {
    "a correction": (sort, correct, correct),
    "a correction, undone": (sort, correct, undo),
    "an undo of a correction": (sort, correct, undo, undo_all),
}


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("steps", CORRECTIONS_AFTER_A_KILL)
@pytest.mark.parametrize("mode", ["move", "copy", "hard links"])
def test_a_cut_of_moves_within_dest_after_a_kill(mode: str, steps: str) -> None:
    case = Case(MODES[mode][0], CORRECTIONS_AFTER_A_KILL[steps], MODES[mode][1], range(2, 40, 5))
    tried = try_case(case, [Order.ORDERED, Order.TREE_LOG], [1.0])
    report(f"{mode}, after a kill of {steps}", tried)


AFTER_A_KILL: dict[str, Sequence[Step]] = {
    "a sort": (sort, sort),
    "a sort, undone": (sort, undo),
    "an undo": (sort, undo, undo),
}


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("steps", AFTER_A_KILL)
@pytest.mark.parametrize("mode", ["move", "move across", "copy", "hard links"])
def test_a_cut_after_a_kill(mode: str, steps: str) -> None:
    """What the killed process did may be lost by the cut as well."""
    kills = range(9, 60, 10) if steps != "an undo" else range(2, 22, 4)
    case = Case(MODES[mode][0], AFTER_A_KILL[steps], MODES[mode][1], kills)
    tried = try_case(case, [Order.ORDERED, Order.TREE_LOG], [1.0])
    report(f"{mode}, after a kill of {steps}", tried)


def test_a_cut_of_an_undo_after_one_that_was_killed_at_its_first_word() -> None:
    """It had marked the journal as begun, but had not synced the mark."""
    case = Case(Mode.MOVE, AFTER_A_KILL["an undo"], is_two=True, kills=[6])
    report("killed at its first word", try_case(case, [Order.ORDERED], [1.0]))


@pytest.mark.slow
@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("mode", ["move", "move across", "copy"])
def test_a_cut_after_a_cut(mode: str) -> None:
    """The power goes again while the next command finds out what there is."""
    tried, chance = Tried(), random.Random(4)
    how, is_two = MODES[mode]
    for steps in ((sort,), (sort, undo)):
        with scene_on(is_two) as (scene, tops):
            volume = Volume(tops, is_two)
            for step in steps:
                step(scene, RecordingDisk(volume), how)
            found = list(cuts(volume, 0, list(Order), [0.5], 4))
            for name, listing in chance.sample(found, 20):
                volume.write_out(listing)
                again = Volume(tops, is_two)
                act = undo_all if chance.random() < 0.5 else sort
                with suppress(DigitsortError):
                    act(scene, RecordingDisk(again), how)
                second = list(cuts(again, 0, list(Order), [0.5], 4))
                for other, tree in chance.sample(second, min(8, len(second))):
                    cut = f"{name}; {act.__name__}; {other}"
                    check_cut(scene, partial(again.write_out, tree), how, tried, cut)
    report(f"{mode}, cut twice", tried)


@pytest.mark.slow
@pytest.mark.parametrize("order", Order)
def test_what_a_person_wrote_outlives_a_cut_of_an_undo(order: Order) -> None:
    """It is in labels.csv, or in the copy that the undo made of it."""
    lost = count = 0
    with scene_on(is_two=False) as (scene, tops):
        scene.sort(Mode.COPY, IdleDisk())
        books = scene.dest / "labels.csv"
        books.write_text(books.read_text().replace(",ok,", ",ok,by hand", 1))
        volume = Volume(tops, is_two=False)
        scene.undo(RecordingDisk(volume))
        for _, listing in cuts(volume, 0, [order], LOSSES[order], 1):
            volume.write_out(listing)
            finish_undo(scene)
            kept = [path.read_text() for path in scene.dest.glob("labels*.csv")]
            lost += not any("by hand" in text for text in kept)
            count += 1
    print(f"{order}: {count} cuts, {lost} lost")
    assert count > 20
    assert lost == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "disk"),
    [
        ("move", ForgetsFiles),
        ("move across", ForgetsFileSystems),
        ("copy", ForgetsFiles),
        ("copy", ForgetsFileSystems),
    ],
)
def test_a_sync_that_is_left_out_is_noticed(mode: str, disk: type[RecordingDisk]) -> None:
    """These tests can fail."""
    case = Case(MODES[mode][0], (sort,), MODES[mode][1], disk=disk)
    tried = try_case(case, list(Order), [0.5])
    bad = {what: count for what, count in tried.counts.items() if what != "cuts"}
    print(f"{mode}, {disk.__name__}: {tried.counts['cuts']} cuts, {bad}")
    assert bad
