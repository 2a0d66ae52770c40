"""Ctrl-C, pressed twice, in the middle of a sort: every copy is whole and in the books."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitsort.labels.labels_csv import read_labels

COUNT = 3000


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to a process on Windows")
@pytest.mark.parametrize("round_", range(3))
def test_interrupted_twice(tmp_path: Path, round_: int) -> None:
    scans, dest = tmp_path / "scans", tmp_path / "sorted"
    scans.mkdir()
    for number in range(COUNT):
        (scans / f"{number}.png").write_bytes(b"content %d" % number)
    rows = "".join(f"scans/{n}.png,{n % 10},ok\n" for n in range(COUNT))
    (tmp_path / "labels.csv").write_text("path,label,status\n" + rows)
    command = [sys.executable, "-m", "digitsort", "sort", "labels.csv", "sorted"]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while run.poll() is None and len(list(dest.glob("*/*.png"))) < 20 * (round_ + 1):
        time.sleep(0.005)
    for _ in range(2):
        run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 130, said
    copied = sorted(str(path) for path in dest.glob("*/*.png"))
    assert 0 < len(copied) < COUNT
    assert sorted(row.path for row in read_labels(dest / "labels.csv")) == copied
    assert list(tmp_path.rglob("*.tmp")) == []
    for path in copied:
        assert Path(path).read_bytes() == (scans / Path(path).name).read_bytes()
