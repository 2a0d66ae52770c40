"""A true journal that changed on the disk, in any byte or field: it is noticed, and nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import DigitsortError
from digitsort.labels.labels_csv import read_labels
from digitsort.sorting.apply import carry_out
from digitsort.sorting.dest import locked
from digitsort.sorting.journal import FOLDER
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.recover import recover
from digitsort.sorting.undo import undo
from digitsort.sorting.verify import read_manifest, verify
from tests.conftest import make_tree
from tests.sorting.stopping import CHOSEN_MODES
from tests.sorting.stranger import (
    TOKEN,
    QuickDisk,
    contents,
    differences,
    forged,
    quick_folder,
    sha,
    snapshot,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="made of POSIX paths")

DISK = QuickDisk()

CODES = {1, 5, 6}
"""Of errors; 2 would mean that the person did something wrong."""

FILES = {"7.png": b"seven", "a/1.png": b"one", "a/7.png": b"another seven"}


@dataclass(frozen=True, slots=True)
class Place:
    """Scans, and a DEST that was sorted into."""

    top: Path

    @property
    def dest(self) -> Path:
        return self.top / "sorted"

    @property
    def journal(self) -> Path:
        return self.dest / FOLDER / "run-000001.jsonl"

    def sort(self, mode: Mode) -> int:
        """What the command does; its exit code."""
        try:
            with locked(self.dest, DISK) as held:
                recover(held, DISK)
                rows = list(read_labels(self.top / "labels.csv"))
                plan = plan_sort(rows, self.dest, SortOptions(mode, move_from=str(self.top / "scans")))
                delivery = carry_out(plan, held, disk=DISK)
        except DigitsortError as error:
            return _code(error)
        return 1 if delivery.failed or plan.left else 0

    def undo(self, **options: Any) -> int:
        try:
            return 1 if undo(self.dest, disk=DISK, **options).left else 0
        except DigitsortError as error:
            return _code(error)

    def verify(self) -> int:
        try:
            manifest = read_manifest(str(self.dest))
            marks = {str(mark) for mark, _ in verify(self.dest, manifest)}
        except DigitsortError as error:
            return _code(error)
        return 0 if manifest.finished and marks == {"="} else 6


def _code(error: DigitsortError) -> int:
    assert str(error).strip()
    assert int(error.exit_code) in CODES, error
    return int(error.exit_code)


@pytest.fixture
def top() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


STATES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "done": lambda lines: lines,
    "killed": lambda lines: lines[:-1],
    "killed before it was settled": lambda lines: [
        line for line in lines[:-1] if b"settled" not in line
    ],
}


class Bench:
    """A sorted DEST that is made once, and put back after each try."""

    def __init__(self, top: Path, mode: Mode, state: str) -> None:
        self.place = Place(top)
        self.mode = mode
        make_tree(top, {f"scans/{name}": data for name, data in FILES.items()})
        make_tree(top, {"home": {"7.png": b"seven", "empty": {}, "secret": b"secret"}})
        rows = "".join(f"scans/{name},{name[-5]},ok,{sha(data)}\n" for name, data in FILES.items())
        (top / "labels.csv").write_text(f"path,label,status,sha256\n{rows}")
        assert self.place.sort(mode) == 0
        lines = self.place.journal.read_bytes().splitlines(keepends=True)
        self.whole = b"".join(STATES[state](lines))
        self._kept = {path: path.read_bytes() for path in self._files() if path != self.place.journal}
        self._links = {p: os.readlink(p) for p in top.rglob("*") if p.is_symlink()}
        self._folders = {path for path in top.rglob("*") if path.is_dir()}
        self._home = snapshot(top / "home")
        self._contents = contents(top)

    def _files(self) -> list[Path]:
        return [p for p in self.place.top.rglob("*") if p.is_file() and not p.is_symlink()]

    def try_out(self, journal: bytes, act: Callable[[], int]) -> int:
        """Act on a DEST with this journal; return the exit code."""
        self._put_back()
        self.place.journal.write_bytes(journal)
        code = act()
        assert differences(self._home, snapshot(self.place.top / "home")) == []
        after = contents(self.place.top)
        assert set(self._contents) <= set(after), "lost"
        for content, modes in self._contents.items():
            assert after[content] <= modes, "a mode that nobody gave"
        made = {path for path in self.place.top.rglob("*") if path.is_dir()} - self._folders
        assert made <= {self.place.top / "scans", self.place.top / "scans/a"}, "a folder that never was"
        return code

    def _put_back(self) -> None:
        for path in self._files():
            if path not in self._kept:
                path.unlink()
        for path in sorted((p for p in self.place.top.rglob("*") if p.is_dir()), reverse=True):
            if path not in self._folders and not any(path.iterdir()):
                path.rmdir()
        for folder in sorted(self._folders):
            folder.mkdir(exist_ok=True)
        for path, data in self._kept.items():
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
        for path, text in self._links.items():
            if not path.is_symlink():
                path.symlink_to(text)


def _actions(bench: Bench) -> dict[str, Callable[[], int]]:
    place, root = bench.place, bench.place.top / "scans"
    return {
        "sort": lambda: place.sort(bench.mode),
        "undo": place.undo,
        "undo --adopt --root": lambda: place.undo(adopt=True, everything=True, root=root),
        "verify": place.verify,
    }


def _try_all(bench: Bench, mutants: Iterator[tuple[str, bytes]]) -> None:
    """Try each mutant with each command; print how many there were, and how many got through: none."""
    tried, through = 0, []
    codes: dict[int, int] = {}
    for name, mutant in mutants:
        for command, act in _actions(bench).items():
            tried += 1
            try:
                code = bench.try_out(mutant, act)
                codes[code] = codes.get(code, 0) + 1
            except Exception as error:  # noqa: BLE001
                through.append(f"{command}, {name}: {type(error).__name__}: {error}")
    print(
        f"{bench.mode}: {tried} tried, {len(through)} got through; exit codes {sorted(codes.items())}"
    )
    assert tried
    assert not through, "\n".join(through[:20])


def _flipped(
    whole: bytes, bits: tuple[int, ...], start: int, every: int
) -> Iterator[tuple[str, bytes]]:
    for number in range(start, len(whole), every):
        for bit in bits:
            changed = bytes([whole[number] ^ 1 << bit])
            yield f"bit {bit} of byte {number}", whole[:number] + changed + whole[number + 1 :]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_a_flipped_bit_here_and_there_is_found_out(top: Path, mode: Mode, state: str) -> None:
    """Some bytes of a small journal."""
    bench = Bench(top, mode, state)
    _try_all(bench, _flipped(bench.whole, (0,), list(STATES).index(state) * 9, 53))


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mode", CHOSEN_MODES)
@pytest.mark.parametrize("bits", [(0,), (3,), (6,)])
def test_a_flipped_bit_is_found_out(top: Path, mode: Mode, state: str, bits: tuple[int, ...]) -> None:
    """Every byte of a small journal."""
    bench = Bench(top, mode, state)
    _try_all(bench, _flipped(bench.whole, bits, 0, 1))


HOSTILE: list[Any] = ["../../home/7.png", "/etc/passwd", "", "\0", "\ud800", "x" * 5000, None, True, -1]
HOSTILE += [0, 1.5, float("nan"), 10**400, 2**63, 0o4777, [], {}, [[]], {"a": 1}, ["../.."]]


def _replaced(record: Any) -> Iterator[Any]:
    """Yield a record with each value in it, however deep, replaced by each hostile one."""
    for value in HOSTILE:
        yield value
    if isinstance(record, dict):
        for name in record:
            yield {n: v for n, v in record.items() if n != name}
            for value in _replaced(record[name]):
                yield record | {name: value}
    elif isinstance(record, list):
        for number, old in enumerate(record[:2]):
            yield record[:number] + record[number + 1 :]
            for value in _replaced(old):
                yield [*record[:number], value, *record[number + 1 :]]


def _hostile_fields(whole: bytes, every: int, first: int) -> Iterator[tuple[str, bytes]]:
    """Yield journals with one hostile field each, all sealed with the key of a stranger."""
    records = [json.loads(line.rpartition(b"\t")[0]) for line in whole.splitlines()]
    records[0]["token"] = TOKEN
    number = 0
    for place, record in enumerate(records):
        for changed in _replaced(record):
            number += 1
            if number % every == first % every:
                mutant = [*records[:place], changed, *records[place + 1 :]]
                yield f"record {place}: {str(changed)[:300]}", forged(mutant)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_some_hostile_fields_have_no_power(top: Path, mode: Mode, state: str) -> None:
    """A stranger has a true journal, and can seal with a key of their own."""
    bench = Bench(top, mode, state)
    _try_all(bench, _hostile_fields(bench.whole, 37, list(STATES).index(state)))


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mode", CHOSEN_MODES)
def test_hostile_fields_have_no_power(top: Path, mode: Mode, state: str) -> None:
    """All fields of all records, and all hostile values."""
    bench = Bench(top, mode, state)
    _try_all(bench, _hostile_fields(bench.whole, 1, 0))
