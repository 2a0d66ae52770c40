"""A full disk, a disk that fails, two runs at once, ten thousand files: seen from outside."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from digitsort.labels.labels_csv import read_labels
from tests.conftest import run_digitsort
from tests.sorting.stopping import snapshot, temporary_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a Unix system")


def make_scans(top: Path, contents: dict[str, bytes]) -> Path:
    """Files below top/scans, and top/labels.csv, which calls them all 7."""
    top.mkdir(parents=True, exist_ok=True)
    with (top / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label", "status", "sha256"])
        for name, content in contents.items():
            path = top / "scans" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            writer.writerow([f"scans/{name}", "7", "ok", hashlib.sha256(content).hexdigest()])
    return top / "labels.csv"


def pngs(top: Path) -> Counter[bytes]:
    """Contents of all pictures below."""
    return Counter(path.read_bytes() for path in top.rglob("*.png"))


@pytest.mark.parametrize("option", ["--copy", "--move"])
def test_a_full_disk(tmp_path: Path, small_disk: Path, option: str) -> None:
    """Sources whole, no half file, exit 5; with room, the same command finishes it."""
    contents = {f"{n // 10}/{n}.png": b"%d" % n * 20_000 for n in range(10, 40)}  # 1.2 MB
    labels = make_scans(tmp_path, contents)
    (small_disk / "filler").write_bytes(bytes(2**19))
    dest = small_disk / "sorted"
    failed = run_digitsort("sort", labels, dest, option)
    assert failed.returncode == 5, failed.stderr
    assert "No space left on device" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert temporary_files(dest) == []
    both = pngs(tmp_path / "scans") + pngs(dest)
    assert set(both) == set(contents.values())
    assert pngs(dest).total() > 0
    if option == "--move":
        assert both.total() == len(contents)
    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    done = run_digitsort("sort", labels, dest, option)
    assert done.returncode == 0, done.stderr
    assert pngs(dest) == Counter(contents.values())
    assert run_digitsort("verify", dest).returncode == 0


@pytest.mark.parametrize("option", [pytest.param("--copy", marks=pytest.mark.slow), "--move"])
def test_a_full_disk_in_a_later_batch(tmp_path: Path, small_disk: Path, option: str) -> None:
    """What the batches before have done is known, and in the books."""
    contents = {f"{n // 100}/{n}.png": b"%d" % n * 20 for n in range(10_000, 12_000)}
    labels = make_scans(tmp_path, contents)
    subprocess.run(["mount", "-o", "remount,size=5m", str(small_disk)], check=True)
    dest = small_disk / "sorted"
    failed = run_digitsort("sort", labels, dest, option)
    assert failed.returncode == 5, failed.stderr
    assert "No space left on device" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert temporary_files(dest) == []
    there = pngs(dest)
    assert there.total() > 500
    both = pngs(tmp_path / "scans") + there
    assert set(both) == set(contents.values())
    if option == "--move":
        assert both.total() == len(contents)
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    done = run_digitsort("sort", labels, dest, option)
    assert done.returncode == 0, done.stderr
    assert pngs(dest) == Counter(contents.values())
    assert run_digitsort("verify", dest).returncode == 0


@pytest.mark.parametrize("option", [pytest.param("--copy", marks=pytest.mark.slow), "--move"])
def test_undo_makes_the_room_that_it_needs(tmp_path: Path, small_disk: Path, option: str) -> None:
    """On the full disk itself: what goes back is what fills it."""
    contents = {f"{n // 100}/{n}.png": b"%d" % n * 20 for n in range(10_000, 12_000)}
    labels = make_scans(tmp_path, contents)
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    dest = small_disk / "sorted"
    assert run_digitsort("sort", labels, dest, option).returncode == 5
    (small_disk / "filler").write_bytes(b"")
    with suppress(OSError), (small_disk / "filler").open("ab", buffering=0) as filler:
        while True:  # not a block is left
            filler.write(bytes(4096))
    assert pngs(dest).total() > 100
    undone = run_digitsort("undo", dest)
    assert undone.returncode == 0, undone.stderr
    assert pngs(tmp_path / "scans") == Counter(contents.values())
    assert not dest.exists()


@pytest.mark.parametrize("option", [pytest.param("--copy", marks=pytest.mark.slow), "--move"])
def test_interrupted_in_a_later_batch(tmp_path: Path, option: str) -> None:
    """Each file is whole in one place, in the books, and can be undone."""
    contents = {f"{n // 100}/{n}.png": b"%d" % n * 20 for n in range(8000)}
    labels = make_scans(tmp_path, contents)
    before = snapshot(tmp_path / "scans")
    dest = tmp_path / "sorted"
    command = [sys.executable, "-m", "digitsort", "sort", str(labels), str(dest), option]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while run.poll() is None and sum(len(os.listdir(folder)) for folder in dest.glob("7")) < 600:
        time.sleep(0.001)
    for _ in range(2):
        os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 130, said
    there = pngs(dest)
    assert 0 < there.total() < 8000
    assert set(pngs(tmp_path / "scans") + there) == set(contents.values())
    paths = sorted(str(path) for path in dest.rglob("*.png"))
    assert sorted(row.path for row in read_labels(dest / "labels.csv")) == paths
    assert run_digitsort("verify", dest).returncode == 0
    assert run_digitsort("undo", dest).returncode == 0
    assert snapshot(tmp_path / "scans") == before


FAULTS = {
    # system call, error, which call of it, across file systems, exit code
    "a write": ("write", "EIO", "30", True, 5),
    "two writes": ("write", "ENOSPC", "60..61", True, 5),
    "a rename": ("renameat2", "EIO", "5+", False, 5),
    "a removal": ("unlinkat", "EACCES", "3", True, 1),
    "the journal's fsync": ("fsync", "EIO", "1+", False, 5),
    "making the batch durable": ("syncfs", "EIO", "1+", True, 5),
    "a folder": ("mkdirat", "EDQUOT", "3+", True, 5),
}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("call", "error", "when", "across", "code"), FAULTS.values(), ids=FAULTS)
def test_a_disk_that_fails(
    tmp_path: Path, call: str, error: str, when: str, across: bool, code: int
) -> None:
    """The system says no from some call on: nothing is lost, and without the fault a rerun ends it."""
    shm = Path("/dev/shm")
    if across and not (shm.is_dir() and shm.stat().st_dev != tmp_path.stat().st_dev):
        pytest.skip("no second file system")
    contents = {f"{n % 5}/{n // 5}.png": b"%d" % n * 50 for n in range(100)}
    labels = make_scans(tmp_path, contents)
    dest = (shm / f"digitsort-test-{os.getpid()}") if across else tmp_path / "sorted"
    digitsort = [sys.executable, "-B", "-m", "digitsort", "sort", str(labels), str(dest), "--move"]
    inject = f"inject={call}:error={error}:when={when}"
    strace = ["strace", "-f", "-q", "-o", str(tmp_path / "trace"), "-e", f"trace={call}", "-e", inject]
    try:
        ran = subprocess.run([*strace, *digitsort], capture_output=True, text=True, check=False)
        if "ptrace" in ran.stderr or "PTRACE" in ran.stderr:
            pytest.skip("no ptrace here")
        assert "INJECTED" in (tmp_path / "trace").read_text()
        assert ran.returncode == code, ran.stderr
        assert "Traceback" not in ran.stderr
        found = pngs(tmp_path / "scans") + pngs(dest)
        assert set(found) == set(contents.values())
        done = run_digitsort("sort", labels, dest, "--move")
        assert done.returncode == 0, done.stderr
        assert pngs(dest) == Counter(contents.values())
        assert pngs(tmp_path / "scans").total() == 0
        assert temporary_files(tmp_path / "scans", dest) == []
        assert run_digitsort("verify", dest).returncode == 0
    finally:
        if across:
            shutil.rmtree(dest, ignore_errors=True)


def test_two_runs_at_once(tmp_path: Path) -> None:
    """A thousand contents with fifty names: one run sorts them, the other says who is at it."""
    contents = {f"{n // 50:02d}/{n % 50}.png": b"%d" % n for n in range(1000)}
    labels = make_scans(tmp_path, contents)
    dest = tmp_path / "sorted"
    command = [sys.executable, "-m", "digitsort", "sort", str(labels), str(dest), "--move"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [(run, run.communicate()[1]) for run in runs]
    codes = [run.returncode for run, _ in ended]
    assert sorted(codes) in ([0, 5], [0, 0])  # one after the other, if one was slow to start
    for run, said in ended:
        if run.returncode == 5:
            other = next(r.pid for r, _ in ended if r is not run)
            assert "is in use by another run" in said
            assert f"process {other} on" in said or "just started" in said
    assert pngs(dest) == Counter(contents.values())
    assert pngs(tmp_path / "scans").total() == 0
    assert run_digitsort("verify", dest).returncode == 0


def test_a_lock_of_a_dead_process_is_no_obstacle(tmp_path: Path) -> None:
    labels = make_scans(tmp_path, {"7.png": b"seven"})
    folder = tmp_path / "sorted" / ".digitsort"
    folder.mkdir(parents=True)
    (folder / "lock").write_bytes(b"")
    (folder / "running").write_text("process 1 on another machine, since yesterday")
    assert run_digitsort("sort", labels, tmp_path / "sorted").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--copy", "--move"])
def test_undo_of_ten_thousand_files(tmp_path: Path, option: str) -> None:
    """The same names, bytes, modes and times as before, and no DEST."""
    contents = {f"{n // 100:03d}/{n % 100}.png": b"%d" % n for n in range(10_000)}
    labels = make_scans(tmp_path, contents)
    for number, path in enumerate(sorted((tmp_path / "scans").rglob("*.png"))):
        path.chmod((0o600, 0o644, 0o400, 0o755)[number % 4])
        os.utime(path, ns=(10**18, 10**18 + number * 1_000_000_007))
    before = snapshot(tmp_path / "scans")
    dest = tmp_path / "sorted"
    assert run_digitsort("sort", labels, dest, option, "-q").returncode == 0
    assert pngs(dest).total() == 10_000
    assert run_digitsort("undo", dest, "-q").returncode == 0
    assert snapshot(tmp_path / "scans") == before
    assert not dest.exists()
