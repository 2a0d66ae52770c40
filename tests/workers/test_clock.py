"""A process ends when an item takes too long: by its processor's time, or by the clock on the wall."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digitsort.errors import DigitsortError
from digitsort.workers.worker import Clock
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

HEAD = """
import re, sys, time
from digitsort.workers.worker import Clock
def spin(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
def spin_in_c():
    re.match("(a+)+$", "a" * 60 + "b")
file = open(sys.argv[1], "wb")
"""


def test_a_watchdog_that_can_not_be_started_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("unable to start watchdog thread")

    monkeypatch.setattr(faulthandler, "dump_traceback_later", refuse)
    with (tmp_path / "late").open("wb") as file, pytest.raises(DigitsortError, match="No thread"):
        Clock(1.0, file).tick()


def run(program: str, late: Path) -> tuple[int, bool]:
    """How the process ended, and whether it said that its time was up."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program, str(late)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=300,
    )
    return done.returncode, late.stat().st_size > 0


@pytest.mark.parametrize("work", ["spin_in_c()", "spin(50)"])
def test_one_that_keeps_the_processor_busy_is_ended(tmp_path: Path, work: str) -> None:
    """Also in C, where no handler of Python's gets a turn."""
    program = f"clock = Clock(60, file, processor_s=0.3); clock.tick(); {work}"
    assert run(program, tmp_path / "late") == (-signal.SIGPROF, True)


def test_one_that_waits_is_ended_by_the_wall_clock(tmp_path: Path) -> None:
    program = "clock = Clock(0.5, file, processor_s=50); clock.tick(); time.sleep(50)"
    assert run(program, tmp_path / "late") == (1, True)


def test_each_item_has_its_own_time(tmp_path: Path) -> None:
    """Many short ones take as long as they like, and waiting takes none of the processor's."""
    program = """
clock = Clock(60, file, processor_s=0.6)
for _ in range(20):
    clock.tick()
    spin(0.1)
clock.tick()
time.sleep(1)
clock.stop()
spin(1)
"""
    assert run(program, tmp_path / "late") == (0, False)
