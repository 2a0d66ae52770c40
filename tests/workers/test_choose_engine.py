"""The server of worker processes is started early where workers will be wanted, and only there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from digitsort.errors import DigitsortError
from digitsort.workers import server
from digitsort.workers.choose_engine import start_early
from digitsort.workers.engine import FEW_BYTES as FEW_BYTES
from digitsort.workers.engine import FEW_FILES as FEW

pytestmark = pytest.mark.skipif(
    not server.has_server(), reason="there is no server of workers on this system"
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each start of the server."""
    starts: list[bool] = []
    monkeypatch.setattr(server, "start_server", lambda: starts.append(True))
    return starts


def folder_of(where: Path, count: int, size: int = 1) -> Path:
    """Files in a folder and a sub-folder."""
    (where / "sub").mkdir()
    for number in range(count):
        (where / ("sub" if number % 2 else ".") / f"{number}.png").write_bytes(bytes(size))
    return where


@pytest.mark.parametrize(
    ("count", "size", "workers", "expected"),
    [
        (3, 1, None, 0),
        (3, 1, 2, 1),
        (FEW - 1, 1, None, 0),
        (FEW, 1, None, 1),
        (FEW, 1, 0, 0),
        (2, FEW_BYTES // 2, None, 1),
        (2, FEW_BYTES // 2 - 1, None, 0),
    ],
)
def test_a_server_for_many_files_or_workers_that_were_asked_for(
    tmp_path: Path, started: list[bool], count: int, size: int, workers: int | None, expected: int
) -> None:
    start_early([folder_of(tmp_path, count, size)], workers)
    assert len(started) == expected


def test_what_can_not_be_read_is_left_to_the_walk(tmp_path: Path, started: list[bool]) -> None:
    start_early([tmp_path / "nothing", "\0"[:0]], None)
    assert not started


@pytest.mark.parametrize("error", [DigitsortError("no more processes"), OSError("no more files")])
def test_a_server_that_can_not_start_is_left_to_the_command(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Only the command can report it: this happens before there is anything that catches errors."""
    monkeypatch.setattr(server, "start_server", Mock(side_effect=error))
    start_early([], 1)


def test_ctrl_c_while_the_server_loads_is_clean() -> None:
    """The terminal sends it to the server, too, which is busy with its modules at that moment."""
    code = (
        "import time; from digitsort.workers.choose_engine import start_early; start_early([], 1)\n"
        "print('begun', flush=True)\n"
        "try: time.sleep(20)\nexcept KeyboardInterrupt: raise SystemExit(130)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "begun\n"
    time.sleep(0.1)  # numpy alone takes as long
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=300)
    assert (run.returncode, said) == (130, "")
