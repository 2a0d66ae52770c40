"""A run, and its undo, stopped before every call to the file system: no file is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.files.disk import Disk
from digitsort.sorting.plan import Mode
from digitsort.sorting.undo import undo
from tests.conftest import REPOSITORY
from tests.sorting.stopping import (
    NamingDisk,
    Scene,
    StoppingDisk,
    StopsBeforeChanges,
    in_child,
    two_devices,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

CASES = {
    "move": (Mode.MOVE, False),
    "move across file systems": (Mode.MOVE, True),
    "copy": (Mode.COPY, False),
    "copy under a temporary name": (Mode.COPY, False),
    "hard links": (Mode.HARD, False),
}


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Callable[[bool], Callable[[], Scene]]]:
    """Makes fresh scenes, on one file system or two."""
    with ExitStack() as stack:

        def choose(across: bool) -> Callable[[], Scene]:
            if across:
                one, two, name = stack.enter_context(two_devices())
                print(f"second file system: {name}")
            else:
                one, two = tmp_path / "one", tmp_path / "two"
            counter = iter(range(10**6))

            def fresh() -> Scene:
                number = str(next(counter))
                return Scene(one / number, two / number)

            return fresh

        yield choose


def stop_everywhere(
    fresh: Callable[[], Scene],
    prepare: Callable[[Scene], None],
    act: Callable[[Scene, Disk], None],
    check: Callable[[Scene], None],
    stopping: type[StoppingDisk] = StopsBeforeChanges,
) -> int:
    """Stop `act` before each of its calls, do it again to the end, check; the number of calls."""
    call = 0
    while True:
        for torn in (False, True):
            scene = fresh()
            prepare(scene)
            if in_child(partial(act, scene, stopping(call, torn=torn))) == 0:
                check(scene)
                return call
            scene.check_nothing_lost()
            act(scene, Disk())
            check(scene)
        call += 1


@pytest.mark.parametrize(
    "case", ["move", *(pytest.param(c, marks=pytest.mark.slow) for c in CASES if c != "move")]
)
def test_a_sort_stopped_before_every_call(
    places: Callable[[bool], Callable[[], Scene]], case: str
) -> None:
    """Nothing is lost, a second run finishes it, and an undo brings everything back."""
    mode, across = CASES[case]

    def check(scene: Scene) -> None:
        scene.check_nothing_lost()
        scene.check_sorted(mode)
        scene.undo(Disk())
        scene.check_undone()

    calls = stop_everywhere(
        places(across),
        lambda scene: None,
        lambda scene, disk: scene.sort(mode, disk),
        check,
        NamingDisk if "temporary" in case else StopsBeforeChanges,
    )
    print(f"{case}: stopped before each of {calls} calls")
    assert calls > 20


@pytest.mark.slow
@pytest.mark.parametrize("case", ["move", "move across file systems", "copy"])
def test_a_watch_stopped_before_every_call(
    places: Callable[[bool], Callable[[], Scene]], case: str
) -> None:
    """Also where it goes on in the journal of a run that had ended."""
    mode, across = CASES[case]

    def check(scene: Scene) -> None:
        scene.check_nothing_lost()
        scene.check_sorted(mode)
        undo(scene.dest, everything=True)
        scene.check_undone()

    calls = stop_everywhere(
        places(across), lambda scene: None, lambda scene, disk: scene.watch(mode, disk), check
    )
    print(f"watch, {case}: stopped before each of {calls} calls")
    assert calls > 40


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_undo_stopped_before_every_call(
    places: Callable[[bool], Callable[[], Scene]], case: str
) -> None:
    """Nothing is lost, and a second undo finishes it."""
    mode, across = CASES[case]

    def act(scene: Scene, disk: Disk) -> None:
        with suppress(UsageError):  # there is nothing to undo any more
            scene.undo(disk)

    calls = stop_everywhere(
        places(across), lambda scene: scene.sort(mode, Disk()), act, Scene.check_undone
    )
    print(f"undo of {case}: stopped before each of {calls} calls")
    assert calls > 12


@pytest.mark.slow
@pytest.mark.parametrize("across", [False, True], ids=["one file system", "two file systems"])
def test_double_kills(places: Callable[[bool], Callable[[], Scene]], across: bool) -> None:
    """Killed, and killed once more while the next run finds out what there is."""
    chance = random.Random(20)
    fresh = places(across)
    counting = StoppingDisk()
    fresh().sort(Mode.MOVE, counting)
    total = counting.calls.total()
    kills = rounds = 0
    while kills < 250:
        scene = fresh()
        rounds += 1
        signals = []
        for _ in range(2):
            disk = StoppingDisk(chance.randrange(total), torn=chance.random() < 0.3)
            signals.append(in_child(partial(scene.sort, Mode.MOVE, disk)))
            scene.check_nothing_lost()
        kills += signals == [signal.SIGKILL, signal.SIGKILL]
        scene.sort(Mode.MOVE, Disk())
        scene.check_nothing_lost()
        scene.check_sorted(Mode.MOVE)
        scene.undo(Disk())
        scene.check_undone()
    print(f"{kills} double kills in {rounds} rounds")


SYSTEM_CALLS = {
    # as the system calls them, and what they are in `Disk`
    "renameat2": "rename_new",
    "renameat": "replace",
    "linkat": "link",
    "unlinkat": "unlink",
    "mkdirat": "mkdir",
    "write": "write",
    "fsync": "fsync",
    "syncfs": "sync_file_system",
    "fchmod": "set_mode",
    "utimensat": "set_times",
}

TRACED = """
import json, sys
from pathlib import Path
from digitsort.sorting.plan import Mode
from tests.conftest import REPOSITORY
from tests.sorting.stopping import Scene, StoppingDisk
scene, disk = Scene(Path(sys.argv[1]), Path(sys.argv[2])), StoppingDisk()
print("begin", flush=True)
scene.sort(Mode.MOVE, disk)
scene.undo(disk)
print(json.dumps(disk.calls), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_change_bypasses_what_is_counted() -> None:
    """The system sees as many changes below SOURCE and DEST as `Disk` made: all could be stopped."""
    with two_devices() as (one, other, _):
        trace = one / "trace"
        options = ["-f", "-q", "-y", "-o", str(trace), "-e", f"trace={','.join(SYSTEM_CALLS)}"]
        command = [sys.executable, "-B", "-c", TRACED, str(one / "s"), str(other / "d")]
        ran = subprocess.run(
            ["strace", *options, *command], capture_output=True, text=True, check=False, cwd=REPOSITORY
        )
        if "ptrace" in ran.stderr.lower():
            pytest.skip("no ptrace here")
        counted = json.loads(ran.stdout.splitlines()[-1])
        lines = trace.read_text().split('"begin', 1)[1].splitlines()
        below = [line for line in lines if str(one) in line or str(other) in line]
        # The lock's library asks for a folder that is there: no change.
        changes = [line for line in below if "EEXIST" not in line]
        seen = Counter(SYSTEM_CALLS[line.split("(")[0].split()[-1]] for line in changes)
        seen["rmdir"] = sum("AT_REMOVEDIR" in line for line in changes)
        seen["unlink"] -= seen["rmdir"]
        known = {*SYSTEM_CALLS.values(), "rmdir"}
        assert seen == {name: count for name, count in counted.items() if name in known}
