"""Real processes, real deaths."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import DigitsortError, OutputError
from digitsort.workers import processes, server
from digitsort.workers.choose_engine import chosen_engine
from digitsort.workers.engine import Job
from digitsort.workers.loop import Loop
from digitsort.workers.process import Channel
from digitsort.workers.processes import Processes
from digitsort.workers.server import Forked
from tests.conftest import REPOSITORY, digit_png, make_tree
from tests.workers.faults import DiesOnce, DiesSending, HarmedOften, RaisesUnsendable, Unnamed, Upper

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


def results(job: Job, items: Sequence[str], workers: int = 2, limit_s: float = 30.0) -> list[Any]:
    engine = Processes(job, workers, limit_s)
    try:
        loop = Loop(engine, lambda timed_out: "late" if timed_out else "dead", size=7)
        return [result for _, batch in loop.run(items) for result in batch]
    finally:
        engine.close()


def test_results_come_in_order_whatever_the_number_of_workers() -> None:
    items = [f"item {index}" for index in range(300)]
    for workers in (1, 2, 4):
        assert [item.upper() for item in items] == results(Upper(), items, workers)


@pytest.mark.parametrize("poison", ["segfault", "sigkill", "exit"])
def test_an_item_that_kills_its_worker_is_given_up_and_no_other(poison: str) -> None:
    items = [f"item {index}" for index in range(60)]
    items[5] = items[6] = items[40] = poison
    expected = ["dead" if item == poison else item.upper() for item in items]
    assert expected == results(Upper(), items)


@pytest.mark.slow
def test_an_item_that_keeps_the_processor_busy_is_late_long_before_the_wall_clock() -> None:
    """After 5 s of processor time, twice."""
    items = [f"item {index}" for index in range(60)]
    items[5] = "spin"
    expected = ["late" if item == "spin" else item.upper() for item in items]
    assert expected == results(Upper(), items, limit_s=600)


def test_the_guilty_is_found_where_the_job_does_not_say_what_it_has_in_hand() -> None:
    items = [f"item {index}" for index in range(30)]
    items[11] = "exit"
    assert ["DEAD" if i == "exit" else i.upper() for i in items] == [
        "DEAD" if r == "dead" else r for r in results(Unnamed(), items, 1)
    ]


def test_a_worker_that_dies_while_it_sends_is_replaced(tmp_path: Path) -> None:
    """Its parent does not wait for the rest."""
    items = ["half", *(f"item {index}" for index in range(60))]
    assert [item.upper() * 1000 for item in items] == results(DiesSending(str(tmp_path)), items)
    assert (tmp_path / "sent").exists()


def test_an_interrupt_while_workers_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    end, calls = processes._Worker.end, list[bool]()

    def interrupted(worker: processes._Worker, *, at_once: bool) -> None:
        calls.append(at_once)
        if len(calls) == 1:
            raise KeyboardInterrupt
        end(worker, at_once=at_once)

    monkeypatch.setattr(processes._Worker, "end", interrupted)
    with (
        pytest.raises(KeyboardInterrupt),
        chosen_engine(Upper(), bool, ["a", "b"], workers=2) as (engine, items),
    ):
        assert len(list(Loop(engine, bool).run(items))) > 0
    assert calls == [False, True, True]  # one that was interrupted, then each process
    assert list(tmp_path.glob("digitsort-*")) == []


@dataclass(frozen=True)
class Heavy(Upper):
    """A job of some size."""

    data: bytes = bytes(2**17)


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files on which none can grow beyond 64 KiB."""
    resource = pytest.importorskip("resource", reason="no limits on file sizes here")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_no_room_for_temporary_files_is_said(small_disk: Path) -> None:
    with pytest.raises(OutputError, match="No space for the workers' temporary files: File too large"):
        Processes(Heavy(), 2)
    assert list(small_disk.iterdir()) == []


def test_a_temporary_folder_that_was_removed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever cleans up /tmp, when a worker's place is to be taken."""
    monkeypatch.setattr(processes, "_started", dead_process)
    engine = Processes(Upper(), 1)
    shutil.rmtree(engine._folder)
    engine._workers[0]._receiver.join()  # it has seen that the worker is dead
    with pytest.raises(OutputError, match="temporary files: No such file or directory"):
        engine.submit(["a"])
    engine.close()


def dead_process(folder: Path) -> Forked:
    """A worker that could not even be forked: its channel has its end."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return Forked(Channel.over(ours))


def test_workers_that_can_not_be_forked_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of those that take a dead one's place is dead before it is given a batch."""
    monkeypatch.setattr(processes, "_started", dead_process)
    monkeypatch.setattr(processes._Worker, "start_on", refuse)
    engine = Processes(Upper(), 2)
    with pytest.raises(DigitsortError, match="die before they begin to work"):
        list(Loop(engine, bool).run(["a", "b"]))
    engine.close()


def test_a_thread_that_can_not_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(processes, "_started", dead_process)
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(DigitsortError, match="allows no more processes"):
        Processes(Upper(), 2)


def refuse(worker: processes._Worker, items: Sequence[str]) -> None:
    raise processes.WorkerDiedError


def test_a_fork_that_fails_ends_no_other_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be taken for one that its item in hand had killed."""
    pids = iter([1001, 0, 1003])

    def fork(line: socket.socket, worker: socket.socket) -> int:
        if pid := next(pids):
            return pid
        raise BlockingIOError

    ours, theirs = socket.socketpair()
    monkeypatch.setattr(server, "_forked", fork)
    monkeypatch.setattr(os, "waitpid", lambda *_: (0, 0))
    for _ in range(3):
        socket.send_fds(ours, [(1).to_bytes(8, "big")], [theirs.fileno()])
        ours.sendall(b"f")
    ours.close()
    workers: set[int] = set()
    with theirs:
        server._fork_as_asked(theirs, workers, set())
    assert workers == {1001, 1003}


def test_an_item_that_hangs_in_c_is_given_up() -> None:
    items = ["a", "b", "hang", "c"]
    start = time.monotonic()
    assert results(Upper(), items, 1, limit_s=0.5) == ["A", "B", "late", "C"]
    assert time.monotonic() - start < 30  # it sleeps for 60 s


def test_a_worker_that_dies_once_costs_no_item_its_result(tmp_path: Path) -> None:
    items = [f"once {index}" if index % 9 == 0 else f"item {index}" for index in range(40)]
    assert [item.upper() for item in items] == results(DiesOnce(str(tmp_path)), items)


def test_workers_that_the_system_kills_cost_no_item_its_result(tmp_path: Path) -> None:
    """As it does if memory is short, whatever they have in hand."""
    job = HarmedOften(str(tmp_path), 4)
    assert results(job, ["1 sigkill", "2", "3 sigkill"]) == ["1 SIGKILL", "2", "3 SIGKILL"]


def test_a_crash_is_evidence_and_a_kill_is_little(tmp_path: Path) -> None:
    """What the worker's own fault leaves behind tells them apart."""
    items = ["segfault", "sigkill"]
    assert results(HarmedOften(str(tmp_path), 99), items) == ["dead", "dead"]
    assert [(tmp_path / item).stat().st_size for item in items] == [2, 9]


def test_what_a_job_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        results(Upper(), ["a", "raise"])


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken)

    with chosen_engine(Upper(0.002), bool, endless(), workers=2) as (engine, items):
        stream = Loop(engine, bool, size=4).run(items)
        next(stream)
        assert taken <= 4 * engine.window * 8  # sizes double at most
        assert next(stream)


INTERRUPTED = """
import sys, time
from digitsort.workers import processes; from digitsort.workers import server
from digitsort.workers.choose_engine import chosen_engine
from digitsort.workers.loop import Loop
from tests.workers.faults import Upper
if __name__ == "__main__":
    with chosen_engine(Upper(0.05), bool, map(str, range(10**9)), workers=2) as (engine, items):
        for _ in Loop(engine, bool, size=4).run(items):
            print("batch", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    """Nor does its folder, whether it is interrupted or killed; and it is quick about it."""
    script, temporary = tmp_path / "run.py", Path(tempfile.mkdtemp())  # a short path, for a socket
    script.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(temporary.glob("digitsort-*"))
        os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
        start = time.monotonic()
        process.wait(5)
        while members(process.pid) and time.monotonic() - start < 5:
            time.sleep(0.05)
        assert members(process.pid) == []
        assert not list(temporary.glob("digitsort-*"))
    shutil.rmtree(temporary)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are started one by one, as on a system without fork."""
    monkeypatch.setattr(processes, "has_server", lambda: False)


@pytest.mark.usefixtures("no_server")
def test_workers_without_a_server() -> None:
    items = [f"item {index}" for index in range(60)]
    items[5] = items[40] = "sigkill"
    assert ["dead" if item == "sigkill" else item.upper() for item in items] == results(Upper(), items)


@pytest.mark.usefixtures("no_server")
def test_workers_without_a_server_are_ended_at_once() -> None:
    start = time.monotonic()
    engine = Processes(Upper(60.0), 2)
    engine.submit(["a"])
    engine.close(at_once=True)
    assert time.monotonic() - start < 30  # an item takes 60 s


def test_a_server_that_died_is_replaced() -> None:
    server.start_server()
    old = server._server._process
    assert old is not None
    old.kill()
    while old.is_running():
        time.sleep(0.01)
    assert results(Upper(), ["a", "b"]) == ["A", "B"]
    assert server._server._process is not old


def test_an_error_that_can_not_be_sent_is_named() -> None:
    with pytest.raises(RuntimeError, match="UnsendableError: a"):
        results(RaisesUnsendable(), ["a"])


def test_an_interrupt_while_six_workers_start_is_clean_and_quick(
    tmp_path: Path, model_file: Path
) -> None:
    make_tree(tmp_path, {"scans": {f"{number}.png": digit_png(7) for number in range(30)}})
    (folder := tmp_path / "temporary").mkdir()
    options = tmp_path / "scans", "-o", tmp_path / "labels.csv", "--workers", "6", "-m", model_file
    command = [sys.executable, "-m", "digitsort", "classify", *map(str, options)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    run = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    while run.poll() is None and not list(folder.glob("digitsort-*/5")):
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 130
    assert said.startswith("\ndigitsort: interrupted.")
    assert said.count("\n") == 2
    assert not list(folder.iterdir())


def members(group: int) -> list[str]:
    """Command lines of the living processes of a group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[2]) == group and after_name[0] != "Z":
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue  # it ended meanwhile
    return found
