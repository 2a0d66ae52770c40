"""Real runs, really killed: the finished file is that of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from digitsort import Model, Settings
from digitsort.classification.classify import Line, run_line
from digitsort.images.discover import Walk
from digitsort.labels.labels_csv import Layout
from digitsort.labels.partial import Beginning, labels_file
from digitsort.labels.resume import RunSettings
from tests.conftest import digit_png, invoke, make_tree, run_digitsort
from tests.workers.faults import Noted
from tests.workers.test_processes import members

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

PARTIAL = Path(".labels.csv.partial", "rows")


def scans(folder: Path, count: int) -> None:
    """Digits, broken files and a blank sheet under many names, in several folders."""
    originals = make_tree(
        folder / "0",
        {f"{d}_{e}.png": digit_png(d, example=e) for d in range(10) for e in range(3)}
        | {"broken.png": b"\x89PNG\r\n\x1a\n", "empty.png": b""},
    )
    files = sorted(originals.iterdir())
    for index in range(count - len(files)):
        place = folder / str(index // 200)
        place.mkdir(exist_ok=True)
        (place / f"scan {index}.png").hardlink_to(files[index % len(files)])


def start(cwd: Path, model_file: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "digitsort", "classify", "scans", "-m", str(model_file)]
    return subprocess.Popen(
        [*command, "-q", "--probabilities", *options],
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def undisturbed(cwd: Path, model_file: Path) -> bytes:
    """The file of a run in line."""
    run = start(cwd, model_file, "--workers", "0", "-o", "whole.csv")
    _, said = run.communicate()
    assert run.returncode == 1, said  # some files are broken
    return (cwd / "whole.csv").read_bytes()


def kill_and_resume(cwd: Path, model_file: Path, kills: int, rng: random.Random) -> list[int]:
    """Kill runs after a few more rows each, and let the last one end; gives the rows at each kill."""
    seen = [0]
    while len(seen) <= kills:
        run = start(cwd, model_file, "--resume", "--workers", str(rng.choice([0, 1, 2])))
        enough = seen[-1] + rng.randint(1, 4000)
        while run.poll() is None and size(cwd) < enough:
            time.sleep(0.002)
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        seen.append(size(cwd))
        if run.returncode != -signal.SIGKILL:
            break
    if not (cwd / "labels.csv").exists():
        start(cwd, model_file, "--resume").communicate()
    return seen


def size(cwd: Path) -> int:
    try:
        return (cwd / PARTIAL).stat().st_size
    except OSError:
        return 0


def test_a_file_of_killed_and_resumed_runs_is_that_of_an_undisturbed_one(
    tmp_path: Path, model_file: Path
) -> None:
    scans(tmp_path / "scans", 1500)
    expected = undisturbed(tmp_path, model_file)
    seen = kill_and_resume(tmp_path, model_file, 3, random.Random(1))
    assert max(seen) > 0
    assert expected == (tmp_path / "labels.csv").read_bytes()
    assert {"scans", "whole.csv", "labels.csv"} == set(os.listdir(tmp_path))


@pytest.mark.slow
def test_so_is_one_after_a_hundred_kills(tmp_path: Path, model_file: Path) -> None:
    scans(tmp_path / "scans", 12_000)
    expected = undisturbed(tmp_path, model_file)
    seen = kill_and_resume(tmp_path, model_file, 100, random.Random(2))
    assert len(seen) == 101, "all runs but the last were killed"
    assert len(set(seen)) > 50
    assert expected == (tmp_path / "labels.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
def test_workers_that_are_always_killed_end_the_run_and_blame_no_file(
    tmp_path: Path, model_file: Path
) -> None:
    """From outside, before they begin, ten in a row: all rows are kept, and the run can be resumed."""
    scans(tmp_path / "scans", 1500)
    expected = undisturbed(tmp_path, model_file)
    run = start(tmp_path, model_file, "--workers", "2")
    while run.poll() is None:
        if size(tmp_path) > 20_000:
            kill_children_of_children(run.pid)
    _, said = run.communicate()
    assert run.returncode == 1
    assert "Worker processes die before they begin to work." in said
    assert "Run the same command with --resume to continue." in said
    kept = (tmp_path / PARTIAL).read_bytes()
    assert len(kept) > 20_000
    assert expected.startswith(kept), "no row is an error, or missing"
    run = start(tmp_path, model_file, "--resume", "--workers", "2")
    run.communicate()
    assert expected == (tmp_path / "labels.csv").read_bytes()


def kill_children_of_children(pid: int) -> None:
    """Kill what the server of a run has forked."""
    for server in children(pid):
        for worker in children(server):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Return the children of a process, which may have ended."""
    with suppress(OSError):
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for path in lists for child in path.read_text().split()]
    return []


def test_no_finished_file_is_opened_again(tmp_path: Path, model: Model) -> None:
    """Counted: of the files that have a row, none is read a second time."""
    scans(tmp_path / "scans", 300)
    log = tmp_path / "log"
    line = Line(model, Settings(), Noted(str(log)))
    paths = list(Walk([str(tmp_path / "scans")]).files())
    layout = Layout(str(tmp_path), model.card.short)
    run = RunSettings.of(["scans"], False, "m", "s", "csv")
    rows = 0
    for stop in (50, 120, 210, len(paths)):
        finished = paths[:rows]
        log.write_text("")
        with (
            suppress(KeyError),
            labels_file(tmp_path / "labels.csv", layout, run, beginning=Beginning(resume=True)) as file,
        ):
            known, rest = file.take_up(paths)
            assert [outcome.path for outcome in known] == finished
            for outcome in run_line(line, rest):
                file.write(outcome)
                rows += 1
                if rows == stop < len(paths):
                    raise KeyError
        opened = log.read_text().splitlines()
        assert opened == paths[len(finished) : len(finished) + len(opened)]
    assert rows == len(paths)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_ctrl_c_stops_the_run_and_says_how_to_go_on(
    tmp_path: Path, model_file: Path, workers: str
) -> None:
    scans(tmp_path / "scans", 3000)
    run = start(tmp_path, model_file, "--workers", workers)
    while run.poll() is None and size(tmp_path) < 9000:
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGINT)
    began = time.monotonic()
    _, said = run.communicate()
    assert time.monotonic() - began < 10  # two seconds on a machine that does nothing else
    assert run.returncode == 130, said
    assert " rows. Continue with: digitsort classify " in said
    assert " --resume\n" in said
    assert "Traceback" not in said
    while members(run.pid) and time.monotonic() - began < 10:
        time.sleep(0.05)
    assert members(run.pid) == []


def test_resume_needs_a_file(tmp_path: Path, model_file: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    done = invoke("classify", tmp_path, "-m", model_file, "-o", "-", "--resume")
    assert done.exit_code == 2
    assert "--resume" in done.stderr


def test_another_model_is_not_resumed_with(tmp_path: Path, model_file: Path) -> None:
    """What differs is said."""
    scans(tmp_path / "scans", 3000)
    run = start(tmp_path, model_file)
    while run.poll() is None and size(tmp_path) < 9000:
        time.sleep(0.002)
    run.kill()
    run.communicate()
    done = run_digitsort(
        *(
            "classify",
            "scans",
            "-m",
            model_file,
            "--min-confidence",
            "0.5",
            "--probabilities",
            "--resume",
        ),
        cwd=tmp_path,
    )
    assert done.returncode == 5
    assert "settings: Settings(min_confidence=None" in " ".join(done.stderr.split())
