"""The command killed at random, over and over: no file is lost, and it gets done in the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from digitsort.sorting.journal import journals, read_run
from digitsort.sorting.verify import Mark, read_manifest, verify
from tests.conftest import digit_png
from tests.sorting.stopping import temporary_files, two_devices

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="no SIGKILL here"),
]

KILLS = 200
FILES = 300
FEWEST = 40
"""Left to be moved: with fewer a run is not killed any more, but brings the round to its end."""

SLOW_DISK = """
import time
from digitsort.cli import main
from digitsort.files.disk import Disk

def slowly(call):
    def slow(*arguments):
        time.sleep(0.0005)
        return call(*arguments)
    return slow

Disk.rename_new, Disk.unlink = slowly(Disk.rename_new), slowly(Disk.unlink)
main()
"""
"""The command on a disk, such as a network share, that takes its time: a kill is due to hit a move."""


def make_scans(folder: Path) -> dict[str, bytes]:
    """Distinct pictures."""
    base = [digit_png(digit, side=32) for digit in range(10)]
    contents = {}
    folder.mkdir(exist_ok=True)
    for index in range(FILES):
        name = f"scan_{index}.png"
        path = folder / name
        content = base[index % 10] + b"%d" % index  # a PNG ends with IEND: readers pass the rest over
        path.write_bytes(content)
        contents[name] = content
    return contents


def whole_files(*tops: Path) -> Counter[bytes]:
    """Contents of all files but for journals, books and temporary files."""
    return Counter(
        path.read_bytes()
        for top in tops
        for path in top.rglob("*.png")
        if path.is_file() and ".digitsort" not in path.parts
    )


def phase(dest: Path) -> str:
    """How far the last run was when it was killed."""
    found = journals(str(dest))
    run = read_run(found[0]) if found else None
    if run is None:
        return "before the first file"
    if run.end:
        return "after the end of a run"
    return "moving" if run.entries[run.settled :] or not run.entries else "books"


@pytest.mark.parametrize("across", [False, True], ids=["one file system", "two file systems"])
def test_a_sort_of_a_folder_killed_at_random(across: bool, model_file: Path, tmp_path: Path) -> None:
    """A hundred kills each: nothing is lost at any time, and in the end every file is there once."""
    chance = random.Random(7)
    phases: Counter[str] = Counter()
    with two_devices() as (one, other, name):
        scans, top = one / "scans", other if across else one
        rounds = 0
        while phases.total() < KILLS // 2:
            rounds += 1
            dest = top / f"sorted{rounds}"
            contents = make_scans(scans)
            _kill_until_done(scans, dest, model_file, chance, phases, contents)
            assert temporary_files(scans, dest) == []
            assert whole_files(dest) == Counter(contents.values())
            manifest = read_manifest(str(dest))
            assert {mark for mark, _ in verify(dest, manifest)} == {Mark.SAME}
        print(f"{name if across else 'one file system'}: {dict(phases)}, {rounds} rounds")
    assert phases["moving"] >= 0.8 * phases.total()


def _kill_until_done(
    scans: Path,
    dest: Path,
    model: Path,
    chance: random.Random,
    phases: Counter[str],
    contents: dict[str, bytes],
) -> None:
    command = [sys.executable, "-c", SLOW_DISK, "sort", str(scans), str(dest), "--move", "-q"]
    command += ["-m", str(model), "--workers", "2"]
    while True:
        left = len(os.listdir(scans))
        if left < FEWEST or phases.total() >= KILLS // 2:
            assert subprocess.run(command, check=False).returncode in (0, 4)  # 4: nothing was left
            return
        before = set(journals(str(dest)))
        run = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        _wait_for_moves(run, dest, before)
        _wait_for_progress(run, scans, dest, chance.randrange(1, max(2, 2 * left)))
        with suppress(ProcessLookupError):  # it came to its end meanwhile
            os.killpg(run.pid, signal.SIGKILL)
        _, said = run.communicate()
        assert whole_files(scans, dest).keys() == set(contents.values())
        if run.returncode >= 0:
            assert run.returncode == 0, said
            return
        phases[phase(dest)] += 1


def _wait_for_moves(run: subprocess.Popen[bytes], dest: Path, before: set[str]) -> None:
    """Until the run has a journal of its own: from then on it moves files."""
    folder = dest / ".digitsort"
    while run.poll() is None:
        new = set(journals(str(dest))) - before if folder.is_dir() else ()
        if any(os.path.getsize(path) for path in new):
            return
        time.sleep(0.0005)


def _wait_for_progress(run: subprocess.Popen[bytes], scans: Path, dest: Path, steps: int) -> None:
    """Until so many names came in DEST or went in SOURCE: up to two a file."""

    def done() -> int:
        return sum(len(os.listdir(f)) for f in dest.glob("[0-9_]*")) - len(os.listdir(scans))

    begin = done()
    while run.poll() is None and done() - begin < steps:
        pass
