"""A Dask cluster of real processes on loopback; skipped where distributed is not installed."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from digitsort import Model, Settings, classify_files
from digitsort.classification.classify import Line, run_line
from digitsort.errors import ClusterError
from digitsort.images.limits import CRASHED
from digitsort.workers.cluster import Cluster, _give_up
from digitsort.workers.kit import Probe
from digitsort.workers.loop import Loop
from digitsort.workers.process import Channel
from tests.conftest import REPOSITORY, digit_png, invoke, make_tree, run_digitsort
from tests.test_interrupted import members
from tests.workers.faults import Upper, read_poisoned

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals are POSIX"),
    # Dask's own: event loops and sockets that it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore"),
]


def dask(*words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """Start a program of Dask's, as the README says."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def scheduler() -> Iterator[str]:
    """The address of a scheduler without workers."""
    yield from running_scheduler()


def running_scheduler() -> Iterator[str]:
    with running(
        dask("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield found[1]
                return


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End a process and all that it started when the block is done."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


@contextmanager
def worker(scheduler: str, *options: str, cwd: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    words = ("dask_worker", scheduler, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard")
    process = dask(*words, *options, cwd=cwd)
    threading.Thread(target=process.stderr.read, daemon=True).start()  # type: ignore[union-attr]
    with running(process):
        yield process


def scans(folder: Path, count: int) -> list[str]:
    """Paths of digits: a few files under many names."""
    make_tree(folder, {f"{d}_{e}.png": digit_png(d, example=e) for d in range(10) for e in range(3)})
    files = sorted(folder.iterdir())
    for index in range(count - len(files)):
        (folder / f"link {index}.png").hardlink_to(files[index % len(files)])
    return sorted(str(path) for path in folder.iterdir())


def test_outcomes_are_those_without_a_cluster(tmp_path: Path, model: Model) -> None:
    paths = [*scans(tmp_path, 500), str(tmp_path / "gone.png")]
    assert list(classify_files(paths, model)) == list(
        classify_files(paths, model, dask="local", workers=2)
    )


def test_a_running_cluster_writes_the_same_file(
    tmp_path: Path, model_file: Path, scheduler: str
) -> None:
    """Relative paths too, though its workers have another working folder."""
    scans(tmp_path / "scans", 300)
    (tmp_path / "elsewhere").mkdir()
    with worker(scheduler, cwd=tmp_path / "elsewhere"), worker(scheduler, cwd=tmp_path / "elsewhere"):
        for options in (["--workers", "0", "-o", "a.csv"], ["--dask", scheduler, "-o", "b.csv"]):
            done = run_digitsort("classify", "scans", "-m", model_file, "-q", *options, cwd=tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_scheduler_that_does_not_answer_is_a_cluster_error(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitsort.workers.cluster.PATIENCE_S", 1.0)
    scans(tmp_path / "scans", 1)
    command = ("classify", tmp_path / "scans", "-m", model_file, "-o", tmp_path / "l.csv")
    done = invoke(*command, "--dask", "tcp://127.0.0.1:1")
    assert (done.exit_code, done.stdout) == (7, "")
    assert "No Dask scheduler answers at tcp://127.0.0.1:1" in " ".join(done.stderr.split())
    assert os.listdir(tmp_path) == ["scans"]


def test_a_scheduler_without_workers_is_a_cluster_error(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitsort.workers.cluster.PATIENCE_S", 1.0)
    with pytest.raises(ClusterError, match=f"no workers. Start some: dask worker {scheduler}"):
        Cluster(Upper(), bool, scheduler, None, None)


def test_workers_that_do_not_see_the_files_are_refused_before_the_run(
    tmp_path: Path, scheduler: str
) -> None:
    probe = Probe(str(tmp_path / "only here.png"), "ab" * 32)
    with worker(scheduler), pytest.raises(ClusterError, match=r"does not see .*only here\.png"):
        Cluster(Upper(), bool, scheduler, None, probe)


def test_so_are_workers_of_another_version(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitsort.workers.cluster.version", lambda _: "99.0")
    with worker(scheduler), pytest.raises(ClusterError, match=r"runs digitsort .*, not 99\.0"):
        Cluster(Upper(), bool, scheduler, None, None)


def test_a_scheduler_that_goes_away_is_a_cluster_error_and_the_rows_are_kept(
    tmp_path: Path, model_file: Path
) -> None:
    scans(tmp_path / "scans", 20_000)
    process = dask("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    command = [sys.executable, "-m", "digitsort", "classify", "scans", "-m", str(model_file), "-q"]
    with running(process):
        line = next(line for line in process.stderr or () if "Scheduler at:" in line)
        address = line.split()[-1]
        with worker(address):
            run = subprocess.Popen(
                [*command, "--dask", address], cwd=tmp_path, stderr=subprocess.PIPE, text=True
            )
            rows = tmp_path / ".labels.csv.partial" / "rows"
            wait_for(lambda: rows.exists() and rows.stat().st_size > 10_000)
            process.kill()
            _, said = run.communicate(timeout=300)
    assert run.returncode == 7, said
    assert "The Dask scheduler is gone" in said
    assert "--resume" in said
    assert "Traceback" not in said
    assert run_digitsort(*command[3:], "--resume", cwd=tmp_path).returncode == 0


def test_an_item_that_kills_every_worker_is_one_error_row(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # else the tests, with their jobs, are in the working folder
    tree = {f"{i} {'exit' if i == 7 else ''}.png": digit_png(i % 10) for i in range(10)}
    paths = sorted(str(path) for path in make_tree(tmp_path, tree).iterdir())
    line = Line(model, Settings(), read_poisoned)
    outcomes = list(run_line(line, paths, dask="local", workers=2))
    expected = list(classify_files(paths, model))
    assert [o.reason for o in outcomes if "exit" in o.path] == [CRASHED]
    assert [o for o in expected if "exit" not in o.path] == [o for o in outcomes if o.reason != CRASHED]


def test_nothing_of_a_local_cluster_outlives_a_parent_that_was_killed(
    tmp_path: Path, model_file: Path
) -> None:
    """Even while it starts: the parent can't remove the folder any more."""
    scans(tmp_path / "scans", 30)
    (temporary := tmp_path / "temporary").mkdir()
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "digitsort",
            "classify",
            "scans",
            "-m",
            str(model_file),
            "--dask",
            "local",
        ],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: list(temporary.glob("digitsort-*/*")))
    run.kill()
    run.wait()
    wait_for(lambda: not [*members(run.pid), *temporary.iterdir()])


def test_a_local_cluster_that_can_not_start_says_so() -> None:
    ours, theirs = map(Channel.over, socket.socketpair())
    _give_up(theirs)
    assert "did not start within 180 s" in ours.receive()[1]
    ours.close()
    theirs.close()


@contextmanager
def dying_workers(scheduler: str, pause_s: float) -> Iterator[list[int]]:
    """Two workers that their nannies bring back, one of them killed every `pause_s` seconds."""
    kills: list[int] = []
    stop = threading.Event()
    rng = random.Random(5)

    def kill(nannies: list[int]) -> None:
        while not stop.wait(pause_s):
            nanny = rng.choice(nannies)
            for child in children(nanny):
                if "spawn_main" in cmdline(child) or "forkserver" in cmdline(child):
                    try:
                        os.kill(child, signal.SIGKILL)
                        kills.append(child)
                    except ProcessLookupError:
                        continue

    with worker(scheduler, "--nanny") as one, worker(scheduler, "--nanny") as other:
        killer = threading.Thread(target=kill, args=([one.pid, other.pid],))
        killer.start()
        try:
            yield kills
        finally:
            stop.set()
            killer.join()


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_for(happened: Any, patience_s: float = 60) -> None:
    start = time.monotonic()
    while not happened():
        assert time.monotonic() - start < patience_s
        time.sleep(0.05)


def test_workers_may_die_all_the_time(scheduler: str) -> None:
    """The results are those of an undisturbed run; items are slow, so that there is time to die."""
    items = [f"/item {index}" for index in range(2000)]
    with dying_workers(scheduler, 1.5) as kills:
        engine = Cluster(Upper(0.01), bool, scheduler, None, None)
        try:
            loop = Loop(engine, lambda _: "given up", size=64)
            results = [result for _, batch in loop.run(items) for result in batch]
        finally:
            engine.close()
    assert [item.upper() for item in items] == results
    assert len(kills) >= 4
