"""What the process does before its command line is loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitsort.errors import ExitCode
from digitsort.start import foresee
from tests.conftest import run_digitsort


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("classify scans", (["scans"], None)),
        ("classify scans more -q", (["scans", "more"], None)),
        ("classify scans --workers 3", (["scans", "3"], 3)),
        ("classify scans --workers=3", (["scans"], 3)),
        ("classify --workers 0 scans", (["0", "scans"], 0)),
        ("classify scans --workers", (["scans"], None)),
        ("classify scans --workers many", (["scans", "many"], None)),
        ("classify scans --dask local", None),
        ("classify scans --dask=local", None),
        ("classify --help", None),
        ("sort scans sorted", None),
        ("", None),
    ],
)
def test_a_glance_at_the_arguments(
    arguments: str, expected: tuple[list[str], int | None] | None
) -> None:
    assert foresee(arguments.split()) == expected


def test_arguments_that_no_command_takes_are_left_to_the_command(tmp_path: Path) -> None:
    done = run_digitsort("classify", tmp_path, "--workers", "many")
    assert done.returncode == ExitCode.USAGE
    assert "--workers must be a whole number, got many." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("after_s", [0.03, 0.06, 0.09, 0.12])
def test_ctrl_c_while_the_command_line_is_loaded_is_clean(tmp_path: Path, after_s: float) -> None:
    code = (
        "from digitsort.files import signals\n"
        "from digitsort.start import main\n"
        "listen = signals.listen\n"
        "signals.listen = lambda: (listen(), print('begun', flush=True))\n"
        "main()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, "classify", str(tmp_path), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "begun\n"
    time.sleep(after_s)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=300)
    assert "Traceback" not in said
    assert run.returncode == ExitCode.INTERRUPTED
