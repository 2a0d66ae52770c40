"""The second process that copies, and copies where files have a name from the beginning."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from digitsort.files.disk import DISK, HAS_UNNAMED_FILES, Disk
from digitsort.labels import read_labels
from digitsort.progress import silent_bytes
from digitsort.sorting import batch, unnamed
from digitsort.sorting.apply import carry_out
from digitsort.sorting.booking import columns_of_books
from digitsort.sorting.helper import Helper
from digitsort.sorting.journal import journals, read_run
from digitsort.sorting.lock import locked
from digitsort.sorting.plan import Mode, SortOptions, plan_sort
from digitsort.sorting.preparing import Preparer, orders_of
from digitsort.sorting.task import Task
from tests.conftest import run_digitsort
from tests.sorting.stopping import snapshot, temporary_files
from tests.sorting.test_disasters import make_scans, pngs

needs_unnamed = pytest.mark.skipif(not HAS_UNNAMED_FILES, reason="one process copies here")

CONTENTS = {f"{n // 100}/{n}.png": b"%d" % n * 50 for n in range(600)}


def tasks(top: Path, *, sha256: str = "") -> list[Task]:
    """A copy of each of the scans below `top`, into four folders."""
    sources = sorted((top / "scans").rglob("*.png"))
    for number in range(4):
        (top / "sorted" / str(number)).mkdir(parents=True)
    return [
        Task(
            n,
            str(source),
            str(top / "sorted" / str(n % 4) / source.name),
            sha256 or hashlib.sha256(source.read_bytes()).hexdigest(),
            "token",
        )
        for n, source in enumerate(sources)
    ]


def started(helper: Helper) -> Helper:
    """It, once it can be given something to do."""
    while not helper._has_started():
        time.sleep(0.01)
    return helper


@needs_unnamed
def test_both_processes_copy(tmp_path: Path) -> None:
    """Every file is there, with its mode and times; half of them were not copied by this process."""
    make_scans(tmp_path, CONTENTS)

    class Counting(Disk):
        named = 0

        def name_unnamed(self, descriptor: int, folder: int, name: str) -> None:
            self.named += 1
            super().name_unnamed(descriptor, folder, name)

    disk = Counting()
    with closing(Helper()) as helper:
        results = started(helper).copy(disk, tasks(tmp_path), [])
    assert (len(results.done), results.failed, results.error) == (600, {}, None)
    copies = {Path(name).name: file for name, file in snapshot(tmp_path / "sorted").items()}
    assert copies == {Path(n).name: file for n, file in snapshot(tmp_path / "scans").items()}
    assert disk.named == 300


@needs_unnamed
def test_what_fails_in_the_second_process_fails_as_in_the_first(tmp_path: Path) -> None:
    make_scans(tmp_path, CONTENTS)
    with closing(Helper()) as helper:
        results = started(helper).copy(DISK, tasks(tmp_path, sha256="ab" * 32), [])
    assert results.done == {}
    assert set(results.failed.values()) == {"changed since it was labelled"}
    assert len(results.failed) == 600
    assert list((tmp_path / "sorted").rglob("*.png")) == []


@needs_unnamed
@pytest.mark.parametrize("after", [0, 150])
def test_where_the_second_process_dies_the_first_does_it_all(tmp_path: Path, after: int) -> None:
    """Also what it had copied is known to be."""
    make_scans(tmp_path, CONTENTS)

    class Killing(Disk):
        """The other one is killed while this one copies."""

        copied = 0

        def open_unnamed(self, folder: int, mode: int = 0o600) -> int:
            self.copied += 1
            if self.copied == after + 1:
                os.kill(helper._process.pid or 0, signal.SIGKILL)
            return super().open_unnamed(folder, mode)

    with closing(Helper()) as helper:
        results = started(helper).copy(Killing(), tasks(tmp_path), [])
        assert (len(results.done), results.failed, results.error) == (600, {}, None)
        make_scans(tmp_path / "more", {"7.png": b"seven"})
        assert len(helper.copy(DISK, tasks(tmp_path / "more"), []).done) == 1
    assert pngs(tmp_path / "sorted") == Counter(CONTENTS.values())


@needs_unnamed
def test_it_ends_early_where_a_person_wants_it_to(tmp_path: Path) -> None:
    """What was pressed while the first process copies ends the second one too."""
    make_scans(tmp_path, CONTENTS)
    pressed: list[int] = []

    class Pressed(Disk):
        def open_unnamed(self, folder: int, mode: int = 0o600) -> int:
            pressed.append(2)
            os.kill(helper._process.pid or 0, signal.SIGINT)  # as a terminal does
            return super().open_unnamed(folder, mode)

    with closing(Helper()) as helper:
        results = started(helper).copy(Pressed(), tasks(tmp_path), pressed)
    assert 0 < len(results.done) < 600
    assert (results.failed, results.error) == ({}, None)
    assert len(list((tmp_path / "sorted").rglob("*.png"))) == len(results.done)


@needs_unnamed
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1])
def test_what_only_the_second_process_was_interrupted_before_is_copied_all_the_same(
    tmp_path: Path, number: signal.Signals
) -> None:
    """A shell starts a command in the background deaf to Ctrl-C; its second process is to be so too."""
    make_scans(tmp_path, CONTENTS)
    with closing(Helper()) as helper:
        os.kill(started(helper)._process.pid or 0, number)
        time.sleep(0.1)  # it has seen it
        results = helper.copy(DISK, tasks(tmp_path), [])
    assert (len(results.done), results.failed, results.error) == (600, {}, None)
    assert pngs(tmp_path / "sorted") == Counter(CONTENTS.values())


@needs_unnamed
def test_what_a_process_that_died_left_half_done_goes(tmp_path: Path) -> None:
    """Where copies have a name from the beginning."""
    from digitsort.sorting.helper import _copy_rest

    make_scans(tmp_path, CONTENTS)
    wanted = tasks(tmp_path)[:3]
    Path(wanted[1].temporary).write_bytes(b"half")
    results = _copy_rest(DISK, wanted, [])
    assert (len(results.done), results.failed) == (3, {})
    assert temporary_files(tmp_path / "sorted") == []


@needs_unnamed
@pytest.mark.parametrize("mode", Mode)
def test_it_prepares_what_this_process_would(tmp_path: Path, mode: Mode) -> None:
    """Files that are gone or changed, names of any bytes and cells of any text included."""
    make_scans(tmp_path, {**CONTENTS, "8.png": b"eight"})
    odd = tmp_path / "scans" / "7,\udcff\n.png"
    odd.write_bytes(b"seven")
    rows = list(read_labels(tmp_path / "labels.csv"))
    (tmp_path / "scans" / "1" / "100.png").unlink()
    (tmp_path / "scans" / "8.png").write_bytes(b"changed")
    cells = {"label": '"8"', "status": "ok", "notes": "\r"}
    rows.append(rows[0]._replace(path=str(odd), sha256="", cells=cells))
    orders = orders_of(plan_sort(rows, tmp_path / "sorted").operations)
    columns = columns_of_books(order.cells for order in orders)
    run = str(tmp_path / "sorted"), mode, columns
    expected = Preparer(DISK, *run).prepare(orders)
    with closing(Helper()) as helper:
        helper.will_prepare(*run)
        assert started(helper).prepare(orders)
        assert helper.prepared(()) == expected
    reasons = {"No such file or directory", "changed since it was labelled"}
    assert {made for made in expected if isinstance(made, str)} == (
        set() if mode is Mode.COPY else reasons
    )


@needs_unnamed
def test_what_a_process_that_died_was_asked_for_is_empty(tmp_path: Path) -> None:
    make_scans(tmp_path, CONTENTS)
    plan = plan_sort(read_labels(tmp_path / "labels.csv"), tmp_path / "sorted")
    with closing(Helper()) as helper:
        helper.will_prepare(plan.dest, Mode.MOVE, ())
        started(helper)
        os.kill(helper._process.pid or 0, signal.SIGKILL)
        helper._process.join()
        assert helper.prepare(orders_of(plan.operations)) in (True, False)
        assert list(helper.prepared(())) == []
        assert not helper.prepare(orders_of(plan.operations))


@needs_unnamed
@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE, Mode.HARD])
@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_a_run_of_many_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode, dies: bool
) -> None:
    """By two processes: the same files, books and journal as by one, also where the second one dies."""
    monkeypatch.setattr(batch, "BATCH", 64)
    monkeypatch.setattr(batch, "PREPARED_BATCH", 64)
    told = []

    def progress(done: int, total: int, size: int) -> None:
        told.append(done)
        if dies and done == 128:
            os.kill(helper._process.pid or 0, signal.SIGKILL)

    trees = []
    with closing(Helper()) as helper:
        for name, second in (("one", None), ("two", started(helper))):
            top = tmp_path / name
            make_scans(top, CONTENTS)
            (top / "scans" / "3" / "333.png").write_bytes(b"changed")
            plan = plan_sort(read_labels(top / "labels.csv"), top / "sorted", SortOptions(mode))
            with locked(top / "sorted") as held:
                delivery = carry_out(plan, held, progress if second else silent_bytes, helper=second)
            assert (len(delivery.done), len(delivery.failed)) == (599, 1)
            run = read_run(journals(plan.dest)[0])
            assert run is not None
            assert (run.settled, run.end) == (len(run.entries), "done")
            delivered = [(Path(e.source).name, e.to, e.sha256, e.size) for e in run.delivered]
            books = (top / "sorted" / "labels.csv").read_text().replace(str(top), "")
            trees.append((pngs(top / "sorted"), pngs(top / "scans"), sorted(delivered), books))
    assert trees[0] == trees[1]
    assert told == [0, *range(64, 600, 64), 600]


TWO_PROCESSES = """
from digitsort.cli import main
from digitsort.sorting import helper
helper.MANY = 1
main()
"""


@pytest.mark.slow
@needs_unnamed
@pytest.mark.parametrize("option", ["--copy", "--move"])
def test_a_run_by_two_processes_killed_at_random(tmp_path: Path, option: str) -> None:
    """The first of them only: the second ends with it; all is whole, and the same command ends it."""
    chance = random.Random(3)
    contents = {f"{n // 1000}/{n}.png": b"%d" % n * 200 for n in range(6000)}
    labels = make_scans(tmp_path, contents)
    kills = 0
    for number in range(12):
        if number and option == "--move":
            labels = make_scans(tmp_path, contents)
        dest = tmp_path / f"sorted{number}"
        command = [sys.executable, "-c", TWO_PROCESSES, "sort", str(labels), str(dest), "-q", option]
        run = subprocess.Popen(command, stderr=subprocess.PIPE)
        most = chance.randrange(1500, 5500)
        while run.poll() is None and sum(len(os.listdir(f)) for f in dest.glob("7")) < most:
            pass
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        run.communicate()
        kills += run.returncode == -signal.SIGKILL
        there = pngs(dest) if option == "--copy" else pngs(dest) + pngs(tmp_path / "scans")
        assert set(there) <= set(contents.values())
        assert option == "--copy" or there == Counter(contents.values())
        assert run_digitsort("sort", labels, dest, "-q", option).returncode == 0
        assert pngs(dest) == Counter(contents.values())
        assert temporary_files(dest) == []
        assert run_digitsort("verify", dest).returncode == 0
    print(f"{kills} kills")
    assert kills > 6


def test_more_folders_than_a_process_may_open(tmp_path: Path) -> None:
    """As by `--keep-folders`, with a folder for each file."""
    from digitsort.sorting.copying import copy_files

    make_scans(tmp_path, CONTENTS)
    alone = [
        replace(task, target=str(tmp_path / "alone" / str(task.number) / "x.png"))
        for task in tasks(tmp_path)
    ]
    for task in alone:
        Path(task.target).parent.mkdir(parents=True)
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        results = copy_files(Disk(), alone, [])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (len(results.done), results.failed, results.error) == (600, {}, None)
    assert pngs(tmp_path / "alone") == Counter(CONTENTS.values())


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR])
def test_a_file_system_without_unnamed_files(tmp_path: Path, number: int) -> None:
    """Copies get a temporary name there."""
    _copies_though(tmp_path, "open_unnamed", OSError(number, os.strerror(number)))


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EXDEV, errno.EPERM])
def test_a_system_that_can_name_no_unnamed_file(tmp_path: Path, number: int) -> None:
    """As one where ``/proc`` is not mounted."""
    _copies_though(tmp_path, "name_unnamed", OSError(number, os.strerror(number)))


def test_a_system_that_knows_no_unnamed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unnamed, "HAS_UNNAMED_FILES", False)
    _copies_though(tmp_path, "open_unnamed", AssertionError("not to be called"))


def _copies_though(tmp_path: Path, call: str, error: BaseException) -> None:
    from digitsort.sorting.copying import copy_files

    make_scans(tmp_path, CONTENTS)

    class Without(Disk):
        calls = 0

        def __getattribute__(self, name: str) -> object:
            if name != call:
                return super().__getattribute__(name)

            def refuse(*_: object) -> None:
                self.calls += 1
                raise error

            return refuse

    disk = Without()
    results = copy_files(disk, tasks(tmp_path), [])
    assert (len(results.done), results.failed, results.error) == (600, {}, None)
    assert pngs(tmp_path / "sorted") == Counter(CONTENTS.values())
    assert temporary_files(tmp_path / "sorted") == []
    assert disk.calls <= 4  # once a folder
