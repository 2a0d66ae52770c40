"""A folder becomes a link in the midst of a sort or an undo: nothing is touched where it leads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import DigitsortError
from digitsort.files.disk import Disk
from digitsort.labels.labels_csv import read_labels
from digitsort.sorting.apply import carry_out
from digitsort.sorting.dest import locked
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.undo import undo
from tests.sorting.stopping import CHOSEN_MODES
from tests.sorting.stranger import (
    QuickDisk,
    World,
    contents,
    differences,
    new_world,
    quick_folder,
    snapshot,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="made of POSIX paths")

SWAPS = {
    "a folder of DEST": ("sorted/7", "home/7"),
    "a folder of DEST, to more": ("sorted/7", "home"),
    "DEST": ("sorted", "home"),
    "DEST, to one like it": ("sorted", "home/sorted"),
    "DEST/.digitsort": ("sorted/.digitsort", "home/.digitsort"),
    "DEST/.digitsort, to more": ("sorted/.digitsort", "home"),
    "DEST/.digitsort, to the scans": ("sorted/.digitsort", "home/scans"),
    "the source folder": ("own/scans", "home/scans"),
    "the source folder, to more": ("own/scans", "home"),
    "a folder of the source": ("own/scans/a", "home/a"),
    "the source's parent": ("own", "home"),
    "a file of the source": ("own/scans/7.png", "home/7.png"),
    "a file of DEST": ("sorted/7/7.png", "home/7.png"),
    "a folder of DEST to come": ("sorted/8", "home/7"),
    "a file of DEST to come": ("sorted/8/7.png", "home/7.png"),
    "labels.csv": ("sorted/labels.csv", "home/labels.csv"),
    "the lock": ("sorted/.digitsort/lock", "home/lock"),
    "who holds it": ("sorted/.digitsort/running", "home/running"),
    "the journal": ("sorted/.digitsort/run-000001.jsonl", "home/run-000001.jsonl"),
    "the seal": ("sorted/.digitsort/labels.seal", "home/labels.seal"),
}

FEW = (
    "a folder of DEST",
    "DEST",
    "DEST/.digitsort, to more",
    "the source folder",
    "the source's parent",
)


class SwappingDisk(QuickDisk):
    """Puts a link in the place of a file or folder before or right after a call; that is set aside.

    Attributes
    ----------
    calls : int
    """

    def __init__(self, number: int, path: Path, target: Path, *, after: bool = False) -> None:
        self.calls = 0
        self._number, self._after = number, after
        self._path, self._target = path, target

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "calls":
            return found

        def call(*arguments: Any) -> Any:
            is_now = self.calls == self._number
            self.calls += 1
            if is_now and not self._after:
                self._swap()
            result = found(*arguments)
            if is_now and self._after:
                self._swap()
            return result

        return call

    def _swap(self) -> None:
        if os.path.lexists(self._path):
            self._path.rename(_aside(self._path))
        if self._path.parent.is_dir():
            self._path.symlink_to(self._target)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.aside")


def _put_back(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    if os.path.lexists(_aside(path)) and not os.path.lexists(path):
        _aside(path).rename(path)


@pytest.fixture
def top() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def _sort(world: World, mode: Mode, disk: Disk) -> None:
    """What the command does: of a table that names no contents for every other file."""
    rows = [row if number % 2 else row._replace(sha256="") for number, row in enumerate(_rows(world))]
    dest = world.top / "sorted"
    with locked(dest, disk) as held:
        recover(held, disk)
        plan = plan_sort(rows, dest, SortOptions(mode, move_from=str(world.top / "own")))
        carry_out(plan, held, disk=disk)


def _correct(world: World, mode: Mode, disk: Disk) -> None:
    """Sort by another label: 7.png and a/7.png move within DEST."""
    world.table.write_text(world.table.read_text().replace("7.png,7,", "7.png,8,"))
    _sort(world, mode, disk)


def _rows(world: World) -> list[Any]:
    return list(read_labels(world.table)) if world.table.exists() else []


def _undo(world: World, mode: Mode, disk: Disk) -> None:
    undo(world.top / "sorted", disk=disk)


def _undo_of_one(world: World, mode: Mode) -> None:
    _sort(world, mode, QuickDisk())


def _undo_of_a_correction(world: World, mode: Mode) -> None:
    _sort(world, mode, QuickDisk())
    _correct(world, mode, QuickDisk())


def _begin(world: World, mode: Mode) -> None:
    """DEST is there, with a folder for the digits."""
    (world.top / "sorted" / "7").mkdir(parents=True)
    (world.top / "sorted" / "7" / "before.png").write_bytes(b"before")


ACTIONS: dict[str, tuple[Callable[[World, Mode], None], Callable[[World, Mode, Disk], None]]] = {
    "sort": (_begin, _sort),
    "first sort": (lambda world, mode: None, _sort),
    "undo": (_undo_of_one, _undo),
    "correction": (_undo_of_one, _correct),
    "undo of a correction": (_undo_of_a_correction, _undo),
}


def _swap_at(top: Path, action: str, mode: Mode, swap: str, number: int, *, after: bool = False) -> int:
    """Swap before one call, or right after it; return how many calls there were."""
    world = new_world(top)
    prepare, act = ACTIONS[action]
    prepare(world, mode)
    path, target = (world.top / name for name in SWAPS[swap])
    # A hard link of what a link leads to is a further name of it, and changes nothing else.
    linked = mode is Mode.HARD
    home, before = snapshot(world.home, linked=linked), contents(world.top)
    disk = SwappingDisk(number, path, target, after=after)
    with suppress(DigitsortError):
        act(world, mode, disk)
    assert differences(home, snapshot(world.home, linked=linked)) == [], "touched"
    _check(before, contents(world.top))
    _put_back(path)
    for finish in (act, _undo):  # what was left is finished, and taken back
        with suppress(DigitsortError):
            finish(world, mode, QuickDisk())
        assert differences(home, snapshot(world.home, linked=linked)) == [], "touched afterwards"
        _check(before, contents(world.top))
    return disk.calls


def _check(before: dict[bytes, set[int]], after: dict[bytes, set[int]]) -> None:
    assert set(before) <= set(after), "lost"
    for content, modes in before.items():
        assert after[content] <= modes, "a mode that nobody gave"


def _swap_at_each(top: Path, action: str, mode: Mode, swap: str, every: int, first: int = 0) -> int:
    tried, number, calls = 0, first, first + 1
    through = []
    while number < calls:
        try:
            calls = max(calls, _swap_at(top / str(number), action, mode, swap, number))
        except Exception as error:  # noqa: BLE001
            through.append(f"before call {number}: {type(error).__name__}: {error}")
            calls = max(calls, number + every + 1) if number < 400 else 0
        tried += 1
        number += every
    print(f"{action}, {mode}, {swap}: {tried} tried, {len(through)} got through")
    assert not through, "\n".join(through)
    return tried


@pytest.mark.parametrize("swap", FEW)
@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("action", ["sort", "undo"])
def test_a_link_midway_leads_nowhere(top: Path, action: str, mode: Mode, swap: str) -> None:
    """Before some of the calls to the system."""
    _swap_at_each(top, action, mode, swap, 17, FEW.index(swap) * 3)


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_a_dest_that_is_a_link_before_the_plan_leads_nowhere(top: Path, mode: Mode) -> None:
    """The plan would lead elsewhere than to the DEST that is locked; a run did not end then."""
    for number in range(6, 16):
        _swap_at(top / str(number), "sort", mode, "DEST, to one like it", number)


@pytest.mark.parametrize("swap", ["DEST/.digitsort", "DEST/.digitsort, to the scans"])
def test_a_link_before_the_lock_leads_nowhere(top: Path, swap: str) -> None:
    """Right after each of the first calls: what is done by a path alone would show there."""
    for number in range(14):
        _swap_at(top / str(number), "first sort", Mode.COPY, swap, number, after=True)


@pytest.mark.slow
@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_link_before_any_call_leads_nowhere(top: Path, action: str, mode: Mode, swap: str) -> None:
    """Before each of the calls to the system."""
    assert _swap_at_each(top, action, mode, swap, 1) > 1
